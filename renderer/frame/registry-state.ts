import { toast, toastError } from '../parts/toast.tsx';
import { useAsk, useCall } from '../state/calls.ts';
import { useLinkState } from '../state/link.ts';
import { useShell, useShellCall } from '../state/shell.ts';
import { openStop } from './stop.tsx';

const words = {
  open: 'Running',
  lost: 'No connection',
  starting: 'Starting',
  signedOut: 'Signed out',
} as const;
/** Of a process that nobody can talk to, where that is known. */
const processWords = {
  stopped: 'Stopped',
  starting: 'Starting',
  running: 'No connection',
  stopping: 'Stopping',
  waiting: 'Not running',
  moving: 'Moving data',
} as const;

export interface RegistryState {
  /** One or two words. */
  readonly word: string;
  readonly isOpen: boolean;
  /** It can be started from here. */
  readonly isStopped: boolean;
  /** Starts it, or asks whether it shall stop. */
  readonly toggle: () => void;
  readonly setReadOnly: (isReadOnly: boolean) => void;
}

/** How the registry is, and what changes that. */
export function useRegistryState(): RegistryState {
  const { kind } = useLinkState();
  const shell = useShell();
  const ask = useAsk();
  const { data: status } = useCall('status.get', {});
  const { data: process } = useShellCall('registry.get', {});
  const isOpen = kind === 'open';
  const isStopped = kind === 'lost' && (process?.state === 'stopped' || process?.state === 'waiting');

  function wordOf(): string {
    if (isOpen) return status?.isReadOnly === true ? 'Read-only' : words.open;
    return kind === 'lost' && process !== undefined ? processWords[process.state] : words[kind];
  }

  async function change(isReadOnly: boolean): Promise<void> {
    await ask('settings.set', {
      changes: [{ path: 'storage.maintenance.readonly.enabled', value: isReadOnly }],
    });
  }

  return {
    word: wordOf(),
    isOpen,
    isStopped,
    toggle() {
      if (isOpen) openStop();
      else if (isStopped) shell?.call('registry.start', {}).catch(toastError);
    },
    setReadOnly(isReadOnly) {
      change(isReadOnly).then(
        () =>
          toast({
            text: isReadOnly ? 'Pushes and deletes are refused' : 'Pushes are admitted again',
            undo: () => change(!isReadOnly),
          }),
        toastError,
      );
    },
  };
}
