import {
  CircleAlert,
  CircleCheck,
  CircleDashed,
  CircleMinus,
  type LucideIcon,
  TriangleAlert,
} from 'lucide-react';
import { useState } from 'react';
import type { TrustTarget, TrustWay } from '../../../main/contract/consent.ts';
import type { EngineRow } from '../../../registry/spec/admin/computer.ts';
import type { Shell } from '../../api/shell.ts';
import { Radios } from '../../parts/radios.tsx';
import { Chip, type Tone } from '../../parts/values.tsx';
import { preferences, setPreferences } from '../../state/preferences.ts';
import { useShellCall } from '../../state/shell.ts';
import { ConsentSheet } from './consent-sheet.tsx';

const ways: readonly { readonly id: TrustWay; readonly label: string; readonly help: string }[] = [
  { id: 'certificate', label: 'Only this registry, only this engine', help: 'Recommended.' },
  {
    id: 'system',
    label: 'This whole computer',
    help: 'Engine, curl and helm; takes an administrator, and a restart of the engine.',
  },
  {
    id: 'browsers',
    label: 'The browsers of this user',
    help: 'Chromium and Firefox, which have databases of their own.',
  },
  {
    id: 'insecure',
    label: 'Do not verify',
    help: 'Not recommended: an entry of insecure-registries, which takes an administrator and a reload.',
  },
];

/** Asks whether an engine may trust the registry, by the narrowest way unless another is chosen. */
export function TrustSheet({
  shell,
  engine,
  onDone,
  onClose,
}: {
  readonly shell: Shell;
  readonly engine: EngineRow;
  readonly onDone?: () => void;
  readonly onClose: () => void;
}) {
  const [way, setWay] = useState<TrustWay>('certificate');
  const { data: targets = [] } = useShellCall('trust.look', { engine: engine.id }, { isFresh: true });
  const choices = ways.flatMap(({ help, ...each }) => {
    const target = targets.find((one) => one.way === each.id);
    // The narrowest is there while it is looked.
    if (target === undefined) return each.id === 'certificate' ? [{ ...each, help }] : [];
    return [{ ...each, help: sayHelp(help, target), state: <State of={target} /> }];
  });
  return (
    <ConsentSheet
      key={way}
      plan={() => shell.call('trust.plan', { engine: engine.id, way })}
      apply={(hash) => shell.call('trust.apply', { engine: engine.id, way, hash })}
      choice={<Radios label="How" value={way} choices={choices} onChange={setWay} />}
      onNever={() =>
        setPreferences({ mutedEngines: [...new Set([...preferences().mutedEngines, engine.id])] })
      }
      onDone={onDone}
      cli={`berth trust add ${engine.id}${way === 'certificate' ? '' : ` --how ${way}`}`}
      onClose={onClose}
    />
  );
}

const states: Readonly<Record<TrustTarget['state'], readonly [word: string, tone: Tone, Icon: LucideIcon]>> =
  {
    'not needed': ['Not needed', 'plain', CircleMinus],
    'not trusted': ['Not trusted', 'plain', CircleDashed],
    trusted: ['Trusted', 'ok', CircleCheck],
    'different certificate': ['Different certificate', 'warn', TriangleAlert],
    'needs tool': ['Needs a program', 'warn', TriangleAlert],
    failed: ['Failed', 'err', CircleAlert],
  };

/** How far a way is already. */
function State({ of: { state } }: { readonly of: TrustTarget }) {
  const [word, tone, Icon] = states[state];
  return (
    <Chip tone={tone} icon={<Icon aria-hidden />}>
      {word}
    </Chip>
  );
}

/** What the way is, and why it is as far as it is. */
function sayHelp(help: string, { said }: TrustTarget): string {
  return said === undefined ? help : `${help} ${said}`;
}
