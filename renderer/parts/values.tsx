/** Values as they are shown everywhere. */
import type { ReactNode } from 'react';
import { formatAbsolute, formatBytes, formatExactBytes, formatRelative, shortDigest } from '../format.ts';
import { useNow } from '../state/clock.ts';
import { usePreferences } from '../state/preferences.ts';
import styles from './values.module.css';

/** When, seen from now with the exact time on hover, or the other way round. */
export function Time({ at }: { readonly at: string | undefined }) {
  const now = useNow();
  const isRelative = usePreferences().dates === 'relative';
  if (at === undefined) return <span className={styles['none']}>never</span>;
  return (
    <time
      dateTime={at}
      title={isRelative ? formatAbsolute(at) : `${formatAbsolute(at)}, ${formatRelative(at, now)}`}
    >
      {isRelative ? formatRelative(at, now) : formatAbsolute(at).slice(0, 16)}
    </time>
  );
}

/** A size as docker writes it; the exact one on hover. */
export function Bytes({ value }: { readonly value: number | undefined }) {
  if (value === undefined) return <span className={styles['none']}>unknown</span>;
  return <span title={formatExactBytes(value)}>{formatBytes(value)}</span>;
}

/** Twelve digits; the whole digest on hover. */
export function Digest({ value }: { readonly value: string }) {
  return (
    <code className={styles['digest']} title={value}>
      {shortDigest(value)}
    </code>
  );
}

export type Tone = 'plain' | 'ok' | 'warn' | 'err' | 'accent';

/** A word about a thing: a platform, a kind, a state. */
export function Chip({
  children,
  tone = 'plain',
  icon,
  title,
}: {
  readonly children: ReactNode;
  readonly tone?: Tone;
  readonly icon?: ReactNode;
  readonly title?: string;
}) {
  return (
    <span className={`${styles['chip']} ${styles[tone]}`} title={title}>
      {icon}
      {children}
    </span>
  );
}

/** Names and values in two columns. Entries without a value are left out. */
export function Facts({ rows }: { readonly rows: readonly (readonly [name: string, value: ReactNode])[] }) {
  return (
    <dl className={styles['facts']}>
      {rows
        .filter(([, value]) => value !== undefined && value !== '' && value !== false)
        .map(([name, value]) => (
          <div key={name} className={styles['fact']}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
    </dl>
  );
}
