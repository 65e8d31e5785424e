import { type ReactNode, useEffect, useState } from 'react';
import type { OutcomeRow, Sheet, SheetChange } from '../../../main/contract/consent.ts';
import { isAppError } from '../../../registry/spec/errors.ts';
import { Button } from '../../parts/button.tsx';
import { CliLine, CopyLine } from '../../parts/copy.tsx';
import { Dialog } from '../../parts/dialog.tsx';
import { Diff } from '../../parts/diff.tsx';
import { Failed, Notice, Skeleton } from '../../parts/states.tsx';
import { Facts, Time } from '../../parts/values.tsx';
import { useCall } from '../../state/calls.ts';
import styles from './consent-sheet.module.css';

export interface ConsentSheetProps {
  /** Asks what would be done; asked again where that has changed while it was looked at. */
  readonly plan: () => Promise<Sheet>;
  /** Does what the sheet with that hash says. */
  readonly apply: (hash: string) => Promise<readonly OutcomeRow[]>;
  /** Other ways to do it, above what would be done. Changing it needs another `key`. */
  readonly choice?: ReactNode;
  /** Keeps this from being asked again. */
  readonly onNever?: () => void;
  /** There is something to agree to although nothing has to be changed first. */
  readonly actsAnyway?: boolean;
  /** Called once it is done, and nothing is left to do; else what became of it is shown until it is closed. */
  readonly onDone?: () => void;
  /** How the command line does the same. */
  readonly cli: string;
  readonly onClose: () => void;
}

type State =
  | { readonly kind: 'planning' }
  | { readonly kind: 'failed'; readonly error: unknown }
  | { readonly kind: 'asking'; readonly sheet: Sheet; readonly isRedrawn: boolean; readonly error?: unknown }
  | { readonly kind: 'acting'; readonly sheet: Sheet }
  | { readonly kind: 'done'; readonly sheet: Sheet; readonly outcomes: readonly OutcomeRow[] };

/** Shows exactly what would be changed on this computer, and changes nothing before somebody has agreed to it. */
export function ConsentSheet({
  plan,
  apply,
  choice,
  onNever,
  actsAnyway = false,
  onDone,
  cli,
  onClose,
}: ConsentSheetProps) {
  const [state, setState] = useState<State>({ kind: 'planning' });

  async function look({ isRedrawn }: { readonly isRedrawn: boolean }): Promise<void> {
    try {
      setState({ kind: 'asking', sheet: await plan(), isRedrawn });
    } catch (error) {
      setState({ kind: 'failed', error });
    }
  }

  async function allow(sheet: Sheet): Promise<void> {
    setState({ kind: 'acting', sheet });
    try {
      const outcomes = await apply(sheet.hash);
      onDone?.();
      if (onDone !== undefined && outcomes.every(({ result }) => result !== 'restart')) return onClose();
      setState({ kind: 'done', sheet, outcomes });
    } catch (error) {
      if (isAppError(error, 'CHANGE_STALE') || isAppError(error, 'CONSENT_NEEDED'))
        await look({ isRedrawn: true });
      else setState({ kind: 'asking', sheet, isRedrawn: false, error });
    }
  }

  useEffect(() => {
    void look({ isRedrawn: false });
    // oxlint-disable-next-line react/exhaustive-deps -- planned once; another choice is another sheet
  }, []);

  const sheet = 'sheet' in state ? state.sheet : undefined;
  const isActing = state.kind === 'acting';
  const isOver =
    state.kind === 'done' || state.kind === 'failed' || (sheet?.changes.length === 0 && !actsAnyway);
  return (
    <Dialog
      title={sheet?.title ?? 'Looking at what has to be done'}
      size="large"
      role="alertdialog"
      isDismissable={!isActing}
      onClose={onClose}
      buttons={
        isOver ? (
          <Button look="primary" autoFocus onPress={onClose}>
            Close
          </Button>
        ) : (
          <>
            {onNever !== undefined && (
              <Button
                isDisabled={isActing}
                onPress={() => {
                  onNever();
                  onClose();
                }}
              >
                Never for this engine
              </Button>
            )}
            <Button autoFocus isDisabled={isActing} onPress={onClose}>
              Not now
            </Button>
            <Button
              look="primary"
              isPending={isActing}
              isDisabled={sheet === undefined}
              onPress={() => sheet !== undefined && void allow(sheet)}
            >
              {isActing ? 'Doing it' : 'Allow'}
            </Button>
          </>
        )
      }
    >
      {state.kind === 'planning' && <Skeleton rows={6} />}
      {state.kind === 'failed' && (
        <Failed error={state.error} onRetry={() => void look({ isRedrawn: false })} />
      )}
      {state.kind === 'done' && <Outcomes rows={state.outcomes} />}
      {state.kind === 'asking' && state.isRedrawn && (
        <Notice kind="warn">
          What has to be done changed while you were looking. This is how it is now.
        </Notice>
      )}
      {state.kind === 'asking' && state.error !== undefined && <Failed error={state.error} />}
      {state.kind !== 'done' && !isActing && choice}
      {sheet !== undefined && state.kind !== 'done' && (
        <Details sheet={sheet} actsAnyway={actsAnyway} cli={cli} />
      )}
    </Dialog>
  );
}

