/**
 * What changes the files below a root, as whole jobs for a thread of its own (change-thread.ts): a job costs the main
 * thread one message, where each of its twenty calls would cost it a way to a thread of libuv and back. Calls that
 * only change what lies in memory are made in place; fsyncs are waited for together, and shared with other jobs.
 *
 *   commit       temp files in `berth/tmp`, fdatasync of all, directories; then for each stage its renames and an
 *                fsync of each directory that got a name, the fresh ones above included
 *   openPart     opened in a directory of its own, which may have been that of a former part (spare-trees.ts)
 *   append, read hashed and written or read in place (transfers.ts)
 *   removeTree   renamed into `berth/tmp` first, so that the tree is gone at once, as a whole; in passing where it lies
 */
import { randomUUID } from 'node:crypto';
import * as files from 'node:fs';
import { constants } from 'node:fs';
import { copyFile, open as openFile, rm, unlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';

import { undefinedIfAbsent } from '../disk/directory.ts';
import { systemCode } from '../disk/private-file.ts';
import { type AppendJob, type Appended, createTransfers, type Read, type ReadJob } from './transfers.ts';
import { createDirectories } from './directories.ts';
import type { PartOptions, Stages, Write } from './driver.ts';
import { createKeyLock } from './key-lock.ts';
import type { Hashed } from './hash-state.ts';
import { createSpareTrees } from './spare-trees.ts';

/** Where changes are made: a resolved path, and below it the directories of unfinished writes and of spare directories. */
export interface ChangePlace {
  readonly root: string;
  readonly tmp: string;
  readonly spare: string;
}

/** The open file of a part: a descriptor, which belongs to the process, whichever thread uses it. */
export interface OpenedPart {
  readonly file: number;
  readonly inode: number;
  readonly size: number;
}

/** A part that is to become a key. */
export interface PartMove extends Omit<OpenedPart, 'inode'> {
  readonly path: string;
  readonly key: string;
  readonly unless?: 'sameSize' | undefined;
  readonly clear?: string | undefined;
}

interface Jobs {
  /**
   * Answers for the part, then for each write, whether it got its name. A part that did not keeps its open file; in
   * every other case, a failure included, the file is closed. A part whose bytes could not be made durable is removed.
   */
  readonly commit: {
    readonly job: { readonly part?: PartMove; readonly stages: Stages };
    readonly answer: readonly boolean[];
  };
  readonly remove: { readonly job: { readonly key: string }; readonly answer: void };
  readonly removeTree: {
    readonly job: { readonly key: string; readonly isDurable: boolean };
    readonly answer: void;
  };
  readonly openPart: {
    readonly job: { readonly key: string } & PartOptions;
    readonly answer: OpenedPart | undefined;
  };
  /** Writes behind what is there. */
  readonly append: { readonly job: AppendJob; readonly answer: Appended };
  /** Fills a block. */
  readonly read: { readonly job: ReadJob; readonly answer: Read };
  /** Ends the hash of what was appended or read. */
  readonly takeHash: { readonly job: { readonly name: string }; readonly answer: Hashed | undefined };
  /** The last one: removes what was kept for others. */
  readonly end: { readonly job: unknown; readonly answer: void };
}

export type ChangeJob = { [Kind in keyof Jobs]: { readonly kind: Kind } & Jobs[Kind]['job'] }[keyof Jobs];
export type AnswerOf<Kind extends keyof Jobs> = Jobs[Kind]['answer'];
export type ChangeAnswer<Job extends ChangeJob = ChangeJob> = AnswerOf<Job['kind']>;

export interface Changes {
  /** Does a job, durably where it says so. Throws what the file system throws, and leaves no unfinished write. */
  run<Job extends ChangeJob>(job: Job): Promise<ChangeAnswer<Job>>;
}

/** A file on its way to a name. */
interface Begun {
  readonly file: number;
  readonly from: string;
  readonly path: string;
  /** Taken back when its stage fails: whoever found it would rely on it. */
  readonly isConditional: boolean;
}

/** What a failure has to close and to remove. */
interface Unfinished {
  readonly open: Set<number>;
  readonly temps: Set<string>;
}

const syncData = promisify(files.fdatasync);
const removeDirectory = promisify(files.rmdir);
/** Larger files take their time to be removed. */
const smallBytes = 1024 * 1024;

export function createChanges({ root, tmp, spare }: ChangePlace): Changes {
  const directories = createDirectories(root);
  const exclusive = createKeyLock();
  const spares = createSpareTrees(() => {
    directories.prepare(spare);
    return join(spare, randomUUID());
  });
  const pathOf = (key: string): string => join(root, key);

  async function commit({ part, stages }: Jobs['commit']['job']): Promise<readonly boolean[]> {
    const keys = stages.flatMap((writes) => writes.map(({ key }) => key));
    return await exclusive(part === undefined ? keys : [part.key, ...keys], async () => {
      const unfinished: Unfinished = { open: new Set(part && [part.file]), temps: new Set() };
      try {
        if (stages.length > 0) directories.prepare(tmp);
        const moves = part === undefined ? [] : [[beginMove(part)]];
        const writes = stages.map((stage) => stage.map((write) => beginWrite(write, unfinished)));
        const all = [...moves, ...writes];
        const begun = madeOf(all.flat());
        await settleFiles(begun, part);
        for (const { file } of begun) close(file, unfinished);
        // For all stages before the first: what two of them make is made durable once.
        for (const directory of new Set(begun.map(({ path }) => dirname(path))))
          directories.prepare(directory);
        await publishAll(moves);
        // What a moved part leaves behind goes while the writes after it become durable.
        const isCleared = part?.clear !== undefined && moves.flat()[0] !== undefined;
        const ends = await Promise.allSettled([
          publishAll(writes),
          isCleared ? clear(part.clear) : undefined,
        ]);
        const failed = ends.find((each) => each.status === 'rejected');
        if (failed !== undefined) throw failed.reason;
        return all.flat().map((each) => each !== undefined);
      } catch (error) {
        for (const file of unfinished.open) files.closeSync(file);
        for (const temp of unfinished.temps) tryToRemove(temp);
        throw error;
      }
    });
  }

  function beginMove({ file, size, path: from, key, unless }: PartMove): Begun | undefined {
    const path = pathOf(key);
    if (unless === 'sameSize' && sizeOf(path) === size) return undefined;
    return { file, from, path, isConditional: true };
  }

  function beginWrite({ key, bytes, if: condition }: Write, { open, temps }: Unfinished): Begun | undefined {
    const path = pathOf(key);
    const isConditional = condition !== undefined;
    if (isConditional && exists(path) && !(condition === 'empty' && sizeOf(path) === 0)) return undefined;
    const from = join(tmp, randomUUID());
    const file = files.openSync(from, 'wx', 0o600);
    open.add(file);
    temps.add(from);
    files.writeFileSync(file, bytes);
    return { file, from, path, isConditional };
  }

  async function publishAll(stages: readonly (readonly (Begun | undefined)[])[]): Promise<void> {
    for (const stage of stages) await publish(madeOf(stage));
  }

  /** Gives the files of a stage their names. Names that a failure leaves in doubt are taken back where nothing was before. */
  async function publish(stage: readonly Begun[]): Promise<void> {
    try {
      for (const { from, path } of stage) await move(from, path);
      await directories.settle(stage.map(({ path }) => dirname(path)));
    } catch (error) {
      for (const { path, isConditional } of stage) if (isConditional) tryToRemove(path);
      throw error;
    }
  }

  async function remove({ key }: Jobs['remove']['job']): Promise<void> {
    const path = pathOf(key);
    await exclusive([key], async () => {
      if (!directories.has(dirname(path))) return;
      try {
        files.unlinkSync(path);
      } catch (error) {
        undefinedIfAbsent(error);
        return;
      }
      await directories.settle([dirname(path)]);
    });
  }

  async function removeTree({ key, isDurable }: Jobs['removeTree']['job']): Promise<void> {
    const path = pathOf(key);
    await exclusive([key], async () => {
      if (!directories.has(dirname(path))) return;
      directories.forget(path);
      if (!isDurable) return await removeFlat(path);
      const grave = join(tmp, randomUUID());
      try {
        directories.prepare(tmp);
        files.renameSync(path, grave);
      } catch (error) {
        if (systemCode(error) === 'ENOENT' && !exists(path)) return;
        // Another file system, or a disk too full for one more name: in place, step by step.
        await rm(path, { recursive: true, force: true });
      }
      await directories.settle([dirname(path)]);
      await removeFlat(grave);
    });
  }

  /** Of a part that has its name. */
  async function clear(key: string): Promise<void> {
    const path = pathOf(key);
    await exclusive([key], async () => {
      if (!directories.has(path)) return;
      directories.forget(path);
      if (!isKept(path)) await removeFlat(path);
    });
  }

  function isKept(path: string): boolean {
    try {
      return spares.keep(path);
    } catch {
      // Another file system, or a disk too full for one more name.
      return false;
    }
  }

  async function openPart({ key, create, beside }: Jobs['openPart']['job']): Promise<OpenedPart | undefined> {
    const path = pathOf(key);
    if (create) prepareForPart(dirname(path), beside);
    else if (!directories.has(dirname(path))) return undefined;
    const flags = constants.O_WRONLY | constants.O_NOFOLLOW | (create ? constants.O_CREAT : 0);
    let file: number;
    try {
      file = files.openSync(path, flags, 0o600);
    } catch (error) {
      return undefinedIfAbsent(error);
    }
    try {
      const { ino: inode, size } = files.fstatSync(file);
      return { file, inode, size };
    } catch (error) {
      files.closeSync(file);
      throw error;
    }
  }

  function prepareForPart(directory: string, beside: PartOptions['beside']): void {
    if (beside === undefined) return directories.prepare(directory);
    const path = pathOf(beside.key);
    const file = { name: basename(path), size: beside.bytes.length };
    let isSpare = false;
    directories.prepare(directory, () => {
      isSpare = spares.take(directory, file);
      return isSpare;
    });
    if (isSpare) overwrite(path, beside.bytes);
    else if (!exists(path)) files.writeFileSync(path, beside.bytes, { flag: 'wx', mode: 0o600 });
  }

  const acts: { readonly [Kind in keyof Jobs]: (job: Jobs[Kind]['job']) => Promise<Jobs[Kind]['answer']> } = {
    commit,
    remove,
    removeTree,
    openPart,
    ...createTransfers(),
    end: async () => spares.clear(),
  };
  return {
    async run(job) {
      return await acts[job.kind](job as never);
    },
  };
}

/** Those of a stage whose condition held. */
function madeOf(stage: readonly (Begun | undefined)[]): readonly Begun[] {
  return stage.filter((each) => each !== undefined);
}

/** Makes the bytes of files durable. A part that failed is dropped: a second fsync would say that all is well. */
async function settleFiles(begun: readonly Begun[], part: PartMove | undefined): Promise<void> {
  const settled = await Promise.allSettled(begun.map(({ file }) => syncData(file)));
  const failed = settled.findIndex(({ status }) => status === 'rejected');
  if (failed === -1) return;
  const lost = begun.findIndex(({ file }) => file === part?.file);
  if (part !== undefined && settled[lost]?.status === 'rejected') tryToRemove(part.path);
  throw (settled[failed] as PromiseRejectedResult).reason;
}

function close(file: number, { open }: Unfinished): void {
  open.delete(file);
  files.closeSync(file);
}

/** Renames; to another file system it copies to a name beside the target that is no key, and renames that. */
async function move(from: string, to: string): Promise<void> {
  try {
    files.renameSync(from, to);
  } catch (error) {
    if (systemCode(error) !== 'EXDEV') throw error;
    const beside = `${to}~${randomUUID()}`;
    try {
      await copyFile(from, beside, constants.COPYFILE_EXCL);
      await using copy = await openFile(beside, 'r+');
      await copy.datasync();
      files.renameSync(beside, to);
    } catch (copyError) {
      await rm(beside, { force: true });
      throw copyError;
    }
    files.unlinkSync(from);
  }
}

/** Removes a tree; one whose files lie side by side, as those of an upload do, in the fewest calls. Follows no link. */
async function removeFlat(path: string): Promise<void> {
  try {
    // A link would be followed by what reads a directory.
    if (files.lstatSync(path).isDirectory()) {
      for (const name of files.readdirSync(path)) {
        const file = join(path, name);
        if (files.lstatSync(file).size <= smallBytes) files.unlinkSync(file);
        else await unlink(file);
      }
      // The one call that waits for the journal of a busy disk.
      await removeDirectory(path);
      return;
    }
  } catch {
    // It has trees in it, or is gone: no call of the above has removed what it should not.
  }
  await rm(path, { recursive: true, force: true });
}

/** After a failure, which is what is told: the disk that caused it may refuse this, too. */
function tryToRemove(path: string): void {
  try {
    files.unlinkSync(path);
  } catch {
    // It is gone, was never there, or lies in berth/tmp until the next start.
  }
}

/** The bytes of a file that has as many. */
function overwrite(path: string, bytes: Uint8Array): void {
  const file = files.openSync(path, constants.O_WRONLY | constants.O_NOFOLLOW);
  try {
    files.writeSync(file, bytes, 0, bytes.length, 0);
  } finally {
    files.closeSync(file);
  }
}

function exists(path: string): boolean {
  return files.lstatSync(path, { throwIfNoEntry: false }) !== undefined;
}

/** The size of a file, which a link may lead to; `undefined` where there is none. */
function sizeOf(path: string): number | undefined {
  const found = files.statSync(path, { throwIfNoEntry: false });
  return found?.isFile() === true ? found.size : undefined;
}
