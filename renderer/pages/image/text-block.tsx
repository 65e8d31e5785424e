import { formatForeign } from '../../format.ts';
import styles from './image.module.css';

/** A text that scrolls, with what cannot be seen written out. */
export function TextBlock({ text, label }: { readonly text: string; readonly label: string }) {
  return (
    <pre className={styles['text']} tabIndex={0} role="group" aria-label={label}>
      {formatForeign(text)}
    </pre>
  );
}
