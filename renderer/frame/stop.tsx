import type { Shell } from '../api/shell.ts';
import { formatPlural } from '../format.ts';
import { ConfirmDialog, openDialog } from '../parts/dialog.tsx';
import { isLost, useAsk, useCall } from '../state/calls.ts';
import { useSessions } from '../state/sessions.ts';
import { useShell } from '../state/shell.ts';

/** Asks whether the registry shall stop, with what that ends. */
export function openStop(): void {
  void openDialog((close) => <StopDialog onClose={close} />);
}

/** Asks the same of a restart, which the desktop alone can do. */
export function openRestart(shell: Shell): void {
  void openDialog((close) => <StopDialog restarting={shell} onClose={close} />);
}

function StopDialog({
  restarting,
  onClose,
}: {
  /** What starts it again at once. */
  readonly restarting?: Shell;
  readonly onClose: () => void;
}) {
  const ask = useAsk();
  const isDesktop = useShell() !== undefined;
  const transfers = useSessions().filter(({ state }) => state === 'active').length;
  const { data: tasks = [] } = useCall('tasks.list', {});
  async function stop(): Promise<void> {
    try {
      if (restarting === undefined) await ask('process.stop', {});
      else await restarting.call('registry.restart', {});
    } catch (error) {
      // It may be gone before it has answered.
      if (!isLost(error)) throw error;
    }
  }
  const running = tasks.filter(({ state }) => state === 'running').length;
  return (
    <ConfirmDialog
      title={restarting === undefined ? 'Stop the registry?' : 'Restart the registry?'}
      verb={restarting === undefined ? 'Stop the registry' : 'Restart the registry'}
      cli={restarting === undefined ? 'berth down' : 'berth restart'}
      act={stop}
      onClose={onClose}
    >
      <p>
        Nobody can push or pull {restarting === undefined ? 'then' : 'meanwhile'}.{' '}
        {transfers > 0 && `${formatPlural(transfers, 'transfer')} under way: ten seconds to end, then cut. `}
        {running > 0 && `${formatPlural(running, 'task')} will be cancelled. `}
        {restarting !== undefined ? undefined : isDesktop ? (
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
