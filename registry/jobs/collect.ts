import { setTimeout as delay } from 'node:timers/promises';
import type { CollectTrigger } from '../spec/admin/upkeep.ts';
import type { Log } from '../spec/log-record.ts';

export interface CollectJobOptions {
  /** Collects. What it does while the disk is full must free all that is safe to. */
  readonly run: (options: {
    readonly trigger: CollectTrigger;
    readonly signal: AbortSignal;
  }) => Promise<unknown>;
  readonly log: Log;
  /** False: nothing is collected now. */
  readonly isEnabled?: () => boolean;
  /** Between the end of a run and the next by the timer. */
  readonly intervalMs?: () => number;
  /** The wait before the first run, unless the interval is shorter. It only takes note of what it finds: everything is leased at the start. */
  readonly firstMs?: number;
  /** For how long no client has asked for anything. */
  readonly quietMs?: () => number;
  /** Bytes that nobody seems to need. */
  readonly reclaimableBytes?: () => number;
  /** True while pushes are refused for want of room. */
  readonly isDiskFull?: () => boolean;
  /** How often it looks whether there is a reason to run. */
  readonly lookMs?: number;
  /** A clock that nobody sets, in milliseconds. */
  readonly monotonic?: () => number;
}

/** No client for so long, and no run for so long: a good time to collect. */
const idle = { quietMs: 5 * 60 * 1000, sinceRunMs: 60 * 60 * 1000 };
/** A longer timer fires at once (Node, "setTimeout"). */
const longestTimerMs = 2 ** 31 - 1;
/** What is leased when the disk becomes full is free later. */
const lowDiskPauseMs = 5 * 60 * 1000;

/** Collects garbage from time to time, when nobody is there, and when the disk is full, until it is disposed. */
export function startCollect({
  run,
  log: root,
  isEnabled = () => true,
  intervalMs = () => 6 * 60 * 60 * 1000,
  firstMs = 20 * 60 * 1000,
  quietMs = () => 0,
  reclaimableBytes = () => 0,
  isDiskFull = () => false,
  lookMs = 1000,
  monotonic = () => performance.now(),
}: CollectJobOptions): AsyncDisposable {
  const log = root.for('jobs');
  const controller = new AbortController();
  const { signal } = controller;
  const startedAt = monotonic();
  let lastRunAt = Number.NEGATIVE_INFINITY;

  function dueInMs(): number {
    const waitMs =
      lastRunAt === Number.NEGATIVE_INFINITY
        ? startedAt + Math.min(firstMs, intervalMs())
        : lastRunAt + intervalMs();
    return waitMs - monotonic();
  }

  function reason(): CollectTrigger | undefined {
    if (!isEnabled()) return undefined;
    const sinceRunMs = monotonic() - Math.max(lastRunAt, startedAt);
    if (isDiskFull() && (lastRunAt < startedAt || sinceRunMs >= lowDiskPauseMs)) return 'low-disk';
    if (dueInMs() <= 0) return 'timer';
    const isIdle = quietMs() >= idle.quietMs && sinceRunMs >= idle.sinceRunMs;
    return isIdle && reclaimableBytes() > 0 ? 'idle' : undefined;
  }

  async function watch(): Promise<void> {
    while (!signal.aborted) {
      const waitMs = isEnabled() ? Math.max(0, Math.min(dueInMs(), lookMs)) : lookMs;
      await delay(Math.min(waitMs, longestTimerMs), undefined, { signal, ref: false });
      const trigger = reason();
      if (trigger === undefined) continue;
      try {
        await run({ trigger, signal });
      } catch (error) {
        if (signal.aborted) return;
        log.error('collectFailed', 'garbage collection failed; it is tried again later', {
          'err.message': error instanceof Error ? error.message : '',
        });
      } finally {
        lastRunAt = monotonic();
      }
    }
  }

  const watching = watch().catch((error: unknown) => {
    if (!signal.aborted) throw error;
  });
  return {
    async [Symbol.asyncDispose]() {
      controller.abort();
      await watching;
    },
  };
}
