import { formatPlural } from '../format.ts';
import { ConfirmDialog, openDialog } from '../parts/dialog.tsx';
import { isLost, useAsk, useCall } from '../state/calls.ts';
import { useSessions } from '../state/sessions.ts';
import { useShell } from '../state/shell.ts';

/** Asks whether the registry shall stop, with what that ends. */
export function openStop(): void {
  void openDialog((close) => <StopDialog onClose={close} />);
}

function StopDialog({ onClose }: { readonly onClose: () => void }) {
  const ask = useAsk();
  const isDesktop = useShell() !== undefined;
  const transfers = useSessions().filter(({ state }) => state === 'active').length;
  const { data: tasks = [] } = useCall('tasks.list', {});
  async function stop(): Promise<void> {
    try {
      await ask('process.stop', {});
    } catch (error) {
      // It may be gone before it has answered.
      if (!isLost(error)) throw error;
    }
  }
  const running = tasks.filter(({ state }) => state === 'running').length;
  return (
    <ConfirmDialog
      title="Stop the registry?"
      verb="Stop the registry"
      cli="berth down"
      act={stop}
      onClose={onClose}
    >
      <p>
        Nobody can push or pull then.{' '}
        {transfers > 0 && `${formatPlural(transfers, 'transfer')} under way: ten seconds to end, then cut. `}
        {running > 0 && `${formatPlural(running, 'task')} will be cancelled. `}
        {isDesktop ? (
          'This window and the tray start it again.'
        ) : (
          <>
            This page cannot start it again: that takes <code>berth up</code> on its computer.
          </>
        )}
      </p>
    </ConfirmDialog>
  );
}
