import { formatBytes, formatCount, formatExactBytes, formatPlural } from '../../format.ts';
import { problemOf } from '../../messages.ts';
import { Button } from '../../parts/button.tsx';
import { copyText } from '../../parts/copy.tsx';
import { useCall } from '../../state/calls.ts';
import { useHeight } from '../../parts/use-height.ts';
import { goingIn, type useDeleteManifests } from './use-delete-manifests.ts';
import styles from './repository.module.css';

/** What is selected of the untagged manifests, and what deleting it would free. */
export function UntaggedBar({
  repository,
  digests,
  total,
  refusal,
  deleteManifests,
  onClear,
}: {
  readonly repository: string;
  readonly digests: readonly string[];
  /** Of all that are untagged. */
  readonly total: number;
  /** Why none is deleted at present. */
  readonly refusal: string | undefined;
  readonly deleteManifests: ReturnType<typeof useDeleteManifests>;
  readonly onClear: () => void;
}) {
  const bar = useHeight('foot');
  const { data: plan, error } = useCall(
    'manifests.plan',
    { repository, digests: [...digests] },
    { keepsFormer: false },
  );
  const going = plan === undefined ? digests.length : goingIn(plan).length;
  const kept = digests.length - going;
  return (
    <div ref={bar} role="toolbar" aria-label="Selected manifests" className={styles['selection']}>
      <strong>
        {formatCount(digests.length)} of {formatCount(total)} selected
      </strong>
      <span role="status" aria-live="polite" className={styles['plan']}>
        {error !== null && problemOf(error).title}
        {plan !== undefined && (
          <span title={formatExactBytes(plan.freedBytes)}>
            {formatPlural(plan.manifests, 'manifest')}, frees {formatBytes(plan.freedBytes)}
            {kept > 0 && `; ${formatCount(kept)} in an index, and kept`}
          </span>
        )}
      </span>
      <div className={styles['acts']}>
        <Button
          onPress={() =>
            void copyText(digests.join('\n'), `${formatPlural(digests.length, 'digest')} copied`)
          }
        >
          Copy
        </Button>
        <Button
          look="danger"
          isDisabled={refusal !== undefined || plan === undefined || going === 0}
          onPress={() => void deleteManifests(digests, plan).then((isDone) => isDone && onClear())}
        >
          Delete {formatPlural(going, 'manifest')}
        </Button>
        <Button look="quiet" onPress={onClear}>
          Clear
        </Button>
      </div>
    </div>
  );
}
