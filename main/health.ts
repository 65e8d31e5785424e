import { isAppError } from '../registry/spec/errors.ts';
import type { Client } from '../registry/spec/rpc.ts';

/** False where a registry that is connected says nothing within that time. Never throws. */
export async function isAnswering(client: Client, timeoutMs: number): Promise<boolean> {
  try {
    await client.call('status.get', {}, { signal: AbortSignal.timeout(timeoutMs) });
    return true;
  } catch (error) {
    // A refusal is an answer, and one that is gone is known to the supervisor.
    return isAppError(error);
  }
}
