import { ArchiveRestore, Trash2 } from 'lucide-react';
import { useCallback, useState } from 'react';
import type { RestoredRow, TrashRow } from '../../../registry/spec/admin/content.ts';
import { formatCount, formatExactBytes, formatPlural, formatReference, shortDigest } from '../../format.ts';
import { useShortcuts } from '../../frame/shortcuts.ts';
import { Button } from '../../parts/button.tsx';
import { CopyButton, CopyLine } from '../../parts/copy.tsx';
import { ConfirmDialog, openDialog } from '../../parts/dialog.tsx';
import { type Column, Grid } from '../../parts/grid.tsx';
import { Listed } from '../../parts/listed.tsx';
import { Bar } from '../../parts/screen.tsx';
import { Empty, Notice } from '../../parts/states.tsx';
import { toast, toastError } from '../../parts/toast.tsx';
import { Chip, Digest, Time } from '../../parts/values.tsx';
import { hrefOf } from '../../route.ts';
import { useAsk, useGuess, useRefresh, useRows } from '../../state/calls.ts';
import { sayRefusal, useRegistryRefusal } from '../../state/refusal.ts';
import { SettingValue } from './setting.tsx';
import styles from './storage.module.css';

const shownTags = 4;

const columns: readonly Column<TrashRow>[] = [
  {
    id: 'repository',
    title: 'Repository',
    width: 'minmax(150px, 2fr)',
    canHide: false,
    cell: ({ repository }, { excludeFromTabOrder }) => (
      <a
        href={hrefOf({ page: 'repository', repository })}
        title={repository}
        tabIndex={excludeFromTabOrder ? -1 : 0}
      >
        {repository}
      </a>
    ),
  },
  {
    id: 'tags',
    title: 'Tags',
    width: 'minmax(150px, 2fr)',
    cell: ({ tags }) => <Tags tags={tags} />,
  },
  { id: 'digest', title: 'Digest', width: '110px', cell: ({ digest }) => <Digest value={digest} /> },
  { id: 'deleted', title: 'Deleted', width: '120px', cell: ({ deletedAt }) => <Time at={deletedAt} /> },
  {
    id: 'by',
    title: 'By',
    width: '110px',
    fromWidth: 720,
    cell: ({ by }) => (
      <span title={by}>{by === '' ? <span className={styles['muted']}>anonymous</span> : by}</span>
    ),
  },
  { id: 'expires', title: 'Expires', width: '110px', cell: ({ expiresAt }) => <Time at={expiresAt} /> },
];

function Tags({ tags }: { readonly tags: readonly string[] }) {
  if (tags.length === 0) return <span className={styles['muted']}>no tag</span>;
  return (
    <>
      {tags.slice(0, shownTags).map((tag) => (
        <Chip key={tag} title={tag}>
          {tag}
        </Chip>
      ))}
      {tags.length > shownTags && <span title={tags.join(', ')}>+{tags.length - shownTags}</span>}
    </>
  );
}

/** What was deleted and can be put back. */
export function TrashTab() {
  const list = useRows('trash.list', {});
  const [selected, setSelected] = useState<ReadonlySet<string>>(new Set());
  const [isPlanning, setPlanning] = useState(false);
  const ask = useAsk();
  const refresh = useRefresh();
  const restore = useRestore();
  const { rows, total } = list;
  const present = rows.filter(({ id }) => selected.has(id));
  const count = selected.size;
  const registryRefusal = useRegistryRefusal();
  const refusalOf = useCallback(
    (isMeant: (id: string) => boolean) => {
      const fixed = rows.find(({ id, isReadOnly }) => isReadOnly === true && isMeant(id));
      return registryRefusal ?? (fixed && `The repository ${fixed.repository} is read-only`);
    },
    [rows, registryRefusal],
  );
  const refusal = refusalOf((id) => selected.has(id));

  const restoreSelected = useCallback(
    (ids: readonly string[]) => {
      if (ids.length === 0) return;
      if (sayRefusal(refusalOf((id) => ids.includes(id)))) return;
      setSelected(new Set());
      void restore(ids);
    },
    [restore, refusalOf],
  );
  async function selectAll(): Promise<void> {
    const ids: string[] = [];
    for (let after: string | undefined; ;) {
      const page = await ask('trash.list', { limit: 500, after });
      ids.push(...page.rows.map(({ id }) => id));
      after = page.next;
      if (after === undefined) break;
    }
    setSelected(new Set(ids));
  }
  async function empty(): Promise<void> {
    setPlanning(true);
    try {
      // How large it is only a look at everything tells.
      const { trashBytes } = await ask('collect.plan', {});
      refresh('usage.get');
      void openDialog((close) => <EmptyDialog entries={total} bytes={trashBytes} onClose={close} />);
    } catch (error) {
      toastError(error);
    } finally {
      setPlanning(false);
    }
  }
  useShortcuts([
    {
      keys: ['R'],
      label: 'Restore what is selected',
      group: 'Trash',
      run: () => restoreSelected([...selected]),
    },
  ]);

  return (
    <>
      <Bar label="Trash">
        <span className={styles['barText']}>
          {count > 0
            ? `${formatCount(count)} of ${formatPlural(total, 'entry', 'entries')} selected`
            : list.first && formatPlural(total, 'entry', 'entries')}
          {list.first === undefined ? 'Kept for ' : '; kept for '}
          <SettingValue path="berth.storage.trash" />
          {' after the deletion'}
        </span>
        {refusal !== undefined && <Notice kind="warn">{refusal}</Notice>}
        {count > 0 && (
          <CopyButton
            text={`berth restore ${[...selected].join(' ')}`}
            label="Copy the command that restores"
          />
        )}
        <Button
          icon={<ArchiveRestore aria-hidden />}
          isDisabled={count === 0 || refusal !== undefined}
          onPress={() => restoreSelected([...selected])}
        >
          {count === 0 ? 'Restore' : `Restore ${formatPlural(count, 'entry', 'entries')}`}
        </Button>
        <Button
          icon={<Trash2 aria-hidden />}
          isDisabled={total === 0 || registryRefusal !== undefined}
          isPending={isPlanning}
          onPress={() => void empty()}
        >
          Empty…
        </Button>
      </Bar>
      <Listed list={list}>
        <Grid
          label="Trash"
          name="trash"
          columns={columns}
          rows={rows}
          total={total}
          keyOf={({ id }) => id}
          need={list.need}
          selected={selected}
          onSelect={setSelected}
          onSelectAll={() => void selectAll().catch(toastError)}
          onKey={(event, row) => {
            if (event.key !== 'R') return false;
            restoreSelected(present.length > 0 ? [...selected] : [row.id]);
            return true;
          }}
          isStale={list.isStale}
          empty={
            <Empty icon={<Trash2 />} title="The trash is empty">
              <p>
                Deleted tags and repositories lie here for <SettingValue path="berth.storage.trash" />, and
                can be put back with one press. Nothing was deleted lately.
              </p>
              <CopyLine text="berth trash ls" label="Copy command" />
            </Empty>
          }
        />
      </Listed>
    </>
  );
}

