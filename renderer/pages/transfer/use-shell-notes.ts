import { useEffect } from 'react';
import { toast, toastError } from '../../parts/toast.tsx';
import { useShell } from '../../state/shell.ts';
import { openImports } from './open-transfer.tsx';

/** What the desktop tells the window of files: those that were given to be imported, and those that are saved. */
export function useShellNotes(): void {
  const shell = useShell();
  useEffect(() => {
    if (shell === undefined) return undefined;
    const take = async (): Promise<void> => {
      try {
        const given = await shell.call('files.pickBundles', { from: 'given' });
        await openImports(given.map((each) => ({ kind: 'path', given: each })));
      } catch (error) {
        toastError(error);
      }
    };
    // What was given before the window was there.
    void take();
    return shell.onNote((note) => {
      switch (note.kind) {
        case 'changed':
          return;
        case 'given':
          return void take();
        case 'saved':
          return toast({
            text: `Saved ${note.name}`,
            action: {
              label: 'Show in folder',
              run: () => shell.call('files.reveal', { id: note.id }).catch(toastError),
            },
          });
        case 'notSaved':
          return toast({
            kind: 'error',
            text: `${note.name} could not be saved. Is there room in the folder for downloads? Try it again.`,
          });
      }
    });
  }, [shell]);
}
