/**
 * A part as a file that grows at its key. One write is under way while the next batch is collected behind it, so a
 * fast sender costs few calls and a slow one little memory. Batches end at multiples of their size in the file: the
 * kernel keeps a file in folios as large as a write that is aligned to them, and a large one costs it about as much as a
 * small one. The disk starts on the bytes early (an fdatasync every 16 MiB beside the writes), so that the one in `commit`
 * is short: measured on a 2-core Linux VM, a part of 256 MiB took 160 ms with it and 240 ms without.
 */
import * as files from 'node:fs';
import { createReadStream } from 'node:fs';
import { unlink } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { promisify } from 'node:util';
import { isMarkedAsUntransferable } from 'node:worker_threads';

import { undefinedIfAbsent } from '../disk/directory.ts';
import type { Changes, OpenedPart } from './changes.ts';
import { type Chunks, dropBytes, lengthOf } from './chunks.ts';
import type { AppendOptions, CommitOptions, Part, WaitOptions } from './driver.ts';
import { errorOf } from './failure.ts';
import { interruptible } from './interruptible.ts';
import type { RestingFiles } from './resting-files.ts';
import type { HashKeeper, RunningHash } from './running-hash.ts';
import type { HashStep } from './transfers.ts';

// Descriptors, not objects of them: those cost as much as the calls.
const writeAt = promisify(files.writev);
const syncData = promisify(files.fdatasync);
const cut = promisify(files.ftruncate);
const closeFile = promisify(files.close);

const largeBatch = 1024 * 1024;
const smallBatch = 256 * 1024;
/** So many appends at once hold large batches, two each; more of them hold small ones. */
const largeAppends = 8;
// Every chunk of a batch is an object of its own: very small ones fill a batch by their number.
const batchChunks = 512;
/** A slow sender's bytes are written so long after they came: where an upload stands is what lies in its file. */
const lateMs = 200;
const earlySyncBytes = 16 * 1024 * 1024;

export interface FilePartOptions {
  readonly path: string;
  /** Shared by all parts: one early fdatasync at a time, so that they leave the thread pool to everyone else. */
  readonly earlySyncs: { busy: boolean };
  /** Shared by all parts: how many take bytes at this moment. */
  readonly appends: { running: number };
  readonly changes: Changes;
  /** Hashes and writes what is large. */
  readonly large: Changes & HashKeeper;
  /** Has the file when the part is disposed. */
  readonly resting: RestingFiles;
}

