/**
 * The hash of bytes that are appended to a part or read, worked out on their way. It is handed to one call after the
 * other; a driver takes the bytes in this thread, or leaves the hash to the one that writes or reads them, from the first byte on.
 */
import { createHash, type Hash, randomUUID } from 'node:crypto';

import type { Chunks } from './chunks.ts';

export type HashAlgorithm = 'sha256' | 'sha512';

/** The thread that works hashes out. */
export interface HashKeeper {
  /** In hexadecimal digits; `undefined` where it has none of this name by now. */
  takeHash(name: string): Promise<string | undefined>;
}

export interface RunningHash {
  readonly algorithm: HashAlgorithm;
  /** Bytes that it covers, from the first one on; NaN once it has missed some or was taken. */
  readonly bytes: number;
  /** Takes bytes in this thread. */
  update(chunks: Chunks): void;
  /** Leaves it to a thread, and answers its name there; `undefined` where it has begun in this one. */
  leaveTo(keeper: HashKeeper): string | undefined;
  /** The thread that it was left to has taken so many bytes; NaN where it has not taken all. */
  moveOn(bytes: number): void;
  /** Ends it: in hexadecimal digits, or `undefined` where it was lost. */
  take(): Promise<string | undefined>;
}

export function createRunningHash(algorithm: HashAlgorithm): RunningHash {
  const name = randomUUID();
  let here: Hash | undefined;
  let there: HashKeeper | undefined;
  let bytes = 0;
  return {
    algorithm,
    get bytes() {
      return bytes;
    },
    update(chunks) {
      here ??= createHash(algorithm);
      for (const chunk of chunks) {
        here.update(chunk);
        bytes += chunk.length;
      }
      if (there !== undefined) bytes = Number.NaN;
    },
    leaveTo(keeper) {
      if (here !== undefined) return undefined;
      there = keeper;
      return name;
    },
    moveOn(count) {
      bytes += count;
    },
    async take() {
      if (Number.isNaN(bytes)) return undefined;
      bytes = Number.NaN;
      return there === undefined ? (here ?? createHash(algorithm)).digest('hex') : await there.takeHash(name);
    },
  };
}
