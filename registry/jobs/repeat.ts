/** A longer timer fires at once (Node, "setTimeout"). */
const longestTimerMs = 2 ** 31 - 1;

export interface RepeatOptions {
  /**
   * How long to wait after the end of the last run, or after the start before the first; `undefined`: not at all for
   * now. Asked again whenever `onChange` calls back.
   */
  readonly waitMs: (isFirst: boolean) => number | undefined;
  /** Never throws. */
  readonly run: (signal: AbortSignal) => Promise<void>;
  /** Calls back when the wait may have become another one; answers how to stop that. */
  readonly onChange?: ((listener: () => void) => () => void) | undefined;
  /** Told of each new wait. */
  readonly onWait?: (waitMs: number) => void;
}

/** Does something from time to time until it is disposed, which cuts a run and waits for its end. */
export function repeat({ waitMs, run, onChange, onWait }: RepeatOptions): AsyncDisposable {
  const controller = new AbortController();
  const { signal } = controller;
  let wake: () => void = doNothing;

  function pause(ms: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, Math.min(ms, longestTimerMs)).unref();
    wake = resolve;
    return promise.finally(() => clearTimeout(timer));
  }

  async function loop(): Promise<void> {
    let [isFirst, since, told] = [true, performance.now(), -1];
    while (!signal.aborted) {
      const wait = waitMs(isFirst);
      // At least one turn of the loop between two runs.
      const left = wait === undefined ? longestTimerMs : since + Math.max(1, wait) - performance.now();
      if (wait !== undefined && wait !== told) onWait?.(wait);
      told = wait ?? -1;
      if (left > 0) await pause(left);
      else {
        await run(signal);
        [isFirst, since, told] = [false, performance.now(), -1];
      }
    }
  }

  const stopListening = onChange?.(() => wake());
  const looping = loop();
  return {
    async [Symbol.asyncDispose]() {
      stopListening?.();
      controller.abort();
      wake();
      await looping;
    },
  };
}

function doNothing(): void {}
