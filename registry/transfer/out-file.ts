/**
 * A file for somebody else, anywhere on the registry's machine: written beside its place, made durable, then renamed, so
 * that it is there as a whole or not at all. A note in the data directory says where the unfinished one is, so that the
 * next start removes what a crash left.
 *
 *   berth/exports/<id>       the path of <name>.<id>.tmp
 */
import { randomUUID } from 'node:crypto';
import {
  type FileHandle,
  link,
  lstat,
  open,
  readdir,
  readFile,
  realpath,
  rename,
  rm,
} from 'node:fs/promises';
import { basename, dirname, isAbsolute, join, relative } from 'node:path';
import { Writable } from 'node:stream';
import { callbackify } from 'node:util';
import { makePrivateDirectory, syncDirectory, systemCode, writePrivateFile } from '../disk/private-file.ts';
import { AppError } from '../spec/errors.ts';

export interface OutFileOptions {
  /** Absolute. */
  readonly path: string;
  /** Replace a file that is there. */
  readonly overwrite: boolean;
  /** The data directory. */
  readonly root: string;
}

/** Disposing it removes what was not committed. */
export interface OutFile extends AsyncDisposable {
  /** Takes the bytes. Fails with PATH_REFUSED or STORAGE_FULL. */
  readonly sink: Writable;
  /**
   * Makes the bytes durable and gives them their name.
   * @throws AppError PATH_REFUSED, also when the file has come into being meanwhile
   */
  commit(): Promise<void>;
}

const notes = (root: string): string => join(root, 'berth', 'exports');

/**
 * Opens a file of mode 0600 that nobody sees before it is complete, and tells of bytes that are in it.
 * @throws AppError PATH_REFUSED: it exists, is no plain file, lies in the data directory, or cannot be made there
 */
export async function openOutFile(
  { path, overwrite, root }: OutFileOptions,
  written: (bytes: number) => void,
): Promise<OutFile> {
  const directory = await realpath(dirname(path)).catch((error: unknown) => {
    throw refused(path, error);
  });
  const target = join(directory, basename(path));
  const below = relative(await realpath(root), target);
  if (!isAbsolute(below) && below.split(/[/\\]/)[0] !== '..') {
    throw new AppError('PATH_REFUSED', { message: `"${path}" lies inside of the data directory.` });
  }
  await refuseOccupied(target, overwrite);

  const id = randomUUID();
  const temp = `${target}.${id}.tmp`;
  const note = join(notes(root), id);
  await using opening = new AsyncDisposableStack();
  await makePrivateDirectory(notes(root));
  opening.defer(() => rm(note, { force: true }));
  await writePrivateFile(note, temp);
  opening.defer(() => rm(temp, { force: true }));
  const file = opening.use(
    await open(temp, 'wx', 0o600).catch((error: unknown) => {
      throw refused(path, error);
    }),
  );
  const sink = sinkOf(file, path, written);
  const owned = opening.move();
  return {
    sink,
    async commit() {
      try {
        await file.sync();
        if (overwrite) await refuseOccupied(target, true).then(() => rename(temp, target));
        else await giveNewName(temp, target);
        await syncDirectory(directory);
      } catch (error) {
        throw refused(path, error);
      }
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

async function refuseOccupied(target: string, overwrite: boolean): Promise<void> {
  const info = await lstat(target).catch(() => undefined);
  if (info === undefined || (overwrite && info.isFile())) return;
  const message = info.isFile() ? `"${target}" exists already.` : `"${target}" is no plain file.`;
  throw new AppError('PATH_REFUSED', {
    message,
    hint: 'Choose another path, or replace a file by --overwrite.',
  });
}

/** A rename would replace what somebody else has made meanwhile; a link does not. */
async function giveNewName(temp: string, target: string): Promise<void> {
  try {
    await link(temp, target);
    await rm(temp);
  } catch (error) {
    // Memory sticks know no links.
    if (!['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK'].includes(systemCode(error) ?? ''))
      throw error;
    await refuseOccupied(target, false);
    await rename(temp, target);
  }
}

function sinkOf(file: FileHandle, path: string, written: (bytes: number) => void): Writable {
  const sink = new Writable({
    write: callbackify(async (bytes: Buffer, _encoding: string): Promise<void> => {
      try {
        await file.writeFile(bytes);
      } catch (error) {
        throw refused(path, error);
      }
      written(bytes.length);
    }),
  });
  // Whoever writes gets the error of the write.
  return sink.on('error', () => undefined);
}

/** Removes the unfinished files of a former process, and answers how many there were. Call it with the lock held. */
export async function sweepOutFiles(root: string): Promise<number> {
  const names = await readdir(notes(root)).catch(() => []);
  let swept = 0;
  for (const name of names) {
    const note = join(notes(root), name);
    const temp = await readFile(note, 'utf8');
    const isOurs =
      temp.endsWith(`.${name}.tmp`) && (await lstat(temp).catch(() => undefined))?.isFile() === true;
    if (isOurs) await rm(temp, { force: true }).then(() => (swept += 1));
    await rm(note, { force: true });
  }
  return swept;
}

function refused(path: string, error: unknown): AppError {
  if (error instanceof AppError) return error;
  const code = systemCode(error) ?? 'unknown error';
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return new AppError('STORAGE_FULL', { message: `There is no room for "${path}".`, cause: error });
  }
  if (code === 'EEXIST') {
    return new AppError('PATH_REFUSED', { message: `"${path}" exists already.`, cause: error });
  }
  return new AppError('PATH_REFUSED', {
    message: `The registry cannot write "${path}": ${code}.`,
    cause: error,
  });
}
