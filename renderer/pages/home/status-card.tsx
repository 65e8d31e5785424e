import { CircleCheck, Lock, Power } from 'lucide-react';
import type { EngineRow } from '../../../registry/spec/admin/computer.ts';
import { openStop } from '../../frame/stop.tsx';
import { formatDuration } from '../../format.ts';
import { Button } from '../../parts/button.tsx';
import { CopyButton } from '../../parts/copy.tsx';
import { Panel } from '../../parts/screen.tsx';
import { Chip, Facts, Time } from '../../parts/values.tsx';
import { useCall } from '../../state/calls.ts';
import { useNow } from '../../state/clock.ts';
import { useLinkState } from '../../state/link.ts';
import { addressFor } from '../../address.ts';
import styles from './home.module.css';

/** The registry at a glance: where it is, since when, and who looks. */
export function StatusCard() {
  const state = useLinkState();
  const now = useNow();
  const { data: status } = useCall('status.get', {});
  const { data: certificate } = useCall('certificate.get', {});
  const { data: engines = [] } = useCall('engines.list', {});
  const own = addressFor(status?.urls, location);
  const isOpen = state.kind === 'open';
  return (
    <Panel
      title="Registry"
      actions={
        isOpen && (
          <Button look="quiet" icon={<Power />} onPress={openStop}>
            Stop
          </Button>
        )
      }
    >
      <Facts
        rows={[
          ['State', <State key="state" isOpen={isOpen} isReadOnly={status?.isReadOnly ?? false} />],
          ['Address', <Addresses key="address" own={own} engines={engines} />],
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
          ['Logged in as', isOpen && state.user],
        ]}
      />
    </Panel>
  );
}

function State({ isOpen, isReadOnly }: { readonly isOpen: boolean; readonly isReadOnly: boolean }) {
  if (!isOpen) return <Chip>No connection</Chip>;
  return isReadOnly ? (
    <Chip tone="warn" icon={<Lock aria-hidden />}>
      Read-only
    </Chip>
  ) : (
    <Chip tone="ok" icon={<CircleCheck aria-hidden />}>
      Running
    </Chip>
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
