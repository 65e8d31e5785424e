/** What the registry writes at all: the level of each of its parts, and which of them fall back by themselves. */
import { useState } from 'react';
import { type Level, levels, type Subsystem, subsystems } from '../../../registry/spec/log-record.ts';
import { formatAbsolute } from '../../format.ts';
import { Button } from '../../parts/button.tsx';
import { CliLine } from '../../parts/copy.tsx';
import { Dialog } from '../../parts/dialog.tsx';
import { Chooser } from '../../parts/field.tsx';
import { Loaded } from '../../parts/states.tsx';
import { toastError } from '../../parts/toast.tsx';
import { useAsk, useCall } from '../../state/calls.ts';
import styles from './logs.module.css';

const quarterMs = 15 * 60_000;
const terms = [
  { id: '15m', label: '15 minutes, then back', ms: quarterMs },
  { id: '1h', label: 'an hour, then back', ms: 4 * quarterMs },
  { id: 'always', label: 'until it is changed', ms: undefined },
] as const;
type Term = (typeof terms)[number]['id'];

const about: Readonly<Record<Subsystem, string>> = {
  http: 'requests and answers',
  auth: 'logins, users, tokens',
  store: 'blobs, manifests, tags',
  driver: 'calls of the disk',
  tls: 'certificates, handshakes',
  admin: 'this window, berth',
  jobs: 'clean-up, rules, checks',
  engine: 'Docker and others',
};

function useSetLevel() {
  const ask = useAsk();
  return (sys: Subsystem | 'all', level: Level, forMs?: number): void => {
    ask('logs.setLevel', { sys, level, ...(forMs === undefined ? {} : { forMs }) }).catch(toastError);
  };
}

export function ServerLevels({ onClose }: { readonly onClose: () => void }) {
  const answer = useCall('logs.levels', {});
  const { data: reverts = {} } = useCall('logs.reverts', {});
  const setLevel = useSetLevel();
  const [term, setTerm] = useState<Term>('15m');
  const [command, setCommand] = useState('berth log-level all debug --for 15m');
  const forMs = terms.find(({ id }) => id === term)?.ms;

  function set(sys: Subsystem | 'all', level: Level, ms: number | undefined): void {
    const after = ms === undefined ? '' : ` --for ${ms / 60_000}m`;
    setCommand(`berth log-level ${sys} ${level}${after}`);
    setLevel(sys, level, ms);
  }

  return (
    <Dialog title="Server levels" onClose={onClose}>
      <p>What the registry writes into its log, here and in the files. More costs speed and room.</p>
      <div className={styles['term']}>
        <Chooser label="A change lasts for" value={term} choices={terms} onChange={setTerm} />
        <Button look="primary" onPress={() => set('all', 'debug', quarterMs)}>
          Debug for 15 minutes, then back
        </Button>
      </div>
      <Loaded answer={answer} rows={8}>
        {(present) => (
          <ul className={styles['parts']} aria-label="Levels">
            {subsystems.map((sys) => (
              <li key={sys}>
                <span className={styles['part']}>
                  <code>{sys}</code> <span className={styles['dim']}>{about[sys]}</span>
                </span>
                <Chooser
                  isLabelHidden
                  label={`Level of ${sys}`}
                  value={(present[sys] ?? 'info') as Level}
                  choices={levels.map((each) => ({ id: each, label: each }))}
                  onChange={(level) => set(sys, level, forMs)}
                />
                <span className={styles['fallsBack']}>
                  {reverts[sys] !== undefined && (
                    <>
                      until {formatAbsolute(reverts[sys].at).slice(11)}, then {reverts[sys].level}
                    </>
                  )}
                </span>
              </li>
            ))}
          </ul>
        )}
      </Loaded>
      <CliLine command={command} />
    </Dialog>
  );
}

/** Says which levels fall back, while some do. */
export function FallingBack() {
  const { data: reverts = {} } = useCall('logs.reverts', {});
  const { data: present = {} } = useCall('logs.levels', {});
  const setLevel = useSetLevel();
  const parts = subsystems.filter((sys) => reverts[sys] !== undefined);
  if (parts.length === 0) return null;
  // Parts that were set together fall back together.
  const groups = Map.groupBy(parts, (sys) =>
    [present[sys], formatAbsolute(reverts[sys]?.at ?? '').slice(11), reverts[sys]?.level].join(' '),
  );
  return (
    <div className={styles['fallingBack']} role="group" aria-label="Levels that fall back">
      {[...groups].map(([key, [first = 'http', ...more]]) => (
        <span key={key}>
          {more.length === subsystems.length - 1 ? 'Everything' : [first, ...more].join(', ')} at{' '}
          <strong>{present[first]}</strong> until {formatAbsolute(reverts[first]?.at ?? '').slice(11)}, then{' '}
          {reverts[first]?.level}
        </span>
      ))}
      <Button
        look="quiet"
        onPress={() => {
          for (const sys of parts) setLevel(sys, (reverts[sys]?.level ?? 'info') as Level);
        }}
      >
        Back now
      </Button>
    </div>
  );
}
