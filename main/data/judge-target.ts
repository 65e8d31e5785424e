/** Whether a directory can take the data of the registry. */
import { constants } from 'node:fs';
import { access, readdir, realpath, stat, statfs } from 'node:fs/promises';
import { dirname, isAbsolute, join, parse, relative, resolve, sep } from 'node:path';
import { undefinedIfAbsent } from '../../registry/disk/directory.ts';
import { findDataIn } from '../../registry/disk/lock.ts';
import { AppError } from '../../registry/spec/errors.ts';
import type { DataSize } from './data-tree.ts';
import { type FarPlace, findFarPlace } from './far-place.ts';

export interface TargetRequest {
  readonly from: string;
  readonly to: string;
  /** What is to be copied; absent where the directory shall be used as it is. */
  readonly size: DataSize | undefined;
}

export interface Target {
  readonly path: string;
  readonly freeBytes: number;
  /** What to know before agreeing. */
  readonly warnings: readonly string[];
}

/** The registry itself needs some: its log, its index. */
const spareBytes = 64 * 1024 * 1024;
/** A new file system has the first, a folder that was looked at the second. */
const nobodys: ReadonlySet<string> = new Set(['lost+found', '.DS_Store']);

/** @throws AppError PATH_REFUSED, STORAGE_FULL */
export async function judgeTarget({ from, to, size }: TargetRequest): Promise<Target> {
  if (!isAbsolute(to)) throw refusal(`"${to}" is no whole path.`, 'Choose a folder.');
  const path = resolve(to);
  const [real, own] = [await realOf(path), await realOf(from)];
  if (real === own) throw refusal(`"${path}" is the data directory already.`, 'Choose another folder.');
  if (isInside(real, own) || isInside(own, real))
    throw refusal(
      `"${path}" and the data directory "${from}" are inside one another.`,
      'Choose a folder beside it.',
    );
  await judgeContent(path, { mayHaveData: size === undefined });
  const place = await nearest(path);
  await access(place, constants.W_OK | constants.X_OK).catch(() => {
    throw refusal(`Nothing can be written in "${place}".`, 'Choose a folder of your own.');
  });
  const { bavail, bsize, files, ffree, type } = await statfs(place);
  const freeBytes = bavail * bsize;
  if (size !== undefined) {
    const needed = size.bytes + (size.files + size.directories) * bsize + spareBytes;
    if (needed > freeBytes)
      throw new AppError('STORAGE_FULL', {
        message: `"${path}" has room for ${freeBytes} bytes, and ${needed} are needed.`,
        hint: 'Make room there, choose a folder on another disk, or clean up first.',
      });
    // File systems that make inodes as they are needed say that they have none.
    if (files > 0 && size.files + size.directories > ffree)
      throw new AppError('STORAGE_FULL', {
        message: `The file system of "${path}" has room for ${ffree} more files, and ${size.files + size.directories} are needed.`,
        hint: 'Choose a folder on another disk, or clean up first.',
      });
  }
  return { path, freeBytes, warnings: warningsOf(await findFarPlace(place, type)) };
}

async function judgeContent(path: string, { mayHaveData }: { readonly mayHaveData: boolean }): Promise<void> {
  const info = await stat(path).catch(undefinedIfAbsent);
  if (info === undefined) return;
  if (!info.isDirectory()) throw refusal(`"${path}" is no folder.`, 'Choose a folder.');
  const names = (await readdir(path)).filter((name) => !nobodys.has(name));
  const found = await findDataIn(path);
  // What a copy left that was cut off is cleared away first.
  if (names.length === 0 || (found === 'incomplete' && names.every((name) => isOurs(name)))) return;
  if (mayHaveData && (found === 'whole' || (await isDirectory(join(path, 'docker', 'registry', 'v2')))))
    return;
  throw refusal(
    `"${path}" is not empty.`,
    mayHaveData
      ? 'Choose an empty folder, a new one, or a data directory of a registry.'
      : 'Choose an empty folder, or a new one.',
  );
}

function isOurs(name: string): boolean {
  return name === 'docker' || name === 'berth';
}

async function isDirectory(path: string): Promise<boolean> {
  return (await stat(path).catch(undefinedIfAbsent))?.isDirectory() === true;
}

/** The directory, or the first above it that is there. */
async function nearest(path: string): Promise<string> {
  for (let at = path; ; at = dirname(at))
    if (at === parse(at).root || (await stat(at).catch(undefinedIfAbsent)) !== undefined) return at;
}

/** Without the symbolic links of what is there. */
async function realOf(path: string): Promise<string> {
  const place = await nearest(path);
  return join(await realpath(place), relative(place, path));
}

function isInside(path: string, other: string): boolean {
  const way = relative(other, path);
  return way !== '' && way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way);
}

function warningsOf(far: FarPlace | undefined): readonly string[] {
  if (far === undefined) return [];
  if (far.kind === 'program')
    return [
      'It is on a file system of a program (FUSE), which may be on another computer. A disk of this computer is the safe choice.',
    ];
  const by = far.by === undefined ? '' : `, by ${far.by}`;
  return [
    `It is on another computer${by}. Locks and fsync may not hold there: a lost connection or a second program can damage what is stored. A disk of this computer is the safe choice.`,
  ];
}

function refusal(message: string, hint: string): AppError {
  return new AppError('PATH_REFUSED', { message, hint });
}
