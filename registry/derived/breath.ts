import { setImmediate } from 'node:timers/promises';

/** How long requests may wait for a step, in milliseconds. */
const stepMs = 4;

/** Lets others run once a step has lasted long enough, and ends with the signal. */
export function createBreath(signal: AbortSignal): () => Promise<void> {
  let since = performance.now();
  return async () => {
    signal.throwIfAborted();
    if (performance.now() - since < stepMs) return;
    await setImmediate();
    since = performance.now();
  };
}
