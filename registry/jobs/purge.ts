import type { Log } from '../spec/log-record.ts';
import type { Uploads } from '../store/uploads.ts';
import { repeat, type RepeatOptions } from './repeat.ts';

/** Within this time after a start a client goes on with its upload, or does not: as long as blobs are kept for one. */
const returnMs = 60 * 60 * 1000;

export interface PurgeSettings {
  readonly ageMs: number;
  readonly intervalMs: number;
  readonly dryRun: boolean;
}

export interface PurgeOptions extends Pick<RepeatOptions, 'onChange'> {
  readonly uploads: Uploads;
  readonly log: Log;
  /** `undefined`: nothing is to be purged. */
  readonly settings: () => PurgeSettings | undefined;
  /**
   * The wait before the first run, unless the interval is shorter: until uploads of a former process are no longer left
   * alone, and a random part of an hour, which spreads registries that start together.
   */
  readonly firstMs?: number;
}

/** Removes abandoned uploads from time to time until it is disposed. */
export function startPurge({
  uploads,
  log: root,
  settings,
  firstMs = returnMs * (1 + Math.random()),
  onChange,
}: PurgeOptions): AsyncDisposable {
  const log = root.for('jobs');

  async function run(signal: AbortSignal): Promise<void> {
    const chosen = settings();
    if (chosen === undefined) return;
    const { ageMs, dryRun } = chosen;
    try {
      const purged = await uploads.purge({ ageMs, returnMs, dryRun, signal });
      log.info('purgeFinished', `Purge uploads finished.  Num deleted=${dryRun ? 0 : purged}`, {
        found: purged,
      });
    } catch (error) {
      if (signal.aborted) return;
      log.error('purgeFailed', 'upload purge failed', {
        'err.message': error instanceof Error ? error.message : '',
      });
    }
  }

  return repeat({
    waitMs(isFirst) {
      const interval = settings()?.intervalMs;
      return interval === undefined || !isFirst ? interval : Math.min(firstMs, interval);
    },
    run,
    onChange,
    onWait: (waitMs) =>
      log.info('purgeScheduled', `Starting upload purge in ${Math.round(waitMs / 60_000)}m0s`),
  });
}
