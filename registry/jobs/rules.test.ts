import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import type { Log } from '../spec/log-record.ts';
import { startRules } from './rules.ts';

const log = { for: () => log, info: () => undefined, error: () => undefined } as Partial<Log> as Log;

async function* nothing({ signal }: { readonly signal: AbortSignal }): AsyncIterable<number> {
  await delay(3_600_000, undefined, { signal }).catch(() => undefined);
  yield* [];
}

/** A log that notes the names of errors. */
function noting() {
  const errors: string[] = [];
  const told = Promise.withResolvers<void>();
  const line = (event: string): void => {
    errors.push(event);
    told.resolve();
  };
  const noted: Log = { ...log, error: line, for: () => noted };
  return { noted, errors, told: told.promise };
}

test('expired tags are looked for at the start, then when the next one is due', async () => {
  const passes: number[] = [];
  const third = Promise.withResolvers<void>();

  {
    await using _ = startRules({
      async expire() {
        passes.push(Date.now());
        if (passes.length === 3) third.resolve();
        return passes.length === 1 ? Date.now() + 1200 : Date.now();
      },
      run: () => Promise.resolve(),
      changes: nothing,
      log,
    });
    await third.promise;
  }

  const [first = 0, second = 0, last = 0] = passes;
  assert.ok(second - first >= 1190, `${second - first} ms`);
  // What is due at once waits for the rest after a pass.
  assert.ok(last - second >= 990, `${last - second} ms`);
});

test('a change wakes it before what it waits for', async () => {
  const woken = Promise.withResolvers<void>();
  const asked = Promise.withResolvers<void>();
  let passes = 0;

  {
    await using _ = startRules({
      async expire() {
        passes++;
        if (passes === 1) asked.resolve();
        else woken.resolve();
        return Date.now() + 3_600_000;
      },
      run: () => Promise.resolve(),
      async *changes({ signal }) {
        await asked.promise;
        yield Date.now() + 7_200_000;
        yield Date.now();
        yield* nothing({ signal });
      },
      log,
    });
    await woken.promise;
  }

  assert.equal(passes, 2);
});

test('the daily run comes before the look for expired tags, and a failure is tried again', async () => {
  const notes: string[] = [];
  const { noted, errors, told } = noting();

  {
    await using _ = startRules({
      expire: () => Promise.resolve(undefined).then(() => void notes.push('expire')),
      async run() {
        notes.push('run');
        throw new Error('the disk is gone');
      },
      changes: nothing,
      log: noted,
      firstMs: 0,
    });
    await told;
  }

  assert.deepEqual([notes, errors], [['run'], ['rulesFailed']]);
});

test('a pass that runs is cut when the job is disposed, and nothing is logged', async () => {
  const started = Promise.withResolvers<void>();
  const { noted, errors } = noting();
  const job = startRules({
    async expire({ signal }) {
      started.resolve();
      await delay(3_600_000, undefined, { signal });
      return undefined;
    },
    run: () => Promise.resolve(),
    changes: nothing,
    log: noted,
  });
  await started.promise;

  await job[Symbol.asyncDispose]();

  assert.deepEqual(errors, []);
});
