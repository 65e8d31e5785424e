/** What keeps the storage in order beside the requests: collection, the check of all content, the room on the disk. */
import type { Index } from './derived/index-db.ts';
import type { Driver } from './driver/driver.ts';
import type { Tasks } from './feed/tasks.ts';
import type { Traffic } from './feed/traffic.ts';
import type { Reserve } from './http/reserve.ts';
import { startCollect } from './jobs/collect.ts';
import { type CollectionOptions, createCollections } from './jobs/collections.ts';
import { startDiskWatch } from './jobs/disk.ts';
import { startScrub } from './jobs/scrub.ts';
import { startUsageSamples } from './jobs/usage-samples.ts';
import type { UsageSample } from './spec/admin/upkeep.ts';
import type { DiskRow } from './spec/admin/process.ts';
import type { Config } from './spec/config.ts';
import { isAppError } from './spec/errors.ts';
import type { StoreEvents } from './spec/events.ts';
import type { Log } from './spec/log-record.ts';
import type { Store } from './store/store.ts';

export interface UpkeepOptions {
  readonly config: () => Config;
  readonly driver: Driver;
  readonly store: Store;
  readonly index: Index;
  readonly tasks: Tasks;
  readonly traffic: Traffic;
  readonly reserve: Reserve;
  readonly events: Pick<StoreEvents, 'collected' | 'diskChanged'>;
  readonly log: Log;
}

/** Starts all of it; disposing ends it. */
export function startUpkeep(options: UpkeepOptions) {
  const { driver, store, index, tasks, traffic, reserve, events, log } = options;
  const jobs = new AsyncDisposableStack();
  const isReadOnly = (): boolean => options.config().storage.maintenance.readonly.enabled;
  const settings = () => options.config().berth.storage;

  const collections = createCollections({
    driver,
    collector: store.collector,
    trash: store.trash,
    log,
    events,
  });
  const collect = (asked: CollectionOptions) =>
    tasks.run({ kind: 'collect', unit: 'items', signal: asked.signal, user: asked.user }, (task) =>
      collections.run({
        ...asked,
        signal: task.signal,
        onProgress: (done, total) => task.progress(done, total),
      }),
    );

  let disk: DiskRow = { state: 'ok' };
  jobs.use(
    startDiskWatch({
      look: () => reserve.look(),
      onChange(row) {
        disk = row;
        events.diskChanged(row);
      },
      log,
    }),
  );
  jobs.use(
    startCollect({
      run: collect,
      log,
      isEnabled: () => settings().collect.enabled && !isReadOnly(),
      intervalMs: () => settings().collect.interval,
      quietMs: () => traffic.quietMs(),
      reclaimableBytes: () =>
        (askIndex(() => index.totals().reclaimableBytes) ?? 0) - (store.collector.figures?.trashBytes ?? 0),
      isDiskFull: () => disk.state === 'full',
    }),
  );
  const scrub = jobs.use(
    startScrub({
      scrubber: store.scrubber,
      asTask: (asked, work) =>
        tasks.run({ kind: 'scrub', unit: 'bytes', ...asked }, async (task) => {
          const total = askIndex(() => index.totals().totalBytes);
          return await work({ signal: task.signal, progress: (done) => task.progress(done, total) });
        }),
      log,
      isEnabled: () => settings().scrub.enabled && !isReadOnly(),
      intervalMs: () => settings().scrub.interval,
      rate: () => settings().scrub.rate,
      isBusy: () => traffic.isBusy(),
    }),
  );
  const samples = jobs.use(startUsageSamples({ driver, log, sample: sampleUsage }));

  async function sampleUsage(): Promise<Omit<UsageSample, 'day'> | undefined> {
    const usage = index.state === 'ready' ? askIndex(() => index.usage()) : undefined;
    if (usage === undefined) return undefined;
    const { freeBytes } = await reserve.look();
    const exclusiveBytes = usage.repositories.reduce((sum, each) => sum + each.exclusiveBytes, 0);
    return {
      totalBytes: usage.totalBytes,
      exclusiveBytes,
      sharedBytes: Math.max(0, usage.totalBytes - exclusiveBytes - usage.reclaimableBytes),
      trashBytes: store.collector.figures?.trashBytes ?? 0,
      ...(freeBytes === undefined ? {} : { freeBytes }),
    };
  }

  return {
    collect,
    collectRuns: () => collections.runs(),
    usageTrend: () => samples.trend(),
    scrub: {
      run: (asked: Parameters<typeof scrub.run>[0]) => scrub.run(asked),
      nextAt: () => scrub.nextAt(),
      get isRunning() {
        return tasks.list().some(({ kind, state }) => kind === 'scrub' && state === 'running');
      },
    },
    [Symbol.asyncDispose]: () => jobs.disposeAsync(),
  };
}

/** `undefined` while the index is built anew. */
function askIndex<T>(question: () => T): T | undefined {
  try {
    return question();
  } catch (error) {
    if (!isAppError(error, 'UNAVAILABLE')) throw error;
    return undefined;
  }
}
