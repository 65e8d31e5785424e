/**
 * One process per data directory, and what it finds there. The order at start:
 *
 *   lockRoot     berth/ made or checked, berth/lock taken, berth/format read, berth/lock.json written
 *   sweepTemp    berth/tmp emptied: whatever lies there was never acknowledged; berth/spare, which saves work
 *
 * The lock is an exclusive transaction of SQLite on the empty file berth/lock. The system frees it when the process
 * ends, however it ends, so no lock outlives a crash. berth/lock.json tells others who holds it; it may be stale,
 * and only the lock decides.
 */
import * as files from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

import { refuseLooseMode, systemCode, writePrivateFile } from './private-file.ts';
import { AppError, isAppError } from '../spec/errors.ts';
import { makeDirectory, undefinedIfAbsent } from './directory.ts';

/** The layout of berth/ that this version reads and writes. */
const knownFormat = 1;

// Primary result codes, https://www.sqlite.org/rescode.html
const sqliteBusy = 5;
const sqliteReadOnly = 8;

/** What berth/format holds in place of a format while a copy of a data directory is made, or one is removed. */
const incompleteText = `${JSON.stringify({ incomplete: true })}\n`;

/** Who holds a data directory. `startedAt` is RFC 3339; `urls` are there once it listens, the one to show first. */
export interface Holder {
  readonly pid: number;
  readonly startedAt: string;
  readonly urls?: readonly string[];
}

/** A data directory that this process holds; disposing frees it. */
export interface RootLock extends AsyncDisposable {
  /** Tells others where this process listens. */
  announce(urls: readonly string[]): Promise<void>;
}

/**
 * Makes the data directory if needed and holds it for this process. DATA_LOCKED names the process that has it;
 * DATA_UNUSABLE: its format is newer, private files are open to others, or it cannot be made; STORAGE_READ_ONLY: it
 * is there but cannot be written, so that it can only be read.
 */
export async function lockRoot(root: string): Promise<RootLock> {
  const berth = join(resolve(root), 'berth');
  try {
    await makeDirectory(berth);
    await checkPrivate(root);
    const database = await takeLock(berth);
    try {
      await checkFormat(berth);
      return await holdLock(berth, database);
    } catch (error) {
      database.close();
      throw error;
    }
  } catch (error) {
    throw isAppError(error) ? error : await explain(error, resolve(root));
  }
}

