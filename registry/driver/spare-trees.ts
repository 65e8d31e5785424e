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

/** As many as clients push at once; each takes a block of the disk. */
const most = 32;
const smallBytes = 4096;

/** `pathFor` answers where the next one is kept. */
export function createSpareTrees(pathFor: () => string): SpareTrees {
  const spares: { readonly path: string; readonly beside: Beside }[] = [];

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
        // Somebody removed it, or a disk of its own is mounted there: whoever makes the directory says what is wrong.
        files.rmSync(spare.path, { recursive: true, force: true });
        return false;
      }
    },
    clear() {
      for (const { path } of spares.splice(0)) files.rmSync(path, { recursive: true, force: true });
    },
  };
}

function onlyFileOf(directory: string): Beside | undefined {
  // A link would be followed by what reads a directory.
  if (!files.lstatSync(directory).isDirectory()) return undefined;
  const [name, ...others] = files.readdirSync(directory);
  if (name === undefined || others.length > 0) return undefined;
  const found = files.lstatSync(join(directory, name));
  return found.isFile() && found.size <= smallBytes ? { name, size: found.size } : undefined;
}
