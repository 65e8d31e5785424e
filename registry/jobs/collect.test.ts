import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import type { CollectTrigger } from '../spec/admin/upkeep.ts';
import type { Log } from '../spec/log-record.ts';
import { type CollectJobOptions, startCollect } from './collect.ts';

/** A log that notes what is written, and runs that note why. */
function noting({ run }: { run?: CollectJobOptions['run'] } = {}) {
  const notes: unknown[] = [];
  const ran = Promise.withResolvers<CollectTrigger>();
  const line = (event: string, _: string, fields: Readonly<Record<string, unknown>>): void => {
    notes.push([event, fields]);
  };
  const log = { for: () => log, info: line, error: line } as Partial<Log> as Log;
  return {
    notes,
    ran: ran.promise,
    deps: {
      log,
      async run(options) {
        notes.push(options.trigger);
        ran.resolve(options.trigger);
        return await run?.(options);
      },
    } satisfies CollectJobOptions,
  };
}

const never = 3_600_000;

test('a collection that fails is logged and tried again', async () => {
  const again = Promise.withResolvers<void>();
  let runs = 0;
  const { notes, deps } = noting({
    async run() {
      if (++runs === 1) throw new Error('disk is gone');
      again.resolve();
    },
  });

  {
    await using _ = startCollect({ ...deps, firstMs: 0, intervalMs: () => 1 });
    await again.promise;
  }

  assert.deepEqual(notes.slice(0, 3), [
    'timer',
    ['collectFailed', { 'err.message': 'disk is gone' }],
    'timer',
  ]);
});

test('a running collection is cut when the job is disposed, and nothing is logged', async () => {
  const { notes, ran, deps } = noting({
    async run({ signal }) {
      await delay(never, undefined, { signal });
    },
  });
  const job = startCollect({ ...deps, firstMs: 0 });
  await ran;

  await job[Symbol.asyncDispose]();

  assert.deepEqual(notes, ['timer']);
});

for (const when of ['first', 'next'] as const) {
  test(`a wait of 30 days before the ${when} run is no wait of a millisecond`, async () => {
    const { notes, ran, deps } = noting();
    const longMs = 30 * 24 * 60 * 60 * 1000;

    {
      const firstMs = when === 'first' ? longMs : 0;
      await using _ = startCollect({ ...deps, firstMs, intervalMs: () => longMs, lookMs: longMs });
      if (when === 'next') await ran;
      // A timer that is too long fires after a millisecond.
      await delay(20);
    }

    assert.equal(notes.length, when === 'first' ? 0 : 1);
  });
}

test('a full disk is collected at once, and not again at every look', async () => {
  const { notes, ran, deps } = noting();
  let isFull = false;
  let looks = 0;
  const looked = Promise.withResolvers<void>();

  {
    await using _ = startCollect({
      ...deps,
      firstMs: never,
      lookMs: 1,
      isDiskFull() {
        if (++looks > 20) looked.resolve();
        isFull ||= looks > 5;
        return isFull;
      },
    });
    assert.equal(await ran, 'low-disk');
    await looked.promise;
  }

  assert.deepEqual(notes, ['low-disk']);
});

const hour = 60 * 60 * 1000;
const idleCases: Readonly<
  Record<string, { quietMs: number; reclaimable: number; sinceMs: number; runs: boolean }>
> = {
  'nobody there, something to free, the last run long ago': {
    quietMs: hour,
    reclaimable: 1,
    sinceMs: 2 * hour,
    runs: true,
  },
  'a client a minute ago': { quietMs: 60_000, reclaimable: 1, sinceMs: 2 * hour, runs: false },
  'nothing to free': { quietMs: hour, reclaimable: 0, sinceMs: 2 * hour, runs: false },
  'a run half an hour ago': { quietMs: hour, reclaimable: 1, sinceMs: hour / 2, runs: false },
};
for (const [name, { quietMs, reclaimable, sinceMs, runs }] of Object.entries(idleCases)) {
  test(`idle, ${name}: ${runs ? 'collects' : 'waits'}`, async () => {
    const { notes, deps } = noting();
    const looked = Promise.withResolvers<void>();
    const startedAt = 10 * hour;
    let at = startedAt;

    {
      await using _ = startCollect({
        ...deps,
        firstMs: 24 * hour,
        lookMs: 1,
        monotonic: () => at,
        quietMs() {
          if (at > startedAt) looked.resolve();
          at = startedAt + sinceMs;
          return quietMs;
        },
        reclaimableBytes: () => reclaimable,
      });
      await looked.promise;
    }

    assert.deepEqual(notes, runs ? ['idle'] : []);
  });
}

test('switched off, no reason is one', async () => {
  const { notes, deps } = noting();
  const looked = Promise.withResolvers<void>();
  let looks = 0;

  {
    const isEnabled = (): boolean => {
      if (++looks > 10) looked.resolve();
      return false;
    };
    await using _ = startCollect({ ...deps, isEnabled, firstMs: 0, lookMs: 1, isDiskFull: () => true });
    await looked.promise;
  }

  assert.deepEqual(notes, []);
});
