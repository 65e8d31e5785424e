import { CircleCheck, CircleMinus, Lock, Power, RotateCw } from 'lucide-react';
import type { EngineRow } from '../../../registry/spec/admin/computer.ts';
import { type RegistryState, useRegistryState } from '../../frame/registry-state.ts';
import { formatDuration } from '../../format.ts';
import { Button } from '../../parts/button.tsx';
import { CopyButton } from '../../parts/copy.tsx';
import { Panel } from '../../parts/screen.tsx';
import { Chip, Facts, Time } from '../../parts/values.tsx';
import { useCall } from '../../state/calls.ts';
import { useNow } from '../../state/clock.ts';
import { addressFor, isHere } from '../../address.ts';
import { canPush } from './engine-steps.ts';
import { useLogin } from './login-seen.ts';
import styles from './home.module.css';

/** The registry at a glance: where it is, since when, and who pushes to it. */
export function StatusCard() {
  const now = useNow();
  const { data: status } = useCall('status.get', {});
  const { data: certificate } = useCall('certificate.get', {});
  const { data: engines = [] } = useCall('engines.list', {});
  const registry = useRegistryState();
  const own = addressFor(status?.urls, location);
  return (
    <Panel title="Registry" actions={<Acts of={registry} />}>
      <Facts
        rows={[
          ['State', <State key="state" of={registry} />],
          ['Address', own !== '' && <Addresses key="address" own={own} engines={engines} />],
          [
            'Running for',
            status !== undefined && (
              <span key="since" title={`Since ${status.startedAt}`}>
                {formatDuration(Math.max(1000, now - Date.parse(status.startedAt)))}, version {status.version}
              </span>
            ),
          ],
          [
            'Certificate',
            certificate !== undefined && (
              <span key="end">
                {certificate.source === 'own' ? 'Your own' : 'Made by Berth'}, ends{' '}
                <Time at={certificate.leaf.validTo} />
              </span>
            ),
          ],
          [
            'Fingerprint',
            certificate !== undefined && (
              <span key="fingerprint" className={styles['inline']}>
                <code className={styles['cut']} title={`SHA-256 ${certificate.leaf.fingerprint}`}>
                  {certificate.leaf.fingerprint}
                </code>
                <CopyButton text={certificate.leaf.fingerprint} label="Copy fingerprint" />
              </span>
            ),
          ],
          ['Logged in', <Logins key="logins" engines={engines} />],
        ]}
      />
    </Panel>
  );
}

function Acts({ of: { isOpen, isStopped, restart, toggle } }: { readonly of: RegistryState }) {
  return (
    <>
      {restart !== undefined && (
        <Button look="quiet" icon={<RotateCw />} onPress={restart}>
          Restart
        </Button>
      )}
      {(isOpen || isStopped) && (
        <Button look={isOpen ? 'quiet' : 'primary'} icon={<Power />} onPress={toggle}>
          {isOpen ? 'Stop' : 'Start'}
        </Button>
      )}
    </>
  );
}

const looks = {
  Running: ['ok', CircleCheck],
  'Read-only': ['warn', Lock],
} as const;

function State({ of: { word, isEnded } }: { readonly of: RegistryState }) {
  const [tone, Icon] = looks[word as keyof typeof looks] ?? ['plain', CircleMinus];
  return (
    <span className={styles['inline']}>
      <Chip tone={tone} icon={<Icon aria-hidden />}>
        {word}
      </Chip>
      {isEnded && (
        <>
          <code>berth up</code> <CopyButton text="berth up" label="Copy the command that starts it" />
        </>
      )}
    </span>
  );
}

/** As whom clients push: what those of this computer have, or else who was let in last. */
function Logins({ engines }: { readonly engines: readonly EngineRow[] }) {
  const last = useLogin(false);
  const known = engines.filter((engine) => engine.state === 'running' && canPush(engine));
  if (!isHere() || known.every(({ login }) => login === undefined))
    return typeof last === 'object' ? `${last.user} with ${last.client}` : last && 'No client yet';
  return (
    <ul>
      {known.map(({ id, title, login }) => (
        <li key={id}>
          {title}: {login ?? <span className={styles['muted']}>not logged in</span>}
        </li>
      ))}
    </ul>
  );
}

/** Where the reader reaches it, and then where engines do that need another name for it. */
function Addresses({ own, engines }: { readonly own: string; readonly engines: readonly EngineRow[] }) {
  const others = Map.groupBy(
    engines.filter(({ address, need }) => address !== own && need.kind !== 'cannot'),
    ({ address }) => address,
  );
  const rows = [
    [own, undefined] as const,
    ...[...others].map(([address, users]) => [address, users.map(({ title }) => title).join(', ')] as const),
  ];
  return (
    <ul>
      {rows.map(([address, users]) => (
        <li key={address} className={styles['inline']}>
          <code>{address}</code>
          <CopyButton text={address} label={`Copy ${address}`} />
          {users !== undefined && (
            <span className={styles['muted']} title={users}>
              for {users}
            </span>
          )}
        </li>
      ))}
    </ul>
  );
}
