import { setTimeout as delay } from 'node:timers/promises';
import type { Log } from '../spec/log-record.ts';
import type { Collector } from '../store/collect.ts';
import type { Trash } from '../store/trash.ts';

export interface CollectJobOptions {
  readonly collector: Collector;
  readonly trash: Trash;
  readonly log: Log;
  /** Between the end of a run and the start of the next. */
  readonly intervalMs?: number;
  /** The wait before the first run. It only takes note of what it finds: everything is leased at the start. */
  readonly firstMs?: number;
}

/** A longer timer fires at once (Node, "setTimeout"). */
const longestTimerMs = 2 ** 31 - 1;

/** Expires the trash and collects garbage from time to time until it is disposed. */
export function startCollect({
  collector,
  trash,
  log: root,
  intervalMs = 6 * 60 * 60 * 1000,
  firstMs = 20 * 60 * 1000,
}: CollectJobOptions): AsyncDisposable {
  const log = root.for('jobs');
  const controller = new AbortController();
  const { signal } = controller;

  async function run(): Promise<void> {
    for (let waitMs = firstMs; !signal.aborted; waitMs = intervalMs) {
      await delay(Math.min(waitMs, longestTimerMs), undefined, { signal, ref: false });
      const startedAt = performance.now();
      try {
        const expired = await trash.expire({ signal });
        const { blobs, bytes, manifests, keptBlobs, keptBytes } = await collector.collect({ signal });
        log.info('collectFinished', 'garbage collected', {
          expired,
          manifests,
          blobs,
          bytes,
          'kept.blobs': keptBlobs,
          'kept.bytes': keptBytes,
          seconds: Math.round((performance.now() - startedAt) / 1000),
        });
      } catch (error) {
        if (signal.aborted) return;
        log.error('collectFailed', 'garbage collection failed; it is tried again later', {
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
