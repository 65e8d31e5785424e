/** One file of the index, open: made, checked, closed and removed. */
import { closeSync, existsSync, fchmodSync, openSync, renameSync, rmSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { DatabaseSync } from 'node:sqlite';
import { createQueries, type IndexQueries } from './queries.ts';
import { schema, schemaVersion } from './schema.ts';
import { createStoredKeys, type StoredKeys } from './stored-keys.ts';
import { createTidyQueries, type TidyQueries } from './tidy-queries.ts';
import { createWriter, type Writer } from './writer.ts';

export interface IndexFile {
  readonly path: string;
  readonly db: DatabaseSync;
  readonly writer: Writer;
  readonly queries: IndexQueries & TidyQueries;
  readonly keys: StoredKeys;
  /** True once lines of the journal go to it as they are written. */
  follows: boolean;
}

const inMemory = ':memory:';

/**
 * Makes an empty file with mode 0600, in place of what is there. It is written without fsync, and is of no use after a
 * crash until `completeIndexFile`.
 */
export function createIndexFile(path: string, now: () => number): IndexFile {
  removeIndexFile(path);
  // SQLite gives the files beside it the same mode.
  if (path !== inMemory) closeSync(openSync(path, 'wx', 0o600));
  const db = openDatabase(
    path,
    'PRAGMA journal_mode = MEMORY; PRAGMA synchronous = OFF; PRAGMA temp_store = MEMORY;',
  );
  try {
    db.exec(schema);
    return wrap(path, db, now);
  } catch (error) {
    db.close();
    throw error;
  }
}

/** Opens a file, or answers why it cannot be used: `absent`, `version`, or the words of SQLite. */
export function openIndexFile(path: string, now: () => number): IndexFile | string {
  if (path === inMemory || !existsSync(path)) return 'absent';
  let db: DatabaseSync | undefined;
  try {
    const descriptor = openSync(path, 'r+');
    fchmodSync(descriptor, 0o600);
    closeSync(descriptor);
    db = openDatabase(path, careful);
    const problem = findProblem(db);
    const file = wrap(path, db, now);
    // Fails when the tables are not those of the index.
    if (problem === undefined) file.writer.position();
    else db.close();
    return problem ?? file;
  } catch (error) {
    if (db?.isOpen === true) db.close();
    return error instanceof Error ? error.message : String(error);
  }
}

function findProblem(db: DatabaseSync): string | undefined {
  if (db.prepare('PRAGMA user_version').get()?.['user_version'] !== schemaVersion) return 'version';
  const checked = db.prepare('PRAGMA quick_check(1)').get()?.['quick_check'];
  return checked === 'ok' ? undefined : String(checked);
}

/** Makes a file durable, and notes that it has everything: it may be used after a restart. */
export async function completeIndexFile({ path, db, writer }: IndexFile): Promise<void> {
  writer.commit();
  db.exec(careful);
  if (path !== inMemory) {
    await using handle = await open(path, 'r+');
    await handle.sync();
  }
  db.exec(`PRAGMA user_version = ${schemaVersion}`);
}

/** Puts a file in the place of another, which is closed; both must not be used any more. Answers the new one. */
export function replaceIndexFile(
  old: IndexFile,
  fresh: IndexFile,
  path: string,
  now: () => number,
): IndexFile {
  if (old !== fresh) dropIndexFile(old);
  if (path === inMemory) return fresh;
  closeIndexFile(fresh);
  removeIndexFile(path);
  renameSync(fresh.path, path);
  return { ...wrap(path, openDatabase(path, careful), now), follows: fresh.follows };
}

export function closeIndexFile(file: IndexFile): void {
  file.writer.commit();
  dropIndexFile(file);
}

/** Closes a file that is of no more use. */
export function dropIndexFile({ db }: IndexFile): void {
  if (db.isOpen) db.close();
}

export function removeIndexFile(path: string): void {
  if (path === inMemory) return;
  for (const end of ['', '-wal', '-shm', '-journal'])
    rmSync(`${path}${end}`, { force: true, recursive: true });
}

/** NORMAL may lose the last changes in a power cut, never the order: they are read again from tree and journal. */
const careful = 'PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA temp_store = MEMORY;';

function openDatabase(path: string, pragmas: string): DatabaseSync {
  const db = new DatabaseSync(path);
  try {
    db.exec(pragmas);
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

function wrap(path: string, db: DatabaseSync, now: () => number): IndexFile {
  return {
    path,
    db,
    writer: createWriter(db, now),
    queries: { ...createQueries(db, now), ...createTidyQueries(db) },
    keys: createStoredKeys(db),
    follows: false,
  };
}