function Details({
  sheet,
  actsAnyway,
  cli,
}: {
  readonly sheet: Sheet;
  readonly actsAnyway: boolean;
  readonly cli: string;
}) {
  const { why, changes, effects } = sheet;
  if (changes.length === 0 && !actsAnyway) return <Notice kind="ok">Nothing has to be done. {why}</Notice>;
  const manual = changes.flatMap((change) => change.manual);
  return (
    <>
      <Facts rows={[['Why', why]]} />
      {changes.map((change) => (
        <What key={change.where} change={change} />
      ))}
      <Facts
        rows={[
          ['Effect', effects.length === 0 ? undefined : <Lines key="effect" lines={effects} />],
          ['Safety', changes.length > 0 && 'What was there is kept, and put back if it does not work.'],
          [
            'Undo',
            changes.length > 0 && 'On the screen System changes, at any time. Later edits of others stay.',
          ],
        ]}
      />
      {manual.length > 0 && (
        <details className={styles['manual']}>
          <summary>The same by hand</summary>
          <CopyLine text={manual.join('\n')} label="Copy commands" />
        </details>
      )}
      <CliLine command={cli} />
    </>
  );
}

function What({ change: { title, where, isNew, how, diff, certificate } }: { readonly change: SheetChange }) {
  const { data: { authority } = {} } = useCall('certificate.get', {});
  const scope = authority?.fingerprint === certificate?.fingerprint ? authority?.scope : undefined;
  return (
    <section className={styles['what']} aria-label={title}>
      <header className={styles['where']}>
        <span className={styles['sign']}>{isNew ? 'New' : 'Change'}</span>
        <code>{where}</code>
        {how.length > 0 && <span className={styles['how']}>{how.join('; ')}</span>}
      </header>
      {certificate === undefined ? (
        <Diff text={diff} label={`What changes in ${where}`} />
      ) : (
        <Facts
          rows={[
            ['Certificate', certificate.subject],
            ['SHA-256', <code key="fingerprint">{certificate.fingerprint}</code>],
            ['Good until', <Time key="until" at={certificate.validTo} />],
            ['Good only for', scope && [...scope.names, ...scope.networks].join(', ')],
          ]}
        />
      )}
    </section>
  );
}

function Lines({ lines }: { readonly lines: readonly string[] }) {
  return lines.map((line) => <p key={line}>{line}</p>);
}

const words = {
  applied: 'done',
  already: 'it is so already',
  undone: 'undone',
  restart: 'in place, and felt after a restart',
} as const;

/** What became of each change. */
function Outcomes({ rows }: { readonly rows: readonly OutcomeRow[] }) {
  return (
    <div className={styles['outcomes']} role="status">
      {rows.map(({ id, title, result, isProved, command }) => (
        <Notice key={`${id} ${title}`} kind={result === 'restart' ? 'warn' : 'ok'}>
          {title}: {words[result]}
          {isProved ? ', and it works.' : '.'}
          {command !== undefined && <CopyLine text={command} label="Copy command" />}
        </Notice>
      ))}
    </div>
  );
}
