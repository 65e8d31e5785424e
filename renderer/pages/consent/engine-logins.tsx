import type { Shell } from '../../api/shell.ts';
import { Button } from '../../parts/button.tsx';
import { openDialog } from '../../parts/dialog.tsx';
import { useCall } from '../../state/calls.ts';
import { LoginSheet } from './login-sheet.tsx';

/** Logs engines of this computer in as a user, with a token of that user. */
export function EngineLogins({ shell, user }: { readonly shell: Shell; readonly user: string }) {
  const { data: engines = [] } = useCall('engines.list', {});
  return engines
    .filter(({ state }) => state === 'running')
    .map((engine) => (
      <Button
        key={engine.id}
        onPress={() =>
          void openDialog((close) => <LoginSheet shell={shell} engine={engine} user={user} onClose={close} />)
        }
      >
        Log in {engine.title}
      </Button>
    ));
}
