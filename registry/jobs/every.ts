import { repeat } from './repeat.ts';

export interface EveryOptions {
  /** The wait before the first time. */
  readonly firstMs: number;
  /** Between the end of a time and the start of the next. */
  readonly everyMs: number;
  readonly act: (signal: AbortSignal) => Promise<void>;
  /** Told what `act` failed with, unless it was cut by the end. */
  readonly onError: (error: unknown) => void;
}

/** Does something from time to time until it is disposed, which cuts and awaits what runs. */
export function startEvery({ firstMs, everyMs, act, onError }: EveryOptions): AsyncDisposable {
  return repeat({
    waitMs: (isFirst) => (isFirst ? firstMs : everyMs),
    async run(signal) {
      try {
        await act(signal);
      } catch (error) {
        if (!signal.aborted) onError(error);
      }
    },
  });
}
