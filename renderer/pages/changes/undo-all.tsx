import type { ChangeRow } from '../../../registry/spec/admin/computer.ts';
import type { Shell } from '../../api/shell.ts';
import { formatPlural } from '../../format.ts';
import { ConfirmDialog } from '../../parts/dialog.tsx';
import { toast } from '../../parts/toast.tsx';
import { useRefresh } from '../../state/calls.ts';
import { changeThing, takeBack, ThingList } from './take-back.tsx';

/** Takes everything back that is still in place, the newest first; what others have changed since is left alone. */
export function UndoAll({
  shell,
  rows,
  onClose,
}: {
  readonly shell: Shell;
  /** The newest first. */
  readonly rows: readonly ChangeRow[];
  readonly onClose: () => void;
}) {
  const refresh = useRefresh();
  const count = formatPlural(rows.length, 'change');
  async function undo(): Promise<void> {
    const { isWhole } = await takeBack(rows.map((row) => changeThing(shell, row)));
    if (isWhole) toast({ text: `${count} undone` });
    refresh('changes.list', 'changes.get', 'engines.list');
  }
  return (
    <ConfirmDialog
      title="Undo all changes of this computer?"
      verb={`Undo ${count}`}
      cli="berth changes undo --all"
      act={undo}
      onClose={onClose}
    >
      <p>Engines that need them no longer accept this registry. An edit of somebody else is not undone.</p>
      <ThingList things={rows} />
    </ConfirmDialog>
  );
}
