import { type FormEvent, useState } from 'react';
import { sentencesOf } from '../messages.ts';
import { Button } from '../parts/button.tsx';
import { TextInput } from '../parts/field.tsx';
import { Notice } from '../parts/states.tsx';
import { useRun } from '../state/calls.ts';
import { useLink, useLinkState } from '../state/link.ts';
import { Logo } from './logo.tsx';
import styles from './login.module.css';

/** Asks for the password of an administrator. */
export function Login({ wasSignedIn }: { readonly wasSignedIn: boolean }) {
  const link = useLink();
  const state = useLinkState();
  const [user, setUser] = useState('');
  const [password, setPassword] = useState('');
  const { isPending, error, run } = useRun(() => link.logIn(user, password));

  function submit(event: FormEvent): void {
    event.preventDefault();
    void run(undefined).then((isDone) => !isDone && setPassword(''));
  }

  return (
    <main className={styles['page']}>
      <form className={styles['form']} aria-label="Log in" onSubmit={submit}>
        <Logo />
        <h1>Log in to Berth</h1>
        <p className={styles['host']}>{location.host}</p>
        {wasSignedIn && error === undefined && (
          <Notice kind="info">
            Your session is over.{' '}
            {state.kind === 'signedOut' && state.isDemoted
              ? 'You are no administrator any more; another one can change that: berth user role NAME admin'
              : 'Log in to go on where you were.'}
          </Notice>
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
        {error !== undefined && <Notice kind="error">{sentencesOf(error)}</Notice>}
        <Button type="submit" look="primary" isPending={isPending}>
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
