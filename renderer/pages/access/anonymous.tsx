import { useState } from 'react';
import type { AnonymousRow } from '../../../registry/spec/admin/access.ts';
import { fieldErrorsOf } from '../../field-errors.ts';
import { Button } from '../../parts/button.tsx';
import { CliLine } from '../../parts/copy.tsx';
import { TextInput } from '../../parts/field.tsx';
import { Radios } from '../../parts/radios.tsx';
import { Loaded, Notice } from '../../parts/states.tsx';
import { toast } from '../../parts/toast.tsx';
import { shellLine } from '../../shell.ts';
import { isAppError } from '../../../registry/spec/errors.ts';
import { useAsk, useCall } from '../../state/calls.ts';
import { LoginOff } from './login-off.tsx';
import { splitWords } from './words.ts';
import styles from './access.module.css';

/** What everybody may pull without a login. */
export function AnonymousTab() {
  const answer = useCall('access.anonymous', {});
  if (isAppError(answer.error, 'LOGIN_OFF')) return <LoginOff />;
  return (
    <div className={styles['page']}>
      <Loaded answer={answer} rows={4}>
        {(row) => <AnonymousForm key={JSON.stringify(row)} row={row} />}
      </Loaded>
    </div>
  );
}

type Reach = 'off' | 'some' | 'all';

function AnonymousForm({ row }: { readonly row: AnonymousRow }) {
  const ask = useAsk();
  const { repositories: present, lockedBy } = row;
  const [reach, setReach] = useState<Reach>(reachOf(present));
  const [globs, setGlobs] = useState(globsOf(present));
  const [error, setError] = useState<unknown>();
  const [isRunning, setRunning] = useState(false);
  const isLocked = lockedBy !== undefined;
  const wanted = reach === 'off' ? [] : reach === 'all' ? ['**'] : splitWords(globs);
  const isChanged = wanted.join('\n') !== present.join('\n');
  const errors = fieldErrorsOf(error, { CONFIG_INVALID: 'repositories' });

  async function save(): Promise<void> {
    setRunning(true);
    setError(undefined);
    try {
      await ask('access.setAnonymous', { repositories: wanted });
      toast({
        text: wanted.length === 0 ? 'Every pull needs a login' : 'Changed what everybody may pull',
        async undo() {
          await ask('access.setAnonymous', { repositories: [...present] });
          // Undone at once, the row was never another, and nothing else would take the words of the form back.
          setReach(reachOf(present));
          setGlobs(globsOf(present));
        },
      });
    } catch (thrown) {
      setError(thrown);
    } finally {
      setRunning(false);
    }
  }

  return (
    <div className={styles['form']}>
      {isLocked && (
        <Notice kind="info">
          Fixed by <code>{lockedBy}</code>, where the registry is started. It cannot be changed here.
        </Notice>
      )}
      <Radios
        label="Pull without a login"
        value={reach}
        choices={choices}
        onChange={setReach}
        isDisabled={isLocked}
      />
      {reach === 'some' && (
        <TextInput
          label="Repositories"
          value={globs}
          onChange={setGlobs}
          rows={4}
          isCode
          isDisabled={isLocked}
          help="One pattern a line: public/**"
          error={errors['repositories']}
        />
      )}
      {reach !== 'off' && (
        <Notice kind="warn">
          Anyone who can reach this port can pull {reach === 'all' ? 'everything' : 'what the patterns match'}
          , and see that it is there.
        </Notice>
      )}
      {errors[''] !== undefined && <Notice kind="error">{errors['']}</Notice>}
      {!isLocked && (
        <div className={styles['actions']}>
          <Button
            look="primary"
            isDisabled={!isChanged || (reach === 'some' && wanted.length === 0)}
            isPending={isRunning}
            onPress={() => void save()}
          >
            Save
          </Button>
        </div>
      )}
      <CliLine
        command={shellLine(
          'berth',
          'config',
          'set',
          'berth.auth.anonymous',
          wanted.length === 0 ? 'off' : `[${wanted.map((glob) => JSON.stringify(glob)).join(', ')}]`,
        )}
      />
    </div>
  );
}

const choices = [
  { id: 'off', label: 'Off', help: 'Every pull needs a login.' },
  { id: 'some', label: 'Some repositories', help: 'Those that a pattern matches; the rest needs a login.' },
  { id: 'all', label: 'All repositories', help: 'Nobody has to log in to pull.' },
] as const;

function globsOf(repositories: readonly string[]): string {
  return reachOf(repositories) === 'some' ? repositories.join('\n') : '';
}

function reachOf(globs: readonly string[]): Reach {
  if (globs.length === 0) return 'off';
  return globs.join() === '**' ? 'all' : 'some';
}
