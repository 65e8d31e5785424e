import { UserX } from 'lucide-react';
import { CopyLine } from '../../parts/copy.tsx';
import { Empty } from '../../parts/states.tsx';

/** In the place of users and tokens where nobody logs in. */
export function LoginOff() {
  return (
    <Empty icon={<UserX />} title="Login is switched off">
      <p>
        This registry knows no users: everybody who reaches its port may do everything. Take the setting out
        and start the registry again, and users have to log in.
      </p>
      <CopyLine text="berth config reset auth.none && berth restart" label="Copy command" />
    </Empty>
  );
}
