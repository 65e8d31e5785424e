import { Circle, CircleCheck } from 'lucide-react';
import type { ReactNode } from 'react';
import type { EngineRow } from '../../../registry/spec/admin/computer.ts';
import type { TagRow } from '../../../registry/spec/admin/content.ts';
import { Button } from '../../parts/button.tsx';
import { CopyButton } from '../../parts/copy.tsx';
import { Panel } from '../../parts/screen.tsx';
import { toast } from '../../parts/toast.tsx';
import { useCall } from '../../state/calls.ts';
import { useLinkState } from '../../state/link.ts';
import { setPreferences } from '../../state/preferences.ts';
import { PlaceLink } from '../activity/place-link.tsx';
import { needOf } from '../doctor/engine-need.ts';
import { useLogin } from './login-seen.ts';
import styles from './home.module.css';

/** From a registry that runs to the first image in it, as four steps that tick themselves. */
export function Setup({
  address,
  login,
  first,
  onClose,
}: {
  readonly address: string;
  /** The command that logs in. */
  readonly login: string;
  readonly first: TagRow | undefined;
  readonly onClose: () => void;
}) {
  const state = useLinkState();
  const { data: engines } = useCall('engines.list', {});
  const dismiss = (): void => {
    setPreferences({ isSetupDismissed: true });
    onClose();
    toast({
      text: 'The set-up is in the settings, should you want it again',
      undo: async () => setPreferences({ isSetupDismissed: false }),
    });
  };
  return (
    <Panel
      title="Set up"
      actions={
        <Button look="quiet" onPress={dismiss}>
          Don’t show again
        </Button>
      }
    >
      <ol className={styles['steps']}>
        <Step isDone={state.kind === 'open'} title="Running">
          <code>{address}</code>
          <CopyButton text={address} label={`Copy ${address}`} />
          {state.kind === 'open' && (
            <span>
              as <strong>{state.user}</strong>
            </span>
          )}
        </Step>
        <Trusted engines={engines} />
        <LoggedIn login={login} />
        <Step isDone={first !== undefined} title="First push">
          {first === undefined ? (
            <span>Waiting for it; the commands are below.</span>
          ) : (
            <PlaceLink of={{ repository: first.repository, tag: first.tag }} />
          )}
        </Step>
      </ol>
    </Panel>
  );
}

function Step({
  isDone,
  title,
  children,
}: {
  readonly isDone: boolean;
  readonly title: string;
  readonly children: ReactNode;
}) {
  const Icon = isDone ? CircleCheck : Circle;
  return (
    <li className={styles['step']}>
      <Icon
        aria-label={isDone ? 'Done' : 'Not yet'}
        className={isDone ? styles['okIcon'] : styles['openIcon']}
      />
      <strong className={styles['stepTitle']}>{title}</strong>
      <span className={styles['stepText']}>{children}</span>
    </li>
  );
}

function Trusted({ engines }: { readonly engines: readonly EngineRow[] | undefined }) {
  if (engines === undefined)
    return (
      <Step isDone={false} title="Trusted">
        Looking for engines
      </Step>
    );
  const running = engines.filter(({ state }) => state === 'running');
  const needy = running.filter((engine) => needOf(engine).tone === 'warn');
  return (
    <Step isDone={needy.length === 0} title="Trusted">
      {needy.length === 0 && <span>{trustedWords(running)}</span>}
      {needy.map(({ id, title, need }) => (
        <span key={id} className={styles['inline']} title={need.sentence}>
          {title} needs <code>berth trust add {id}</code>
          <CopyButton text={`berth trust add ${id}`} label={`Copy the command for ${title}`} />
        </span>
      ))}
    </Step>
  );
}

function trustedWords(running: readonly EngineRow[]): string {
  if (running.length === 0) return 'No engine runs on this computer: nothing to do.';
  return `Nothing to do for ${running.map(({ title }) => title).join(', ')}.`;
}

function LoggedIn({ login: command }: { readonly login: string }) {
  const login = useLogin(true);
  if (login !== undefined && login !== 'none')
    return (
      <Step isDone title="Logged in">
        <span>
          {login.user} with {login.client}
        </span>
      </Step>
    );
  return (
    <Step isDone={false} title="Logged in">
      <code className={styles['command']}>{command}</code>
      <CopyButton text={command} label="Copy the login command" />
    </Step>
  );
}
