import { formatBytes } from '../../format.ts';
import { useLinkState } from '../../state/link.ts';
import { useSessions } from '../../state/sessions.ts';
import { useSeconds } from '../../state/tick.ts';
import { recentOf } from './transfer.ts';
import { TransferList } from './transfer-list.tsx';
import styles from './live.module.css';

/** Pushes and pulls as they happen, one line for each client; those that ended stay for a minute. */
export function Live() {
  const { kind } = useLinkState();
  const sessions = useSessions();
  const now = useSeconds(sessions.length > 0);
  const rows = recentOf(sessions, now);
  const running = rows.filter(({ state }) => state === 'active');
  const speed = running.reduce((sum, { bytesPerSecond }) => sum + bytesPerSecond, 0);
  return (
    <section aria-labelledby="live-title" className={styles['live']}>
      <header className={styles['head']}>
        <h2 id="live-title">Live</h2>
        <span role="status">
          {kind === 'lost'
            ? 'not connected'
            : running.length === 0
              ? 'no transfer runs'
              : `${running.length} running`}
        </span>
        {speed > 0 && <span>{formatBytes(speed)}/s</span>}
      </header>
      {rows.length > 0 && (
        // A region that scrolls must be reachable by keyboard.
        <div className={styles['rows']} tabIndex={0} role="group" aria-label="Transfers">
          <TransferList rows={rows} now={now} />
        </div>
      )}
    </section>
  );
}
