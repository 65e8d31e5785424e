import { type FormEvent, useState } from 'react';
import { problemOf } from '../messages.ts';
import { Button } from '../parts/button.tsx';
import { TextInput } from '../parts/field.tsx';
import { Notice } from '../parts/states.tsx';
import { useLink } from '../state/link.ts';
import { Logo } from './logo.tsx';
import styles from './login.module.css';

/** Asks for the password of an administrator. */
export function Login({ wasSignedIn }: { readonly wasSignedIn: boolean }) {
  const link = useLink();
  const [user, setUser] = useState('');
  const [password, setPassword] = useState('');
  const [error, setError] = useState<unknown>();
  const [isRunning, setRunning] = useState(false);

  async function submit(event: FormEvent): Promise<void> {
    event.preventDefault();
    setRunning(true);
    setError(undefined);
    try {
      await link.logIn(user, password);
    } catch (thrown) {
      setError(thrown);
      setPassword('');
    } finally {
      setRunning(false);
    }
  }

  return (
    <main className={styles['page']}>
      <form className={styles['form']} aria-label="Log in" onSubmit={(event) => void submit(event)}>
        <Logo />
        <h1>Log in to Berth</h1>
        <p className={styles['host']}>{location.host}</p>
        {wasSignedIn && error === undefined && (
          <Notice kind="info">Your session is over. Log in to go on where you were.</Notice>
        )}
        <TextInput
          label="User"
          value={user}
          onChange={setUser}
          autoComplete="username"
          autoFocus
          isRequired
        />
        <TextInput
          label="Password"
          type="password"
          value={password}
          onChange={setPassword}
          autoComplete="current-password"
          isRequired
        />
        {error !== undefined && (
          <Notice kind="error">
            {problemOf(error).title} {problemOf(error).hint}
          </Notice>
        )}
        <Button type="submit" look="primary" isPending={isRunning}>
          Log in
        </Button>
        <p className={styles['help']}>
          Only administrators can log in here. A forgotten password is set anew on the computer of the
          registry: <code>berth user passwd NAME</code>
        </p>
      </form>
    </main>
  );
}
