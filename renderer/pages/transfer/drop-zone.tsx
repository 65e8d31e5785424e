import { PackageOpen } from 'lucide-react';
import { useEffect, useState } from 'react';
import { toast } from '../../parts/toast.tsx';
import { useShell } from '../../state/shell.ts';
import { openImports } from './open-transfer.tsx';
import styles from './transfer.module.css';

/** The whole window takes files that are dropped on it. */
export function DropZone() {
  const shell = useShell();
  const [isOver, setOver] = useState(false);
  useEffect(() => {
    const ending = new AbortController();
    const { signal } = ending;
    // Each element that is entered is told before the one that is left.
    let depth = 0;
    const show = (next: number): void => {
      depth = Math.max(0, next);
      setOver(depth > 0);
    };
    const listen = (name: 'dragenter' | 'dragover' | 'dragleave' | 'drop', act: (event: DragEvent) => void) =>
      window.addEventListener(
        name,
        (event) => {
          if (event.dataTransfer?.types.includes('Files') === true) act(event);
        },
        { signal },
      );
    listen('dragenter', (event) => {
      event.preventDefault();
      show(depth + 1);
    });
    listen('dragover', (event) => event.preventDefault());
    listen('dragleave', () => show(depth - 1));
    listen('drop', (event) => {
      event.preventDefault();
      show(0);
      // The desktop is told the paths, and tells the window then.
      if (shell === undefined) void openImports(filesOf(event).map((file) => ({ kind: 'file', file })));
    });
    return () => ending.abort();
  }, [shell]);
  if (!isOver) return null;
  return (
    <div className={styles['drop']} role="status">
      <PackageOpen aria-hidden />
      <strong>Drop to import</strong>
    </div>
  );
}

/** The files of a drop. A browser has no path to send a directory by. */
function filesOf({ dataTransfer }: DragEvent): readonly File[] {
  const items = [...(dataTransfer?.items ?? [])];
  const directories = items.filter((item) => item.webkitGetAsEntry()?.isDirectory === true);
  if (directories.length > 0)
    toast({
      kind: 'error',
      text: 'A browser cannot send a directory. Pack it with tar, or use berth import on the computer of the registry.',
    });
  return items
    .filter((item) => !directories.includes(item))
    .map((item) => item.getAsFile())
    .filter((file) => file !== null);
}
