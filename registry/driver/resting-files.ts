/**
 * The open files of parts between two requests of an upload. A layer comes by POST, PATCH and PUT: a file that is opened
 * and closed for each of them costs a message to the thread that changes files, and a call of the thread pool.
 *
 *   keep   a request has let go of its part
 *   take   the next one opens it: only while the path still names that very file with that very size
 *
 * A file that nobody took is closed after two seconds, the oldest at once when there are too many, those of a tree before
 * it is removed, and all at the end.
 */
import * as files from 'node:fs';
import { promisify } from 'node:util';
import type { OpenedPart } from './changes.ts';
import type { Look } from './look.ts';

export interface RestingFiles extends AsyncDisposable {
  /** Keeps an open file for whoever opens its path next. */
  keep(path: string, opened: OpenedPart): void;
  /** Gives it away; `undefined` where there is none, or the path names another file by now. */
  take(path: string): Promise<OpenedPart | undefined> | undefined;
  /** Closes what lies at a path or below it. */
  closeBelow(path: string): Promise<void>;
}

export interface RestingOptions {
  /** How long a file rests, in milliseconds: requests of one upload follow each other within a few. */
  readonly restMs?: number;
  /** How many rest at most: descriptors are scarce, and what is in use needs them more. */
  readonly most?: number;
}

const closeFile = promisify(files.close);

export function createRestingFiles(
  look: Look,
  { restMs = 2000, most = 32 }: RestingOptions = {},
): RestingFiles {
  /** In the order in which they came to rest. */
  const resting = new Map<string, { readonly opened: OpenedPart; readonly since: number }>();
  const closing = new Set<Promise<void>>();
  let timer: NodeJS.Timeout | undefined;
  let isClosed = false;

  function keep(path: string, opened: OpenedPart): void {
    close(path);
    resting.set(path, { opened, since: performance.now() });
    if (isClosed) close(path);
    else if (resting.size > most) for (const oldest of [...resting.keys()].slice(0, -most)) close(oldest);
    timer ??= setTimeout(closeOld, restMs).unref();
  }

  function take(path: string): Promise<OpenedPart | undefined> | undefined {
    const kept = resting.get(path);
    resting.delete(path);
    return kept && ifStillThere(path, kept.opened);
  }

  /** The number of a file is not given to another one while it is open. */
  async function ifStillThere(path: string, opened: OpenedPart): Promise<OpenedPart | undefined> {
    try {
      const found = await look(path);
      if (found?.ino === opened.inode && found.size === opened.size) return opened;
    } catch {
      // Whoever opens it anew meets the same failure, and tells of it.
    }
    drop(opened);
    return undefined;
  }

  function closeOld(): void {
    const before = performance.now() - restMs;
    for (const [path, { since }] of resting) if (since <= before) close(path);
    timer = resting.size > 0 ? setTimeout(closeOld, restMs).unref() : undefined;
  }

  function close(path: string): void {
    const kept = resting.get(path);
    resting.delete(path);
    if (kept !== undefined) drop(kept.opened);
  }

  /** What a file system of the network fails with here, the fsync of a commit tells as well. */
  function drop({ file }: OpenedPart): void {
    const closed = closeFile(file).catch(() => undefined);
    closing.add(closed);
    void closed.then(() => closing.delete(closed));
  }

  async function closeBelow(path: string): Promise<void> {
    for (const at of resting.keys()) if (at === path || at.startsWith(`${path}/`)) close(at);
    await Promise.all(closing);
  }

  return {
    keep,
    take,
    closeBelow,
    async [Symbol.asyncDispose]() {
      isClosed = true;
      clearTimeout(timer);
      for (const path of resting.keys()) close(path);
      await Promise.all(closing);
    },
  };
}
