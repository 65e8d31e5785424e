/** An open file that is read block by block: large blocks by the thread that hashes them, too. */
import type { FileHandle } from 'node:fs/promises';

import type { Changes } from './changes.ts';
import type { Reader } from './driver.ts';
import { errorOf } from './failure.ts';
import type { HashKeeper, RunningHash } from './running-hash.ts';

/** Blocks of this size are worth the way to another thread, in bytes. */
const largeBlock = 128 * 1024;

export interface FileReaderOptions {
  readonly size: number;
  /** Reads and hashes what is large. */
  readonly large: Changes & HashKeeper;
}

/** Has the file closed when it is disposed. */
export function createFileReader(handle: FileHandle, { size, large }: FileReaderOptions): Reader {
  let underWay: Promise<unknown> = Promise.resolve();

  async function read(into: Uint8Array, position: number, hash?: RunningHash): Promise<number> {
    const isLarge = into.length >= largeBlock || (hash?.bytes ?? 0) > 0;
    const name = isLarge && into.buffer instanceof SharedArrayBuffer ? hash?.leaveTo(large) : undefined;
    if (hash !== undefined && name !== undefined) return await readThere(into, position, { hash, name });
    const bytes = await fill(handle, into, position);
    hash?.update([into.subarray(0, bytes)]);
    return bytes;
  }

  async function readThere(
    into: Uint8Array,
    position: number,
    { hash, name }: { readonly hash: RunningHash; readonly name: string },
  ): Promise<number> {
    const step = { name, algorithm: hash.algorithm, bytes: hash.bytes };
    const reading = large.run({ kind: 'read', file: handle.fd, position, into, hash: step });
    underWay = reading.catch(() => undefined);
    const { bytes, isHashed, failure } = await reading;
    hash.moveOn(isHashed ? bytes : Number.NaN);
    if (failure !== undefined) throw errorOf(failure);
    return bytes;
  }

  return {
    size,
    read,
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
