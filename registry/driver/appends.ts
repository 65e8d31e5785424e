/**
 * What the thread that writes large parts does: a batch of chunks is hashed and written in place. The chunks come
 * without a copy, and their memory is given back after it (workers/changes.ts).
 */
import { createHash, type Hash } from 'node:crypto';
import * as files from 'node:fs';

import { type Chunks, dropBytes, lengthOf } from './chunks.ts';
import { type Failure, failureOf } from './failure.ts';
import type { HashAlgorithm } from './running-hash.ts';

/** Chunks for a place in an open file. */
export interface Append {
  readonly file: number;
  readonly position: number;
  readonly chunks: Chunks;
  /** The hash that takes them, and the bytes that it has taken before. */
  readonly hash?: { readonly name: string; readonly algorithm: HashAlgorithm; readonly bytes: number };
}

/** A full disk or a quota may have let some of the bytes in: `failure` tells why it are not all. */
export interface Appended {
  readonly bytes: number;
  readonly isHashed: boolean;
  readonly failure?: Failure;
}

/** Hashes of uploads that nobody ended are dropped behind so many younger ones; their files can be read again. */
const mostHashes = 512;

export interface Appends {
  append(job: Append): Promise<Appended>;
  takeHash(job: { readonly name: string }): Promise<string | undefined>;
}

export function createAppends(): Appends {
  /** In the order in which they were last used. */
  const hashes = new Map<string, { readonly state: Hash; readonly bytes: number }>();

  function append({ file, position, chunks, hash }: Append): Promise<Appended> {
    const isHashed = hash !== undefined && update(hash, chunks);
    let bytes = 0;
    try {
      for (let rest = chunks; rest.length > 0;) {
        const written = files.writevSync(file, rest, position + bytes);
        bytes += written;
        rest = dropBytes(rest, written);
      }
      return Promise.resolve({ bytes, isHashed });
    } catch (error) {
      return Promise.resolve({ bytes, isHashed, failure: failureOf(error) });
    }
  }

  /** False where bytes are missing, as in a thread that was started anew. */
  function update({ name, algorithm, bytes }: NonNullable<Append['hash']>, chunks: Chunks): boolean {
    const found = hashes.get(name) ?? { state: createHash(algorithm), bytes: 0 };
    hashes.delete(name);
    if (found.bytes !== bytes) return false;
    for (const chunk of chunks) found.state.update(chunk);
    hashes.set(name, { state: found.state, bytes: bytes + lengthOf(chunks) });
    if (hashes.size > mostHashes) for (const oldest of [...hashes.keys()].slice(0, 1)) hashes.delete(oldest);
    return true;
  }

  function takeHash({ name }: { readonly name: string }): Promise<string | undefined> {
    const found = hashes.get(name);
    hashes.delete(name);
    return Promise.resolve(found?.state.digest('hex'));
  }

  return { append, takeHash };
}
