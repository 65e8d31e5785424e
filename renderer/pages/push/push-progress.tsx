import { CircleAlert, CircleCheck, CircleDashed, CircleMinus, CircleArrowUp } from 'lucide-react';
import type { SessionRow } from '../../../registry/spec/admin/activity.ts';
import { formatBytes } from '../../format.ts';
import { problemOf } from '../../messages.ts';
import { useSessions } from '../../state/sessions.ts';
import { PlaceLink } from '../activity/place-link.tsx';
import { layersOf } from '../activity/transfer.ts';
import styles from './push.module.css';
import type { PushRow } from './use-pushes.ts';

const icons = {
  waiting: CircleDashed,
  pushing: CircleArrowUp,
  done: CircleCheck,
  failed: CircleAlert,
  cancelled: CircleMinus,
};
const words = {
  waiting: 'Waiting',
  pushing: 'Pushing',
  done: 'Done',
  failed: 'Failed',
  cancelled: 'Cancelled',
};

/** How far each push is, as the registry sees it: it knows bytes and layers, and not how much is still to come. */
export function PushProgress({ rows }: { readonly rows: readonly PushRow[] }) {
  const sessions = useSessions();
  return (
    <ul className={styles['pushes']} aria-label="Pushes">
      {rows.map((row) => {
        const Icon = icons[row.state];
        const { repository, tag } = row;
        return (
          <li key={row.id} className={styles['push']} data-state={row.state}>
            <Icon aria-hidden />
            <span className={styles['pushState']}>{words[row.state]}</span>
            <span className={styles['pushName']}>
              {row.state === 'done' ? (
                <PlaceLink of={{ repository, tag }} />
              ) : (
                <code>{`${repository}:${tag}`}</code>
              )}
              <span className={styles['muted']}>from {row.from}</span>
            </span>
            <span className={styles['pushFacts']}>
              {row.state === 'pushing' && progressOf(sessions, repository)}
              {row.state === 'failed' && <Reason error={row.error} />}
            </span>
          </li>
        );
      })}
    </ul>
  );
}

function Reason({ error }: { readonly error: unknown }) {
  const { title, hint } = problemOf(error);
  return (
    <span role="alert">
      {title} {hint}
    </span>
  );
}

/** `143MB at 82MB/s, 6 done, 3 reused`, once the engine has begun to send. */
function progressOf(sessions: readonly SessionRow[], repository: string): string {
  const session = sessions.find(
    (each) => each.kind === 'push' && each.state === 'active' && each.repository === repository,
  );
  if (session === undefined) return 'The engine begins';
  const { bytesIn, bytesPerSecond } = session;
  const rate = bytesPerSecond === 0 ? '' : ` at ${formatBytes(bytesPerSecond)}/s`;
  return [`${formatBytes(bytesIn)}${rate}`, layersOf(session)].filter((part) => part !== '').join(', ');
}
