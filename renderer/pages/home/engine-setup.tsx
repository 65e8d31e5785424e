import type { EngineRow } from '../../../registry/spec/admin/computer.ts';
import type { Shell } from '../../api/shell.ts';
import { Button } from '../../parts/button.tsx';
import { Failed } from '../../parts/states.tsx';
import { Chip } from '../../parts/values.tsx';
import { Ticks } from '../consent/ticks.tsx';
import { needOf } from '../doctor/engine-need.ts';
import { canSetUp, neededBy } from './engine-steps.ts';
import { type SetupPhase, useEngineSetup } from './use-engine-setup.tsx';
import styles from './home.module.css';

/** One engine of this computer: what it needs, the button that does it, and the proof that it works. */
export function EngineSetup({
  shell,
  engine,
  isFirst,
  onReady,
}: {
  readonly shell: Shell;
  readonly engine: EngineRow;
  /** The one that most people mean. */
  readonly isFirst: boolean;
  readonly onReady: () => void;
}) {
  const { phase, start } = useEngineSetup(shell, engine, onReady);
  const { word, tone } = needOf(engine);
  const isWorking = phase.kind === 'working';
  return (
    <li className={styles['setupEngine']} aria-label={engine.title}>
      <div className={styles['setupLine']}>
        <strong>{engine.title}</strong>
        {(engine.state !== 'running' || engine.need.kind === 'cannot') && <Chip tone={tone}>{word}</Chip>}
        <span className={styles['setupNeed']} role="status">
          {wordsOf(phase) ?? neededBy(engine)}
        </span>
        {canSetUp(engine) && (
          <Button
            look={isFirst && !isDone(phase) ? 'primary' : 'plain'}
            isPending={isWorking}
            onPress={() => void start()}
          >
            {labelOf(phase, nameOf(engine))}
          </Button>
        )}
      </div>
      {phase.kind === 'failed' && <Failed error={phase.error} />}
      {phase.kind === 'proved' && <Ticks of={phase.ticks} title={engine.title} />}
    </li>
  );
}

/** `Docker`, of `Docker 28.2.2`. */
function nameOf({ title }: EngineRow): string {
  return title.replace(/ v?\d.*$/, '');
}

function isDone(phase: SetupPhase): boolean {
  return phase.kind === 'proved' && Object.values(phase.ticks).every(({ state }) => state !== 'no');
}

function labelOf(phase: SetupPhase, name: string): string {
  if (phase.kind === 'idle' || phase.kind === 'working') return `Set up ${name}`;
  return isDone(phase) ? 'Check again' : 'Try again';
}

function wordsOf(phase: SetupPhase): string | undefined {
  switch (phase.kind) {
    case 'idle':
    case 'failed':
      return undefined;
    case 'working':
      return { trust: 'Looking at what it needs', login: 'Logging in', proof: 'Trying it' }[phase.on];
    case 'refused':
      return phase.what === 'trust'
        ? 'It does not trust this registry yet. Nothing was changed.'
        : 'It is not logged in yet. Nothing was changed by that.';
    case 'proved':
      return isDone(phase) ? 'It can push.' : 'It cannot push yet.';
    default:
      return phase satisfies never;
  }
}
