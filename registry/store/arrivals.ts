/**
 * What a stream brings, in lists of all that came in one turn of the event loop: TLS gives pieces of 16 KiB, and each step of
 * an iterator costs several promises. Reading them as events joins no two of them, as `read()` does, which copies them.
 */
import { finished, type Readable } from 'node:stream';

/** The stream pauses with so much in a list. */
const mostBytes = 256 * 1024;

/** Throws what the stream fails with, also when it closes before its end. Left early, it leaves the stream open and paused. */
export async function* arrivals(stream: Readable): AsyncGenerator<readonly Uint8Array[], void, void> {
  let list: Uint8Array[] = [];
  let bytes = 0;
  let end: { readonly error: unknown } | undefined;
  let wake: (() => void) | undefined;

  function take(chunk: Uint8Array): void {
    bytes += chunk.length;
    if (list.push(chunk) === 1 && wake !== undefined) setImmediate(wake);
    if (bytes < mostBytes) return;
    stream.pause();
    wake?.();
  }

  const leave = finished(stream, { writable: false }, (error) => {
    end = { error };
    wake?.();
  });
  stream.on('data', take);
  try {
    for (;;) {
      if (list.length > 0) {
        const taken = list;
        list = [];
        bytes = 0;
        yield taken;
        if (stream.isPaused()) stream.resume();
      } else if (end === undefined) {
        await new Promise<void>((resolve) => (wake = resolve));
        wake = undefined;
      } else if (end.error === undefined || end.error === null) return;
      else throw end.error;
    }
  } finally {
    leave();
    stream.off('data', take);
    stream.pause();
  }
}
