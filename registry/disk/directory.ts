import { mkdir, realpath } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { syncDirectory, systemCode } from './private-file.ts';

/**
 * Makes a directory and its parents with mode 0700, durably, unless it exists, and answers its real path. Links on
 * the way are followed: the place of a data directory is the owner's choice.
 */
export async function makeDirectory(path: string): Promise<string> {
  const directory = resolve(path);
  const firstMade = await mkdir(directory, { recursive: true, mode: 0o700 });
  if (firstMade !== undefined) {
    for (let at = directory; at !== dirname(firstMade); at = dirname(at)) await syncDirectory(dirname(at));
  }
  return realpath(directory);
}

/** Answers `undefined` for an error that says that a path is not there, and throws any other. */
export function undefinedIfAbsent(error: unknown): undefined {
  const code = systemCode(error);
  if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
  throw error;
}
