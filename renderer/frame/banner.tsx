import { useNow } from '../state/clock.ts';
import { useCall } from '../state/calls.ts';
import { useLink, useLinkState } from '../state/link.ts';
import { Button } from '../parts/button.tsx';
import { hrefOf } from '../route.ts';
import { formatBytes } from '../format.ts';
import { Notice } from '../parts/states.tsx';
import { useShellCall } from '../state/shell.ts';
import { ProcessNotice } from './process-notice.tsx';
import styles from './banner.module.css';

const dayMs = 24 * 60 * 60 * 1000;

/** The most severe thing that concerns every screen, in one line. */
export function Banner() {
  const state = useLinkState();
  const link = useLink();
  const now = useNow();
  const isOpen = state.kind === 'open';
  const { data: status } = useCall('status.get', {}, { isWanted: isOpen });
  const { data: certificate } = useCall('certificate.get', {}, { isWanted: isOpen });
  const { data: process } = useShellCall('registry.get', {});
  if (state.kind === 'lost' && process !== undefined && process.state !== 'running')
    return (
      <section aria-label="State of the registry" className={styles['banner']}>
        <ProcessNotice process={process} />
      </section>
    );
  if (state.kind === 'lost')
    return (
      <section aria-label="State of the registry" className={styles['banner']}>
        <Notice kind="error" actions={<Button onPress={link.retry}>Try now</Button>}>
          The connection to the registry is lost, and is tried again by itself. What is shown is from before.
        </Notice>
      </section>
    );
  if (status?.disk.state === 'full')
    return (
      <section aria-label="State of the registry" className={styles['banner']}>
        <Notice kind="error" actions={<a href={hrefOf({ page: 'storage' })}>Free space</a>}>
          The disk is full: pushes are refused until {formatBytes(status.disk.reserveBytes ?? 0)} are free.
          Pulls go on.
        </Notice>
      </section>
    );
  if (status?.isReadOnly === true)
    return (
      <section aria-label="State of the registry" className={styles['banner']}>
        <Notice kind="warn" actions={<a href={hrefOf({ page: 'settings' })}>Settings</a>}>
          The registry is read-only: pushes and deletes are refused.
        </Notice>
      </section>
    );
  if (status?.disk.state === 'low')
    return (
      <section aria-label="State of the registry" className={styles['banner']}>
        <Notice kind="warn" actions={<a href={hrefOf({ page: 'storage' })}>Free space</a>}>
          The disk has {formatBytes(status.disk.freeBytes ?? 0)} left.
        </Notice>
      </section>
    );
  const days = certificate === undefined ? undefined : (Date.parse(certificate.leaf.validTo) - now) / dayMs;
  if (certificate !== undefined && days !== undefined && days < 14)
    return (
      <section aria-label="State of the registry" className={styles['banner']}>
        <Notice
          kind="warn"
          actions={<a href={hrefOf({ page: 'settings', tab: 'certificate' })}>Certificate</a>}
        >
          {days < 0 ? 'The certificate has expired.' : `The certificate expires in ${Math.ceil(days)} days.`}
        </Notice>
      </section>
    );
  return null;
}
