import assert from 'node:assert/strict';
import { test } from 'node:test';
import { repeat } from './repeat.ts';

/** A wait that the test sets, and the first so many runs. */
function waiting(waitMs: number | undefined) {
  const ran = [Promise.withResolvers<void>(), Promise.withResolvers<void>()] as const;
  const heard: number[] = [];
  let tell: (() => void) | undefined;
  const chosen = { waitMs };
  const job = repeat({
    waitMs: () => chosen.waitMs,
    async run() {
      (runs === 0 ? ran[0] : ran[1]).resolve();
      runs++;
    },
    onChange(listener) {
      tell = listener;
      return () => (tell = undefined);
    },
    onWait: (ms) => heard.push(ms),
  });
  let runs = 0;
  return {
    job,
    ran,
    heard,
    set(ms: number | undefined) {
      chosen.waitMs = ms;
      tell?.();
    },
    runs: () => runs,
    isListening: () => tell !== undefined,
  };
}

test(
  'a wait that becomes shorter ends at once, and none is waited for none',
  { timeout: 10_000 },
  async () => {
    const one = waiting(3_600_000);
    {
      await using _ = one.job;

      one.set(undefined);
      one.set(3_600_000);
      one.set(1);
      await one.ran[0].promise;
      await one.ran[1].promise;
      one.set(undefined);
    }

    assert.deepEqual(one.heard.slice(0, 3), [3_600_000, 1, 1]);
    assert.equal(one.isListening(), false);
  },
);

test('what is off does not run, and ends at once', { timeout: 10_000 }, async () => {
  const one = waiting(undefined);

  await one.job[Symbol.asyncDispose]();

  assert.deepEqual([one.runs(), one.heard], [0, []]);
});
