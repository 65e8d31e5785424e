import { CircleAlert, CircleCheck, CircleMinus, RotateCw, Stethoscope, TriangleAlert } from 'lucide-react';
import type { CheckRow } from '../../../registry/spec/admin/computer.ts';
import { Button } from '../../parts/button.tsx';
import { CopyLine, copyText } from '../../parts/copy.tsx';
import { openDialog } from '../../parts/dialog.tsx';
import { Panel, Screen } from '../../parts/screen.tsx';
import { Empty, Loaded } from '../../parts/states.tsx';
import { Chip, Time } from '../../parts/values.tsx';
import { useCall, useRefresh } from '../../state/calls.ts';
import { setPreferences, usePreferences } from '../../state/preferences.ts';
import { useShell, useShellCall } from '../../state/shell.ts';
import { desktopParts } from '../../frame/desktop-parts.ts';
import { PartPlace } from '../../frame/part-place.tsx';
import { Engines } from './engines.tsx';
import { countOf, reportOf } from './report.ts';
import styles from './doctor.module.css';

/** Whether the registry and the engines of its computer work together, and what mends it where they do not. */
export function DoctorScreen() {
  const answer = useCall('checks.run', {}, { keepsFormer: true });
  const { mutedChecks } = usePreferences();
  const desktop = useShellCall('system.check', {}, { isFresh: true });
  const { data, isFetching, dataUpdatedAt } = answer;
  const checks = data === undefined ? undefined : [...data, ...(desktop.data ?? [])];
  const look = (): void => {
    void answer.refetch();
    if (desktop.isFetched) void desktop.refetch();
  };
  return (
    <Screen
      title="Doctor"
      facts={
        checks !== undefined && (
          <>
            <span>{countOf(checks, mutedChecks)}</span>
            <span>
              looked <Time at={new Date(dataUpdatedAt).toISOString()} />
            </span>
          </>
        )
      }
      actions={
        <>
          {checks !== undefined && (
            <Button onPress={() => void copyText(reportOf(checks), 'Report copied')}>Copy report</Button>
          )}
          <Button icon={<RotateCw />} look="primary" isPending={isFetching} onPress={look}>
            {isFetching ? 'Looking' : 'Run again'}
          </Button>
        </>
      }
    >
      <Loaded answer={answer} rows={10}>
        {() => <Checks rows={checks ?? []} muted={mutedChecks} />}
      </Loaded>
      <Engines />
    </Screen>
  );
}

function Checks({ rows, muted }: { readonly rows: readonly CheckRow[]; readonly muted: readonly string[] }) {
  if (rows.length === 0) return <Empty icon={<Stethoscope />} title="No problems found" />;
  const groups = Map.groupBy(rows, ({ group }) => group);
  return [...groups].map(([group, checks]) => (
    <Panel key={group} title={group}>
      <ul className={styles['checks']}>
        {checks.map((check) => (
          <Check key={check.id} check={check} isMuted={muted.includes(check.id)} muted={muted} />
        ))}
      </ul>
    </Panel>
  ));
}

/** Asks for what mends it; on the desktop alone. */
function FixButton({ kind, engine: id }: NonNullable<NonNullable<CheckRow['fix']>['repair']>) {
  const shell = useShell();
  const refresh = useRefresh();
  const { data: engines = [] } = useCall('engines.list', {});
  const engine = engines.find((each) => each.id === id);
  if (shell === undefined || engine === undefined) return null;
  const fix = (): void =>
    void openDialog((close) => (
      <PartPlace part={desktopParts[kind]} props={{ shell, engine, onClose: close }} />
    )).then(() => refresh('engines.list', 'checks.run'));
  return (
    <div>
      <Button onPress={fix}>
        {kind === 'trust' ? `Trust in ${engine.title}` : `Log in ${engine.title}`}
      </Button>
    </div>
  );
}

const looks = {
  pass: { Icon: CircleCheck, word: 'Pass', tone: 'ok' },
  warn: { Icon: TriangleAlert, word: 'Warning', tone: 'warn' },
  fail: { Icon: CircleAlert, word: 'Fail', tone: 'err' },
  skip: { Icon: CircleMinus, word: 'Skipped', tone: 'plain' },
} as const;

function Check({
  check: { id, status, sentence, evidence, fix },
  isMuted,
  muted,
}: {
  readonly check: CheckRow;
  readonly isMuted: boolean;
  readonly muted: readonly string[];
}) {
  const { Icon, word, tone } = looks[status];
  const isProblem = status === 'warn' || status === 'fail';
  const mute = (): void =>
    setPreferences({ mutedChecks: isMuted ? muted.filter((each) => each !== id) : [...muted, id] });
  return (
    <li className={`${styles['check']} ${isMuted ? styles['muted'] : ''}`}>
      <Chip tone={isMuted ? 'plain' : tone} icon={<Icon aria-hidden />}>
        {isMuted ? 'Muted' : word}
      </Chip>
      <div className={styles['words']}>
        <p>{sentence}</p>
        {!isMuted && evidence !== undefined && <pre className={styles['evidence']}>{evidence}</pre>}
        {!isMuted && isProblem && fix !== undefined && (
          <div className={styles['fix']}>
            <p>{fix.sentence}</p>
            {fix.repair !== undefined && <FixButton {...fix.repair} />}
            {fix.command !== undefined && <CopyLine text={fix.command} label="Copy command" />}
          </div>
        )}
      </div>
      {(isProblem || isMuted) && (
        <Button look="quiet" onPress={mute} aria-label={`${isMuted ? 'Unmute' : 'Mute'}: ${sentence}`}>
          {isMuted ? 'Unmute' : 'Mute'}
        </Button>
      )}
    </li>
  );
}
