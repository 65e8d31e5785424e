import styles from './storage.module.css';

/** A blank in a sentence, as wide as what it says. */
export function Blank({
  label,
  value,
  onChange,
  placeholder = '',
  problem,
  least = 2,
}: {
  readonly label: string;
  readonly value: string;
  readonly onChange: (value: string) => void;
  readonly placeholder?: string;
  /** Why it cannot be that. */
  readonly problem?: string | undefined;
  /** Letters that it has room for at least. */
  readonly least?: number;
}) {
  return (
    <input
      aria-label={problem === undefined ? label : `${label}: ${problem}`}
      aria-invalid={problem === undefined ? undefined : true}
      className={styles['blank']}
      value={value}
      size={Math.min(40, Math.max(least, (value === '' ? placeholder : value).length))}
      placeholder={placeholder}
      title={problem}
      spellCheck={false}
      autoComplete="off"
      onChange={(event) => onChange(event.target.value)}
    />
  );
}
