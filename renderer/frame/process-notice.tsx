import type { ProcessRow } from '../../main/contract/registry.ts';
import { Button } from '../parts/button.tsx';
import { Notice } from '../parts/states.tsx';
import { toastError } from '../parts/toast.tsx';
import { hrefOf } from '../route.ts';
import { useShell } from '../state/shell.ts';

/** Why the registry of this app does not run, and what starts it. */
export function ProcessNotice({ process: { state, failure } }: { readonly process: ProcessRow }) {
  const shell = useShell();
  const start = (): void => void shell?.call('registry.start', {}).catch(toastError);
  const takePort = (port: number): void => void shell?.call('registry.usePort', { port }).catch(toastError);
  // It stays while the registry is tried again: buttons that come and go cannot be pressed.
  if (failure !== undefined) {
    const { message, hint, freePort } = failure;
    return (
      <Notice
        kind="error"
        actions={
          <>
            {freePort !== undefined && (
              <Button look="primary" onPress={() => takePort(freePort)}>
                Use {freePort}
              </Button>
            )}
            <Button onPress={start}>Try again</Button>
            <a href={hrefOf({ page: 'logs' })}>Show log</a>
          </>
        }
      >
        <strong>{message}</strong> {hint}
      </Notice>
    );
  }
  if (state === 'moving')
    return (
      <Notice kind="info" actions={<a href={hrefOf({ page: 'storage' })}>Show</a>}>
        The data of the registry is being moved: nobody can push or pull meanwhile. What is shown is from
        before.
      </Notice>
    );
  if (state !== 'stopped')
    return <Notice kind="info">The registry {state === 'stopping' ? 'stops' : 'starts'}.</Notice>;
  return (
    <Notice
      kind="info"
      actions={
        <Button look="primary" onPress={start}>
          Start
        </Button>
      }
    >
      The registry is stopped: nobody can push or pull. What is shown is from before.
    </Notice>
  );
}
