import { setTimeout as delay } from 'node:timers/promises';

export interface EveryOptions {
  /** The wait before the first time. */
  readonly firstMs: number;
  /** Between the end of a time and the start of the next. */
  readonly everyMs: number;
  readonly act: (signal: AbortSignal) => Promise<void>;
  /** Told what `act` failed with, unless it was cut by the end. */
  readonly onError: (error: unknown) => void;
}

/** A longer timer fires at once (Node, "setTimeout"). */
const longestTimerMs = 2 ** 31 - 1;

/** Does something from time to time until it is disposed, which cuts and awaits what runs. */
export function startEvery({ firstMs, everyMs, act, onError }: EveryOptions): AsyncDisposable {
  const controller = new AbortController();
  const { signal } = controller;

  async function run(): Promise<void> {
    for (let waitMs = firstMs; !signal.aborted; waitMs = everyMs) {
      await delay(Math.min(waitMs, longestTimerMs), undefined, { signal, ref: false });
      try {
        await act(signal);
      } catch (error) {
        if (!signal.aborted) onError(error);
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
