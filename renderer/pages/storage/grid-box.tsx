import type { ReactNode } from 'react';
import styles from './storage.module.css';

const headPx = 34;

/** A table inside of a panel: as high as its rows, up to so many; more of them scroll. */
export function GridBox({
  rows,
  most = 12,
  children,
}: {
  readonly rows: number;
  readonly most?: number;
  readonly children: ReactNode;
}) {
  if (rows === 0) return children;
  const height = `calc(${Math.min(rows, most)} * var(--row) + ${headPx}px)`;
  return (
    <div className={styles['box']} style={{ height }}>
      {children}
    </div>
  );
}
