import { useState } from 'react';
import type { Role, UserRow } from '../../../registry/spec/admin/access.ts';
import { FormDialog } from '../../parts/form-dialog.tsx';
import { Notice } from '../../parts/states.tsx';
import { toast } from '../../parts/toast.tsx';
import { shellLine } from '../../shell.ts';
import { useAsk } from '../../state/calls.ts';
import { RoleFields } from './fields.tsx';
import { useMe } from './me.ts';
import { parseGlobs } from './words.ts';

/** Changes what a user may do, and where. */
export function EditUser({ user, onClose }: { readonly user: UserRow; readonly onClose: () => void }) {
  const ask = useAsk();
  const me = useMe();
  const [role, setRole] = useState<Role>(user.role);
  const [globs, setGlobs] = useState(user.repositories.join('\n'));
  const { name } = user;
  const repositories = role === 'admin' ? ['**'] : parseGlobs(globs);

  async function change(): Promise<void> {
    await ask('users.setRole', { name, role, repositories });
    toast({
      text: `Changed what ${name} may do`,
      undo: () => ask('users.setRole', { name, role: user.role, repositories: [...user.repositories] }),
    });
  }

  return (
    <FormDialog
      title={`What ${name} may do`}
      verb="Change"
      fields={{ USAGE: 'repositories' }}
      cli={shellLine(
        'berth',
        'user',
        'role',
        name,
        role,
        ...(role === 'admin' ? [] : ['--repositories', ...repositories]),
      )}
      act={change}
      onClose={onClose}
    >
      {(errors) => (
        <>
          <RoleFields
            role={role}
            onRole={setRole}
            globs={globs}
            onGlobs={setGlobs}
            error={errors['repositories']}
          />
          {name === me && role !== 'admin' && (
            <Notice kind="warn">
              This is you: this window is for admins, and you are logged out at once.
            </Notice>
          )}
        </>
      )}
    </FormDialog>
  );
}