/** A part of an open file. */
export function createFilePart({ file, inode, size: startSize }: OpenedPart, options: FilePartOptions): Part {
  const { path, earlySyncs, appends, changes, large, resting } = options;
  let size = startSize;
  let unsyncedBytes = 0;
  let earlySync: Promise<void> | undefined;
  let lost: { readonly cause: unknown } | undefined;
  let busy = false;
  let closed = false;

  async function append(source: AsyncIterable<Chunks>, how: AppendOptions = {}): Promise<number> {
    begin();
    const before = size;
    let batch: Uint8Array[] = [];
    /** The first batch, until the second one is full: only then is the part worth another thread, and its start. */
    let first: Chunks[] = [];
    let isBegun = how.hash?.bytes !== 0;
    /** Where the batch ends in the file. */
    let end = size;
    let last = Promise.resolve();
    let timer: NodeJS.Timeout | undefined;
    async function writeBehind(earlier: Promise<void>, batches: readonly Chunks[], isFull: boolean) {
      await earlier;
      for (const chunks of batches) await write(chunks, isFull, how);
    }
    /** Writes the batch behind the one before, and answers for that one. */
    function flush(isFull: boolean): Promise<void> {
      const [writing, batches] = [last, [...first, batch]];
      [first, batch] = [[], []];
      isBegun = true;
      clearTimeout(timer);
      timer = undefined;
      last = writeBehind(writing, batches, isFull);
      // Looked at by the next flush. Until then a failure must not count as unhandled.
      last.catch(() => undefined);
      return writing;
    }

    appends.running += 1;
    try {
      for await (const chunks of interruptible(source, how.signal)) {
        for (const chunk of chunks) {
          for (let at = 0; at < chunk.length;) {
            const room = roomOf(end);
            const isRest = chunk.length - at <= room;
            // Memory is given away as a whole, so the rest alone stays in that of the chunk.
            const piece = isRest ? chunk.subarray(at) : new Uint8Array(chunk.subarray(at, at + room));
            batch.push(piece);
            timer ??= setTimeout(flush, lateMs, false);
            at += piece.length;
            end += piece.length;
            if (piece.length < room && batch.length < batchChunks) continue;
            if (isBegun || first.length > 0) await flush(true);
            else [first, batch] = [[batch], []];
          }
        }
      }
    } finally {
      // Also when the source failed: what arrived is kept, and no write outlives this call.
      try {
        await flush(false);
        await last;
      } finally {
        busy = false;
        appends.running -= 1;
        if (lost !== undefined) await drop();
      }
    }
    return size - before;
  }

  /** Bytes from a place in the file to the end of the batch that it lies in. */
  function roomOf(place: number): number {
    const batchBytes = appends.running > largeAppends ? smallBatch : largeBatch;
    return batchBytes - (place % batchBytes);
  }

  /** Writes behind the last byte: small parts by the thread pool, others by the thread that hashes them, too. */
  async function write(
    chunks: Chunks,
    isFull: boolean,
    { isOwned = false, hash }: AppendOptions,
  ): Promise<void> {
    if (lost !== undefined) throw lost.cause;
    const name = hash !== undefined && (isFull || hash.bytes > 0) ? hash.leaveTo(large) : undefined;
    if (hash === undefined || name === undefined) {
      hash?.update(chunks);
      await writeHere(chunks);
      if (isOwned) for (const { buffer } of chunks) release(buffer);
    } else {
      const { kind, bytes } = hash;
      await writeThere(chunks.map(isOwned ? withOwnMemory : copyOf), { name, kind, bytes }, hash);
    }
    if (unsyncedBytes >= earlySyncBytes && !earlySyncs.busy) earlySync = syncEarly();
  }

  /** A full disk or a quota makes a write short; the next one tells why. */
  async function writeHere(chunks: Chunks): Promise<void> {
    let rest = chunks;
    while (rest.length > 0) {
      const { bytesWritten } = await writeAt(file, rest, size);
      grow(bytesWritten);
      rest = dropBytes(rest, bytesWritten);
    }
  }

  async function writeThere(chunks: Chunks, hash: HashStep, running: RunningHash): Promise<void> {
    if (chunks.length === 0) return;
    const length = lengthOf(chunks);
    const done = await large.run({ kind: 'append', file, position: size, chunks, hash });
    running.moveOn(done.isHashed ? length : Number.NaN);
    grow(done.bytes);
    if (done.failure !== undefined) throw errorOf(done.failure);
  }

  function grow(bytes: number): void {
    size += bytes;
    unsyncedBytes += bytes;
  }

  async function syncEarly(): Promise<void> {
    earlySyncs.busy = true;
    unsyncedBytes = 0;
    await sync();
    earlySyncs.busy = false;
  }

  async function sync(): Promise<void> {
    if (lost !== undefined) return;
    try {
      await syncData(file);
    } catch (cause) {
      lost = { cause };
    }
  }

  /** After a failed fsync nobody knows which bytes reached the disk, and a second one would say that all did. */
  async function drop(): Promise<never> {
    await close();
    await unlink(path).catch(() => undefined);
    throw lost?.cause;
  }

  async function truncate(bytes: number): Promise<void> {
    begin();
    try {
      if (bytes > size) throw new RangeError(`a part of ${size} bytes cannot be cut to ${bytes}`);
      await cut(file, bytes);
      size = bytes;
    } finally {
      busy = false;
    }
  }

  function read(wait: WaitOptions = {}): Readable {
    if (size === 0) return Readable.from([], { objectMode: false });
    return createReadStream(path, { ...wait, end: size - 1, highWaterMark: smallBatch });
  }

  async function commit(key: string, { unless, after = [], clear }: CommitOptions = {}): Promise<boolean> {
    begin();
    await earlySync;
    if (lost !== undefined) return await drop();
    // The thread closes the file, unless it says that the part was not moved.
    closed = true;
    const part = { file, size, path, key, unless, clear };
    const [isMoved = false] = await changes.run({ kind: 'commit', part, stages: after });
    if (isMoved) return true;
    closed = busy = false;
    return false;
  }

  async function discard(): Promise<void> {
    begin();
    await close();
    await unlink(path).catch(undefinedIfAbsent);
  }

  async function close(): Promise<void> {
    closed = true;
    await earlySync;
    await closeFile(file);
  }

  async function layDown(): Promise<void> {
    if (closed) return;
    closed = true;
    await earlySync;
    if (lost === undefined) resting.keep(path, { file, inode, size });
    else await closeFile(file);
  }

  function begin(): void {
    if (busy || closed) throw new Error(`the part ${path} is ${closed ? 'closed' : 'in use'}`);
    busy = true;
  }

  return {
    get size() {
      return size;
    },
    append,
    truncate,
    read,
    commit,
    discard,
    [Symbol.asyncDispose]: layDown,
  };
}

/**
 * Gives memory back. Left to the collector, the chunks of a push of 1 GiB are garbage of 1 GiB, which starts some twenty
 * collections of the whole heap. What Node shares out among small buffers is not given back.
 */
function release(buffer: ArrayBufferLike): void {
  if (buffer instanceof ArrayBuffer && !isMarkedAsUntransferable(buffer)) buffer.transfer(0);
}

function withOwnMemory(chunk: Uint8Array): Uint8Array {
  return isMarkedAsUntransferable(chunk.buffer) ? copyOf(chunk) : chunk;
}

function copyOf(chunk: Uint8Array): Uint8Array {
  return new Uint8Array(chunk);
}
