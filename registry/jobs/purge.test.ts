import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import type { Log } from '../spec/log-record.ts';
import type { Uploads } from '../store/uploads.ts';
import { startPurge } from './purge.ts';

const log = new Proxy({} as Log, { get: (_, name) => (name === 'for' ? () => log : () => undefined) });

function countingUploads() {
  const ran = Promise.withResolvers<void>();
  const counter = { runs: 0, ran: ran.promise };
  const uploads = {
    purge: async () => {
      counter.runs++;
      ran.resolve();
      return 0;
    },
  } as Partial<Uploads> as Uploads;
  return { counter, uploads };
}

for (const days of [24, 25, 365]) {
  test(`purging every ${days} days does not become purging all the time`, async () => {
    const { counter, uploads } = countingUploads();
    const intervalMs = days * 24 * 60 * 60 * 1000;
    {
      await using _ = startPurge({
        uploads,
        log,
        settings: () => ({ ageMs: 1, intervalMs, dryRun: false }),
        firstMs: 0,
      });
      await counter.ran;
      // A timer that is too long fires after a millisecond.
      await delay(20);
    }

    assert.equal(counter.runs, 1);
  });
}

test('a purge that has not begun ends at once when it is stopped', async () => {
  const { counter, uploads } = countingUploads();

  const settings = () => ({ ageMs: 1, intervalMs: 3_600_000, dryRun: false });
  await startPurge({ uploads, log, settings, firstMs: 3_600_000 })[Symbol.asyncDispose]();

  assert.equal(counter.runs, 0);
});
