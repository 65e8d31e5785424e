/** Small pictures of numbers. Each has its meaning as text for those who do not see it. */
import styles from './charts.module.css';

/** A line over equal steps, the oldest first. */
export function Sparkline({
  values,
  label,
  width = 72,
  height = 18,
}: {
  readonly values: readonly number[];
  readonly label: string;
  readonly width?: number;
  readonly height?: number;
}) {
  const top = Math.max(1, ...values);
  const step = width / Math.max(1, values.length - 1);
  const points = values
    .map((value, index) => `${index * step},${height - 1 - (value / top) * (height - 2)}`)
    .join(' ');
  return (
    <svg
      className={styles['spark']}
      role="img"
      aria-label={label}
      width={width}
      height={height}
      viewBox={`0 0 ${width} ${height}`}
      preserveAspectRatio="none"
    >
      <polyline points={points} />
    </svg>
  );
}

export interface Share {
  readonly label: string;
  readonly value: number;
  /** Of the value, for the legend. */
  readonly text: string;
  /** Nothing has it: it is drawn as the ground. */
  readonly isFree?: boolean;
}

/** Parts of a whole, beside each other, with a legend that says the same in words. */
export function StackedBar({ shares, label }: { readonly shares: readonly Share[]; readonly label: string }) {
  const whole = shares.reduce((sum, { value }) => sum + value, 0);
  const starts: number[] = [];
  for (const { value } of shares) starts.push((starts.at(-1) ?? 0) + value);
  return (
    <figure className={styles['figure']} aria-label={label}>
      <svg className={styles['bar']} viewBox="0 0 1000 10" preserveAspectRatio="none" aria-hidden>
        {whole > 0 &&
          shares.map(({ label: name, value, isFree }, index) => (
            <rect
              key={name}
              className={isFree === true ? styles['free'] : styles[`share${index % 6}`]}
              x={(((starts[index] ?? 0) - value) / whole) * 1000}
              width={(value / whole) * 1000}
              height={10}
            />
          ))}
      </svg>
      <figcaption className={styles['legend']}>
        {shares.map(({ label: name, text, isFree }, index) => (
          <span key={name} className={styles['entry']}>
            <svg width="10" height="10" aria-hidden>
              <rect
                width="10"
                height="10"
                rx="2"
                className={isFree === true ? styles['free'] : styles[`share${index % 6}`]}
              />
            </svg>
            {name} {text}
          </span>
        ))}
      </figcaption>
    </figure>
  );
}

/** How far something is: `done` of `total`, or moving where the total is unknown. */
export function Progress({
  done,
  total,
  label,
}: {
  readonly done: number;
  readonly total: number | undefined;
  readonly label: string;
}) {
  const part = total === undefined || total === 0 ? undefined : Math.min(1, done / total);
  return (
    <div
      className={`${styles['progress']} ${part === undefined ? styles['moving'] : ''}`}
      role="progressbar"
      aria-label={label}
      {...(part === undefined
        ? {}
        : { 'aria-valuenow': Math.floor(part * 100), 'aria-valuemin': 0, 'aria-valuemax': 100 })}
    >
      <div className={styles['done']} style={{ width: `${(part ?? 0.3) * 100}%` }} />
    </div>
  );
}
