/** Files of identity on disk: written whole and durably, private, by one writer at a time. */
import { chmod, chown, mkdir, open, realpath, rename, rm, stat } from 'node:fs/promises';
import { randomUUID } from 'node:crypto';
import { dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { DatabaseSync } from 'node:sqlite';
import { AppError } from '../spec/errors.ts';

const lockTimeoutMs = 10_000;
const lockRetryMs = 10;

/**
 * Replaces a file by temp, fsync, rename, fsync of the directory; durable when it resolves. Its mode is 0600, or
 * the old one if asked for; its owner stays (so a command run as root does not lock the service out). A symbolic
 * link is followed, not replaced. Throws DATA_UNUSABLE and leaves the old file.
 */
export async function writePrivateFile(
  path: string,
  text: string,
  { keepMode = false }: { readonly keepMode?: boolean } = {},
): Promise<void> {
  const target = await realpath(path).catch(() => path);
  const directory = dirname(target);
  const temp = `${target}.${randomUUID()}.tmp`;
  try {
    const old = await stat(target).catch(() => undefined);
    {
      await using file = await open(temp, 'wx', 0o600);
      await file.writeFile(text);
      const owner = old ?? (await stat(directory));
      // Only root may give files away; for everyone else they are made with the right owner.
      if (process.getuid?.() === 0) await chown(temp, owner.uid, owner.gid);
      if (old !== undefined && keepMode) await chmod(temp, old.mode & 0o777);
      await file.sync();
    }
    await rename(temp, target);
    await syncDirectory(directory);
  } catch (error) {
    await rm(temp, { force: true });
    throw unusable(`Cannot write "${path}"`, error);
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
 * Runs an edit while no other process or call holds the lock file. The lock is SQLite's: the system frees it if
 * the holder dies, so there are no stale locks to guess at. Throws DATA_UNUSABLE after 10 s of waiting.
 */
export async function withFileLock<T>(path: string, edit: () => Promise<T>): Promise<T> {
  try {
    // SQLite would make it readable for others.
    await (await open(path, 'a', 0o600)).close();
  } catch (error) {
    throw unusable(`Cannot open the lock file "${path}"`, error);
  }
  using lock = new DatabaseSync(path, { timeout: 0 });
  const deadline = performance.now() + lockTimeoutMs;
  while (!tryLock(lock)) {
    if (performance.now() > deadline) {
      throw new AppError('DATA_UNUSABLE', {
        message: `Another process holds the lock file "${path}" for more than ${lockTimeoutMs / 1000} s.`,
        hint: 'End the other berth user or berth token command, then try again.',
      });
    }
    await delay(lockRetryMs);
  }
  return await edit();
}

/** Throws DATA_UNUSABLE if others than the owner may read or write a file with that mode. Windows has no such modes. */
export function refuseLooseMode(path: string, mode: number): void {
  if (process.platform === 'win32' || (mode & 0o077) === 0) return;
  throw new AppError('DATA_UNUSABLE', {
    message: `"${path}" has the mode ${(mode & 0o777).toString(8).padStart(4, '0')}: other users of this computer can reach it.`,
    hint: `Run: chmod 600 "${path}"`,
    detail: { file: path },
  });
}

/** The code of a system error (`ENOENT`), or `undefined`. */
export function systemCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

function tryLock(lock: DatabaseSync): boolean {
  try {
    lock.exec('BEGIN EXCLUSIVE');
    return true;
  } catch (error) {
    // SQLITE_BUSY
    if (error instanceof Error && 'errcode' in error && error.errcode === 5) return false;
    throw error;
  }
}

async function syncDirectory(path: string): Promise<void> {
  // Windows cannot open a directory; its rename is journaled by NTFS.
  if (process.platform === 'win32') return;
  await using directory = await open(path, 'r');
  await directory.sync();
}

function unusable(what: string, error: unknown): AppError {
  return new AppError('DATA_UNUSABLE', {
    message: `${what}: ${systemCode(error) ?? 'unknown error'}.`,
    hint: 'Check the owner, the mode and the free space of the directory.',
    cause: error,
  });
}
