/**
 * Bytes of a reader into a stream by three blocks in turn: two are on their way to the socket, one is read and
 * hashed, by another thread where it is large, and nothing is allocated a block. A stream of fresh buffers cost three
 * times the processor time, most of it in the garbage collector.
 */
import type { Writable } from 'node:stream';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Reader } from '../driver/driver.ts';
import type { RunningHash } from '../driver/running-hash.ts';
import { AppError } from '../spec/errors.ts';

/** What the blocks of all sends hold together, beside the least that each gets: few get large ones, 500 small ones. */
const memory = { total: 24 * 1024 * 1024, least: 16 * 1024, held: 0 };
/** One to read into: the way to the thread and back is paid for each. One of bytes in memory: all of it in a turn. */
const most = { read: 1024 * 1024, inMemory: 256 * 1024 };
const blockCount = 3;
/** Blocks of sends that ended, by their size: they would wait for the collector of garbage while others are made. */
const free = { blocks: new Map<number, Uint8Array[]>(), bytes: 0, most: 16 * 1024 * 1024 };

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
    readonly check?: { readonly hash: RunningHash; readonly accept: () => Promise<void> };
  },
): Promise<void> {
  using out = openOutput(sink, signal);
  const flushed: Promise<unknown>[] = [];
  const blockBytes = blockSize(end - start, most.read);
  memory.held += blockCount * blockBytes;
  try {
    const blocks: Uint8Array[] = [];
    const fill = async (at: number, turn: number): Promise<Uint8Array> => {
      await flushed[turn];
      signal.throwIfAborted();
      const block = (blocks[turn] ?? takeBlock(blockBytes)).subarray(0, Math.min(blockBytes, end - at));
      const bytes = await readBlock(reader, { block, at, hash: check?.hash });
      if (bytes.length < block.length)
        throw new AppError('STORAGE_FAILED', { message: 'A file became shorter while it was read.' });
      blocks[turn] = new Uint8Array(bytes.buffer);
      return bytes;
    };
    let filling = start < end ? later(fill(start, 0)) : Promise.resolve(Buffer.of());
    for (let at = start, turn = 0; at < end; turn = (turn + 1) % blockCount) {
      const block = await filling;
      at += block.length;
      if (at < end) filling = later(fill(at, (turn + 1) % blockCount));
      if (at === end) await check?.accept();
      flushed[turn] = later(out.write(block));
    }
    if (start === end) await check?.accept();
    await Promise.all(flushed);
    // Only those that the sink is done with.
    keepFree(blocks);
  } finally {
    memory.held -= blockCount * blockBytes;
  }
}

async function readBlock(
  reader: Reader,
  {
    block,
    at,
    hash,
  }: { readonly block: Uint8Array; readonly at: number; readonly hash: RunningHash | undefined },
): Promise<Uint8Array> {
  if (hash !== undefined) return await reader.readHashed(block, at, hash);
  return block.subarray(0, await reader.read(block, at));
}

/** Writes bytes that are in memory and were verified, two blocks at a time, so that TLS makes no copy of all of them. */
export async function sendWhole(
  bytes: Uint8Array,
  sink: Writable,
  { signal }: { readonly signal: AbortSignal },
): Promise<void> {
  using out = openOutput(sink, signal);
  const blockBytes = blockSize(bytes.length, most.inMemory);
  memory.held += 2 * blockBytes;
  try {
    let before: Promise<void> | undefined;
    for (let at = 0; at < bytes.length; at += blockBytes) {
      const written = later(out.write(bytes.subarray(at, at + blockBytes)));
      await before;
      before = written;
      // A client that takes all at once would have all in one turn, and 100 of them hold up everyone else.
      await nextTurn();
    }
    await before;
  } finally {
    memory.held -= 2 * blockBytes;
  }
}

/**
 * A sink that died with writes in it may never answer them: those fail when the signal aborts. Not a race with one promise for
 * all blocks, which would keep something of each of them until the end.
 */
function openOutput(
  sink: Writable,
  signal: AbortSignal,
): Disposable & { write(block: Uint8Array): Promise<void> } {
  const waiting = new Set<(reason: unknown) => void>();
  const abort = (): void => waiting.forEach((reject) => reject(signal.reason));
  signal.addEventListener('abort', abort, { once: true });
  return {
    write: (block) =>
      new Promise((resolve, reject) => {
        signal.throwIfAborted();
        waiting.add(reject);
        sink.write(block, (error) => {
          waiting.delete(reject);
          if (error) reject(error);
          else resolve();
        });
      }),
    [Symbol.dispose]: () => signal.removeEventListener('abort', abort),
  };
}

/**
 * A quarter of what is left, so that there is some for whoever comes next; no more than one block needs, and of a large one
 * no more than a quarter of all, so that it is on its way while the next is read.
 */
function blockSize(length: number, mostBytes: number): number {
  const share = (memory.total - memory.held) / 4 / blockCount;
  const isTooLarge = (size: number): boolean =>
    size > most.inMemory ? size * 4 > length : size / 2 >= length;
  let size = mostBytes;
  while (size > memory.least && (size > share || isTooLarge(size))) size /= 2;
  return size;
}

function takeBlock(size: number): Uint8Array {
  const block = free.blocks.get(size)?.pop();
  if (block === undefined) return Buffer.allocUnsafeSlow(size);
  free.bytes -= size;
  return block;
}

function keepFree(blocks: readonly Uint8Array[]): void {
  for (const block of blocks) {
    if (free.bytes + block.length > free.most) return;
    free.bytes += block.length;
    const alike = free.blocks.get(block.length) ?? [];
    free.blocks.set(block.length, alike);
    alike.push(block);
  }
}

/** A promise that is looked at later: until then its failure must not count as unhandled. */
function later<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => undefined);
  return promise;
}
