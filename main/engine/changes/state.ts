/** What became of a change, by the ledger and by a look at the place itself. */
import { isAppError } from '../../../registry/spec/errors.ts';
import { bytesAfter, sha256 } from '../change.ts';
import type { Host } from '../host.ts';
import type { LedgerEntry } from './ledger.ts';
import { openPlace } from './places.ts';

/**
 * `changed by others`: ours may be in there, among later edits. `gone`: somebody took it away. `unknown`: the place
 * cannot be read by this user or at this moment.
 */
export type ChangeState = 'in place' | 'changed by others' | 'gone' | 'undone' | 'rolled back' | 'unknown';

/** Reads the place of a change and compares. Throws nothing that only hides the place. */
export async function findState(
  host: Host,
  { change, state }: LedgerEntry,
): Promise<{ readonly state: ChangeState; readonly current: Buffer | undefined }> {
  let current: Buffer | undefined;
  try {
    current = await openPlace(host, change.place).read();
  } catch (error) {
    if (isAppError(error)) return { state: settled(state) ?? 'unknown', current };
    throw error;
  }
  const found = settled(state);
  if (found !== undefined) return { state: found, current };
  if (current === undefined || sha256(current) === change.before) return { state: 'gone', current };
  return {
    state: sha256(current) === sha256(bytesAfter(change)) ? 'in place' : 'changed by others',
    current,
  };
}

function settled(state: LedgerEntry['state']): ChangeState | undefined {
  if (state === 'undone') return 'undone';
  return state === 'rolledBack' ? 'rolled back' : undefined;
}
