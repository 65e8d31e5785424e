/**
 * Looks at one name. The way to the thread pool and back costs 30 to 60 us of the main thread and a wake-up, the look
 * itself 3 where the name lies in memory: so on a disk of this machine it is done in place. A file system of the network
 * may have to be waited for, and is left to the pool.
 */
import { type Stats, statSync } from 'node:fs';
import { stat, statfs } from 'node:fs/promises';
import { undefinedIfAbsent } from '../disk/directory.ts';

/** Answers what the path names, links followed; `undefined` if it is absent. */
export type Look = (path: string) => Stats | undefined | Promise<Stats | undefined>;

/** Chooses the look at what lies on the file system of `directory`. */
export async function chooseLook(directory: string): Promise<Look> {
  return local.has((await statfs(directory)).type) ? lookInPlace : lookByPool;
}

export function lookInPlace(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch (error) {
    return undefinedIfAbsent(error);
  }
}

export async function lookByPool(path: string): Promise<Stats | undefined> {
  return await stat(path).catch(undefinedIfAbsent);
}

/** statfs(2), `f_type`: the file systems of Linux that are no one else's. Other systems do not tell it by a number. */
const local = new Set([
  0xef53, // ext2, ext3, ext4
  0x58465342, // xfs
  0x9123683e, // btrfs
  0xca451a4e, // bcachefs
  0xf2f52010, // f2fs
  0x2fc12fc1, // zfs
  0x01021994, // tmpfs
  0x794c7630, // overlayfs
]);
