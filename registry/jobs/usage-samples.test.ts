import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checked } from '../driver/checked.ts';
import { createMemoryDriver } from '../driver/memory.ts';
import type { Log } from '../spec/log-record.ts';
import { usageSamples } from '../store/paths.ts';
import { startUsageSamples } from './usage-samples.ts';

const log = new Proxy({} as Log, { get: (_, name) => (name === 'for' ? () => log : () => undefined) });
const dayMs = 24 * 60 * 60 * 1000;
const never = 3_600_000;
const none = { exclusiveBytes: 0, sharedBytes: 0, trashBytes: 0 };

/** Takes a sample at each time, whose total is its number. */
async function sampleAt(driver: ReturnType<typeof checked>, times: readonly number[]) {
  const done = Promise.withResolvers<void>();
  let next = 0;
  await using samples = startUsageSamples({
    driver,
    log,
    firstMs: 0,
    everyMs: 0,
    async sample() {
      // The one before is written by then.
      if (next === times.length) done.resolve();
      if (next >= times.length) return undefined;
      return { totalBytes: next++, ...none };
    },
    now: () => times[next - 1] ?? 0,
  });
  await done.promise;
  return await samples.trend();
}

test('the last sample of a day counts, 90 days are kept, also over a restart', async () => {
  const driver = checked(createMemoryDriver());
  const start = Date.UTC(2026, 0, 1);
  await sampleAt(
    driver,
    Array.from({ length: 95 * 2 }, (_, at) => start + (at * dayMs) / 2),
  );

  await using samples = startUsageSamples({
    driver,
    log,
    firstMs: never,
    sample: async () => undefined,
  });
  const rows = await samples.trend();

  assert.equal(rows.length, 90);
  assert.deepEqual(rows[0], { day: '2026-01-06', totalBytes: 11, ...none });
  assert.deepEqual(rows.at(-1), { day: '2026-04-05', totalBytes: 189, ...none });
});

test('a file that cannot be read is begun anew, and a clock set back leaves the days in order', async () => {
  const driver = checked(createMemoryDriver());
  await driver.write(usageSamples, Buffer.from('[{"day":'));

  const rows = await sampleAt(driver, [Date.UTC(2026, 5, 2), Date.UTC(2026, 5, 1)]);

  assert.deepEqual(rows, [
    { day: '2026-06-01', totalBytes: 1, ...none },
    { day: '2026-06-02', totalBytes: 0, ...none },
  ]);
});
