/**
 * The hash of bytes that are appended to a part or read, worked out on their way. It is handed to one call after the
 * other; a driver takes the bytes in this thread, or leaves the hash to the one that writes or reads them, from the first byte on.
 */
import { randomUUID } from 'node:crypto';

import type { Chunks } from './chunks.ts';
import { createHashState, type Hashed, type HashKind, type HashState } from './hash-state.ts';

/** The thread that works hashes out. */
export interface HashKeeper {
  /** `undefined` where it has none of this name by now. */
  takeHash(name: string): Promise<Hashed | undefined>;
}

export interface RunningHash {
  readonly kind: HashKind;
  /** Bytes that it covers, from the first one on; NaN once it has missed some or was taken. */
  readonly bytes: number;
  /** Takes bytes in this thread. */
  update(chunks: Chunks): void;
  /** Leaves it to a thread, and answers its name there; `undefined` where it has begun in this one. */
  leaveTo(keeper: HashKeeper): string | undefined;
  /** The thread that it was left to has taken so many bytes; NaN where it has not taken all. */
  moveOn(bytes: number): void;
  /** Ends it; `undefined` where it was lost. */
  take(): Promise<Hashed | undefined>;
}

export function createRunningHash(kind: HashKind): RunningHash {
  const name = randomUUID();
  let here: HashState | undefined;
  let there: HashKeeper | undefined;
  let bytes = 0;
  return {
    kind,
    get bytes() {
      return bytes;
    },
    update(chunks) {
      here ??= createHashState(kind);
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
      return there === undefined ? (here ?? createHashState(kind)).end() : await there.takeHash(name);
    },
  };
}
