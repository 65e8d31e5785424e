/**
 * Keys as files below a root. A write goes: temp file in `berth/tmp`, fdatasync, rename, fsync of the directory
 * and of every directory made for it; then it is answered. Measured by cutting the power: without the directory fsync
 * 10 of 10 files were lost on ext4 and on xfs, with it none. What changes files is done by a thread (changes.ts).
 *
 * Files are made with mode 0600 and directories with 0700; modes that are found are kept. Writing and removing
 * follow no symbolic link below the root. One process per root: see disk/lock.ts.
 */
import type { Dirent } from 'node:fs';
import * as files from 'node:fs/promises';
import { dirname, join } from 'node:path';

import { makeDirectory, undefinedIfAbsent } from '../disk/directory.ts';
import type { WorkerEntry } from '../workers/thread.ts';
import { openChangeThread } from './change-thread.ts';
import type { Driver, FreeRoom, KeyInfo, ListEntry, ListOptions, Reader } from './driver.ts';
import { createFilePart } from './file-part.ts';
import { createFileReader } from './file-reader.ts';
import { isSegment } from './keys.ts';
import { chooseLook } from './look.ts';
import { createRestingFiles } from './resting-files.ts';

export interface FsDriverOptions {
  /** The data directory; made with its parents if it is absent. */
  readonly root: string;
  /** Where unfinished writes lie, below the root; spare directories lie beside it. */
  readonly tmp?: string;
  /** The code of the thread that changes files; the source file if absent. */
  readonly changesEntry?: WorkerEntry;
}

/** Opens the driver on a directory. Throws what the file system throws when the directory cannot be made. */
export async function openFsDriver(options: FsDriverOptions): Promise<Driver> {
  const root = await makeDirectory(options.root);
  const tmp = join(root, options.tmp ?? 'berth/tmp');
  const spare = join(dirname(tmp), 'spare');
  const changes = openChangeThread({ root, tmp, spare, entry: options.changesEntry });
  // A second one: a large part waits for a slow disk batch after batch, and other changes would wait behind it.
  const thread = openChangeThread({ root, tmp, spare, entry: options.changesEntry });
  const large = { ...thread, takeHash: (name: string) => thread.run({ kind: 'takeHash', name }) };
  const earlySyncs = { busy: false };
  const appends = { running: 0 };
  const look = await chooseLook(root);
  const resting = createRestingFiles(look);

  // Keys have no dot segments, so nothing has to be resolved.
  const pathOf = (key: string): string => `${root}/${key}`;

  async function stat(key: string): Promise<KeyInfo | undefined> {
    const found = await look(pathOf(key));
    return found?.isFile() === true ? { size: found.size, modifiedAt: found.mtimeMs } : undefined;
  }

  async function open(key: string): Promise<Reader | undefined> {
    const handle = await files.open(pathOf(key)).catch(undefinedIfAbsent);
    if (handle === undefined) return undefined;
    const found = await handle.stat();
    if (found.isFile()) return createFileReader(handle, { size: found.size, large });
    await handle.close();
    return undefined;
  }

  async function readSmall(key: string, { limit }: { readonly limit: number }) {
    await using reader = await open(key);
    if (reader === undefined) return undefined;
    if (reader.size > limit) throw new RangeError(`${key} has ${reader.size} bytes, more than ${limit}`);
    const bytes = new Uint8Array(reader.size);
    return bytes.subarray(0, await reader.read(bytes, 0));
  }

  async function* list(prefix: string, { after = '', order = 'bytes' }: ListOptions = {}) {
    const directory = pathOf(prefix);
    for await (const entry of order === 'any' ? read(directory) : await readSorted(directory)) {
      if (entry.name <= after || !isSegment(entry.name)) continue;
      const kind = await kindOf(entry);
      if (kind !== undefined) yield { name: entry.name, kind } satisfies ListEntry;
    }
  }

  async function free(): Promise<FreeRoom> {
    const { bavail, blocks, bsize, files: inodes, ffree } = await files.statfs(root);
    // btrfs and others make inodes as they need them and count none.
    const freeInodes = inodes === 0 ? Number.POSITIVE_INFINITY : ffree;
    return {
      bytes: bavail * bsize,
      totalBytes: blocks * bsize,
      inodes: freeInodes,
      totalInodes: inodes,
    };
  }

  return {
    name: 'filesystem',
    stat,
    open,
    readSmall,
    async write(key, bytes, { if: condition } = {}) {
      const write = { key, bytes, ...(condition && { if: condition }) };
      const [isWritten = false] = await changes.run({ kind: 'commit', stages: [[write]] });
      return isWritten;
    },
    async commit(stages) {
      await changes.run({ kind: 'commit', stages });
    },
    list,
    async remove(key) {
      await resting.closeBelow(pathOf(key));
      await changes.run({ kind: 'remove', key });
    },
    async removeTree(key, { durable: isDurable = true } = {}) {
      await resting.closeBelow(pathOf(key));
      await changes.run({ kind: 'removeTree', key, isDurable });
    },
    async openPart(key, how) {
      const path = pathOf(key);
      const taken = resting.take(path);
      const opened = (taken && (await taken)) ?? (await changes.run({ kind: 'openPart', key, ...how }));
      return opened && createFilePart(opened, { path, earlySyncs, appends, changes, large, resting });
    },
    free,
    async [Symbol.asyncDispose]() {
      await thread[Symbol.asyncDispose]();
      await changes[Symbol.asyncDispose]();
      await resting[Symbol.asyncDispose]();
    },
  };
}

/** What a directory entry is to a reader, who may follow links; `undefined` for sockets and dangling links. */
async function kindOf(entry: Dirent): Promise<ListEntry['kind'] | undefined> {
  const target = entry.isSymbolicLink()
    ? await files.stat(join(entry.parentPath, entry.name)).catch(undefinedIfAbsent)
    : entry;
  if (target === undefined) return undefined;
  if (target.isDirectory()) return 'tree';
  return target.isFile() ? 'file' : undefined;
}

async function* read(directory: string): AsyncIterable<Dirent> {
  const opened = await files.opendir(directory).catch(undefinedIfAbsent);
  // Closed by its iterator.
  if (opened !== undefined) yield* opened;
}

async function readSorted(directory: string): Promise<readonly Dirent[]> {
  const found = (await files.readdir(directory, { withFileTypes: true }).catch(undefinedIfAbsent)) ?? [];
  // Segments are ASCII, so the order of UTF-16 units is the order of bytes.
  return found.toSorted((a, b) => (a.name < b.name ? -1 : 1));
}
