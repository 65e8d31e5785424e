import { setTimeout as delay } from 'node:timers/promises';
import type { Log } from '../spec/log-record.ts';
import type { Uploads } from '../store/uploads.ts';

export interface PurgeOptions {
  readonly uploads: Uploads;
  readonly log: Log;
  readonly ageMs: number;
  readonly intervalMs: number;
  readonly dryRun: boolean;
  /** The wait before the first run; a random part of an hour spreads registries that start together. */
  readonly firstMs?: number;
}

/** A longer timer fires at once (Node, "setTimeout"). */
const longestTimerMs = 2 ** 31 - 1;

/** Removes abandoned uploads from time to time until it is disposed. */
export function startPurge({
  uploads,
  log: root,
  ageMs,
  intervalMs,
  dryRun,
  firstMs = Math.random() * 60 * 60 * 1000,
}: PurgeOptions): AsyncDisposable {
  const log = root.for('jobs');
  const controller = new AbortController();
  const { signal } = controller;

  async function run(): Promise<void> {
    for (let waitMs = firstMs; !signal.aborted; waitMs = intervalMs) {
      log.info('purgeScheduled', `Starting upload purge in ${Math.round(waitMs / 60_000)}m0s`);
      await delay(Math.min(waitMs, longestTimerMs), undefined, { signal, ref: false });
      try {
        const purged = await uploads.purge({ ageMs, dryRun, signal });
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
  }

  const running = run().catch((error: unknown) => {
    if (!signal.aborted) throw error;
  });
  return {
    async [Symbol.asyncDispose]() {
      controller.abort();
      await running;
    },
  };
}
