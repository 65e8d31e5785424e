import type { UserRow } from '../../../registry/spec/admin/access.ts';
import { formatPlural } from '../../format.ts';
import { ConfirmDialog, openDialog } from '../../parts/dialog.tsx';
import { toast, toastError } from '../../parts/toast.tsx';
import { shellLine } from '../../shell.ts';
import { useAsk, useGuess } from '../../state/calls.ts';
import { AddUser } from './add-user.tsx';
import { EditUser } from './edit-user.tsx';
import { ImportUsers } from './import-users.tsx';
import { ResetPassword } from './reset-password.tsx';

export interface UserActs {
  readonly add: () => void;
  readonly importUsers: () => void;
  readonly edit: (user: UserRow) => void;
  readonly resetPassword: (user: UserRow) => void;
  /** Disables an active user, or enables a disabled one. */
  readonly toggle: (user: UserRow) => Promise<void>;
  readonly remove: (user: UserRow) => void;
}

/** What can be done with users. */
export function useUserActs(): UserActs {
  const ask = useAsk();
  const guess = useGuess();

  async function setDisabled(name: string, disabled: boolean): Promise<void> {
    const takeBack = guess('users.list', (rows) =>
      (rows as readonly UserRow[]).map((row) =>
        row.name === name ? { ...row, state: disabled ? 'disabled' : 'active' } : row,
      ),
    );
    try {
      await ask('users.setDisabled', { name, disabled });
    } catch (error) {
      takeBack();
      throw error;
    }
  }

  return {
    add: () => void openDialog((close) => <AddUser onClose={close} />),
    importUsers: () => void openDialog((close) => <ImportUsers onClose={close} />),
    edit: (user) => void openDialog((close) => <EditUser user={user} onClose={close} />),
    resetPassword: ({ name }) => void openDialog((close) => <ResetPassword name={name} onClose={close} />),
    async toggle({ name, state }) {
      const disabled = state !== 'disabled';
      try {
        await setDisabled(name, disabled);
        toast({
          text: disabled ? `Disabled ${name}: logins and tokens are refused` : `Enabled ${name}`,
          undo: () => setDisabled(name, !disabled),
        });
      } catch (error) {
        toastError(error);
      }
    },
    remove: ({ name, tokens }) =>
      void openDialog((close) => (
        <ConfirmDialog
          title={`Delete ${name}?`}
          verb="Delete 1 user"
          cli={shellLine('berth', 'user', 'rm', name)}
          act={() => ask('users.remove', { name })}
          onClose={close}
        >
          <p>
            {tokens === 0
              ? 'The password is refused from the next request on.'
              : `The password and ${formatPlural(tokens, 'token')} are refused from the next request on.`}{' '}
            What the user has pushed stays. To refuse logins for a while, disable the user instead.
          </p>
        </ConfirmDialog>
      )),
  };
}
