import type { Shell } from '../../api/shell.ts';
import { Button } from '../../parts/button.tsx';
import { CliLine, CopyLine } from '../../parts/copy.tsx';
import { Diff } from '../../parts/diff.tsx';
import { Dialog } from '../../parts/dialog.tsx';
import { Failed, Loaded, Notice } from '../../parts/states.tsx';
import { Chip, Facts, Time } from '../../parts/values.tsx';
import { useCall, useRefresh, useRun } from '../../state/calls.ts';
import { useShell } from '../../state/shell.ts';
import { changeStates, isStanding } from './change-state.ts';
import styles from './changes.module.css';

/** One change: what it was, what became of it, how it is taken back. */
export function ChangeDialog({ id, onClose }: { readonly id: string; readonly onClose: () => void }) {
  const answer = useCall('changes.get', { id });
  const shell = useShell();
  return (
    <Dialog title={answer.data?.title ?? 'Change'} size="large" onClose={onClose}>
      <Loaded answer={answer} rows={5}>
        {({ where, engine, address, by, plannedAt, changedAt, state, reason, diff, manual }) => (
          <>
            <Facts
              rows={[
                [
                  'State',
                  <Chip key="state" tone={changeStates[state].tone}>
                    {changeStates[state].word}
                  </Chip>,
                ],
                ['Where', <code key="where">{where}</code>],
                ['Engine', engine],
                ['Registry', <code key="address">{address}</code>],
                ['By', by],
                ['Agreed', <Time key="planned" at={plannedAt} />],
                ['Changed', <Time key="changed" at={changedAt} />],
                ['Why it was rolled back', reason],
              ]}
            />
            {diff === '' ? (
              <Notice kind="ok">What is there is what was put there.</Notice>
            ) : (
              <Diff text={diff} label="What is there now, against what was put there" />
            )}
            {manual.length > 0 && (
              <section className={styles['manual']} aria-label="By hand">
                <h3>The same by hand</h3>
                <CopyLine text={manual.join('\n')} label="Copy commands" />
              </section>
            )}
            {isStanding({ state }) && (
              <>
                {shell !== undefined && <UndoButton shell={shell} id={id} />}
                <CliLine command={`berth changes undo ${id}`} />
              </>
            )}
          </>
        )}
      </Loaded>
    </Dialog>
  );
}

function UndoButton({ shell, id }: { readonly shell: Shell; readonly id: string }) {
  const refresh = useRefresh();
  const undo = useRun(async () => {
    await shell.call('changes.undo', { id });
    // No event of the registry tells what happens on the computer.
    refresh('changes.list', 'changes.get', 'engines.list');
  });
  return (
    <>
      {undo.error !== undefined && <Failed error={undo.error} />}
      <div>
        <Button isPending={undo.isPending} onPress={() => void undo.run(undefined)}>
          Undo
        </Button>
      </div>
    </>
  );
}
