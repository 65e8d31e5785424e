/** Collections of garbage, whoever asks for them: the trash expires first, and the last twenty runs are kept. */
import type { Driver } from '../driver/driver.ts';
import type { CollectResult, CollectRunRow, CollectTrigger } from '../spec/admin/upkeep.ts';
import type { StoreEvents } from '../spec/events.ts';
import type { Log } from '../spec/log-record.ts';
import type { Collector, CollectRunOptions } from '../store/collect.ts';
import { collectRuns } from '../store/paths.ts';
import type { Trash } from '../store/trash.ts';
import { readRows, writeRows } from './rows.ts';

export interface CollectionOptions extends Pick<CollectRunOptions, 'signal' | 'plan' | 'onProgress'> {
  readonly trigger: CollectTrigger;
  /** Who asked for it. */
  readonly user?: string | undefined;
}

export interface Collections {
  /**
   * Expires the trash and collects. With `plan` the trash stays as it was when the plan was made.
   * @throws AppError as the collector
   */
  run(options: CollectionOptions): Promise<CollectResult>;
  /** The last twenty, the newest first. */
  runs(): Promise<readonly CollectRunRow[]>;
}

const keptRuns = 20;

export function createCollections({
  driver,
  collector,
  trash,
  log: root,
  events,
  now = Date.now,
}: {
  readonly driver: Driver;
  readonly collector: Collector;
  readonly trash: Trash;
  readonly log: Log;
  readonly events: Pick<StoreEvents, 'collected'>;
  readonly now?: () => number;
}): Collections {
  const log = root.for('jobs');
  let known: Promise<readonly CollectRunRow[]> | undefined;

  async function runs(): Promise<readonly CollectRunRow[]> {
    known ??= readRows(driver, collectRuns, (row) => 'at' in row && 'trigger' in row);
    return await known;
  }

  async function run({ trigger, user, signal, plan, onProgress }: CollectionOptions): Promise<CollectResult> {
    const at = new Date(now()).toISOString();
    const startedAt = performance.now();
    const expired = plan === undefined ? await trash.expire({ signal }) : 0;
    const isUrgent = trigger === 'low-disk';
    const result = await collector.collect({ signal, plan, isUrgent, ...(onProgress && { onProgress }) });
    const ms = Math.round(performance.now() - startedAt);
    const row = { at, trigger, ms, ...result, ...(user === undefined ? {} : { user }) };
    await events.collected({ ...row, expired });
    await note(row);
    return result;
  }

  /** What was freed is freed, also where it cannot be written down. */
  async function note(row: CollectRunRow): Promise<void> {
    const rows = [row, ...(await runs())].slice(0, keptRuns);
    known = Promise.resolve(rows);
    await writeRows(driver, collectRuns, rows).catch((error: unknown) => {
      log.warn('collectUnnoted', 'a collection could not be written into the list of runs', {
        'err.message': error instanceof Error ? error.message : '',
      });
    });
  }

  return { run, runs };
}
