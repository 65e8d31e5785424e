/** Turns for what takes much memory at a time: few have one, some wait in the order of arrival, more are refused. */
import { AppError } from '../spec/errors.ts';

export interface Turns {
  /** Resolves when it is the caller's turn. Throws TOO_MANY_MANIFESTS if too many wait, and the signal's reason. */
  take(signal: AbortSignal): Promise<Turn>;
}

/** Dispose it to let the next one in. */
export interface Turn extends Disposable {
  /** Throws TOO_MANY_MANIFESTS when the turn has been long and somebody waits: a client may send as slowly as it likes. */
  check(): void;
}

export function createTurns({
  atOnce,
  mostWaiting,
  fairMs,
}: {
  readonly atOnce: number;
  readonly mostWaiting: number;
  /** How long a turn may last while others wait, in milliseconds. */
  readonly fairMs: number;
}): Turns {
  const waiting = new Set<() => void>();
  let taken = 0;

  async function enter(signal: AbortSignal): Promise<void> {
    if (taken < atOnce) {
      taken++;
      return;
    }
    if (waiting.size >= mostWaiting) throw tooMany('They are taken one after the other.');
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const goAway = (): void => {
      waiting.delete(resolve);
      reject(signal.reason as Error);
    };
    signal.throwIfAborted();
    waiting.add(resolve);
    signal.addEventListener('abort', goAway, { once: true });
    try {
      await promise;
    } finally {
      signal.removeEventListener('abort', goAway);
    }
  }

  /** The turn goes over to who waits the longest. */
  function passOn(): void {
    const [next] = waiting;
    if (next === undefined) {
      taken--;
      return;
    }
    waiting.delete(next);
    next();
  }

  return {
    async take(signal) {
      await enter(signal);
      const since = performance.now();
      return {
        check() {
          if (waiting.size > 0 && performance.now() - since > fairMs)
            throw tooMany('This one came too slowly, and others wait.');
        },
        [Symbol.dispose]: passOn,
      };
    },
  };
}

function tooMany(why: string): AppError {
  return new AppError('TOO_MANY_MANIFESTS', {
    message: `Too many large manifests at once. ${why}`,
    retryAfterSeconds: 2,
  });
}
