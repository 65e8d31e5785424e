import { CircleAlert, CircleCheck, CircleDashed, CircleMinus, KeyRound } from 'lucide-react';
import { useState } from 'react';
import type { EngineRow } from '../../../registry/spec/admin/computer.ts';
import { openConnect } from '../../frame/open.tsx';
import { Button } from '../../parts/button.tsx';
import { CopyLine } from '../../parts/copy.tsx';
import { Radio, RadioGroup } from '../../parts/radio.tsx';
import { Panel } from '../../parts/screen.tsx';
import { Loaded } from '../../parts/states.tsx';
import { Chip } from '../../parts/values.tsx';
import { useCall } from '../../state/calls.ts';
import { addressFor, isHere as isReadHere } from '../../address.ts';
import { needOf } from '../doctor/engine-need.ts';
import { canPush } from './engine-steps.ts';
import { useProgramsSeen } from './login-seen.ts';
import { useNewestImage } from './newest-image.ts';
import { programOf, recipeOf } from './recipe.ts';
import styles from './home.module.css';

/** How an image gets here from each engine of the computer. */
export function ConnectCard() {
  const answer = useCall('engines.list', {});
  return (
    <Panel
      title="Connect"
      actions={
        <Button look="quiet" onPress={openConnect}>
          Other clients
        </Button>
      }
    >
      <Loaded answer={answer} rows={4}>
        {(engines) => <Engines engines={engines} />}
      </Loaded>
    </Panel>
  );
}

const icons = { ok: CircleCheck, warn: CircleAlert, err: CircleMinus, plain: CircleDashed, accent: KeyRound };

function Engines({ engines }: { readonly engines: readonly EngineRow[] }) {
  const { data: status } = useCall('status.get', {});
  const seen = useProgramsSeen();
  const [chosen, setChosen] = useState<string>();
  const running = engines.find(({ state }) => state === 'running') ?? engines[0];
  const engine = engines.find(({ id }) => id === chosen) ?? running;
  // The engines are those of the registry's computer; elsewhere a reader has engines of their own.
  const isHere = isReadHere();
  const newest = useNewestImage(engine);
  const address = isHere && engine !== undefined ? engine.address : addressFor(status?.urls, location);
  return (
    <>
      {engines.length > 0 && engine !== undefined && (
        <RadioGroup
          aria-label={isHere ? 'Engines' : 'Engines of the registry’s computer'}
          value={engine.id}
          onChange={setChosen}
          className={styles['engines']}
        >
          {engines.map((each) => (
            <EngineChip
              key={each.id}
              engine={each}
              isSeen={each.login !== undefined || (seen?.has(programOf(each.kind)) ?? true)}
            />
          ))}
        </RadioGroup>
      )}
      {engine !== undefined && engine.need.kind !== 'nothing' && (
        <p className={styles['muted']}>{engine.need.sentence}</p>
      )}
      {engine !== undefined && engine.need.kind !== 'nothing' && engine.need.kind !== 'cannot' && (
        <CopyLine text={`berth trust add ${engine.id}`} label="Copy the command that sets it up" />
      )}
      <CopyLine text={recipeOf(engine?.kind ?? 'docker', address, newest)} label="Copy tag, push and pull" />
    </>
  );
}

function EngineChip({
  engine,
  isSeen,
}: {
  readonly engine: EngineRow;
  /** It has a login, or its program was let in before. */
  readonly isSeen: boolean;
}) {
  const { word, tone } =
    !isSeen && canPush(engine) && engine.state === 'running' && engine.need.kind === 'nothing'
      ? ({ word: 'Needs login', tone: 'accent' } as const)
      : needOf(engine);
  const Icon = icons[tone];
  return (
    <Radio value={engine.id} className={styles['engine']}>
      <span className={styles['engineName']} title={engine.title}>
        {engine.title}
      </span>
      <Chip tone={tone} icon={<Icon aria-hidden />}>
        {word}
      </Chip>
    </Radio>
  );
}
