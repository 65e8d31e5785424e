import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import type { ScrubRun } from '../spec/admin/integrity.ts';
import type { Log } from '../spec/log-record.ts';
import type { Scrubber, ScrubOptions } from '../store/scrub.ts';
import { type ScrubJobOptions, startScrub } from './scrub.ts';

const run: ScrubRun = {
  startedAt: '2026-07-01T00:00:00.000Z',
  finishedAt: '2026-07-01T01:00:00.000Z',
  blobs: 1,
  bytes: 2,
  quarantined: 0,
  missing: 0,
  unlinked: 0,
  unreadable: 0,
  danglingLinks: 0,
};
const ended = Date.parse('2026-07-01T01:00:00.000Z');
const hour = 60 * 60 * 1000;
const never = 3_600_000;

function openJob({
  state = {},
  check = async () => run,
  ...options
}: Partial<ScrubJobOptions> & {
  readonly state?: Awaited<ReturnType<Scrubber['state']>>;
  readonly check?: (options: ScrubOptions) => Promise<ScrubRun>;
} = {}) {
  const notes: unknown[] = [];
  const line = (event: string): void => void notes.push(event);
  const log = { for: () => log, info: line, error: line } as Partial<Log> as Log;
  const scrubber: Scrubber = { run: check, state: async () => state };
  const job = startScrub({
    scrubber,
    asTask: async ({ signal, user }, work) => {
      notes.push(user ?? 'by itself');
      return await work({ signal, progress: () => undefined });
    },
    log,
    isEnabled: () => true,
    intervalMs: () => 7 * 24 * hour,
    rate: () => 50,
    isBusy: () => false,
    firstMs: 0,
    lookMs: never,
    now: () => ended,
    ...options,
  });
  return { job, notes };
}

const due: Readonly<Record<string, { options: Parameters<typeof openJob>[0]; at: number | undefined }>> = {
  'nothing was checked yet: soon after the start': { options: { firstMs: 600 }, at: ended + 600 },
  'one was cut: soon after the start': { options: { state: { current: run, last: run } }, at: ended },
  'one has ended: an interval later': { options: { state: { last: run } }, at: ended + 7 * 24 * hour },
  'one has ended long ago: soon after the start': {
    options: { state: { last: run }, now: () => ended + 30 * 24 * hour, firstMs: 5 },
    at: ended + 30 * 24 * hour + 5,
  },
  'switched off: never': { options: { isEnabled: () => false }, at: undefined },
};
for (const [name, { options, at }] of Object.entries(due)) {
  test(`the next check, ${name}`, async () => {
    const { job } = openJob({ lookMs: never, ...options });
    await using _ = job;

    assert.equal(await job.nextAt(), at);
  });
}

test('it runs by itself with the rate, goes on with what was cut however old, and is told once', async () => {
  const ran = Promise.withResolvers<ScrubOptions>();
  const { job, notes } = openJob({
    async check(options) {
      ran.resolve(options);
      return { ...run, missing: 1 };
    },
  });

  const { rate, continueSince, repositories } = await ran.promise;
  await job[Symbol.asyncDispose]();

  assert.deepEqual([rate?.(), continueSince, repositories], [50, undefined, undefined]);
  assert.deepEqual(notes, ['by itself', 'scrubFinished']);
});

test('who asks is served at once: the one that runs by itself steps aside, without a complaint', async () => {
  const started = Promise.withResolvers<void>();
  const asked: ScrubOptions[] = [];
  const { job, notes } = openJob({
    async check(options) {
      if (options.rate === undefined) {
        asked.push(options);
        return run;
      }
      started.resolve();
      await delay(never, undefined, { signal: options.signal });
      return run;
    },
  });
  await using _ = job;
  await started.promise;
  const { signal } = new AbortController();

  const answer = await job.run({ user: 'anna', signal, repositories: [] });

  assert.equal(answer, run);
  assert.equal(asked[0]?.continueSince, ended - 24 * hour);
  assert.deepEqual(notes, ['by itself', 'anna', 'scrubFinished']);
});

test('a check that fails is logged; one that is cut by the end is not', async () => {
  const failed = Promise.withResolvers<void>();
  const log = {
    for: () => log,
    info: () => undefined,
    error: () => failed.resolve(),
  } as Partial<Log> as Log;
  const { job } = openJob({ log, check: () => Promise.reject(new Error('disk is gone')) });

  await failed.promise;
  await job[Symbol.asyncDispose]();

  const started = Promise.withResolvers<void>();
  const second = openJob({
    async check({ signal }) {
      started.resolve();
      await delay(never, undefined, { signal });
      return run;
    },
  });
  await started.promise;
  await second.job[Symbol.asyncDispose]();
  assert.deepEqual(second.notes, ['by itself']);
});
