import { open } from 'node:fs/promises';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as delay } from 'node:timers/promises';
import { systemCode, unusable } from './private-file.ts';
import { AppError } from '../spec/errors.ts';

const lockTimeoutMs = 10_000;
const lockRetryMs = 10;

/**
 * Runs an edit while no other process or call holds the lock file. The lock is SQLite's: the system frees it if
 * the holder dies, so there are no stale locks to guess at. Throws DATA_UNUSABLE after 10 s of waiting.
 */
export async function withFileLock<T>(path: string, edit: () => Promise<T>): Promise<T> {
  try {
    // SQLite would make it readable for others. Never opened here when it exists: closing any descriptor of a file
    // frees the POSIX locks that the process has on it, https://www.sqlite.org/howtocorrupt.html
    await (await open(path, 'wx', 0o600)).close();
  } catch (error) {
    if (systemCode(error) !== 'EEXIST') throw unusable(`Cannot open the lock file "${path}"`, error);
  }
  using lock = new DatabaseSync(path, { timeout: 0 });
  const deadline = performance.now() + lockTimeoutMs;
  while (!tryLock(lock)) {
    if (performance.now() > deadline) {
      throw new AppError('DATA_UNUSABLE', {
        message: `Another process holds the lock file "${path}" for more than ${lockTimeoutMs / 1000} s.`,
        hint: 'End the other berth command, then try again.',
      });
    }
    await delay(lockRetryMs);
  }
  return await edit();
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
