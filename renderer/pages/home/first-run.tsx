import { useState } from 'react';
import type { EngineRow } from '../../../registry/spec/admin/computer.ts';
import type { TagRow } from '../../../registry/spec/admin/content.ts';
import type { Shell } from '../../api/shell.ts';
import { Button } from '../../parts/button.tsx';
import { CopyButton } from '../../parts/copy.tsx';
import { openDialog } from '../../parts/dialog.tsx';
import { Panel } from '../../parts/screen.tsx';
import { Skeleton } from '../../parts/states.tsx';
import { Facts } from '../../parts/values.tsx';
import { hrefOf } from '../../route.ts';
import { useCall } from '../../state/calls.ts';
import { useShellCall } from '../../state/shell.ts';
import { openOtherFolder } from '../storage/move-data.tsx';
import { useSetting } from '../storage/setting.tsx';
import { ChoosePort } from './choose-port.tsx';
import { EngineSetup } from './engine-setup.tsx';
import { canSetUp } from './engine-steps.ts';
import { FirstPassword } from './first-password.tsx';
import { SetupSteps } from './setup.tsx';
import styles from './home.module.css';

/** The first run of the desktop: where the registry is, who pushes, and one button that makes an engine ready. */
export function FirstRun({
  shell,
  address,
  user,
  login,
  first,
  onReady,
  onDismiss,
}: {
  readonly shell: Shell;
  readonly address: string;
  readonly user: string;
  /** The command that logs in. */
  readonly login: string;
  /** The first image, once it is there. */
  readonly first: TagRow | undefined;
  /** An engine is ready to push. */
  readonly onReady: (engine: EngineRow) => void;
  readonly onDismiss: () => void;
}) {
  const { data: facts } = useShellCall('setup.get', {}, { isFresh: true });
  const { data: place } = useShellCall('data.get', {});
  const isPortLocked = useSetting('http.addr')?.isLocked === true;
  const { data: engines } = useCall('engines.list', {});
  const [isByHand, setByHand] = useState(false);
  const password = facts?.password;
  return (
    <Panel
      title="Your registry is running"
      actions={
        <Button look="quiet" onPress={onDismiss}>
          Don’t show again
        </Button>
      }
    >
      <Facts
        rows={[
          [
            'Address',
            <span key="address" className={styles['inline']}>
              <code>{address}</code>
              <CopyButton text={address} label={`Copy ${address}`} />
              {isPortLocked ? (
                <a href={hrefOf({ page: 'settings' }, { q: 'http.addr' })}>What fixes the port</a>
              ) : (
                <Button
                  look="quiet"
                  onPress={() =>
                    void openDialog((close) => (
                      <ChoosePort shell={shell} present={portOf(address)} onClose={close} />
                    ))
                  }
                >
                  Change the port…
                </Button>
              )}
            </span>,
          ],
          [
            'Folder',
            place && (
              <span key="folder" className={styles['inline']}>
                <code className={styles['command']}>{place.path}</code>
                {place.fixedBy === undefined && (place.other === undefined || place.isBegun === true) && (
                  <Button look="quiet" onPress={() => void openOtherFolder(shell)}>
                    Use another…
                  </Button>
                )}
              </span>
            ),
          ],
          ['User', <strong key="user">{password?.user ?? user}</strong>],
          ['Password', password && <FirstPassword key="password" shell={shell} kept={password} />],
        ]}
      />
      {engines === undefined ? (
        <Skeleton rows={2} />
      ) : (
        <Engines shell={shell} engines={engines} onReady={onReady} />
      )}
      {isByHand ? (
        <SetupSteps address={address} login={login} first={first} />
      ) : (
        <div>
          <Button onPress={() => setByHand(true)}>I’ll do it myself</Button>
        </div>
      )}
    </Panel>
  );
}

/** Of `localhost:5443`. */
function portOf(address: string): string {
  return address.slice(address.lastIndexOf(':') + 1);
}

function Engines({
  shell,
  engines,
  onReady,
}: {
  readonly shell: Shell;
  readonly engines: readonly EngineRow[];
  readonly onReady: (engine: EngineRow) => void;
}) {
  if (engines.length === 0)
    return (
      <p className={styles['muted']}>
        No container engine was found on this computer. Any client that reaches the address can push, and the
        sample below needs none.
      </p>
    );
  const first = engines.find(canSetUp);
  return (
    <ul className={styles['setupEngines']} aria-label="Engines of this computer">
      {engines.map((engine) => (
        <EngineSetup
          key={engine.id}
          shell={shell}
          engine={engine}
          isFirst={engine === first}
          onReady={() => onReady(engine)}
        />
      ))}
    </ul>
  );
}
