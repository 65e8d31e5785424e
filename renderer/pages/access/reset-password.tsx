import { useState } from 'react';
import { openDialog } from '../../parts/dialog.tsx';
import { Chooser, TextInput } from '../../parts/field.tsx';
import { FormDialog } from '../../parts/form-dialog.tsx';
import { Notice } from '../../parts/states.tsx';
import { toast } from '../../parts/toast.tsx';
import { shellLine } from '../../shell.ts';
import { useAsk } from '../../state/calls.ts';
import { origins } from './add-user.tsx';
import { useMe } from './me.ts';
import { PasswordShown } from './shown-once.tsx';

/** Sets another password. Who sets the own one writes it: the session ends with the old one, before a made one is shown. */
export function ResetPassword({ name, onClose }: { readonly name: string; readonly onClose: () => void }) {
  const ask = useAsk();
  const isMe = useMe() === name;
  const [chosen, setChosen] = useState<(typeof origins)[number]['id']>('made');
  const [own, setOwn] = useState('');
  const origin = isMe ? 'own' : chosen;

  async function reset(): Promise<void> {
    const { password } = await ask('users.setPassword', {
      name,
      ...(origin === 'own' ? { password: own } : {}),
    });
    if (password === undefined) toast({ text: `${name} has another password` });
    else void openDialog((close) => <PasswordShown user={name} password={password} onClose={close} />);
  }

  return (
    <FormDialog
      title={`Reset the password of ${name}`}
      verb="Reset password"
      fields={{ PASSWORD_INVALID: 'password' }}
      cli={shellLine('berth', 'user', 'passwd', name, ...(origin === 'own' ? ['--password-stdin'] : []))}
      act={reset}
      onClose={onClose}
    >
      {(errors) => (
        <>
          {isMe ? (
            <Notice kind="warn">This is you: log in to this window again with the new password.</Notice>
          ) : (
            <p>The present password is refused from the next request on. Tokens stay.</p>
          )}
          {!isMe && <Chooser label="Password" value={chosen} choices={origins} onChange={setChosen} />}
          {origin === 'own' && (
            <TextInput
              label="New password"
              type="password"
              value={own}
              onChange={setOwn}
              autoFocus
              autoComplete="new-password"
              help="At most 72 bytes: bcrypt reads no more."
              error={errors['password']}
            />
          )}
        </>
      )}
    </FormDialog>
  );
}
