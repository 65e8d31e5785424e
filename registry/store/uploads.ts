/**
 * Upload sessions. A session is a directory with `data` and `startedat`; the size of `data` is the truth about its
 * offset, so a session survives a restart. What is kept in memory only makes it faster: the running hash.
 *
 *   start -> append* -> commit    verify, fsync, rename into blobs/, fsync directories, link, then answer
 *                    \> cancel    the directory goes
 *                    \> purge     the same, `age` after the last byte
 *
 * The time of a last byte is that of a clock that people set. So it ends no session that this process saw used within
 * the age, and none of a former process before its client had time to come back.
 */
import { randomUUID } from 'node:crypto';
import type { Readable } from 'node:stream';
import { lengthOf } from '../driver/chunks.ts';
import type { Driver, Part } from '../driver/driver.ts';
import { createRunningHash, type RunningHash } from '../driver/running-hash.ts';
import type { Page } from '../spec/admin/arguments.ts';
import type { UploadRow } from '../spec/admin/upkeep.ts';
import { type Algorithm, type Digest, digestParts } from '../spec/digest.ts';
import { AppError } from '../spec/errors.ts';
import type { Actor, StoreEvents } from '../spec/events.ts';
import { parseUploadId, type RepoName, type UploadId } from '../spec/names.ts';
import { arrivals } from './arrivals.ts';
import type { Blob, Blobs } from './blobs.ts';
import { digestOfStream } from './content.ts';
import type { Leases } from './leases.ts';
import type { Locks } from './locks.ts';
import { uploadData, uploadStartedAt, uploadTree, uploadsTree } from './paths.ts';
import { growing } from './growing.ts';
import type { Repositories } from './repositories.ts';
import type { Verified } from './verified.ts';

const utf8 = new TextEncoder();

/** Where a session lives. */
export interface UploadKey {
  readonly repository: RepoName;
  readonly id: UploadId;
}

/** A piece of an upload. With `range` its place and length are checked (Content-Range). */
export interface Chunk {
  /** Destroyed on abort; left open on any other error, so that an answer can still be sent. */
  readonly source: Readable;
  /** Nobody else looks at the bytes that the source gives: their memory may be given back. Default false. */
  readonly isOwned?: boolean;
  readonly range: { readonly first: number; readonly last: number } | undefined;
  readonly signal: AbortSignal;
  /** Counts up with the bytes that arrive, for who looks on. */
  readonly meter?: { bytes: number };
}

export interface Uploads {
  /**
   * Opens a session whose running hash is `algorithm`.
   * @throws AppError TOO_MANY_UPLOADS when the user has too many open ones
   */
  start(repository: RepoName, options: { algorithm: Algorithm; actor: Actor }): Promise<UploadKey>;
  /** Bytes kept so far, or `undefined` when there is no such session. */
  offset(upload: UploadKey): Promise<number | undefined>;
  /**
   * Appends a chunk and answers the new offset. A chunk of the wrong length is rolled back; on abort the bytes that
   * were flushed stay. A newer append of the same session cuts an older one.
   * @throws AppError UPLOAD_UNKNOWN, UPLOAD_OFFSET (detail: the offset), SIZE_INVALID, CANCELLED
   */
  append(upload: UploadKey, chunk: Chunk): Promise<number>;
  /**
   * Appends what is left, verifies the digest, stores and links the blob. Durable when it resolves.
   * @throws AppError as `append`, and DIGEST_INVALID, after which the session is gone
   */
  commit(
    upload: UploadKey,
    options: { digest: Digest; chunk: Chunk | undefined; actor: Actor },
  ): Promise<Blob>;
  /** Drops a session and its bytes. Answers false when there was none. */
  cancel(upload: UploadKey, actor: Actor): Promise<boolean>;
  /** Drops the sessions of a repository. */
  cancelAll(repository: RepoName, actor: Actor): Promise<void>;
  /** Drops the sessions whose last byte is older than `ageMs`; with `dryRun` only reports them. */
  purge(options: PurgeOptions): Promise<number>;
  /** The sessions by repository and id, those after `after` only. */
  list(options: { readonly after?: string | undefined; readonly limit: number }): Promise<Page<UploadRow>>;
  /** Sessions opened by this process and not yet ended. */
  readonly open: number;
}

