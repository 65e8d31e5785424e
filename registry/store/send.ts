/**
 * Bytes of a reader into a stream by two blocks in turn: while one is on its way to the socket the next is read, and
 * nothing is allocated a block. A stream of fresh buffers cost three times the processor time, most of it in the
 * garbage collector.
 */
import type { Hash } from 'node:crypto';
import type { Writable } from 'node:stream';
import type { Reader } from '../driver/driver.ts';
import { AppError } from '../spec/errors.ts';

/** What the blocks of all sends may hold together; a few sends get large blocks, 500 of them stay within 16 MiB. */
const memory = { total: 16 * 1024 * 1024, most: 256 * 1024, least: 16 * 1024 };
let sends = 0;

export interface SendRange {
  /** The first byte. */
  readonly start: number;
  /** The first byte after the range. */
  readonly end: number;
}

/**
 * Writes a range of the reader's bytes and leaves the sink open. With `check` every byte goes through its hash, and
 * the last block is held back until `accept` has resolved.
 * @throws AppError STORAGE_FAILED when the file is shorter than it was, and whatever `accept`, the sink or the signal
 *   fail with
 */
export async function sendBytes(
  reader: Reader,
  sink: Writable,
  { start, end }: SendRange,
  {
    signal,
    check,
  }: {
    readonly signal: AbortSignal;
    readonly check?: { readonly hash: Hash; readonly accept: () => Promise<void> };
  },
): Promise<void> {
  // A sink that died with writes in it may never answer them.
  const aborted = Promise.withResolvers<never>();
  aborted.promise.catch(() => undefined);
  const abort = (): void => aborted.reject(signal.reason);
  signal.addEventListener('abort', abort, { once: true });
  sends++;
  try {
    const share = Math.floor(memory.total / sends / 2);
    const blockBytes = Math.min(Math.max(memory.least, Math.min(memory.most, share)), end - start);
    const blocks = [Buffer.allocUnsafeSlow(blockBytes), Buffer.allocUnsafeSlow(blockBytes)] as const;
    const flushed = [Promise.resolve(), Promise.resolve()];
    for (let at = start, turn = 0; at < end; turn = 1 - turn) {
      await Promise.race([flushed[turn], aborted.promise]);
      signal.throwIfAborted();
      const block = (turn === 0 ? blocks[0] : blocks[1]).subarray(0, Math.min(blockBytes, end - at));
      const count = await reader.read(block, at);
      if (count < block.length)
        throw new AppError('STORAGE_FAILED', { message: 'A file became shorter while it was read.' });
      at += count;
      check?.hash.update(block);
      if (at === end) await check?.accept();
      const writing = write(sink, block);
      // Awaited before its block is used again, and at the end; until then its failure must not count as unhandled.
      writing.catch(() => undefined);
      flushed[turn] = writing;
    }
    if (start === end) await check?.accept();
    await Promise.race([Promise.all(flushed), aborted.promise]);
  } finally {
    signal.removeEventListener('abort', abort);
    sends--;
  }
}

function write(sink: Writable, bytes: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    sink.write(bytes, (error) => (error ? reject(error) : resolve()));
  });
}
