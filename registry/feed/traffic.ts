/** Whether clients are there: what runs by itself gives way to them. */
export interface Traffic {
  started(): void;
  ended(): void;
  /** True while a request is answered, and for a moment after. */
  isBusy(): boolean;
  /** For how long there was no request, in milliseconds. */
  quietMs(): number;
}

/** Between two requests of one push or pull. */
const pauseMs = 250;

/** `now` is a clock that nobody sets, in milliseconds. */
export function createTraffic(now: () => number = () => performance.now()): Traffic {
  let open = 0;
  let lastAt = now() - pauseMs;
  const quietMs = (): number => (open > 0 ? 0 : now() - lastAt);
  return {
    started() {
      open++;
    },
    ended() {
      open--;
      lastAt = now();
    },
    quietMs,
    isBusy: () => quietMs() < pauseMs,
  };
}
