import { useRef } from 'react';
import type { Sheet } from '../../../main/contract/consent.ts';
import type { EngineRow } from '../../../registry/spec/admin/computer.ts';
import type { Shell } from '../../api/shell.ts';
import { shellLine } from '../../shell.ts';
import { ConsentSheet } from './consent-sheet.tsx';

/** Asks whether a login of the engine's client may be kept, and where; logs in with a token of its own. */
export function LoginSheet({
  shell,
  engine,
  user,
  planned,
  onDone,
  onClose,
}: {
  readonly shell: Shell;
  readonly engine: EngineRow;
  /** The first administrator when absent. */
  readonly user?: string;
  /** What was planned a moment ago, so that it is not planned twice. */
  readonly planned?: Sheet;
  readonly onDone?: () => void;
  readonly onClose: () => void;
}) {
  const first = useRef(planned);
  const plan = async (): Promise<Sheet> => {
    const sheet = first.current;
    first.current = undefined;
    return sheet ?? (await shell.call('login.plan', { engine: engine.id, user }));
  };
  return (
    <ConsentSheet
      plan={plan}
      actsAnyway
      onDone={onDone}
      apply={async (hash) => {
        const { address, user: as } = await shell.call('login.apply', { engine: engine.id, user, hash });
        return [{ id: '', title: `${as} is logged in at ${address}`, result: 'applied', isProved: false }];
      }}
      cli={shellLine(
        'berth',
        'login',
        '--engine',
        engine.id,
        ...(user === undefined ? [] : ['--user', user]),
      )}
      onClose={onClose}
    />
  );
}
