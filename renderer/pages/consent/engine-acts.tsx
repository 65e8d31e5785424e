import { type ReactNode, useEffect, useState } from 'react';
import type { EngineTicks } from '../../../main/contract/setup.ts';
import type { EngineRow } from '../../../registry/spec/admin/computer.ts';
import type { Shell } from '../../api/shell.ts';
import { Button } from '../../parts/button.tsx';
import { Dialog, openDialog } from '../../parts/dialog.tsx';
import { Failed, Notice, Skeleton } from '../../parts/states.tsx';
import { useRefresh } from '../../state/calls.ts';
import { LoginSheet } from './login-sheet.tsx';
import { Ticks } from './ticks.tsx';
import { TrustSheet } from './trust-sheet.tsx';

/** What makes an engine of this computer use the registry, and the test from its own side. */
export function EngineActs({
  shell,
  engine,
  excludeFromTabOrder = false,
}: {
  readonly shell: Shell;
  readonly engine: EngineRow;
  readonly excludeFromTabOrder?: boolean;
}) {
  const refresh = useRefresh();
  const { need, state, title } = engine;
  const open = (dialog: (close: () => void) => ReactNode): void =>
    void openDialog(dialog).then(() => refresh('engines.list'));
  return (
    <>
      {need.kind !== 'nothing' && need.kind !== 'cannot' && (
        <Button
          excludeFromTabOrder={excludeFromTabOrder}
          aria-label={`Trust: ${title}`}
          onPress={() => open((close) => <TrustSheet shell={shell} engine={engine} onClose={close} />)}
        >
          Trust
        </Button>
      )}
      {state === 'running' && (
        <>
          <Button
            excludeFromTabOrder={excludeFromTabOrder}
            aria-label={`Log in: ${title}`}
            onPress={() => open((close) => <LoginSheet shell={shell} engine={engine} onClose={close} />)}
          >
            Log in
          </Button>
          <Button
            excludeFromTabOrder={excludeFromTabOrder}
            aria-label={`Test: ${title}`}
            onPress={() => open((close) => <TestDialog shell={shell} engine={engine} onClose={close} />)}
          >
            Test
          </Button>
        </>
      )}
    </>
  );
}

/** Whether the engine finds and reaches the registry, trusts it, is logged in and pulls, as the engine itself finds it. */
function TestDialog({
  shell,
  engine: { id, title },
  onClose,
}: {
  readonly shell: Shell;
  readonly engine: EngineRow;
  readonly onClose: () => void;
}) {
  const [ticks, setTicks] = useState<EngineTicks>();
  const [error, setError] = useState<unknown>();
  useEffect(() => {
    shell.call('setup.prove', { engine: id, pulls: true }).then(setTicks, setError);
  }, [shell, id]);
  const isReady = ticks !== undefined && Object.values(ticks).every(({ state }) => state === 'yes');
  return (
    <Dialog title={`Test of ${title}`} onClose={onClose}>
      {error !== undefined && <Failed error={error} />}
      {ticks === undefined && error === undefined && <Skeleton rows={5} />}
      {ticks !== undefined && <Ticks of={ticks} title={title} />}
      {isReady && <Notice kind="ok">It can push and pull.</Notice>}
    </Dialog>
  );
}
