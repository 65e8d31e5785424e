import type { ReactNode } from 'react';
import { formatAbsolute } from '../format.ts';
import { isLost, type Rows } from '../state/calls.ts';
import styles from './listed.module.css';
import { Failed, Skeleton, Unknown } from './states.tsx';

/** The table of a list, once there is something to show in it; what went wrong above it, or instead of it. */
export function Listed({
  list,
  rows,
  children,
}: {
  readonly list: Rows<unknown>;
  /** Of the skeleton. */
  readonly rows?: number;
  readonly children: ReactNode;
}) {
  const { error, isLoading, updatedAt, reload } = list;
  // A lost connection is told once, above every screen.
  const isFailed = error !== null && error !== undefined && !isLost(error);
  const isKnown = updatedAt > 0;
  return (
    <>
      {isFailed && (
        <div className={styles['failed']}>
          <Failed error={error} onRetry={reload} />
          {isKnown && (
            <p className={styles['old']}>
              Showing what was known at {formatAbsolute(new Date(updatedAt).toISOString())}.
            </p>
          )}
        </div>
      )}
      {isLoading ? <Skeleton rows={rows} /> : isKnown || error === null ? children : !isFailed && <Unknown />}
    </>
  );
}
