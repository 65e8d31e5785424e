/**
 * The index: what lists and screens need, in one file of SQLite that can be lost at any time. The tree on disk and the
 * journal are the truth; nothing on the way of a push or a pull asks the index.
 *
 *   store event ---> tagChanged, manifestChanged, blobChanged ---> read that key from disk ---> a transaction, with others
 *   journal ------> a line that is durable ------------------> history, pushedBy, pulls, and the new position
 *
 * **A key is read, not told.** An event only names what changed. Reads of one key take turns, so the last of them begins
 * after the last change and the index ends up with what the disk says, in whatever order events come. The bytes
 * behind a digest never change, so those that were just pushed are not read again, only whether and since when they are there.
 *
 * **At the start** a file that is absent, of another version, half built or damaged (`PRAGMA quick_check`) is dropped and
 * built anew. One that is sound is used at once; then, in the background, the journal is read on from the position that
 * stands in the file, and the tree is walked: names are compared, and the times of links, and what differs is read. That finds what a crash left between disk and index, and what distribution or a backup changed meanwhile; nothing
 * is noted before a write. A link that was young when it was read (its time might not tell the next change) is read again.
 *
 * **A rebuild** fills a second file, `index.sqlite.new`, beside the first, and events go to both; so nothing that happens
 * meanwhile is lost. In the end it takes the place of the first within one turn of the event loop. Without a usable first
 * file the second one answers already while it is filled.
 *
 * **A failure** of SQLite at run time (damage, a full disk) is logged once; the file is given up and a rebuild begins,
 * tried again every 30 seconds. Lists answer UNAVAILABLE until then; pushes and pulls go on.
 */
import type { Driver } from '../driver/driver.ts';
import type { AdminResults } from '../spec/admin-api.ts';
import type { Digest } from '../spec/digest.ts';
import { AppError, isAppError } from '../spec/errors.ts';
import type { Log } from '../spec/log-record.ts';
import { parseRepoName, type RepoName, type Tag } from '../spec/names.ts';
import { createLocks } from '../store/locks.ts';
import type { StoredManifest } from '../store/manifest-cache.ts';
import type { Store } from '../store/store.ts';
import { createDiskFacts, type DiskFacts } from './disk-facts.ts';
import {
  completeIndexFile,
  createIndexFile,
  dropIndexFile,
  type IndexFile,
  openIndexFile,
  removeIndexFile,
  replaceIndexFile,
} from './index-file.ts';
import { isSamePosition, type Journal } from './journal.ts';
import { createPulls, type Pull } from './pulls.ts';
import type { IndexQueries } from './queries.ts';
import { type Refresh, sweep } from './sweep.ts';
import type { Freed, TidyQueries } from './tidy-queries.ts';

/** What clients ask for, in byte order; `undefined` while the index may be behind the disk. */
type ClientLists = {
  [Name in 'repositoryNames' | 'tagNames' | 'tagTimes' | 'holdsManifest' | 'referrerDescriptors']: (
    ...range: Parameters<IndexQueries[Name]>
  ) => ReturnType<IndexQueries[Name]> | undefined;
};

/** Lists throw UNAVAILABLE while the file cannot be used. */
export interface Index
  extends Omit<IndexQueries, keyof ClientLists>, ClientLists, TidyQueries, AsyncDisposable {
  /** `building` while everything is read anew: lists may be incomplete. */
  readonly state: 'building' | 'ready';
  /** True while it knows but a part of the disk: it is built anew from nothing. */
  readonly isPartial: boolean;
  /** Begins to read, in the background, what the disk has and the index has not. Once, before the first event. */
  start(store: Store): void;
  /** Reads a tag again. */
  tagChanged(repository: RepoName, tag: Tag): Promise<void>;
  /** Reads a manifest again unless it was just pushed, and those it lists that are not known. */
  manifestChanged(repository: RepoName, digest: Digest, pushed?: StoredManifest): Promise<void>;
  /** Reads again, in the background, whether a blob is stored, and its size. */
  blobChanged(digest: Digest): void;
  /** Counts a manifest that a client has read; written every 30 seconds, sooner while somebody looks, and at the end. */
  pulled(pull: Pull): void;
  /** Writes the pulls that were counted so far. */
  flushPulls(): Promise<void>;
  /**
   * Reads everything anew, into a new file that takes the place of the old one. Joins a rebuild that is under way; an
   * abort leaves the old file.
   */
  rebuild(options?: RebuildOptions): Promise<AdminResults['index.rebuild']>;
  /** Resolves when what was begun in the background has ended and is committed. */
  settled(): Promise<void>;
}

