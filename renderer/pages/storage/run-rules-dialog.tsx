import type { SimulationRow } from '../../../registry/spec/admin/rules.ts';
import { formatCount, formatExactBytes, formatPlural } from '../../format.ts';
import { ConfirmDialog } from '../../parts/dialog.tsx';
import { Notice } from '../../parts/states.tsx';
import { Bytes } from '../../parts/values.tsx';
import { Emptied } from './simulation.tsx';
import styles from './storage.module.css';

/** Deletes now what the saved rules do not keep. */
export function RunRulesDialog({
  simulated: { rows, outcome },
  hasDraft,
  run,
  onClose,
}: {
  /** What the saved rules would delete: the first of it, and the outcome. */
  readonly simulated: SimulationRow;
  readonly hasDraft: boolean;
  /** Begins it. */
  readonly run: () => void;
  readonly onClose: () => void;
}) {
  const { deletedTags, keptTags, freedBytes } = outcome;
  return (
    <ConfirmDialog
      title="Run the rules now?"
      verb={`Delete ${formatPlural(deletedTags, 'tag')}`}
      cli="berth rules run"
      isDisabled={deletedTags === 0}
      isWrite
      act={async () => run()}
      onClose={onClose}
    >
      {hasDraft && (
        <Notice kind="info">These are the rules that are saved, without the changes on this screen.</Notice>
      )}
      <p>
        {deletedTags === 0
          ? 'The saved rules delete nothing at present.'
          : `${formatPlural(deletedTags, 'tag goes', 'tags go')} into the trash, ${formatCount(keptTags)} stay. Frees ${formatExactBytes(freedBytes)} once the trash is over.`}
      </p>
      <Emptied outcome={outcome} />
      <ul className={styles['plainList']}>
        {rows.map(({ repository, tag, bytes }) => (
          <li key={`${repository}:${tag}`}>
            <code>
              {repository}:{tag}
            </code>{' '}
            <Bytes value={bytes} />
          </li>
        ))}
        {deletedTags > rows.length && <li>and {formatCount(deletedTags - rows.length)} more</li>}
      </ul>
    </ConfirmDialog>
  );
}
