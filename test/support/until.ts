import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';

/** Waits until a question is answered with yes. */
export async function until(what: string, isSo: () => Promise<boolean>): Promise<void> {
  const late = AbortSignal.timeout(30_000);
  while (!(await isSo())) {
    if (late.aborted) assert.fail(`it never came true that ${what}`);
    await delay(50);
  }
}
