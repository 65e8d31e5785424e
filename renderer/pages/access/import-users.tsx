import { useState } from 'react';
import { FileTrigger } from 'react-aria-components/FileTrigger';
import type { ImportedUsers, Role } from '../../../registry/spec/admin/access.ts';
import { formatPlural } from '../../format.ts';
import { Button } from '../../parts/button.tsx';
import { TextInput } from '../../parts/field.tsx';
import { FormDialog } from '../../parts/form-dialog.tsx';
import { toast } from '../../parts/toast.tsx';
import { shellLine } from '../../shell.ts';
import { useAsk } from '../../state/calls.ts';
import { RoleFields } from './fields.tsx';
import { ImportPlan } from './import-plan.tsx';
import { parseGlobs } from './words.ts';

/** Takes users from an htpasswd file: shows what that would do first, then does it. */
export function ImportUsers({ onClose }: { readonly onClose: () => void }) {
  const ask = useAsk();
  const [text, setText] = useState('');
  const [role, setRole] = useState<Role>('pull');
  const [globs, setGlobs] = useState('**');
  /** What was found in `text`; another text has to be looked at first. */
  const [plan, setPlan] = useState<ImportedUsers>();
  const repositories = role === 'admin' ? ['**'] : parseGlobs(globs);
  const count = plan === undefined ? 0 : plan.added.length + plan.changed.length;
  const change = (next: string): void => {
    setText(next);
    setPlan(undefined);
  };

  async function importUsers(): Promise<void> {
    const { added, changed } = await ask('users.import', { text, role, repositories });
    toast({ text: `Imported ${formatPlural(added.length + changed.length, 'user')}` });
  }

  const options = [
    ...(role === 'pull' ? [] : ['--role', role]),
    ...(repositories.join() === '**' ? [] : ['--repositories', ...repositories]),
  ];
  return (
    <FormDialog
      title="Import users"
      verb={plan === undefined ? 'Look at it' : `Import ${formatPlural(count, 'user')}`}
      isDisabled={text.trim() === '' || (plan !== undefined && count === 0)}
      size="large"
      fields={{ USAGE: 'text' }}
      cli={shellLine(
        'berth',
        'users',
        'import',
        'users.htpasswd',
        ...options,
        ...(plan === undefined ? ['--dry-run'] : []),
      )}
      act={importUsers}
      before={
        plan === undefined
          ? async () => setPlan(await ask('users.import', { text, role, repositories, dryRun: true }))
          : undefined
      }
      onClose={onClose}
    >
      {(errors) => (
        <>
          <p>
            Lines of an htpasswd file with a bcrypt hash become users. Who is there keeps role and
            repositories, and has the password of the file from then on.
          </p>
          <div>
            <FileTrigger
              onSelect={(files) => {
                const [file] = files ?? [];
                void file?.text().then(change);
              }}
            >
              <Button>Choose a file</Button>
            </FileTrigger>
          </div>
          <TextInput
            label="Or paste its text"
            value={text}
            onChange={change}
            rows={4}
            isCode
            placeholder="ci:$2y$10$…"
            error={errors['text']}
          />
          {plan !== undefined && <ImportPlan plan={plan} />}
          <RoleFields
            role={role}
            onRole={setRole}
            globs={globs}
            onGlobs={setGlobs}
            error={errors['repositories']}
          />
        </>
      )}
    </FormDialog>
  );
}