/** Who holds the data directory by its own account, or held it last; `undefined` if nobody says. */
export async function readHolder(root: string): Promise<Holder | undefined> {
  const text = await files.readFile(join(resolve(root), 'berth/lock.json'), 'utf8').catch(undefinedIfAbsent);
  try {
    const value: unknown = JSON.parse(text ?? '');
    return isHolder(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Throws DATA_UNUSABLE, naming the file, if berth/ or a file directly in it or in berth/tls can be reached by other
 * users of the machine. Windows has no such modes; there the directory inherits the rights of the user's profile.
 */
export async function checkPrivate(root: string): Promise<void> {
  const berth = join(resolve(root), 'berth');
  const found = await files.lstat(berth).catch(undefinedIfAbsent);
  if (found === undefined) return;
  if (!found.isDirectory()) throw new AppError('DATA_UNUSABLE', { message: `${berth} is not a directory.` });
  refuseLooseMode(berth, found.mode, '700');
  for (const directory of [berth, join(berth, 'tls')]) {
    for (const name of (await files.readdir(directory).catch(undefinedIfAbsent)) ?? []) {
      const path = join(directory, name);
      const info = await files.stat(path).catch(undefinedIfAbsent);
      if (info?.isFile() === true) refuseLooseMode(path, info.mode);
    }
  }
}

/**
 * Keeps every Berth from using what lies in a directory, by the place of the format: it is a part of a data directory only.
 * Durable when it resolves.
 */
export async function markIncomplete(root: string): Promise<void> {
  await makeDirectory(join(root, 'berth'));
  await writePrivateFile(join(root, 'berth/format'), incompleteText);
}

/** What is in a directory by the place of the format: all of a data directory, a part of one, or none. */
export async function findDataIn(root: string): Promise<'whole' | 'incomplete' | undefined> {
  const text = await files.readFile(join(root, 'berth/format'), 'utf8').catch(undefinedIfAbsent);
  if (text === incompleteText) return 'incomplete';
  return text === undefined ? undefined : 'whole';
}

/** Empties berth/tmp and berth/spare, and answers how many unfinished writes there were. Call it with the lock held. */
export async function sweepTemp(root: string): Promise<number> {
  await sweep(join(resolve(root), 'berth/spare'));
  return await sweep(join(resolve(root), 'berth/tmp'));
}

async function sweep(directory: string): Promise<number> {
  const found = await files.lstat(directory).catch(undefinedIfAbsent);
  // A link here would lead the sweep to other people's files.
  if (found?.isDirectory() !== true) return 0;
  const names = await files.readdir(directory);
  for (const name of names) await files.rm(join(directory, name), { recursive: true, force: true });
  return names.length;
}

async function takeLock(berth: string): Promise<DatabaseSync> {
  const path = join(berth, 'lock');
  // Made here, because SQLite would make it readable by all. Never opened here when it exists: closing any
  // descriptor of a file frees the POSIX locks that the process has on it, https://www.sqlite.org/howtocorrupt.html
  const made = await files.open(path, 'wx', 0o600).catch((error: unknown) => {
    if (systemCode(error) !== 'EEXIST') throw error;
  });
  await made?.close();

  const database = new DatabaseSync(path);
  try {
    // The transaction stays open and writes nothing; the journal in memory spares a file beside it.
    database.exec('PRAGMA journal_mode=MEMORY; PRAGMA locking_mode=EXCLUSIVE; BEGIN EXCLUSIVE');
    return database;
  } catch (error) {
    database.close();
    const code = error instanceof Error && 'errcode' in error ? Number(error.errcode) & 0xff : undefined;
    if (code === sqliteBusy) throw await lockedError(dirname(berth), error);
    if (code === sqliteReadOnly) throw readOnlyError(dirname(berth), error);
    throw error;
  }
}

async function holdLock(berth: string, database: DatabaseSync): Promise<RootLock> {
  const path = join(berth, 'lock.json');
  const holder: Holder = { pid: process.pid, startedAt: new Date().toISOString() };
  await writePrivateFile(path, `${JSON.stringify(holder)}\n`);
  return {
    announce: (urls) => writePrivateFile(path, `${JSON.stringify({ ...holder, urls } satisfies Holder)}\n`),
    async [Symbol.asyncDispose]() {
      await files.rm(path, { force: true });
      database.close();
    },
  };
}

async function checkFormat(berth: string): Promise<void> {
  const path = join(berth, 'format');
  const text = await files.readFile(path, 'utf8').catch(undefinedIfAbsent);
  if (text === undefined) {
    await writePrivateFile(path, `${JSON.stringify({ format: knownFormat })}\n`);
    return;
  }
  if (text === incompleteText) {
    throw new AppError('DATA_UNUSABLE', {
      message: `${dirname(berth)} holds a part of a data directory only: it was not copied, or not removed, to its end.`,
      hint: 'Use the directory that it was copied from, or copy it again.',
    });
  }
  const format = parseFormat(text);
  if (format === undefined) {
    const message = `${path} is damaged: it should read {"format":${knownFormat}}.`;
    throw new AppError('DATA_UNUSABLE', { message });
  }
  if (format > knownFormat) {
    const message = `${dirname(berth)} has format ${format}, written by a newer Berth; this version knows ${knownFormat}.`;
    throw new AppError('DATA_UNUSABLE', { message, hint: 'Install the newer version again.' });
  }
}

function parseFormat(text: string): number | undefined {
  try {
    const value: unknown = JSON.parse(text);
    const found = typeof value === 'object' && value !== null && 'format' in value ? value.format : undefined;
    return typeof found === 'number' && Number.isInteger(found) && found > 0 ? found : undefined;
  } catch {
    return undefined;
  }
}

async function lockedError(root: string, cause: unknown): Promise<AppError> {
  const holder = await readHolder(root);
  const [url] = holder?.urls ?? [];
  const where = url === undefined ? '' : `, listening on ${url}`;
  const who =
    holder === undefined ? 'another process' : `process ${holder.pid} (since ${holder.startedAt}${where})`;
  const message = `The data directory ${root} is in use by ${who}.`;
  return new AppError('DATA_LOCKED', { message, ...(holder && { detail: holder }), cause });
}

function readOnlyError(root: string, cause: unknown): AppError {
  return new AppError('STORAGE_READ_ONLY', {
    message: `The data directory ${root} cannot be written.`,
    cause,
  });
}

async function explain(cause: unknown, root: string): Promise<AppError> {
  const code = systemCode(cause);
  const isThere = (await files.stat(root).catch(() => undefined)) !== undefined;
  if (isThere && (code === 'EROFS' || code === 'EACCES' || code === 'EPERM'))
    return readOnlyError(root, cause);
  const why = cause instanceof Error ? cause.message : String(cause);
  return new AppError('DATA_UNUSABLE', {
    message: `The data directory ${root} cannot be used: ${why}.`,
    cause,
  });
}

function isHolder(value: unknown): value is Holder {
  return (
    typeof value === 'object' &&
    value !== null &&
    'pid' in value &&
    typeof value.pid === 'number' &&
    'startedAt' in value &&
    typeof value.startedAt === 'string' &&
    (!('urls' in value) || (Array.isArray(value.urls) && value.urls.every((url) => typeof url === 'string')))
  );
}
