import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';

/** Waits until a question is answered with yes. */
export async function until(what: string, isSo: () => Promise<boolean>): Promise<void> {
  const late = AbortSignal.timeout(30_000);
  while (!(await isSo())) {
    if (late.aborted) assert.fail(`it never came true that ${what}`);
    await delay(50);
  }
}

/** Waits until what is read is what is wanted. */
export async function becomes<T>(read: () => Promise<T>, wanted: T): Promise<void> {
  const late = AbortSignal.timeout(30_000);
  let seen = await read();
  while (!late.aborted && !isDeepStrictEqual(seen, wanted)) {
    await delay(50);
    seen = await read();
  }
  assert.deepEqual(seen, wanted);
}
