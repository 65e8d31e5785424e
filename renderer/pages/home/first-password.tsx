import { useQueryClient } from '@tanstack/react-query';
import { Eye, EyeOff } from 'lucide-react';
import { useState } from 'react';
import type { FirstPassword as Kept, SetupFacts } from '../../../main/contract/setup.ts';
import type { Shell } from '../../api/shell.ts';
import { Button, IconButton } from '../../parts/button.tsx';
import { copyText } from '../../parts/copy.tsx';
import { ConfirmDialog, openDialog } from '../../parts/dialog.tsx';
import { toastError } from '../../parts/toast.tsx';
import { shellKey } from '../../state/shell.ts';
import styles from './home.module.css';

/** The password of the first user: shown on asking, never before. */
export function FirstPassword({ shell, kept }: { readonly shell: Shell; readonly kept: Kept }) {
  const queries = useQueryClient();
  const [shown, setShown] = useState<string>();
  const reveal = async (): Promise<string> => (await shell.call('password.reveal', {})).password;
  const forget = async (): Promise<void> => {
    await shell.call('password.forget', {});
    queries.setQueryData([...shellKey('setup.get'), {}], (facts: SetupFacts | undefined) => {
      if (facts === undefined) return undefined;
      const { password: _, ...others } = facts;
      return others;
    });
  };
  return (
    <>
      <span className={styles['inline']}>
        {shown === undefined ? <span aria-label="Hidden">••••••••••••</span> : <code>{shown}</code>}
        <IconButton
          label={shown === undefined ? 'Reveal the password' : 'Hide the password'}
          onPress={() =>
            shown === undefined ? void reveal().then(setShown, toastError) : setShown(undefined)
          }
        >
          {shown === undefined ? <Eye /> : <EyeOff />}
        </IconButton>
        <Button
          look="quiet"
          onPress={() => void reveal().then((password) => copyText(password, 'Password copied'), toastError)}
        >
          Copy
        </Button>
        <Button
          look="quiet"
          onPress={() => void openDialog((close) => <Forget act={forget} onClose={close} />)}
        >
          Forget it
        </Button>
      </span>
      <span className={styles['muted']}>
        {kept.keptIn.kind === 'keychain' ? (
          'Encrypted by the keychain of this system.'
        ) : (
          <>
            Kept in a file only you can read: <code className={styles['command']}>{kept.keptIn.path}</code>
          </>
        )}
      </span>
    </>
  );
}

function Forget({ act, onClose }: { readonly act: () => Promise<void>; readonly onClose: () => void }) {
  return (
    <ConfirmDialog
      title="Forget the first password?"
      verb="Forget the password"
      act={act}
      cli="berth user passwd dev"
      onClose={onClose}
    >
      <p>
        It stays the password of the user, and nothing can show it again. Logins that are kept go on working.
        The command below sets another one.
      </p>
    </ConfirmDialog>
  );
}
