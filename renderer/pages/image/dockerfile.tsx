import { CopyButton } from '../../parts/copy.tsx';
import { Bar } from '../../parts/screen.tsx';
import { TextBlock } from './text-block.tsx';
import styles from './image.module.css';

/** The build steps as a Dockerfile; not the one that was built from. */
export function Dockerfile({ text }: { readonly text: string }) {
  return (
    <>
      <Bar label="Dockerfile">
        <span className={styles['muted']}>
          Rebuilt from the history: it shows the steps, not the files they used.
        </span>
        <CopyButton text={text} label="Copy Dockerfile" />
      </Bar>
      <TextBlock text={text} label="Dockerfile" />
    </>
  );
}
