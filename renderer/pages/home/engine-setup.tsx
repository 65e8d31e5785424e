import { CircleAlert, CircleCheck, CircleDashed } from 'lucide-react';
import type { Tick } from '../../../main/contract/setup.ts';
import type { EngineRow } from '../../../registry/spec/admin/computer.ts';
import type { Shell } from '../../api/shell.ts';
import { Button } from '../../parts/button.tsx';
import { Failed } from '../../parts/states.tsx';
import { Chip } from '../../parts/values.tsx';
import { hrefOf } from '../../route.ts';
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
      {phase.kind === 'proved' && (
        <ul className={styles['ticks']} aria-label={`Proof of ${engine.title}`}>
          <TickLine title="Reached" tick={phase.ticks.reached} />
          <TickLine title="Trusted" tick={phase.ticks.trusted} />
          <TickLine title="Logged in" tick={phase.ticks.loggedIn} />
        </ul>
      )}
    </li>
  );
}

const icons = { yes: CircleCheck, no: CircleAlert, unknown: CircleDashed };
const words = { yes: 'Yes', no: 'No', unknown: 'Not known' };

function TickLine({ title, tick: { state, said, fix } }: { readonly title: string; readonly tick: Tick }) {
  const Icon = icons[state];
  return (
    <li className={styles['tick']} data-state={state}>
      <Icon aria-label={words[state]} />
      <span>
        {title}
        {said !== undefined && state !== 'yes' && <>: {said}</>} {fix}{' '}
        {state === 'no' && <a href={hrefOf({ page: 'doctor' })}>Doctor</a>}
      </span>
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
