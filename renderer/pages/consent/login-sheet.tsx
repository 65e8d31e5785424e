import type { EngineRow } from '../../../registry/spec/admin/computer.ts';
import type { Shell } from '../../api/shell.ts';
import { ConsentSheet } from './consent-sheet.tsx';

/** Asks whether a login of the engine's client may be kept, and where; logs in with a token of its own. */
export function LoginSheet({
  shell,
  engine,
  onClose,
}: {
  readonly shell: Shell;
  readonly engine: EngineRow;
  readonly onClose: () => void;
}) {
  return (
    <ConsentSheet
      plan={() => shell.call('login.plan', { engine: engine.id })}
      apply={async (hash) => {
        const { address, user } = await shell.call('login.apply', { engine: engine.id, hash });
        return [{ id: '', title: `${user} is logged in at ${address}`, result: 'applied', isProved: false }];
      }}
      cli={`berth login --engine ${engine.id}`}
      onClose={onClose}
    />
  );
}
