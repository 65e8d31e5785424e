import { desktopParts } from '../../frame/desktop-parts.ts';
import { PartPlace } from '../../frame/part-place.tsx';
import { Button } from '../../parts/button.tsx';
import { CopyLine } from '../../parts/copy.tsx';
import { Dialog } from '../../parts/dialog.tsx';
import { Notice } from '../../parts/states.tsx';
import { useAddress } from '../../state/address.ts';
import { useShell } from '../../state/shell.ts';
import { dockerLogin } from './snippets.ts';
import styles from './access.module.css';

/** A password that was made, and how its owner logs in. It cannot be asked for again. */
export function PasswordShown({
  user,
  password,
  onClose,
}: {
  readonly user: string;
  readonly password: string;
  readonly onClose: () => void;
}) {
  return (
    <Dialog
      title={`Password of ${user}`}
      onClose={onClose}
      isDismissable={false}
      buttons={
        <Button look="primary" onPress={onClose}>
          Done
        </Button>
      }
    >
      <Notice kind="warn">It is shown this once. Copy it before you close this.</Notice>
      <CopyLine text={password} label="Copy password" />
      <WaysIn user={user} />
    </Dialog>
  );
}

/** How a user logs in whose password whoever reads this has chosen. */
export function UserAdded({ user, onClose }: { readonly user: string; readonly onClose: () => void }) {
  return (
    <Dialog
      title={`Added ${user}`}
      onClose={onClose}
      buttons={
        <Button look="primary" autoFocus onPress={onClose}>
          Done
        </Button>
      }
    >
      <WaysIn user={user} />
    </Dialog>
  );
}

function WaysIn({ user }: { readonly user: string }) {
  const address = useAddress();
  const shell = useShell();
  return (
    <div className={styles['snippet']}>
      <h3>Log in</h3>
      <CopyLine text={dockerLogin(user, address)} label="Copy login" />
      <LoginHelp />
      {shell !== undefined && <PartPlace part={desktopParts.engineLogins} props={{ shell, user }} />}
    </div>
  );
}

function LoginHelp() {
  return (
    <p className={styles['help']}>
      It waits for the password: paste it and press Enter. So it is in no list of processes and in no history.
      docker then keeps it in <code>~/.docker/config.json</code>, where everybody who can read the file can
      read it, unless a credential helper is set.
    </p>
  );
}
