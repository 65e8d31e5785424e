/**
 * The contract between the store and the place that keeps bytes. A driver knows keys and bytes, nothing of
 * registries. The promises:
 *
 *   keys         segments of [A-Za-z0-9._-] joined by '/', no '.' or '..'; made only by store/paths.ts
 *   durable      when write, commit and remove resolve, a power cut does not undo them
 *   atomic       a reader sees the old bytes or the new ones, never a mix and never an empty file
 *   conditional  `if` admits exactly one of many racers
 *   staged       a commit of several stages makes each durable before the next has names
 *   absent       is `undefined`; removing nothing is fine
 *   order        `list` gives direct children in byte order, unless any order will do
 *   abort        leaves no partial key; a part keeps the bytes that were flushed
 *   part         has one appender; survives a restart under its key
 *   failure      a failed fsync is never retried: the part is dropped and STORAGE_FAILED thrown. Of a stage that failed
 *                the parts and the conditional writes are gone; other writes have left the old bytes or the new ones
 *
 * Errors: drivers throw what their medium throws; `checked` turns that into AppError. Names below a prefix that
 * are not key segments (`lost+found`) are not seen.
 */
import type { Readable } from 'node:stream';

import type { Chunks } from './chunks.ts';
import type { RunningHash } from './running-hash.ts';

/** What a list is to give. */
export interface ListOptions {
  readonly after?: string;
  /** `any`: as they are found, so that the first of a large directory cost no more than those of a small one. */
  readonly order?: 'bytes' | 'any';
}

/** What `stat` tells of a key. `modifiedAt` is in milliseconds since the epoch. */
export interface KeyInfo {
  readonly size: number;
  readonly modifiedAt: number;
}

/** One direct child of a prefix. A `tree` has children of its own. */
export interface ListEntry {
  readonly name: string;
  readonly kind: 'file' | 'tree';
}

export interface WaitOptions {
  readonly signal?: AbortSignal;
}

export interface AppendOptions extends WaitOptions {
  /**
   * Nobody else looks at the chunks, and no two lie in the same memory: it may be given away before it is collected.
   * Default false.
   */
  readonly isOwned?: boolean;
  /** Takes the bytes that are kept; it has taken those before. */
  readonly hash?: RunningHash | undefined;
}

/** Bytes and inodes that may still be taken; where inodes have no limit, `inodes` is Infinity and `totalInodes` 0. */
export interface FreeRoom {
  readonly bytes: number;
  readonly totalBytes: number;
  readonly inodes: number;
  readonly totalInodes: number;
}

/** How a part is opened. `create` makes an absent one, which starts empty. */
export interface PartOptions {
  readonly create: boolean;
  /** A small key that is written when the part is made, unless it is there. A kill may cut it short. */
  readonly beside?: Pick<Write, 'key' | 'bytes'>;
}

export interface RemoveOptions {
  /** False: in passing, for what a part leaves behind. A kill or a power cut may leave some of it. Default true. */
  readonly durable?: boolean;
}

/** A whole key to write: in any case, if it is absent, or if it holds nothing (`empty`: it is absent or of no bytes). */
export interface Write {
  readonly key: string;
  readonly bytes: Uint8Array;
  readonly if?: 'absent' | 'empty';
}

/** Writes in the order in which a power cut may find them: those of a stage in any order, after the stage before. */
export type Stages = readonly (readonly Write[])[];

/** How a part becomes a key. */
export interface CommitOptions {
  /** Leaves the part open and the key as it is when that has the size of the part. */
  readonly unless?: 'sameSize' | undefined;
  /** What is written after it, whether or not the part was moved. */
  readonly after?: Stages;
  /** A prefix that is removed in passing at the end, if the part was moved. */
  readonly clear?: string;
}

/**
 * An open key, read into buffers of the caller, so that a large blob costs no garbage. It gives the bytes of the moment
 * it was opened: a later write of the key does not change them.
 */
export interface Reader extends AsyncDisposable {
  readonly size: number;
  /** Fills `into` with the bytes from `position` on and answers how many; less than its length only at the end. */
  read(into: Uint8Array, position: number): Promise<number>;
  /**
   * Fills a block, has the hash take its bytes, and answers them. The memory of the block is given away and comes back with
   * the answer, so that another thread may do it.
   */
  readHashed(block: Uint8Array, position: number, hash: RunningHash): Promise<Uint8Array>;
}

/** A growing file that becomes a key on commit. Held by `await using`; disposing closes it and keeps the bytes. */
export interface Part extends AsyncDisposable {
  /** Bytes that are kept so far. */
  readonly size: number;
  /**
   * Appends a source in one pass and answers the bytes appended. When the source fails or the signal aborts,
   * the bytes taken from it are kept (`size` counts them) and the failure is thrown. A source left early gets
   * its iterator's `return()`, which destroys a stream; hand over one that leaves it open to keep it. Chunks must
   * not be changed after they were handed over.
   */
  append(source: AsyncIterable<Chunks>, options?: AppendOptions): Promise<number>;
  /** Drops everything after `size` bytes. */
  truncate(size: number): Promise<void>;
  /** The bytes so far, from the start. */
  read(options?: WaitOptions): Readable;
  /**
   * Makes the bytes durable and moves them to `key`, replacing what is there; answers whether it did. The part is
   * closed afterwards, unless it was not moved; if the move fails (full disk), the bytes stay under the part's own key
   * and can be opened again.
   */
  commit(key: string, options?: CommitOptions): Promise<boolean>;
  /** Drops the part and its bytes. */
  discard(): Promise<void>;
}

export interface Driver extends AsyncDisposable {
  /** The name in log lines, as distribution calls it: `filesystem`, `inmemory`. */
  readonly name: string;
  /** Size and time of a key; `undefined` for an absent key and for a tree. */
  stat(key: string): Promise<KeyInfo | undefined>;
  /** Opens a key for reading; `undefined` for an absent key and for a tree. */
  open(key: string): Promise<Reader | undefined>;
  /** The whole value of a small key; throws when it exceeds `limit` bytes. */
  readSmall(key: string, options: { readonly limit: number }): Promise<Uint8Array | undefined>;
  /** Writes a whole key. Answers false, changing nothing, when its condition does not hold. */
  write(key: string, bytes: Uint8Array, options?: Pick<Write, 'if'>): Promise<boolean>;
  /** Writes keys, stage after stage. */
  commit(stages: Stages): Promise<void>;
  /** Direct children of a prefix ('' is the top) in byte order, those after `after` only. None if absent. */
  list(prefix: string, options?: ListOptions): AsyncIterable<ListEntry>;
  /** Removes one key, durably. */
  remove(key: string): Promise<void>;
  /** Removes a prefix and all below it. */
  removeTree(prefix: string, options?: RemoveOptions): Promise<void>;
  /** Opens the part at `key`, keeping what it holds. */
  openPart(key: string, options: PartOptions): Promise<Part | undefined>;
  /** Free room of the medium, where it has such a thing. */
  readonly free?: () => Promise<FreeRoom>;
}
