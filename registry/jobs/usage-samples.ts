/** How much room was taken, day by day, for ninety days. */
import type { Driver } from '../driver/driver.ts';
import type { UsageSample } from '../spec/admin/upkeep.ts';
import type { Log } from '../spec/log-record.ts';
import { usageSamples } from '../store/paths.ts';
import { startEvery } from './every.ts';
import { readRows, writeRows } from './rows.ts';

export interface UsageSamples extends AsyncDisposable {
  /** The last sample of each day, the oldest first. */
  trend(): Promise<readonly UsageSample[]>;
}

const keptDays = 90;

export function startUsageSamples({
  driver,
  log: root,
  sample,
  firstMs = 60 * 1000,
  everyMs = 60 * 60 * 1000,
  now = Date.now,
}: {
  readonly driver: Driver;
  readonly log: Log;
  /** Answers `undefined` while nobody knows. */
  readonly sample: () => Promise<Omit<UsageSample, 'day'> | undefined>;
  readonly firstMs?: number;
  readonly everyMs?: number;
  readonly now?: () => number;
}): UsageSamples {
  const log = root.for('jobs');

  async function trend(): Promise<readonly UsageSample[]> {
    return await readRows<UsageSample>(driver, usageSamples, (row) => 'day' in row);
  }

  async function take(): Promise<void> {
    const taken = await sample();
    if (taken === undefined) return;
    const day = new Date(now()).toISOString().slice(0, 10);
    const others = (await trend()).filter((row) => row.day !== day);
    // Sorted: a clock may have been set back.
    const rows = [...others, { day, ...taken }].toSorted((a, b) => (a.day < b.day ? -1 : 1));
    await writeRows(driver, usageSamples, rows.slice(-keptDays));
  }

  const job = startEvery({
    firstMs,
    everyMs,
    act: take,
    onError: (error) =>
      log.warn('usageUnsampled', 'the room that is taken could not be written down', {
        'err.message': error instanceof Error ? error.message : '',
      }),
  });
  return { trend, [Symbol.asyncDispose]: () => job[Symbol.asyncDispose]() };
}
