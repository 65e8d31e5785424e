/** What somebody gave to the app to be imported, until the window takes it. */
import { stat } from 'node:fs/promises';
import { basename, isAbsolute, resolve } from 'node:path';
import { z } from 'zod';
import type { GivenFile } from '../contract/files.ts';

export interface GivenFiles {
  /** Keeps the paths for the window; true if there are some. What is none, and more than 20 at once, is left out. */
  give(paths: unknown): boolean;
  /** What was given since it was asked last. */
  take(): Promise<readonly GivenFile[]>;
}

const most = 20;
const schema = z.array(z.string().min(1).max(4096));

export function createGivenFiles(): GivenFiles {
  let waiting: readonly string[] = [];
  return {
    give(paths) {
      const { data = [] } = schema.safeParse(paths);
      const usable = data.filter((path) => isAbsolute(path));
      waiting = [...new Set([...waiting, ...usable])].slice(0, most);
      return usable.length > 0;
    },
    async take() {
      const taken = waiting;
      waiting = [];
      return await Promise.all(taken.map(describeFile));
    },
  };
}

/** What is not there is described all the same: the registry says so, in its words. */
export async function describeFile(path: string): Promise<GivenFile> {
  const info = await stat(path).catch(() => undefined);
  return { path, name: basename(path), ...(info?.isFile() === true ? { bytes: info.size } : {}) };
}

/** The files that the arguments of a program name, which are options otherwise; `isPackaged`: no folder of the app is among them. */
export function filesOf(
  argv: readonly string[],
  { isPackaged, directory }: { readonly isPackaged: boolean; readonly directory: string },
): readonly string[] {
  const words = argv.slice(1).filter((word) => word !== '' && !word.startsWith('-'));
  return words.slice(isPackaged ? 0 : 1).map((word) => resolve(directory, word));
}
