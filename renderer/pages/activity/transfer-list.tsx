import type { SessionRow } from '../../../registry/spec/admin/activity.ts';
import { TransferRow } from './transfer-row.tsx';
import styles from './transfer-row.module.css';

/** Clients that push and pull, below each other. `now` is in milliseconds since the epoch. */
export function TransferList({ rows, now }: { readonly rows: readonly SessionRow[]; readonly now: number }) {
  return (
    <ul className={styles['list']} aria-label="Transfers">
      {rows.map((session) => (
        <TransferRow key={session.id} session={session} now={now} />
      ))}
    </ul>
  );
}
