/**
 * Directories of parts that became keys, for the parts after them. A part in a directory of its own with a small file
 * beside it takes two inodes that are removed when it has its name. Before ext4 gives out an inode it looks at each one
 * that was removed in the last five seconds (fs/ext4/ialloc.c, `recently_deleted`): under many small pushes that was a
 * fifth of all processor time. Moved to the next part instead, such a directory costs one rename.
 */
import * as files from 'node:fs';
import { join } from 'node:path';

/** A file beside a part: its name, and how many bytes it has. */
export interface Beside {
  readonly name: string;
  readonly size: number;
}

export interface SpareTrees {
  /** Takes a directory away that has one small file in it; answers false, changing nothing, for all else. */
  keep(directory: string): boolean;
  /** Puts one with such a file at a path where nothing is; answers false where there is none. */
  take(directory: string, beside: Beside): boolean;
  /** Removes those that nobody took. */
  clear(): void;
}

interface Spare {
  readonly path: string;
  readonly beside: Beside;
}

/** As many as clients push at once; each takes a block of the disk. */
const most = 32;
const smallBytes = 4096;

/** `pathFor` answers where the next one is kept. */
export function createSpareTrees(pathFor: () => string): SpareTrees {
  const spares: Spare[] = [];

  return {
    keep(directory) {
      if (spares.length >= most) return false;
      const beside = onlyFileOf(directory);
      if (beside === undefined) return false;
      const path = pathFor();
      files.renameSync(directory, path);
      spares.push({ path, beside });
      return true;
    },
    take(directory, { name, size }) {
      const at = spares.findLastIndex(({ beside }) => beside.name === name && beside.size === size);
      const [spare] = at === -1 ? [] : spares.splice(at, 1);
      if (spare === undefined) return false;
      try {
        files.renameSync(spare.path, directory);
        return true;
      } catch {
        // It is gone, or on another disk, or the disk is read-only: whoever makes the directory says what is wrong.
        discard(spare);
        return false;
      }
    },
    clear() {
      for (const spare of spares.splice(0)) discard(spare);
    },
  };
}

function discard({ path, beside }: Spare): void {
  try {
    files.unlinkSync(join(path, beside.name));
    files.rmdirSync(path);
  } catch {
    // Gone, or left to the next start, which empties the directory of spares.
  }
}

function onlyFileOf(directory: string): Beside | undefined {
  // A link would be followed by what reads a directory.
  if (!files.lstatSync(directory).isDirectory()) return undefined;
  const [name, ...others] = files.readdirSync(directory);
  if (name === undefined || others.length > 0) return undefined;
  const found = files.lstatSync(join(directory, name));
  return found.isFile() && found.size <= smallBytes ? { name, size: found.size } : undefined;
}
