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

/** How a user logs in, and the password where it was made: it cannot be asked for again. */
export function PasswordShown({
  user,
  password,
  onClose,
}: {
  readonly user: string;
  /** Absent where whoever reads this has written it. */
  readonly password: string | undefined;
  readonly onClose: () => void;
}) {
  const address = useAddress();
  const shell = useShell();
  const isMade = password !== undefined;
  return (
    <Dialog
      title={isMade ? `Password of ${user}` : `Added ${user}`}
      onClose={onClose}
      isDismissable={!isMade}
      buttons={
        <Button look="primary" onPress={onClose}>
          Done
        </Button>
      }
    >
      {isMade && (
        <>
          <Notice kind="warn">It is shown this once. Copy it before you close this.</Notice>
          <CopyLine text={password} label="Copy password" />
        </>
      )}
      <div className={styles['snippet']}>
        <h3>Log in</h3>
        <CopyLine text={dockerLogin(user, address)} label="Copy login" />
        <LoginHelp />
        {shell !== undefined && <PartPlace part={desktopParts.engineLogins} props={{ shell, user }} />}
      </div>
    </Dialog>
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
