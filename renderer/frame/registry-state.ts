import { toast, toastError } from '../parts/toast.tsx';
import { useAsk, useCall } from '../state/calls.ts';
import { useLinkState } from '../state/link.ts';
import { useShell, useShellCall } from '../state/shell.ts';
import { openRestart, openStop } from './stop.tsx';

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
  /** It was stopped, and cannot be started from here. */
  readonly isEnded: boolean;
  /** Asks whether it shall end and start again; absent where that cannot be done from here. */
  readonly restart: (() => void) | undefined;
  /** Starts it, or asks whether it shall stop. */
  readonly toggle: () => void;
  readonly setReadOnly: (isReadOnly: boolean) => void;
}

/** How the registry is, and what changes that. */
export function useRegistryState(): RegistryState {
  const link = useLinkState();
  const { kind } = link;
  const shell = useShell();
  const ask = useAsk();
  const { data: status } = useCall('status.get', {});
  const { data: process } = useShellCall('registry.get', {});
  const isOpen = kind === 'open';
  const isStopped = kind === 'lost' && (process?.state === 'stopped' || process?.state === 'waiting');
  const isEnded = kind === 'lost' && link.ending !== undefined;

  function wordOf(): string {
    if (isOpen) return status?.isReadOnly === true ? 'Read-only' : words.open;
    if (kind === 'lost' && process !== undefined) return processWords[process.state];
    return isEnded ? processWords.stopped : words[kind];
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
    isEnded: isEnded && process === undefined,
    restart:
      shell !== undefined && isOpen && status?.runs === 'desktop' ? () => openRestart(shell) : undefined,
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
