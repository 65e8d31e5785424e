/** What of a directory is the data of the registry: all that lies below `docker` and `berth`. */
import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Stats } from 'node:fs';
import { undefinedIfAbsent } from '../../registry/disk/directory.ts';

/** The parts of a data directory; what somebody else put beside them is not touched. */
const dataTrees = ['docker', 'berth'] as const;

/**
 * Of one process, or of nobody. The lock must not even be opened by who holds it: closing it would free it,
 * https://www.sqlite.org/howtocorrupt.html
 */
const passing: ReadonlySet<string> = new Set(
  ['lock', 'lock.json', 'admin.sock', 'admin.json', 'config.lock'].map((name) => join('berth', name)),
);
/** What is in them passes with a process. */
const emptied = new Set([join('berth', 'tmp'), join('berth', 'spare')]);

export interface DataEntry {
  /** Below the data directory, with the separators of the system. */
  readonly path: string;
  readonly info: Stats;
}

export interface DataSize {
  readonly files: number;
  readonly bytes: number;
  readonly directories: number;
}

/** Directories, files and symbolic links; a directory comes before what is in it. What passes with a process is left out. */
export async function* walkData(root: string): AsyncGenerator<DataEntry> {
  for (const tree of dataTrees) yield* walk(root, tree);
}

async function* walk(root: string, path: string): AsyncGenerator<DataEntry> {
  const info = await lstat(join(root, path)).catch(undefinedIfAbsent);
  if (info === undefined || passing.has(path)) return;
  if (!info.isDirectory() && !info.isFile() && !info.isSymbolicLink()) return;
  yield { path, info };
  if (!info.isDirectory() || emptied.has(path)) return;
  for (const name of (await readdir(join(root, path))).toSorted()) yield* walk(root, join(path, name));
}

/** The bytes of a file with two names count once. */
export async function measureData(root: string): Promise<DataSize> {
  const seen = new Set<string>();
  let [files, bytes, directories] = [0, 0, 0];
  for await (const { info } of walkData(root)) {
    if (info.isDirectory()) directories += 1;
    else {
      files += 1;
      if (info.isFile() && !seen.has(fileKey(info))) bytes += info.size;
      if (info.nlink > 1) seen.add(fileKey(info));
    }
  }
  return { files, bytes, directories };
}

/** The same for all names of one file. */
export function fileKey({ dev, ino }: Stats): string {
  return `${dev}:${ino}`;
}
