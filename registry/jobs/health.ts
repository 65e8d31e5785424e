import { access } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import type { Driver } from '../driver/driver.ts';
import type { Log } from '../spec/log-record.ts';

/** One thing to look at again and again. */
export interface HealthCheck {
  readonly name: string;
  readonly intervalMs: number;
  /** So many failures in a row make it count. */
  readonly threshold: number;
  readonly check: () => Promise<void>;
}

export interface Health extends AsyncDisposable {
  /** The names of the checks that fail now. */
  failing(): readonly string[];
}

/** A longer timer fires at once (Node, "setTimeout"). */
const longestTimerMs = 2 ** 31 - 1;

/** Runs the checks until it is disposed. */
export function startHealth(checks: readonly HealthCheck[], root: Log): Health {
  const log = root.for('jobs');
  const controller = new AbortController();
  const { signal } = controller;
  const failures = new Map<string, number>();

  async function watch({ name, intervalMs, threshold, check }: HealthCheck): Promise<void> {
    while (!signal.aborted) {
      const before = failures.get(name) ?? 0;
      try {
        await check();
        failures.set(name, 0);
        if (before >= threshold) log.info('healthRecovered', 'health check passes again', { check: name });
      } catch (error) {
        failures.set(name, before + 1);
        const reason = error instanceof Error ? error.message : String(error);
        if (before + 1 === threshold)
          log.error('healthFailed', 'health check fails', { check: name, reason });
      }
      await delay(Math.min(intervalMs, longestTimerMs), undefined, { signal, ref: false }).catch(
        () => undefined,
      );
    }
  }

  const running = Promise.all(checks.map(watch));
  return {
    failing: () =>
      checks.filter(({ name, threshold }) => (failures.get(name) ?? 0) >= threshold).map(({ name }) => name),
    async [Symbol.asyncDispose]() {
      controller.abort();
      await running;
    },
  };
}

/** Passes while the driver answers. */
export function storageCheck(driver: Driver): () => Promise<void> {
  return async () => {
    for await (const _ of driver.list('')) return;
  };
}

/** distribution's file check: fails while the file is there, to take a registry out of service by hand. */
export function fileCheck(path: string): () => Promise<void> {
  return async () => {
    const isThere = await access(path).then(
      () => true,
      () => false,
    );
    if (isThere) throw new Error(`the file ${path} is there`);
  };
}
