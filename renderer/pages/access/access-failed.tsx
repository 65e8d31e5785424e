import { UserX } from 'lucide-react';
import { isAppError } from '../../../registry/spec/errors.ts';
import { CopyLine } from '../../parts/copy.tsx';
import { Empty, Failed } from '../../parts/states.tsx';
import { isLost } from '../../state/calls.ts';
import styles from './access.module.css';

/** Why users or tokens cannot be shown; nothing while the banner of the frame says it. */
export function AccessFailed({ error, onRetry }: { readonly error: unknown; readonly onRetry: () => void }) {
  if (isAppError(error, 'LOGIN_OFF'))
    return (
      <Empty icon={<UserX />} title="Login is switched off">
        <p>
          This registry knows no users: everybody who reaches its port may do everything. Take the setting out
          and start the registry again, and users have to log in.
        </p>
        <CopyLine text="berth config reset auth.none && berth restart" label="Copy command" />
      </Empty>
    );
  if (error === null || isLost(error)) return null;
  return (
    <div className={styles['notice']}>
      <Failed error={error} onRetry={onRetry} />
    </div>
  );
}