export interface RebuildOptions {
  readonly signal?: AbortSignal;
  readonly onProgress?: (done: AdminResults['index.rebuild']) => void;
}

export interface IndexOptions {
  /** The file, or `:memory:` for storage that ends with the process. */
  readonly path: string;
  readonly journal: Journal;
  readonly driver: Driver;
  readonly log: Log;
  /** Called each time that everything has been read. */
  readonly onReady?: () => void;
  /** Called when pulls that were counted are in the lists, with the repositories that they are of. */
  readonly onPullsCounted?: (repositories: readonly string[]) => void;
  /** While somebody looks, pulls are counted within two seconds. */
  readonly isWatched?: () => boolean;
  /** The wall clock, in milliseconds since the epoch. */
  readonly now?: () => number;
}

/** How long changes wait for others, to be committed with them. */
const commitMs = 20;
const flushMs = 30_000;
const watchedFlushMs = 2000;

/** Opens the index; its directory must exist. Disposing writes the pulls, so it comes before that of the journal. */
export async function openIndex(options: IndexOptions): Promise<Index> {
  const { path, journal, driver, onReady, onPullsCounted, isWatched, now = Date.now } = options;
  const log = options.log.for('jobs');
  const closing = new AbortController();
  const locks = createLocks();
  const pulls = createPulls(now);
  const background = new Set<Promise<void>>();
  /** Every file that changes go to; the first that answers is `live`. */
  const files = new Set<IndexFile>();
  let live: IndexFile | undefined = await openExisting();
  /** Has not everything yet. */
  let filling: IndexFile | undefined;
  let reading: { readonly store: Store; readonly facts: DiskFacts } | undefined;
  /** Everything was read, and nothing since has failed to be: the index says what the disk says. */
  let isLevel = false;
  let unread = 0;
  let rebuilding: Promise<AdminResults['index.rebuild']> | undefined;
  if (live !== undefined) files.add(live);
  const following = journal.follow((recorded) => {
    for (const file of files) {
      if (file.follows) apply(file, ({ writer }) => writer.addRecorded([recorded], recorded.position));
    }
  });
  let soon: NodeJS.Timeout | undefined;
  let committing: NodeJS.Timeout | undefined;
  const timer = setInterval(() => inBackground(tick()), flushMs).unref();

  async function openExisting(): Promise<IndexFile | undefined> {
    const opened = openIndexFile(path, now);
    if (typeof opened === 'string') {
      if (opened !== 'absent') told(opened === 'version' ? 'it is of another version or incomplete' : opened);
      return undefined;
    }
    if (await journal.has(opened.writer.position())) return opened;
    dropIndexFile(opened);
    told('it belongs to another journal');
    return undefined;
  }

  function told(why: string): void {
    log.warn('indexDropped', 'the index is dropped and built anew from the disk', {
      file: path,
      reason: why,
    });
  }

  // --- changes ---

  function apply(file: IndexFile, act: (file: IndexFile) => void): void {
    try {
      act(file);
      commitSoon();
    } catch (error) {
      giveUp(file, error);
      if (!isSqlite(error)) throw error;
    }
  }

  function commitSoon(): void {
    committing ??= setTimeout(commit, commitMs).unref();
  }

  function commit(): void {
    for (const file of files) apply(file, ({ writer }) => writer.commit());
    clearTimeout(committing);
    committing = undefined;
  }

  function giveUp(file: IndexFile, error: unknown): void {
    if (!files.delete(file)) return;
    if (file === live) {
      live = undefined;
      isLevel = false;
    }
    log.error('indexFailed', 'the index could not be used and is built anew', {
      file: file.path,
      error: error instanceof Error ? error.message : String(error),
      hint: 'check the disk and its free space',
    });
    dropIndexFile(file);
    if (rebuilding === undefined && reading !== undefined && !closing.signal.aborted)
      inBackground(tryRebuild());
  }

  /** Runs what nobody waits for; it must not reject. */
  function inBackground(task: Promise<void>): void {
    background.add(task);
    void task.finally(() => background.delete(task));
  }

  function begun(): NonNullable<typeof reading> {
    if (reading === undefined) throw new Error('the index was told of a change before its start');
    return reading;
  }

  /** A disk that fails must not fail the push that is done already: the walk of the next start reads the key. */
  async function read(what: string, act: () => Promise<void>): Promise<void> {
    try {
      await act();
    } catch (error) {
      if (!isAppError(error)) throw error;
      isLevel = false;
      unread++;
      log.warn('indexUnread', 'a part of the disk could not be read into the index', {
        what,
        error: error.message,
      });
    }
  }

  const refresh: Refresh = {
    tag: (repository, tag, { past }) =>
      locks.exclusive(`${repository}:${tag}`, () =>
        read(`${repository}:${tag}`, async () => {
          const { facts } = begun();
          const found = await facts.tag(repository, tag);
          const meant = past && found !== undefined ? await facts.pastOf(repository, tag) : undefined;
          for (const file of files) apply(file, ({ writer }) => writer.setTag(repository, tag, found, meant));
        }),
      ),
    manifest: (repository, digest, pushed) =>
      locks.exclusive(`${repository}@${digest}`, () =>
        read(`${repository}@${digest}`, async () => {
          const found = await begun().facts.manifest(repository, digest, pushed);
          for (const file of files)
            apply(file, ({ writer }) => writer.setManifest(repository, digest, found));
        }),
      ),
    async blob(digest) {
      const again = new Map<string, { repository: RepoName; digest: Digest }>();
      await locks.exclusive(digest, () =>
        read(digest, async () => {
          const size = await begun().facts.blob(digest);
          for (const file of files) {
            apply(file, ({ writer }) => {
              for (const key of writer.setBlob(digest, size)) {
                const repository = parseRepoName(key.repository);
                if (repository === undefined) continue;
                again.set(`${repository}@${key.digest}`, { repository, digest: key.digest as Digest });
              }
            });
          }
        }),
      );
      for (const key of again.values()) await refresh.manifest(key.repository, key.digest);
    },
  };

  async function manifestChanged(
    repository: RepoName,
    digest: Digest,
    pushed?: StoredManifest,
  ): Promise<void> {
    await refresh.blob(digest);
    await refresh.manifest(repository, digest, pushed);
    const children = ask(({ keys }) => keys.childrenOf(repository, digest)) ?? [];
    for (const child of children) {
      if (live?.keys.hasManifest(repository, child) === false)
        await refresh.manifest(repository, child as Digest);
    }
  }

  // --- reading everything ---

  async function catchUp(file: IndexFile): Promise<void> {
    const { signal } = closing;
    while (!isSamePosition(file.writer.position(), journal.end)) {
      const until = journal.end;
      for await (const recorded of journal.read({ after: file.writer.position(), until })) {
        signal.throwIfAborted();
        const last = recorded.at(-1);
        if (last !== undefined) file.writer.addRecorded(recorded, last.position);
      }
      // Past lines at the end that could not be read.
      file.writer.addRecorded([], until);
    }
    file.follows = true;
    commitSoon();
  }

  async function walk(file: IndexFile, { signal, onProgress }: RebuildOptions) {
    const { store, facts } = begun();
    const stop = signal === undefined ? closing.signal : AbortSignal.any([signal, closing.signal]);
    return await sweep({ store, driver, facts, keys: file.keys, refresh, signal: stop, onProgress });
  }

  function rebuild(how: RebuildOptions = {}): Promise<AdminResults['index.rebuild']> {
    rebuilding ??= build(how).finally(() => {
      rebuilding = undefined;
    });
    return rebuilding;
  }

  async function build(how: RebuildOptions): Promise<AdminResults['index.rebuild']> {
    const fresh = createIndexFile(path === ':memory:' ? path : `${path}.new`, now);
    files.add(fresh);
    live ??= fresh;
    filling = fresh;
    const unreadBefore = unread;
    try {
      await catchUp(fresh);
      const done = await walk(fresh, how);
      await completeIndexFile(fresh);
      swapIn(fresh);
      isLevel = unread === unreadBefore;
      log.info('indexBuilt', 'the index was built from the disk', { file: path, ...done });
      onReady?.();
      return done;
    } catch (cause) {
      const wasGivenUp = !files.delete(fresh);
      dropIndexFile(fresh);
      if (live === fresh) live = undefined;
      removeIndexFile(fresh.path);
      throw wasGivenUp
        ? new AppError('UNAVAILABLE', { message: 'The index could not be written.', cause })
        : cause;
    }
  }

  /** Within one turn of the event loop, so that no change comes between. */
  function swapIn(fresh: IndexFile): void {
    const old = live ?? fresh;
    files.delete(old);
    files.delete(fresh);
    live = undefined;
    filling = undefined;
    live = replaceIndexFile(old, fresh, path, now);
    files.add(live);
  }

  async function begin(): Promise<void> {
    if (live === undefined) {
      await tryRebuild();
      return;
    }
    const file = live;
    try {
      await catchUp(file);
      await walk(file, {});
      isLevel = unread === 0;
      onReady?.();
    } catch (error) {
      // Given up, or replaced by a rebuild: the rest is read there.
      if (!files.has(file)) return;
      if (isSqlite(error)) giveUp(file, error);
      else report(error);
    }
  }

  async function tryRebuild(): Promise<void> {
    await rebuild().then(ignore, report);
  }

  function report(error: unknown): void {
    if (closing.signal.aborted) return;
    log.error('indexUnread', 'the disk could not be read into the index', {
      file: path,
      error: error instanceof Error ? error.message : String(error),
      hint: 'check the disk; it is tried again',
    });
  }

  async function tick(): Promise<void> {
    await flush();
    if (live === undefined && reading !== undefined) await tryRebuild();
  }

  function pulled(pull: Pull): void {
    pulls.add(pull);
    if (isWatched?.() !== true || closing.signal.aborted) return;
    soon ??= setTimeout(() => inBackground(flush()), watchedFlushMs).unref();
  }

  async function flush(): Promise<void> {
    clearTimeout(soon);
    soon = undefined;
    if (live === undefined) return;
    const entries = ask(({ keys }) => pulls.take(keys)) ?? [];
    const results = await Promise.allSettled(entries.map((entry) => journal.append(entry)));
    const failed = entries.filter((_, at) => results[at]?.status === 'rejected');
    const counted = entries.filter((_, at) => results[at]?.status === 'fulfilled');
    if (counted.length > 0) onPullsCounted?.([...new Set(counted.map(({ repository }) => repository))]);
    if (failed.length === 0) return;
    pulls.giveBack(failed);
    log.error('pullsUnwritten', 'the counts of pulls could not be written to the journal', {
      count: failed.length,
    });
  }

  // --- answers ---

  function ask<T>(question: (file: IndexFile) => T): T | undefined {
    const file = live;
    if (file === undefined) return undefined;
    try {
      return question(file);
    } catch (error) {
      if (!isSqlite(error)) throw error;
      giveUp(file, error);
      return undefined;
    }
  }

  function ifLevel<T>(question: (queries: IndexQueries) => T): T | undefined {
    return isLevel ? ask(({ queries }) => question(queries)) : undefined;
  }

  function answer<T>(question: (queries: IndexQueries & TidyQueries) => T): T {
    const found = ask(({ queries, writer }) => {
      writer.rollDays();
      commitSoon();
      return { value: question(queries) };
    });
    if (found !== undefined) return found.value;
    throw new AppError('UNAVAILABLE', {
      message: 'The index is being built anew.',
      hint: 'Try again in a minute; the log says how far it is.',
    });
  }

  async function freed(...args: Parameters<TidyQueries['freed']>): Promise<Freed> {
    const file = live;
    try {
      return await answer((queries) => queries.freed(...args));
    } catch (cause) {
      if (file === live || isAppError(cause)) throw cause;
      // Its file was replaced between two steps.
      throw new AppError('UNAVAILABLE', { message: 'The index was built anew meanwhile.', cause });
    }
  }

  async function close(): Promise<void> {
    clearInterval(timer);
    closing.abort();
    while (background.size > 0) await Promise.all(background);
    await rebuilding?.then(ignore, ignore);
    await flush();
    following[Symbol.dispose]();
    commit();
    for (const file of files) dropIndexFile(file);
    files.clear();
    live = undefined;
  }

  return {
    get isPartial() {
      return live === undefined || live === filling;
    },
    get state() {
      return live === undefined || rebuilding !== undefined ? 'building' : 'ready';
    },
    repositories: (query) => answer((queries) => queries.repositories(query)),
    repository: (name) => answer((queries) => queries.repository(name)),
    tags: (query) => answer((queries) => queries.tags(query)),
    recentTags: (query) => answer((queries) => queries.recentTags(query)),
    manifests: (query) => answer((queries) => queries.manifests(query)),
    manifest: (query) => answer((queries) => queries.manifest(query)),
    builds: (query) => answer((queries) => queries.builds(query)),
    history: (query) => answer((queries) => queries.history(query)),
    referrers: (query) => answer((queries) => queries.referrers(query)),
    sharing: (blobs, but) => answer((queries) => queries.sharing(blobs, but)),
    usage: () => answer((queries) => queries.usage()),
    repositoryNames: (...range) => ifLevel((queries) => queries.repositoryNames(...range)),
    tagNames: (...range) => ifLevel((queries) => queries.tagNames(...range)),
    tagTimes: (...range) => ifLevel((queries) => queries.tagTimes(...range)),
    holdsManifest: (repository) => ifLevel((queries) => queries.holdsManifest(repository)),
    referrerDescriptors: (...range) => ifLevel((queries) => queries.referrerDescriptors(...range)),
    tagRecords: (query) => answer((queries) => queries.tagRecords(query)),
    tagRecord: (repository, tag) => answer((queries) => queries.tagRecord(repository, tag)),
    tagsOfDigest: (query) => answer((queries) => queries.tagsOfDigest(query)),
    indexesOf: (query) => answer((queries) => queries.indexesOf(query)),
    taggedRepositories: (after) => answer((queries) => queries.taggedRepositories(after)),
    freed,
    freedWithRepository: (repository) => answer((queries) => queries.freedWithRepository(repository)),
    room: (scope) => answer((queries) => queries.room(scope)),
    totals: () => answer((queries) => queries.totals()),
    brokenBy: (digest, repositories) => answer((queries) => queries.brokenBy(digest, repositories)),
    start(store) {
      reading = { store, facts: createDiskFacts(driver, store, now) };
      inBackground(begin());
    },
    tagChanged: (repository, tag) => refresh.tag(repository, tag, { past: false }),
    manifestChanged,
    blobChanged: (digest) => inBackground(refresh.blob(digest)),
    pulled,
    flushPulls: flush,
    rebuild,
    async settled() {
      while (background.size > 0) await Promise.all(background);
      commit();
    },
    [Symbol.asyncDispose]: close,
  };
}

function ignore(): void {}

function isSqlite(error: unknown): error is Error {
  return error instanceof Error && 'code' in error && error.code === 'ERR_SQLITE_ERROR';
}
