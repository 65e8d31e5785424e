import { Circle, CircleCheck } from 'lucide-react';
import type { ReactNode } from 'react';
import type { EngineRow } from '../../../registry/spec/admin/computer.ts';
import type { TagRow } from '../../../registry/spec/admin/content.ts';
import { Button } from '../../parts/button.tsx';
import { CopyButton } from '../../parts/copy.tsx';
import { Panel } from '../../parts/screen.tsx';
import { useCall } from '../../state/calls.ts';
import { useClientUser } from '../../state/client-user.ts';
import { useLinkState } from '../../state/link.ts';
import { PlaceLink } from '../activity/place-link.tsx';
import { needOf } from '../doctor/engine-need.ts';
import { useLogin } from './login-seen.ts';
import styles from './home.module.css';

/** From a registry that runs to the first image in it, in a browser: the steps are done by hand. */
export function Setup({
  onDismiss,
  ...steps
}: StepsProps & {
  readonly onDismiss: () => void;
}) {
  return (
    <Panel
      title="Set up"
      actions={
        <Button look="quiet" onPress={onDismiss}>
          Don’t show again
        </Button>
      }
    >
      <SetupSteps {...steps} />
    </Panel>
  );
}

interface StepsProps {
  readonly address: string;
  /** The command that logs in. */
  readonly login: string;
  readonly first: TagRow | undefined;
}

/** Four steps that tick themselves. */
export function SetupSteps({ address, login, first }: StepsProps) {
  const state = useLinkState();
  const user = useClientUser();
  const { data: engines } = useCall('engines.list', {});
  return (
    <ol className={styles['steps']}>
      <Step isDone={state.kind === 'open'} title="Running">
        <code>{address}</code>
        <CopyButton text={address} label={`Copy ${address}`} />
        {state.kind === 'open' && (
          <span>
            as <strong>{user}</strong>
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
