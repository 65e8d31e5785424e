import { FileArchive, FolderOpen } from 'lucide-react';
import { FileTrigger } from 'react-aria-components/FileTrigger';
import { Button } from '../../parts/button.tsx';
import { toastError } from '../../parts/toast.tsx';
import { useShell } from '../../state/shell.ts';
import type { ImportSource } from './use-bundle.ts';
import styles from './transfer.module.css';

/** Asks for the file, by the dialog of the system. */
export function ChooseFile({ onChoose }: { readonly onChoose: (source: ImportSource) => void }) {
  const shell = useShell();
  const pick = async (from: 'file' | 'directory'): Promise<void> => {
    try {
      const [given] = (await shell?.call('files.pickBundles', { from })) ?? [];
      if (given !== undefined) onChoose({ kind: 'path', given });
    } catch (error) {
      toastError(error);
    }
  };
  return (
    <>
      <p>
        An archive that <code>berth export</code>, <code>docker save</code>, <code>podman save</code> or
        another tool wrote as an OCI image layout, also packed with gzip. You can also drop it anywhere on
        this window.
      </p>
      <div className={styles['choices']}>
        {shell === undefined ? (
          <FileTrigger
            acceptedFileTypes={['.tar', '.gz', '.tgz', 'application/x-tar', 'application/gzip']}
            onSelect={(files) => {
              const file = files?.item(0);
              if (file !== null && file !== undefined) onChoose({ kind: 'file', file });
            }}
          >
            <Button look="primary" icon={<FileArchive />} autoFocus>
              Choose a file…
            </Button>
          </FileTrigger>
        ) : (
          <>
            <Button look="primary" icon={<FileArchive />} autoFocus onPress={() => void pick('file')}>
              Choose a file…
            </Button>
            <Button icon={<FolderOpen />} onPress={() => void pick('directory')}>
              Choose a directory…
            </Button>
          </>
        )}
      </div>
    </>
  );
}
