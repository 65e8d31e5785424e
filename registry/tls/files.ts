/**
 * The private files under berth/tls: directory 0700, files 0600, made with these modes and never changed later.
 * Written as temporary file, fsync, rename, fsync of the directory, so that a crash leaves the old or the new file.
 */
import { randomBytes } from 'node:crypto';
import { constants, mkdir, open, readFile, readdir, rename, stat, unlink } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { AppError } from '../spec/errors.ts';

const temporaryEnd = '.tmp';

/**
 * Makes the directory and its missing parents with mode 0700, durably, and wipes what a crash left in it.
 * Throws DATA_UNUSABLE if it exists and other users may enter it.
 */
export async function openPrivateDirectory(path: string): Promise<void> {
  const dir = resolve(path);
  const first = await mkdir(dir, { recursive: true, mode: 0o700 });
  if (first !== undefined) await syncNewDirectories(first, dir);
  await refuseLooseMode(dir, '700');
  const leftovers = (await readdir(dir)).filter((name) => name.endsWith(temporaryEnd));
  await Promise.all(leftovers.map((name) => destroyFile(join(dir, name))));
}

/** Puts a text in place of the file at `path`, mode 0600. Durable when it resolves. */
export async function writePrivateFile(path: string, text: string): Promise<void> {
  const temporary = `${path}.${randomBytes(6).toString('hex')}${temporaryEnd}`;
  try {
    await writeSynced(temporary, text);
    await rename(temporary, path);
  } catch (error) {
    await unlink(temporary).catch(() => undefined);
    throw error;
  }
  await syncDirectory(dirname(path));
}

/** Reads a private file; `undefined` if absent. Throws DATA_UNUSABLE if other users may read it. */
export async function readPrivateFile(path: string): Promise<string | undefined> {
  try {
    await refuseLooseMode(path, '600');
    return await readFile(path, 'utf8');
  } catch (error) {
    if (isAbsent(error)) return undefined;
    throw error;
  }
}

/**
 * Overwrites a file with zeros in place, then unlinks it, durably; absent is fine. Copy-on-write file systems and
 * flash disks may keep the old blocks for a while: nothing a program does reaches those.
 */
export async function destroyFile(path: string): Promise<void> {
  try {
    await using file = await open(path, constants.O_WRONLY);
    const { size } = await file.stat();
    await file.write(Buffer.alloc(size), 0, size, 0);
    await file.sync();
  } catch (error) {
    if (isAbsent(error)) return;
    throw error;
  }
  await unlink(path);
  await syncDirectory(dirname(path));
}

/** True for the errors of a path that does not exist. */
export function isAbsent(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}

async function writeSynced(path: string, text: string): Promise<void> {
  await using file = await open(path, 'wx', 0o600);
  await file.writeFile(text);
  await file.sync();
}

/** A new directory is durable when its parent is synced; the outermost new one comes last. */
async function syncNewDirectories(first: string, last: string): Promise<void> {
  let dir = last;
  while (dir.length >= first.length) {
    await syncDirectory(dir);
    dir = dirname(dir);
  }
  await syncDirectory(dir);
}

async function syncDirectory(path: string): Promise<void> {
  // Windows cannot open a directory for fsync; NTFS journals the rename itself.
  if (process.platform === 'win32') return;
  await using dir = await open(path, 'r');
  await dir.sync();
}

async function refuseLooseMode(path: string, wanted: string): Promise<void> {
  // Windows has no such modes; the directory inherits the access list of the user's profile.
  if (process.platform === 'win32') return;
  const mode = (await stat(path)).mode & 0o777;
  if ((mode & 0o077) === 0) return;
  throw new AppError('DATA_UNUSABLE', {
    message: `${path} is open to other users of this machine (mode ${mode.toString(8)}), but keys lie there.`,
    hint: `Check who could read it, then run: chmod ${wanted} ${path}`,
  });
}
