/** How files are written: whole and durably. Those of Berth's own below berth/ are private, and written here alone. */
import { closeSync, fsync, openSync } from 'node:fs';
import { chmod, chown, mkdir, open, readdir, realpath, rename, rm, stat } from 'node:fs/promises';
import { randomUUID } from 'node:crypto';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { AppError } from '../spec/errors.ts';

/**
 * Replaces a file of Berth's own; durable when it resolves. Its mode is 0600, or the old one if asked for; its owner
 * stays (so a command run as root does not lock the service out). A symbolic link is followed, not replaced. Removes
 * what writes of the file left that were cut more than an hour ago. Throws DATA_UNUSABLE and leaves the old file.
 */
export async function writePrivateFile(
  path: string,
  text: string,
  { keepMode = false }: { readonly keepMode?: boolean } = {},
): Promise<void> {
  try {
    await replaceFile(path, text, {
      temp: (target) => `${target}.${randomUUID()}.tmp`,
      mode: (old) => (keepMode && old !== undefined ? old : 0o600),
    });
    await sweepUnfinished(path);
  } catch (error) {
    throw unusable(`Cannot write "${path}"`, error);
  }
}

/** No write takes so long: a younger one may be under way in another process. */
const longestWriteMs = 60 * 60 * 1000;
const unfinishedName = /^\.[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\.tmp$/;

/** What cannot be looked at or removed is left: the write itself is done. */
async function sweepUnfinished(path: string): Promise<void> {
  const target = await realpath(path);
  const [directory, name] = [dirname(target), basename(target)];
  const names = await readdir(directory).catch(() => []);
  const unfinished = names.filter(
    (each) => each.startsWith(name) && unfinishedName.test(each.slice(name.length)),
  );
  for (const each of unfinished) {
    const file = join(directory, each);
    const cut = await stat(file).catch(() => undefined);
    if (cut !== undefined && Date.now() - cut.mtimeMs > longestWriteMs)
      await rm(file, { force: true }).catch(() => undefined);
  }
}

/** How a file is replaced. */
export interface ReplaceOptions {
  /** The name of the unfinished file, in the directory of the target. */
  readonly temp: (target: string) => string;
  /** The mode of the new file from that of the old one, `undefined` where there is none. */
  readonly mode: (old: number | undefined) => number;
}

/**
 * Replaces a file by temp, fsync, rename, fsync of the directory; durable when it resolves. The owner of the old file
 * stays, a new one gets that of its directory. A symbolic link is followed, not replaced. Throws the error of the
 * system and leaves the old file.
 */
export async function replaceFile(
  path: string,
  content: string | Uint8Array,
  { temp, mode }: ReplaceOptions,
): Promise<void> {
  const target = await realpath(path).catch(() => path);
  const directory = dirname(target);
  const unfinished = temp(target);
  try {
    const old = await stat(target).catch(() => undefined);
    {
      await using file = await open(unfinished, 'wx', 0o600);
      await file.writeFile(content);
      const owner = old ?? (await stat(directory));
      // Only root may give files away; for everyone else they are made with the right owner.
      if (process.getuid?.() === 0) await chown(unfinished, owner.uid, owner.gid);
      await chmod(unfinished, mode(old === undefined ? undefined : old.mode & 0o777));
      await file.sync();
    }
    await rename(unfinished, target);
    await syncDirectory(directory);
  } catch (error) {
    await rm(unfinished, { force: true });
    throw error;
  }
}

/** Makes a directory with mode 0700 where there is none. Throws DATA_UNUSABLE. */
export async function makePrivateDirectory(path: string): Promise<void> {
  try {
    const made = await mkdir(path, { recursive: true, mode: 0o700 });
    if (made === undefined) return;
    for (let parent = dirname(path); ; parent = dirname(parent)) {
      await syncDirectory(parent);
      if (parent === dirname(made) || parent === dirname(parent)) return;
    }
  } catch (error) {
    throw unusable(`Cannot make the directory "${path}"`, error);
  }
}

/**
 * Throws DATA_UNUSABLE if others than the owner can reach a file with that mode (for a directory say `700`). Windows
 * has no such modes; there everything inherits the rights of the user's profile.
 */
export function refuseLooseMode(path: string, mode: number, wanted: '600' | '700' = '600'): void {
  if (process.platform === 'win32' || (mode & 0o077) === 0) return;
  throw new AppError('DATA_UNUSABLE', {
    message: `"${path}" has the mode ${(mode & 0o777).toString(8).padStart(4, '0')}: other users of this computer can reach it.`,
    hint: `Check who could read it, then run: chmod ${wanted} "${path}"`,
    detail: { file: path },
  });
}

/** The code of a system error (`ENOENT`), or `undefined`. */
export function systemCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

const syncFile = promisify(fsync);

/** Makes what was renamed into or removed from a directory durable. */
export async function syncDirectory(path: string): Promise<void> {
  // Windows cannot open a directory; its rename is journaled by NTFS.
  if (process.platform === 'win32') return;
  // It was changed a moment ago, so it is in memory: to open and to close it waits for no disk, as the fsync does.
  const directory = openSync(path, 'r');
  try {
    await syncFile(directory);
  } finally {
    closeSync(directory);
  }
}

/** The error for a file or directory that cannot be used: what was tried, and the code of the system. */
export function unusable(what: string, error: unknown): AppError {
  return new AppError('DATA_UNUSABLE', {
    message: `${what}: ${systemCode(error) ?? 'unknown error'}.`,
    hint: 'Check the owner, the mode and the free space of the directory.',
    cause: error,
  });
}
