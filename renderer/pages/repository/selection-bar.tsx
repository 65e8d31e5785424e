import { useEffect, useState } from 'react';
import { isAppError } from '../../../registry/spec/errors.ts';
import { formatBytes, formatCount, formatExactBytes, formatPlural } from '../../format.ts';
import { problemOf } from '../../messages.ts';
import { Button } from '../../parts/button.tsx';
import { copyText } from '../../parts/copy.tsx';
import { useAddress } from '../../state/address.ts';
import { useAsk } from '../../state/calls.ts';
import { navigate } from '../../route.ts';
import { openExport } from '../transfer/open-transfer.tsx';
import { openAddTag } from './open-dialogs.tsx';
import { type DeletionPlan, partsOf, sumOf } from './plan-deletion.ts';
import styles from './repository.module.css';
import { useHeight } from '../../parts/use-height.ts';
import type { Selection } from './use-selection.ts';
import type { TagActs } from './use-tag-acts.tsx';

const calmMs = 200;
/** Each is a rule of its own; a pattern does it for more. */
const mostProtected = 100;
/** As many as one export takes by name; of a whole repository the menu takes more. */
const mostExported = 1000;

/** What is selected, what deleting it would free, and what can be done with all of it. */
export function SelectionBar({
  repository,
  selection,
  acts,
  version,
}: {
  readonly repository: string;
  readonly selection: Selection;
  readonly acts: TagActs;
  /** Another number where the tags may have changed. */
  readonly version: number;
}) {
  const { selected, clear } = selection;
  const tags = [...selected];
  const address = useAddress();
  const { plan, error } = usePlan(repository, selection, version);
  const digests = new Set(tags.slice(0, 1000).map((tag) => selection.digestOf(tag)));
  const [digest] = digests;
  const [a = '', b = ''] = tags;
  const bar = useHeight('foot');
  const isRefused = acts.refusal !== undefined;

  return (
    <div ref={bar} role="toolbar" aria-label="Selected tags" className={styles['selection']}>
      <strong>{formatCount(selected.size)} selected</strong>
      <span role="status" aria-live="polite" className={styles['plan']}>
        {acts.refusal !== undefined && `${acts.refusal}. `}
        {error === undefined ? plan !== undefined && <PlanText plan={plan} /> : problemOf(error).title}
      </span>
      <div className={styles['acts']}>
        <Button
          onPress={() =>
            void copyText(
              tags.map((tag) => `${address}/${repository}:${tag}`).join('\n'),
              `${formatPlural(tags.length, 'reference')} copied`,
            )
          }
        >
          Copy
        </Button>
        {digests.size === 1 && digest !== undefined && (
          <Button isDisabled={isRefused} onPress={() => openAddTag({ repository, digest })}>
            Add tag
          </Button>
        )}
        {tags.length === 2 && (
          <Button onPress={() => navigate({ page: 'compare', repository, a, b })}>Compare</Button>
        )}
        {tags.length <= mostExported && (
          <Button onPress={() => openExport(tags.map((tag) => `${repository}:${tag}`))}>Export…</Button>
        )}
        {tags.length <= mostProtected && <Button onPress={() => void acts.protect(tags)}>Protect</Button>}
        <Button
          look="danger"
          isDisabled={isRefused || plan?.tags === 0}
          onPress={() => void acts.deleteTags(tags, plan).then((isDone) => isDone && clear())}
        >
          Delete {formatPlural(plan?.tags ?? tags.length, 'tag')}
        </Button>
        <Button look="quiet" onPress={clear}>
          Clear
        </Button>
      </div>
    </div>
  );
}

function PlanText({ plan }: { readonly plan: DeletionPlan }) {
  const { digests, freedBytes, isExact, protectedTags } = plan;
  return (
    <span title={formatExactBytes(freedBytes)}>
      {formatPlural(digests, 'exclusive digest')}, frees {isExact ? '' : 'at least '}
      {formatBytes(freedBytes)}
      {protectedTags > 0 && `; ${formatCount(protectedTags)} protected`}
    </span>
  );
}

/** What deleting the selected tags would do, asked for once they have not changed for a moment. */
function usePlan(
  repository: string,
  { selected, digestOf, prune }: Selection,
  version: number,
): { readonly plan?: DeletionPlan; readonly error?: unknown } {
  const ask = useAsk();
  const [state, setState] = useState<{
    readonly of?: ReadonlySet<string>;
    readonly plan?: DeletionPlan;
    readonly error?: unknown;
  }>({});

  useEffect(() => {
    const ending = new AbortController();
    const timer = setTimeout(() => {
      void (async () => {
        try {
          const parts = [];
          for (const tags of partsOf([...selected], digestOf))
            parts.push(await ask('tags.plan', { repository, tags: [...tags] }, { signal: ending.signal }));
          setState({ of: selected, plan: sumOf(parts) });
        } catch (error) {
          if (ending.signal.aborted) return;
          // Somebody else has deleted one of them.
          if (isAppError(error, 'MANIFEST_UNKNOWN')) await prune().catch(() => undefined);
          else setState({ of: selected, error });
        }
      })();
    }, calmMs);
    return () => {
      clearTimeout(timer);
      ending.abort();
    };
    // The functions are others on each render and do the same.
    // oxlint-disable-next-line react/exhaustive-deps
  }, [ask, repository, selected, version]);

  // A plan of other tags says nothing of these.
  return state.of === selected ? state : {};
}
