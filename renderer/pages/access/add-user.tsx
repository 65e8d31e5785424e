import { useState } from 'react';
import type { Role } from '../../../registry/spec/admin/access.ts';
import { Chooser, TextInput } from '../../parts/field.tsx';
import { FormDialog } from '../../parts/form-dialog.tsx';
import { openDialog } from '../../parts/dialog.tsx';
import { shellLine } from '../../shell.ts';
import { useAsk } from '../../state/calls.ts';
import { RoleFields } from './fields.tsx';
import { PasswordShown } from './shown-once.tsx';
import { parseGlobs } from './words.ts';

type Origin = 'made' | 'own';

export const origins = [
  { id: 'made', label: 'Make one, and show it once' },
  { id: 'own', label: 'Write one' },
] as const;

export function AddUser({ onClose }: { readonly onClose: () => void }) {
  const ask = useAsk();
  const [name, setName] = useState('');
  const [role, setRole] = useState<Role>('push');
  const [globs, setGlobs] = useState('**');
  const [origin, setOrigin] = useState<Origin>('made');
  const [own, setOwn] = useState('');
  const repositories = role === 'admin' ? ['**'] : parseGlobs(globs);
  const isEverywhere = repositories.join() === '**';

  async function add(): Promise<void> {
    const { password } = await ask('users.add', {
      name,
      role,
      repositories,
      ...(origin === 'own' ? { password: own } : {}),
    });
    void openDialog((close) => <PasswordShown user={name} password={password} onClose={close} />);
  }

  return (
    <FormDialog
      title="Add user"
      verb="Add user"
      isDisabled={name === ''}
      fields={{ USER_EXISTS: 'name', PASSWORD_INVALID: 'password', USAGE: 'name' }}
      cli={shellLine(
        'berth',
        'user',
        'add',
        name === '' ? 'NAME' : name,
        '--role',
        role,
        ...(isEverywhere ? [] : ['--repositories', ...repositories]),
        ...(origin === 'own' ? ['--password-stdin'] : []),
      )}
      act={add}
      onClose={onClose}
    >
      {(errors) => (
        <>
          <TextInput
            label="Name"
            value={name}
            onChange={setName}
            autoFocus
            autoComplete="off"
            error={errors['name']}
          />
          <RoleFields
            role={role}
            onRole={setRole}
            globs={globs}
            onGlobs={setGlobs}
            error={errors['repositories']}
          />
          <Chooser label="Password" value={origin} choices={origins} onChange={setOrigin} />
          {origin === 'own' && (
            <TextInput
              label="New password"
              type="password"
              value={own}
              onChange={setOwn}
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
