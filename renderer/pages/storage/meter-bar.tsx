import styles from './storage.module.css';

/** How much of a limit is used, in words beside it. */
export function MeterBar({
  label,
  used,
  limit,
  text,
}: {
  readonly label: string;
  readonly used: number;
  readonly limit: number;
  readonly text: string;
}) {
  const part = limit === 0 ? 1 : Math.min(1, used / limit);
  const tone = part >= 1 ? styles['full'] : part >= 0.9 ? styles['near'] : '';
  return (
    <div className={styles['meter']}>
      <svg
        role="meter"
        aria-label={label}
        aria-valuemin={0}
        aria-valuemax={Math.max(limit, used)}
        aria-valuenow={used}
        aria-valuetext={text}
        viewBox="0 0 100 10"
        preserveAspectRatio="none"
        className={`${styles['bar']} ${tone}`}
      >
        <rect width={part * 100} height="10" />
      </svg>
      <span>{text}</span>
    </div>
  );
}
