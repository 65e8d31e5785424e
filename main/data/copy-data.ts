/**
 * Copies the data of the registry into another directory. The order, so that no crash leaves a part that looks whole:
 *
 *     the directory is marked as incomplete           no Berth opens it
 *     docker/, berth/ are copied, but berth/format    each file: written, fsynced, read again and compared
 *     directories get their modes, and are fsynced
 *     both sides are walked and compared              nothing was added, changed, lost
 *     berth/format                                    it is a data directory
 */
import { createHash } from 'node:crypto';
import {
  chmod,
  type FileHandle,
  lchown,
  link,
  lstat,
  mkdir,
  open,
  readFile,
  readlink,
  realpath,
  symlink,
  utimes,
} from 'node:fs/promises';
import { dirname, isAbsolute, join, relative, sep } from 'node:path';
import type { Stats } from 'node:fs';
import { makeDirectory } from '../../registry/disk/directory.ts';
import { findDataIn, lockRoot, markIncomplete } from '../../registry/disk/lock.ts';
import { replaceFile, syncDirectory, systemCode } from '../../registry/disk/private-file.ts';
import { AppError, isAppError } from '../../registry/spec/errors.ts';
import { type DataEntry, fileKey, walkData } from './data-tree.ts';
import { removeData } from './remove-data.ts';

export interface CopyOptions {
  /** The data directory; nobody else may hold it. */
  readonly from: string;
  /** Another directory, empty or not there; see `judgeTarget`. */
  readonly to: string;
  readonly onProgress: (done: { readonly files: number; readonly bytes: number }) => void;
}

/** Files that are copied at the same time: waiting for the disk is most of it. */
const lanes = 8;
const partBytes = 1024 * 1024;
const format = join('berth', 'format');

/**
 * Copies it, with modes, owners, times and hard links; all of it is durable when it resolves. What it leaves when it throws
 * is marked as incomplete. @throws AppError DATA_LOCKED, STORAGE_FULL, CONTENT_DAMAGED, STORAGE_FAILED
 */
export async function copyData({ from, to, onProgress }: CopyOptions): Promise<void> {
  await using held = new AsyncDisposableStack();
  held.use(await lockRoot(from));
  try {
    if ((await findDataIn(to)) === 'incomplete') await removeData(to);
    await makeDirectory(to);
    await markIncomplete(to);
    const copied = await copyTree(from, to, onProgress);
    await settle(to, copied);
    await compare(from, to, copied);
    await finish(from, to);
  } catch (error) {
    throw isAppError(error) ? error : failureOf(error, to);
  }
}

async function copyTree(
  from: string,
  to: string,
  onProgress: CopyOptions['onProgress'],
): Promise<readonly DataEntry[]> {
  const entries: DataEntry[] = [];
  const named = new Map<string, Promise<string>>();
  const running = new Set<Promise<void>>();
  const done = { files: 0, bytes: 0 };
  const copyEntry = async ({ path, info }: DataEntry): Promise<void> => {
    const [source, target] = [join(from, path), join(to, path)];
    const first = named.get(fileKey(info));
    if (info.isSymbolicLink()) return await copyLink(from, path, target);
    if (first !== undefined) return await link(await first, target);
    const copy = copyFile(source, target, info, (bytes) => {
      done.bytes += bytes;
      onProgress(done);
    });
    if (info.nlink > 1) {
      const name = copy.then(() => target);
      name.catch(() => undefined);
      named.set(fileKey(info), name);
    }
    await copy;
  };
  const copyOne = async (entry: DataEntry): Promise<void> => {
    await copyEntry(entry);
    done.files += 1;
    onProgress(done);
  };
  try {
    for await (const entry of walkData(from)) {
      entries.push(entry);
      const { path, info } = entry;
      if (info.isDirectory()) {
        // Written into before it gets its own mode.
        await mkdir(join(to, path), { recursive: true, mode: 0o700 });
      } else if (path !== format) {
        const copy = copyOne(entry);
        running.add(copy);
        copy.then(
          () => running.delete(copy),
          () => undefined,
        );
        if (running.size >= lanes) await Promise.race(running);
      }
    }
    await Promise.all(running);
    return entries;
  } finally {
    await Promise.allSettled(running);
  }
}

async function copyFile(
  source: string,
  target: string,
  info: Stats,
  onPart: (bytes: number) => void,
): Promise<void> {
  const buffer = Buffer.allocUnsafe(Math.min(partBytes, Math.max(1, info.size)));
  await using input = await open(source, 'r');
  await using output = await open(target, 'wx', 0o600);
  const digest = await digestOf(input, buffer, async (part) => {
    await writeWhole(output, part);
    onPart(part.length);
  });
  await giveFacts(target, info);
  await output.sync();
  await using written = await open(target, 'r');
  if ((await digestOf(written, buffer)) !== digest)
    throw new AppError('CONTENT_DAMAGED', {
      message: `"${target}" does not hold what was written into it.`,
      hint: 'That disk cannot be relied on. Choose another one.',
    });
}

