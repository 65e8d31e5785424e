/**
 * The directories of the file system driver: made with mode 0700, never reached through a symbolic link, and
 * durable. A name in a directory survives a power cut once that directory was fsynced after the name was made;
 * so a file in new directories needs one fsync for each of them, outermost last. Whoever makes a directory notes
 * it as fresh, and every writer below it, not just the maker, syncs its parent until that has happened once.
 */
import { mkdir, realpath } from 'node:fs/promises';
import { dirname, sep } from 'node:path';
import { undefinedIfAbsent } from '../disk/directory.ts';
import { syncDirectory, systemCode } from '../disk/private-file.ts';

export interface Directories {
  /** True if the directory exists; throws when a symbolic link leads to it. */
  has(directory: string): Promise<boolean>;
  /** Makes the directory and what is missing above it; throws when a symbolic link leads to it. */
  prepare(directory: string): Promise<void>;
  /** Makes the names in the directory durable, and the fresh directories above it, outermost last. */
  settle(directory: string): Promise<void>;
  /** Forgets what is noted of a tree that is about to be removed. */
  forget(directory: string): void;
}

/** Opens the book-keeping for the directories below `root`, a resolved path. */
export function createDirectories(root: string): Directories {
  const fresh = new Map<string, symbol>();
  const sync = createSharedSync();

  async function prepare(directory: string): Promise<void> {
    if (await isReal(directory)) return;
    // A root that went away is a disk that was unmounted: writing on would hide the loss.
    if (directory === root) throw new Error(`the data directory ${root} is gone`);
    await prepare(dirname(directory));
    // Noted before it exists, so that no other writer can see it without seeing that it is fresh.
    fresh.set(directory, Symbol('fresh'));
    try {
      await mkdir(directory, { mode: 0o700 });
    } catch (error) {
      if (systemCode(error) !== 'EEXIST') throw error;
      await isReal(directory);
    }
  }

  async function settle(directory: string): Promise<void> {
    await sync(directory);
    for (let at = directory; at !== root; at = dirname(at)) {
      const made = fresh.get(at);
      if (made === undefined) continue;
      await sync(dirname(at));
      if (fresh.get(at) === made) fresh.delete(at);
    }
  }

  function forget(directory: string): void {
    for (const at of fresh.keys()) {
      if (at === directory || at.startsWith(directory + sep)) fresh.delete(at);
    }
  }

  return { has: isReal, prepare, settle, forget };
}

async function isReal(directory: string): Promise<boolean> {
  const real = await realpath(directory).catch(undefinedIfAbsent);
  if (real !== undefined && real !== directory)
    throw new Error(`${directory} leads over a symbolic link to ${real}; links are not followed`);
  return real !== undefined;
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
