import styles from './diff.module.css';

const kinds = { '+': 'added', '-': 'removed', '@': 'place' } as const;

/** A unified diff, its lines marked by sign and colour. */
export function Diff({ text, label }: { readonly text: string; readonly label: string }) {
  const lines = text.replace(/\n$/, '').split('\n');
  return (
    <pre className={styles['diff']} tabIndex={0} role="group" aria-label={label}>
      {lines.map((line, index) => (
        // oxlint-disable-next-line react/no-array-index-key -- the lines never change places
        <span key={index} className={styles[kinds[line.charAt(0) as keyof typeof kinds] ?? 'same']}>
          {line}
          {'\n'}
        </span>
      ))}
    </pre>
  );
}
