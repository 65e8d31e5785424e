/** An open file that is read block by block: large blocks by the thread that hashes them, too. */
import type { FileHandle } from 'node:fs/promises';
import { isMarkedAsUntransferable } from 'node:worker_threads';

import type { Changes } from './changes.ts';
import type { Reader } from './driver.ts';
import type { HashKeeper, RunningHash } from './running-hash.ts';

/** Blocks of this size are worth the way to another thread, in bytes. */
const largeBlock = 512 * 1024;

export interface FileReaderOptions {
  readonly size: number;
  /** Reads and hashes what is large. */
  readonly large: Changes & HashKeeper;
}

/** Has the file closed when it is disposed. */
export function createFileReader(handle: FileHandle, { size, large }: FileReaderOptions): Reader {
  let underWay: Promise<unknown> = Promise.resolve();

  async function readHashed(block: Uint8Array, position: number, hash: RunningHash): Promise<Uint8Array> {
    const isLarge = block.length >= largeBlock || hash.bytes > 0;
    const name = isLarge && !isMarkedAsUntransferable(block.buffer) ? hash.leaveTo(large) : undefined;
    if (name === undefined) {
      const bytes = block.subarray(0, await fill(handle, block, position));
      hash.update([bytes]);
      return bytes;
    }
    const step = { name, kind: hash.kind, bytes: hash.bytes };
    const reading = large.run({ kind: 'read', file: handle.fd, position, block, hash: step });
    underWay = reading.catch(() => undefined);
    const { bytes, isHashed } = await reading;
    hash.moveOn(isHashed ? bytes.length : Number.NaN);
    return bytes;
  }

  return {
    size,
    read: (into, position) => fill(handle, into, position),
    readHashed,
    async [Symbol.asyncDispose]() {
      // Its number may be another file's as soon as it is closed.
      await underWay;
      await handle.close();
    },
  };
}

async function fill(handle: FileHandle, into: Uint8Array, position: number): Promise<number> {
  let filled = 0;
  while (filled < into.length) {
    const { bytesRead } = await handle.read(into, filled, into.length - filled, position + filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return filled;
}