async function digestOf(
  file: FileHandle,
  buffer: Buffer,
  onPart: (part: Buffer) => Promise<void> = async () => undefined,
): Promise<string> {
  const hash = createHash('sha256');
  for (;;) {
    const { bytesRead } = await file.read(buffer, 0, buffer.length, null);
    if (bytesRead === 0) return hash.digest('hex');
    const part = buffer.subarray(0, bytesRead);
    hash.update(part);
    await onPart(part);
  }
}

async function writeWhole(file: FileHandle, part: Buffer): Promise<void> {
  for (let at = 0; at < part.length;) at += (await file.write(part, at)).bytesWritten;
}

/** One that leads inside leads to the same place of the copy; one that leads out still leads there. */
async function copyLink(from: string, path: string, target: string): Promise<void> {
  const source = join(from, path);
  const text = await readlink(source);
  const real = await realpath(source).catch(() => undefined);
  if (real === undefined) return await symlink(text, target);
  const place = await realpath(dirname(source));
  const root = await realpath(from);
  await symlink(
    real.startsWith(`${root}${sep}`) ? relative(place, real) : isAbsolute(text) ? text : real,
    target,
  );
}

async function giveFacts(path: string, { mode, uid, gid, atime, mtime }: Stats): Promise<void> {
  const now = await lstat(path);
  if (now.uid !== uid || now.gid !== gid) await lchown(path, uid, gid);
  await chmod(path, mode & 0o7777);
  await utimes(path, atime, mtime);
}

/** From the innermost directory out. */
async function settle(to: string, copied: readonly DataEntry[]): Promise<void> {
  for (const { path, info } of copied.toReversed()) {
    if (!info.isDirectory()) continue;
    await giveFacts(join(to, path), info);
    await syncDirectory(join(to, path));
  }
  await syncDirectory(to);
}

async function compare(from: string, to: string, copied: readonly DataEntry[]): Promise<void> {
  const [wanted, before, after] = [factsOf(copied), await readFacts(from), await readFacts(to)];
  for (const [path, facts] of wanted) {
    if (before.get(path) !== facts)
      throw new AppError('STORAGE_FAILED', {
        message: `"${join(from, path)}" changed while it was copied.`,
        hint: 'Another program works in the data directory. End it, and try again.',
      });
    if (path !== format && after.get(path) !== facts)
      throw new AppError('STORAGE_FAILED', {
        message: `"${join(to, path)}" is not as "${join(from, path)}" is: ${after.get(path) ?? 'missing'}, not ${facts}.`,
        hint: 'The file system there may not keep modes and owners. Choose another place.',
      });
  }
  for (const [side, found] of [
    [from, before],
    [to, after],
  ] as const) {
    const extra = [...found.keys()].find((path) => !wanted.has(path));
    if (extra !== undefined)
      throw new AppError('STORAGE_FAILED', {
        message: `"${join(side, extra)}" was made while the data was copied.`,
        hint: 'Another program works there. End it, and try again.',
      });
  }
}

async function readFacts(root: string): Promise<ReadonlyMap<string, string>> {
  const entries: DataEntry[] = [];
  for await (const entry of walkData(root)) entries.push(entry);
  return factsOf(entries);
}

/** Names that are one file are told by the first of them. */
function factsOf(entries: readonly DataEntry[]): ReadonlyMap<string, string> {
  const first = new Map<string, string>();
  return new Map(
    entries.map(({ path, info }) => {
      const { mode, uid, gid, size, nlink } = info;
      const rights = `${(mode & 0o7777).toString(8)} ${uid}:${gid}`;
      if (info.isSymbolicLink()) return [path, 'a link'];
      if (info.isDirectory()) return [path, `a directory, ${rights}`];
      const one = nlink > 1 ? (first.get(fileKey(info)) ?? path) : path;
      first.set(fileKey(info), one);
      return [path, `${size} bytes, ${rights}${one === path ? '' : `, the same as ${one}`}`];
    }),
  );
}

/** From here on it is a data directory. */
async function finish(from: string, to: string): Promise<void> {
  const info = await lstat(join(from, format));
  await replaceFile(join(to, format), await readFile(join(from, format)), {
    temp: (target) => `${target}.tmp`,
    mode: () => info.mode & 0o777,
  });
}

function failureOf(cause: unknown, to: string): AppError {
  const why = cause instanceof Error ? cause.message : String(cause);
  const isFull = systemCode(cause) === 'ENOSPC' || systemCode(cause) === 'EDQUOT';
  return new AppError(isFull ? 'STORAGE_FULL' : 'STORAGE_FAILED', {
    message: isFull
      ? `There is no room left in "${to}".`
      : `The data could not be copied to "${to}": ${why}.`,
    hint: isFull ? 'Make room there, or choose another place.' : 'Choose another place, or mend that one.',
    cause,
  });
}
