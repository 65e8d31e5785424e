/**
 * What the thread for large blobs does: chunks are hashed and written, blocks read and hashed, in place. Both come
 * without a copy. The memory of chunks is given back after it, and that of a block goes with the answer
 * (workers/changes.ts).
 */
import * as files from 'node:fs';

import { type Chunks, dropBytes, lengthOf } from './chunks.ts';
import { type Failure, failureOf } from './failure.ts';
import { createHashState, type Hashed, type HashKind, type HashState } from './hash-state.ts';

interface Place {
  /** An open file. */
  readonly file: number;
  readonly position: number;
}

/** The hash that takes the bytes, and how many it has taken before. */
export interface HashStep {
  readonly name: string;
  readonly kind: HashKind;
  readonly bytes: number;
}

export interface AppendJob extends Place {
  readonly chunks: Chunks;
  readonly hash: HashStep;
}

export interface ReadJob extends Place {
  readonly block: Uint8Array;
  readonly hash: HashStep;
}

/** The bytes of the block: fewer than its length at the end of the file alone. */
export interface Read {
  readonly bytes: Uint8Array;
  /** False where the hash does not have them. */
  readonly isHashed: boolean;
}

/** How many bytes were written: `failure` tells why not all. */
export interface Appended {
  readonly bytes: number;
  /** False where the hash does not have them. */
  readonly isHashed: boolean;
  readonly failure?: Failure;
}

/** Hashes that nobody ended are dropped behind so many younger ones; the files of uploads can be read again. */
const mostHashes = 512;

export interface Transfers {
  append(job: AppendJob): Promise<Appended>;
  read(job: ReadJob): Promise<Read>;
  takeHash(job: { readonly name: string }): Promise<Hashed | undefined>;
}

export function createTransfers(): Transfers {
  /** In the order in which they were last used. */
  const hashes = new Map<string, { readonly state: HashState; readonly bytes: number }>();

  /** A full disk or a quota may let some of the bytes in. */
  async function append({ file, position, chunks, hash }: AppendJob): Promise<Appended> {
    const isHashed = update(hash, chunks);
    let bytes = 0;
    try {
      for (let rest = chunks; rest.length > 0;) {
        const written = files.writevSync(file, rest, position + bytes);
        bytes += written;
        rest = dropBytes(rest, written);
      }
      return { bytes, isHashed };
    } catch (error) {
      return { bytes, isHashed, failure: failureOf(error) };
    }
  }

  async function read({ file, position, block, hash }: ReadJob): Promise<Read> {
    let filled = 0;
    while (filled < block.length) {
      const count = files.readSync(file, block, filled, block.length - filled, position + filled);
      if (count === 0) break;
      filled += count;
    }
    const bytes = block.subarray(0, filled);
    return { bytes, isHashed: update(hash, [bytes]) };
  }

  /** False where bytes are missing, as in a thread that was started anew. */
  function update({ name, kind, bytes }: HashStep, chunks: Chunks): boolean {
    const found = hashes.get(name) ?? { state: createHashState(kind), bytes: 0 };
    hashes.delete(name);
    if (found.bytes !== bytes) return false;
    for (const chunk of chunks) found.state.update(chunk);
    hashes.set(name, { state: found.state, bytes: bytes + lengthOf(chunks) });
    const [oldest] = hashes.keys();
    if (hashes.size > mostHashes && oldest !== undefined) hashes.delete(oldest);
    return true;
  }

  async function takeHash({ name }: { readonly name: string }): Promise<Hashed | undefined> {
    const found = hashes.get(name);
    hashes.delete(name);
    return found?.state.end();
  }

  return { append, read, takeHash };
}