/** Puts entries back, seen at once; a toast says which tags are back, and which mean something else by now. */
function useRestore(): (ids: readonly string[]) => Promise<void> {
  const ask = useAsk();
  const guess = useGuess();
  return useCallback(
    async (ids) => {
      const wanted = new Set(ids);
      const takeBack = guess('trash.list', (rows) =>
        (rows as readonly TrashRow[]).filter(({ id }) => !wanted.has(id)),
      );
      const restored: RestoredRow[] = [];
      try {
        for (const id of ids) restored.push(await ask('trash.restore', { id }));
      } catch (error) {
        takeBack();
        toastError(error);
      }
      if (restored.length === 0) return;
      const tagged = restored.flatMap(({ repository, tags }) => tags.map((tag) => ({ repository, tag })));
      const isWhole = restored.every(({ tags }) => tags.length > 0);
      toast({
        text: describeRestored(restored),
        ...(isWhole
          ? {
              undo: async () => {
                for (const each of tagged) await ask('tags.delete', each);
              },
            }
          : {}),
      });
    },
    [ask, guess],
  );
}

const namedEntries = 3;

function describeRestored(rows: readonly RestoredRow[]): string {
  const names = rows.flatMap(({ repository, digest, tags }) =>
    tags.length === 0
      ? [`${repository}@${shortDigest(digest)}`]
      : tags.map((tag) => formatReference(repository, tag)),
  );
  const kept = rows.flatMap((row) =>
    row.kept.map(
      ({ tag, digest }) =>
        `${formatReference(row.repository, tag)} was left as it is: it means ${shortDigest(digest)} by now.`,
    ),
  );
  return [`Restored ${listOf(names)}.`, ...(kept.length === 0 ? [] : [listOf(kept, ' ')])].join(' ');
}

function listOf(texts: readonly string[], separator = ', '): string {
  const more = texts.length - namedEntries;
  return `${texts.slice(0, namedEntries).join(separator)}${more > 0 ? ` and ${more} more` : ''}`;
}

const manyEntries = 100;
const muchBytes = 1_000_000_000;

function EmptyDialog({
  entries,
  bytes,
  onClose,
}: {
  readonly entries: number;
  readonly bytes: number;
  readonly onClose: () => void;
}) {
  const ask = useAsk();
  const isLarge = entries > manyEntries || bytes > muchBytes;
  return (
    <ConfirmDialog
      title="Empty the trash?"
      verb={`Delete ${formatPlural(entries, 'entry', 'entries')}`}
      typedName={isLarge ? 'trash' : undefined}
      cli="berth trash empty"
      isWrite
      act={async () => {
        const emptied = await ask('trash.empty', {});
        toast({ text: `${formatPlural(emptied.entries, 'entry is', 'entries are')} gone.` });
      }}
      onClose={onClose}
    >
      <p>
        Nothing of it can be restored afterwards. Only the trash keeps {formatExactBytes(bytes)}; the next
        collections free them.
      </p>
    </ConfirmDialog>
  );
}