export interface PurgeOptions {
  readonly ageMs: number;
  /** Sessions of a former process are left alone for so long after the start; nothing when absent, and `ageMs` at most. */
  readonly returnMs?: number;
  readonly dryRun: boolean;
  readonly signal: AbortSignal;
}

interface Session {
  /** Who opened it, as far as this process knows. */
  readonly user: string | undefined;
  hash: RunningHash | undefined;
  /** Cuts the request that is writing. */
  cut: AbortController | undefined;
  /** Resolves when the writing request has let go. */
  idle: Promise<void>;
  /** When it was last used, by a clock that nobody sets; `undefined` until a session of a former process is. */
  usedAt: number | undefined;
}

export function createUploads({
  driver,
  events,
  locks,
  leases,
  blobs,
  verified,
  repositories,
  perUser,
  now,
  monotonic,
}: {
  readonly driver: Driver;
  readonly events: StoreEvents;
  readonly locks: Locks;
  readonly leases: Leases;
  readonly blobs: Blobs;
  readonly verified: Verified;
  readonly repositories: Repositories;
  /** Sessions that one user may have open. */
  readonly perUser: () => number;
  readonly now: () => number;
  readonly monotonic: () => number;
}): Uploads {
  const openedAt = monotonic();
  const sessions = new Map<UploadId, Session>();
  const openByUser = new Map<string, number>();

  async function start(
    repository: RepoName,
    { algorithm, actor }: { algorithm: Algorithm; actor: Actor },
  ): Promise<UploadKey> {
    const count = openByUser.get(actor.user) ?? 0;
    if (count >= perUser()) {
      throw new AppError('TOO_MANY_UPLOADS', {
        message: `You have ${count} open uploads. Finish or cancel some before starting another.`,
        retryAfterSeconds: 30,
      });
    }
    const id = randomUUID() as string as UploadId;
    const hash = createRunningHash({ algorithm, macKey: verified.macKey });
    sessions.set(id, { ...newSession(), user: actor.user, hash, usedAt: monotonic() });
    openByUser.set(actor.user, count + 1);
    try {
      await growing(locks, repository, () => makeFiles({ repository, id }));
    } catch (error) {
      await drop({ repository, id }, undefined).catch(() => undefined);
      throw error;
    }
    events.uploadStarted({ repository, id, actor });
    return { repository, id };
  }

  /** The data stays open for the first chunk. */
  async function makeFiles({ repository, id }: UploadKey): Promise<void> {
    const beside = {
      key: uploadStartedAt(repository, id),
      bytes: utf8.encode(new Date(now()).toISOString()),
    };
    await using _ = await driver.openPart(uploadData(repository, id), { create: true, beside });
  }

  function forget(id: UploadId): void {
    const session = sessions.get(id);
    if (session?.user !== undefined) {
      const left = (openByUser.get(session.user) ?? 1) - 1;
      if (left > 0) openByUser.set(session.user, left);
      else openByUser.delete(session.user);
    }
    sessions.delete(id);
  }

  /** Gives the newest request the session alone: the one before is cut, its flushed bytes count. */
  async function alone<T>(
    upload: UploadKey,
    signal: AbortSignal | undefined,
    act: (session: Session, signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const { id } = upload;
    const session = sessions.get(id) ?? newSession();
    sessions.set(id, session);
    session.cut?.abort(new AppError('CANCELLED', { message: 'A newer request continues this upload.' }));
    const cut = new AbortController();
    session.cut = cut;
    const running = session.idle.then(() =>
      act(session, signal === undefined ? cut.signal : AbortSignal.any([signal, cut.signal])),
    );
    const idle = running.then(
      () => undefined,
      () => endIfGone(upload),
    );
    session.idle = idle;
    try {
      return await running;
    } finally {
      await idle;
      if (session.cut === cut) {
        session.cut = undefined;
        if (session.usedAt === undefined) sessions.delete(id);
      }
    }
  }

  /** A failed request may have lost the bytes with a failed fsync, or stored them and not linked them. */
  async function endIfGone(upload: UploadKey): Promise<void> {
    const left = await offset(upload).catch(() => 0);
    if (left === undefined) await drop(upload, undefined).catch(() => undefined);
  }

  async function openPart({ repository, id }: UploadKey): Promise<Part> {
    const part = await driver.openPart(uploadData(repository, id), { create: false });
    if (part === undefined) throw new AppError('UPLOAD_UNKNOWN');
    return part;
  }

  async function offset({ repository, id }: UploadKey): Promise<number | undefined> {
    return (await driver.stat(uploadData(repository, id)))?.size;
  }

  async function append(upload: UploadKey, chunk: Chunk): Promise<number> {
    return await alone(upload, chunk.signal, async (session, signal) => {
      await using part = await openPart(upload);
      await take(session, part, { ...chunk, signal });
      return part.size;
    });
  }

  async function take(session: Session, part: Part, chunk: Chunk): Promise<void> {
    const { source, isOwned = false, range, signal, meter } = chunk;
    const before = part.size;
    if (range !== undefined && range.first !== before) {
      throw new AppError('UPLOAD_OFFSET', {
        message: `The chunk starts at ${range.first}, the upload stands at ${before}.`,
        detail: before,
      });
    }
    const hash = session.hash?.bytes === before ? session.hash : undefined;
    const announced = range === undefined ? undefined : range.last - range.first + 1;
    const cutSource = (): void => void source.destroy(signal.reason as Error);
    signal.addEventListener('abort', cutSource, { once: true });
    try {
      signal.throwIfAborted();
      await part.append(counted(source, announced, meter), { signal, isOwned, hash });
      if (announced !== undefined && part.size - before !== announced) throw wrongLength(announced);
    } catch (error) {
      // What lies in the file after a cut need not be what was hashed.
      if (hash !== undefined && hash.bytes !== part.size) session.hash = undefined;
      if (error instanceof AppError && error.code === 'SIZE_INVALID') {
        await part.truncate(before);
        session.hash = undefined;
      }
      throw error;
    } finally {
      session.usedAt = monotonic();
      signal.removeEventListener('abort', cutSource);
    }
  }

  async function commit(
    upload: UploadKey,
    { digest, chunk, actor }: { digest: Digest; chunk: Chunk | undefined; actor: Actor },
  ): Promise<Blob> {
    return await alone(upload, chunk?.signal, async (session, signal) => {
      await using part = await openPart(upload);
      if (chunk !== undefined) await take(session, part, { ...chunk, signal });
      const size = part.size;
      const { found, mac } = await hashOf(session, part, digest, signal);
      if (found !== digest) {
        await drop(upload, part);
        throw new AppError('DIGEST_INVALID', {
          message: `The bytes received have the digest ${found}, not ${digest}.`,
          detail: digest,
        });
      }
      // From before it is looked for: bytes that are found must not be collected before they are linked.
      using _ = await leases.hold([digest]);
      const clear = uploadTree(upload.repository, upload.id);
      const isNew = await blobs.store(upload.repository, digest, { part, clear });
      leases.renew(digest);
      if (mac !== undefined) verified.keep(digest, mac);
      if (isNew) forget(upload.id);
      else await drop(upload, part);
      await events.blobStored({ repository: upload.repository, digest, size, isNew, actor });
      return { digest, size };
    });
  }

  async function hashOf(
    { hash }: Session,
    part: Part,
    digest: Digest,
    signal: AbortSignal,
  ): Promise<{ readonly found: Digest; readonly mac?: string | undefined }> {
    const { algorithm } = digestParts(digest);
    if (hash?.kind.algorithm === algorithm && hash.bytes === part.size) {
      const { digest: hex, mac } = (await hash.take()) ?? {};
      if (hex !== undefined) return { found: `${algorithm}:${hex}` as Digest, mac };
    }
    // A session of a former process, a cut request, a second commit or another algorithm: the file is read again.
    return { found: await digestOfStream(part.read({ signal }), algorithm) };
  }

  async function drop(upload: UploadKey, part: Part | undefined): Promise<void> {
    try {
      await part?.discard();
      await driver.removeTree(uploadTree(upload.repository, upload.id), { durable: false });
    } finally {
      forget(upload.id);
    }
  }

  async function cancel(upload: UploadKey, actor: Actor): Promise<boolean> {
    return await alone(upload, undefined, async () => {
      await using part = await driver.openPart(uploadData(upload.repository, upload.id), { create: false });
      if (part === undefined) return false;
      await drop(upload, part);
      events.uploadCancelled({ ...upload, actor });
      return true;
    });
  }

  async function cancelAll(repository: RepoName, actor: Actor): Promise<void> {
    for await (const { name } of driver.list(uploadsTree(repository))) {
      const id = parseUploadId(name);
      if (id !== undefined) await cancel({ repository, id }, actor);
    }
  }

  async function list({ after = '', limit }: Parameters<Uploads['list']>[0]): Promise<Page<UploadRow>> {
    const rows: UploadRow[] = [];
    let total = 0;
    for await (const repository of repositories.walk()) {
      for await (const { name } of driver.list(uploadsTree(repository))) {
        const id = parseUploadId(name);
        if (id === undefined) continue;
        total++;
        if (rows.length > limit || `${repository}/${id}` <= after) continue;
        const row = await describe({ repository, id });
        if (row !== undefined) rows.push(row);
      }
    }
    const shown = rows.slice(0, limit);
    const last = rows.length > limit ? shown.at(-1) : undefined;
    return { rows: shown, total, ...(last && { next: `${last.repository}/${last.id}` }) };
  }

  async function describe({ repository, id }: UploadKey): Promise<UploadRow | undefined> {
    const info = await driver.stat(uploadData(repository, id));
    if (info === undefined) return undefined;
    const user = sessions.get(id)?.user;
    const at = new Date(info.modifiedAt).toISOString();
    return { repository, id, bytes: info.size, at, ...(user ? { user } : {}) };
  }

  async function purge({ signal, ...options }: PurgeOptions): Promise<number> {
    let purged = 0;
    for await (const repository of repositories.walk()) {
      for await (const { name } of driver.list(uploadsTree(repository))) {
        signal.throwIfAborted();
        if (await purgeOne(repository, name, options)) purged++;
      }
    }
    return purged;
  }

  async function purgeOne(
    repository: RepoName,
    name: string,
    { ageMs, returnMs = 0, dryRun }: Omit<PurgeOptions, 'signal'>,
  ): Promise<boolean> {
    const tree = `${uploadsTree(repository)}/${name}`;
    const id = parseUploadId(name);

    async function removeOld(): Promise<boolean> {
      const info = (await driver.stat(`${tree}/data`)) ?? (await driver.stat(`${tree}/startedat`));
      if (info === undefined) {
        // What a stop has left of one that was being made or removed.
        if (id !== undefined && sessions.get(id)?.usedAt === undefined && !dryRun)
          await driver.removeTree(tree, { durable: false });
        return false;
      }
      const age = now() - info.modifiedAt;
      if (age < ageMs) return false;
      if (!dryRun) await driver.removeTree(tree);
      if (!dryRun && id !== undefined) forget(id);
      events.uploadPurged({ repository, id: name, bytes: info.size, ageMs: age, isDryRun: dryRun });
      return true;
    }

    if (id === undefined) return await removeOld();
    const session = sessions.get(id);
    const keepUntil =
      session?.usedAt === undefined ? openedAt + Math.min(ageMs, returnMs) : session.usedAt + ageMs;
    if (session?.cut !== undefined || monotonic() < keepUntil) return false;
    return await alone({ repository, id }, undefined, removeOld);
  }

  return {
    start,
    offset,
    append,
    commit,
    cancel,
    cancelAll,
    purge,
    list,
    get open() {
      return [...openByUser.values()].reduce((sum, count) => sum + count, 0);
    },
  };
}

/** What a source brings, counted on its way, and no more than was announced. */
async function* counted(
  source: Readable,
  announced: number | undefined,
  meter: Chunk['meter'],
): AsyncGenerator<readonly Uint8Array[]> {
  let received = 0;
  for await (const chunks of arrivals(source)) {
    const bytes = lengthOf(chunks);
    received += bytes;
    if (meter !== undefined) meter.bytes += bytes;
    if (announced !== undefined && received > announced) throw wrongLength(announced);
    yield chunks;
  }
}

function newSession(): Session {
  return {
    user: undefined,
    hash: undefined,
    cut: undefined,
    idle: Promise.resolve(),
    usedAt: undefined,
  };
}

function wrongLength(announced: number): AppError {
  return new AppError('SIZE_INVALID', {
    message: `Content-Range announces ${announced} bytes, the body has another length.`,
  });
}
