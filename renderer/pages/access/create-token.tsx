import { useState } from 'react';
import type { Verb } from '../../../registry/spec/admin/access.ts';
import { openDialog } from '../../parts/dialog.tsx';
import { CheckboxInput, Chooser, TextInput } from '../../parts/field.tsx';
import { FormDialog } from '../../parts/form-dialog.tsx';
import { shellLine } from '../../shell.ts';
import { useAsk, useCall } from '../../state/calls.ts';
import { GlobsInput } from './fields.tsx';
import { useMe } from './me.ts';
import { TokenShown } from './token-shown.tsx';
import { parseGlobs, verbs, verbWords } from './words.ts';
import styles from './access.module.css';

const lives = [
  { id: '7', label: '7 days' },
  { id: '30', label: '30 days' },
  { id: '90', label: '90 days' },
  { id: '365', label: '365 days' },
  { id: 'never', label: 'Never' },
] as const;
type Life = (typeof lives)[number]['id'];

export function CreateToken({
  owner: given,
  onClose,
}: {
  /** Whose it shall be; the reader's own otherwise. */
  readonly owner: string | undefined;
  readonly onClose: () => void;
}) {
  const ask = useAsk();
  const me = useMe();
  const { data: users } = useCall('users.list', { limit: 1000 });
  const [chosen, setChosen] = useState<string>();
  const [label, setLabel] = useState('');
  const [scope, setScope] = useState<readonly Verb[]>(['pull']);
  const [globs, setGlobs] = useState('**');
  const [life, setLife] = useState<Life>('30');
  const owner = chosen ?? given ?? me ?? '';
  const repositories = parseGlobs(globs);

  async function create(): Promise<void> {
    const token = await ask('tokens.create', {
      owner,
      label,
      verbs: [...scope],
      repositories,
      expiryDays: life === 'never' ? 'never' : Number(life),
    });
    void openDialog((close) => <TokenShown token={token} onClose={close} />);
  }

  return (
    <FormDialog
      title="Create token"
      verb="Create token"
      isDisabled={scope.length === 0 || owner === ''}
      fields={{ USAGE: 'label', USER_UNKNOWN: 'owner' }}
      cli={shellLine(
        'berth',
        'token',
        'create',
        '--user',
        owner,
        ...(label === '' ? [] : ['--label', label]),
        '--scope',
        ...scope,
        ...(repositories.join() === '**' ? [] : ['--repositories', ...repositories]),
        '--expires',
        life === 'never' ? life : `${life}d`,
      )}
      act={create}
      onClose={onClose}
    >
      {(errors) => (
        <>
          <Chooser
            label="Owner"
            value={owner}
            choices={(users?.rows ?? []).map(({ name }) => ({ id: name, label: name }))}
            onChange={setChosen}
          />
          {errors['owner'] !== undefined && <p className={styles['error']}>{errors['owner']}</p>}
          <TextInput
            label="Label"
            value={label}
            onChange={setLabel}
            autoFocus
            help="What it is for, such as the machine that has it."
            error={errors['label']}
          />
          <fieldset className={styles['group']}>
            <legend className={styles['legend']}>May</legend>
            <div className={styles['checks']}>
              {verbs.map((verb) => (
                <CheckboxInput
                  key={verb}
                  isSelected={scope.includes(verb)}
                  onChange={(isWanted) =>
                    setScope(verbs.filter((each) => (each === verb ? isWanted : scope.includes(each))))
                  }
                >
                  {verbWords[verb]}
                </CheckboxInput>
              ))}
            </div>
            <p className={styles['help']}>It never may do more than its owner.</p>
          </fieldset>
          <GlobsInput globs={globs} onGlobs={setGlobs} error={errors['repositories']} />
          <Chooser label="Expires after" value={life} choices={lives} onChange={setLife} />
        </>
      )}
    </FormDialog>
  );
}
