/**
 * Rules by themselves: expired tags at their time, retention once a day.
 *
 *   due = the next expiry, the daily run, or what a change asks for, whichever is first
 *   wait until due (an hour at most: the clock may be set) -> pass -> the next expiry is known again
 *
 * Passes rest ten times as long as the last one took, and a second at least, so that many tags that expire one after the
 * other do not keep the registry busy.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Log } from '../spec/log-record.ts';

export interface RulesJobOptions {
  /** Deletes what is expired, and answers when the next is, in milliseconds since the epoch. */
  readonly expire: (options: { readonly signal: AbortSignal }) => Promise<number | undefined>;
  /** Deletes what the rules do not keep. */
  readonly run: (options: { readonly signal: AbortSignal }) => Promise<unknown>;
  /**
   * Times by which a pass is asked for, in milliseconds since the epoch: of a tag that was pushed, or now, for changed
   * rules. Ends with the signal.
   */
  readonly changes: (options: { readonly signal: AbortSignal }) => AsyncIterable<number>;
  readonly log: Log;
  /** The wait before the first daily run. */
  readonly firstMs?: number;
  readonly intervalMs?: number;
  /** The wall clock, in milliseconds since the epoch. */
  readonly now?: () => number;
}

const longestWaitMs = 60 * 60 * 1000;
const shortestRestMs = 1000;
const restFactor = 10;
const retryMs = 60_000;

/** Runs until it is disposed. */
export function startRules({
  expire,
  run,
  changes,
  log: root,
  firstMs = 20 * 60 * 1000,
  intervalMs = 24 * 60 * 60 * 1000,
  now = Date.now,
}: RulesJobOptions): AsyncDisposable {
  const log = root.for('jobs');
  const controller = new AbortController();
  const { signal } = controller;
  let dueAt = now();
  let dailyAt = now() + firstMs;
  let woken = new AbortController();

  function wakeBy(at: number): void {
    if (at >= dueAt) return;
    dueAt = at;
    woken.abort();
  }

  async function listen(): Promise<void> {
    for await (const at of changes({ signal })) wakeBy(at);
  }

  async function work(): Promise<void> {
    for (let restedAt = 0; !signal.aborted;) {
      const waitMs = Math.max(Math.min(dueAt, dailyAt), restedAt) - now();
      if (waitMs > 0) {
        woken = new AbortController();
        const either = AbortSignal.any([signal, woken.signal]);
        await delay(Math.min(waitMs, longestWaitMs), undefined, { signal: either, ref: false }).catch(
          () => undefined,
        );
        continue;
      }
      const startedAt = performance.now();
      await pass();
      const tookMs = performance.now() - startedAt;
      restedAt = now() + Math.max(shortestRestMs, restFactor * tookMs);
    }
  }

  async function pass(): Promise<void> {
    // What is asked for meanwhile counts again.
    dueAt = Infinity;
    try {
      if (dailyAt <= now()) {
        dailyAt = now() + intervalMs;
        await run({ signal });
      }
      dueAt = Math.min(dueAt, (await expire({ signal })) ?? Infinity);
    } catch (error) {
      if (signal.aborted) return;
      dueAt = Math.min(dueAt, now() + retryMs);
      log.error('rulesFailed', 'rules could not be followed; it is tried again', {
        'err.message': error instanceof Error ? error.message : '',
      });
    }
  }

  const running = Promise.all([work(), listen()]);
  return {
    async [Symbol.asyncDispose]() {
      controller.abort();
      await running;
    },
  };
}
