/**
 * The directories of the file system driver: made with mode 0700, never reached through a symbolic link, and
 * durable. A name in a directory survives a power cut once that directory was fsynced after the name was made;
 * so a file in new directories needs one fsync for each of them, all at the same time. Whoever makes a directory
 * notes it as fresh, and every writer below it, not just the maker, syncs its parent until that has happened once.
 */
import { existsSync, mkdirSync, realpathSync } from 'node:fs';
import { dirname, sep } from 'node:path';
import { undefinedIfAbsent } from '../disk/directory.ts';
import { syncDirectory, systemCode } from '../disk/private-file.ts';

export interface Directories {
  /** True if the directory exists; throws when a symbolic link leads to it. */
  has(directory: string): boolean;
  /**
   * Makes the directory and what is missing above it; throws when a symbolic link leads to it. `bring` may put one there
   * that was made before, and answers whether it did.
   */
  prepare(directory: string, bring?: () => boolean): void;
  /** Makes the names in the directories durable, and the fresh directories above them. */
  settle(directories: readonly string[]): Promise<void>;
  /** Forgets what is noted of a tree that is about to be removed. */
  forget(directory: string): void;
}

/** Opens the book-keeping for the directories below `root`, a resolved path. */
export function createDirectories(root: string): Directories {
  const fresh = new Map<string, symbol>();
  const sync = createSharedSync();

  function prepare(directory: string, bring?: () => boolean): void {
    // Asked first, since a new digest has new directories, and an exception for each costs more than to make them.
    if ((directory === root || existsSync(directory)) && isReal(directory)) return;
    // A root that went away is a disk that was unmounted: writing on would hide the loss.
    if (directory === root) throw new Error(`the data directory ${root} is gone`);
    prepare(dirname(directory));
    try {
      if (bring?.() !== true) mkdirSync(directory, { mode: 0o700 });
      fresh.set(directory, Symbol('fresh'));
    } catch (error) {
      // Made by another program meanwhile, which may not have made it durable.
      if (systemCode(error) !== 'EEXIST' || !isReal(directory)) throw error;
      fresh.set(directory, Symbol('fresh'));
    }
  }

  async function settle(directories: readonly string[]): Promise<void> {
    const wanted = new Set(directories);
    for (const directory of directories) {
      for (let at = directory; at !== root; at = dirname(at)) if (fresh.has(at)) wanted.add(dirname(at));
    }
    // Also those beside the way: a later stage finds them settled.
    const made = [...fresh].filter(([at]) => wanted.has(dirname(at)));
    const synced = await Promise.allSettled([...wanted].map((directory) => sync(directory)));
    const failed = synced.find((each) => each.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
    for (const [at, mark] of made) if (fresh.get(at) === mark) fresh.delete(at);
  }

  function forget(directory: string): void {
    for (const at of fresh.keys()) {
      if (at === directory || at.startsWith(directory + sep)) fresh.delete(at);
    }
  }

  return { has: isReal, prepare, settle, forget };
}

function isReal(directory: string): boolean {
  let real: string | undefined;
  try {
    real = realpathSync.native(directory);
  } catch (error) {
    return undefinedIfAbsent(error) ?? false;
  }
  if (real !== directory)
    throw new Error(`${directory} leads over a symbolic link to ${real}; links are not followed`);
  return true;
}

/**
 * Answers a function that fsyncs a directory, once for all who wait (group commit). An fsync under way may have
 * started before the caller's rename, so it never counts: its caller shares the one that starts after it. When
 * one fails, those behind it fail with it, because Linux reports a lost write once and then calls it clean.
 */
function createSharedSync(): (directory: string) => Promise<void> {
  const running = new Map<string, { now: Promise<void>; next?: Promise<void> }>();

  function start(directory: string): Promise<void> {
    const turn: { now: Promise<void>; next?: Promise<void> } = { now: syncDirectory(directory) };
    running.set(directory, turn);
    const end = (): void => {
      if (running.get(directory) === turn && turn.next === undefined) running.delete(directory);
    };
    turn.now.then(end, () => running.delete(directory));
    return turn.now;
  }

  return (directory) => {
    const turn = running.get(directory);
    if (turn === undefined) return start(directory);
    turn.next ??= turn.now.then(() => start(directory));
    return turn.next;
  };
}
