import { type Algorithm, type Digest, parseAlgorithm } from '../spec/digest.ts';
import { AppError, isAppError } from '../spec/errors.ts';
import { parseRepoName, parseUploadId, type RepoName } from '../spec/names.ts';
import { parseContentRange } from '../spec/ranges.ts';
import { type Blob, isEmptyDigest } from '../store/blobs.ts';
import type { Store } from '../store/store.ts';
import type { Chunk, UploadKey } from '../store/uploads.ts';
import { requireDigest } from './blobs.ts';
import { actorOf, awaitsContinue, type Exchange, hasBody, requestBody, sendEmpty } from './exchange.ts';
import { openUploadState, sealUploadState, type UploadState } from './upload-state.ts';

export interface UploadContext {
  readonly store: Store;
  /** Signs the state in Location. */
  readonly secret: Uint8Array;
  /** Turns a path into what Location says: relative, or absolute with scheme and host. */
  readonly location: (exchange: Exchange, path: string) => string;
  /** @throws AppError STORAGE_FULL when free space is below the reserve */
  readonly checkReserve: () => Promise<void>;
  /** @throws AppError QUOTA_EXCEEDED when the repository has no room left */
  readonly checkQuota: (repository: RepoName) => void;
}

/** POST: mount, or store the body at once, or open a session; the first that fits. */
export async function postUpload(
  exchange: Exchange,
  context: UploadContext,
  repository: RepoName,
): Promise<void> {
  const { query, caller } = exchange;
  const { store } = context;
  const actor = actorOf(exchange);
  const mount = query.get('mount');
  if (mount !== null) {
    const blob = await store.blobs.mount(repository, requireDigest(mount), {
      from: parseRepoName(query.get('from') ?? ''),
      mayPull: (other) => caller.can('pull', other),
      mayPullAll: caller.isAdmin && caller.limitedBy === undefined,
      actor,
    });
    if (blob !== undefined) {
      sendCreated(exchange, context, repository, blob);
      return;
    }
  }
  const asked = query.get('digest');
  const digest = asked === null || mount !== null ? undefined : requireDigest(asked);
  const algorithm = readAlgorithm(query.get('digest-algorithm'), digest);
  await context.checkReserve();
  context.checkQuota(repository);
  const upload = await store.uploads.start(repository, { algorithm, actor });
  if (digest !== undefined && (hasBody(exchange.req) || isEmptyDigest(digest))) {
    try {
      const chunk = chunkOf(exchange, undefined);
      sendCreated(
        exchange,
        context,
        repository,
        await store.uploads.commit(upload, { digest, chunk, actor }),
      );
    } catch (error) {
      // Nobody knows the id of this session, so nobody could go on with it.
      await store.uploads.cancel(upload, actor).catch((failure: unknown) => {
        const reason = failure instanceof Error ? failure.message : String(failure);
        exchange.log().warn('uploadLeft', 'an upload could not be removed; it expires', {
          reason,
          'vars.uuid': upload.id,
        });
      });
      throw error;
    }
    return;
  }
  const state = { ...upload, user: caller.name, algorithm, startedAt: Date.now() };
  sendProgress(exchange, context, { status: 202, state, offset: 0 });
}

function readAlgorithm(text: string | null, digest: Digest | undefined): Algorithm {
  if (text === null) return digest?.startsWith('sha512:') === true ? 'sha512' : 'sha256';
  const algorithm = parseAlgorithm(text);
  if (algorithm === undefined) {
    throw new AppError('DIGEST_INVALID', { message: 'digest-algorithm must be sha256 or sha512.' });
  }
  return algorithm;
}

/** GET and HEAD: where the upload stands. */
export async function sendUpload(
  exchange: Exchange,
  context: UploadContext,
  repository: RepoName,
  id: string,
): Promise<void> {
  const state = readState(exchange, context, repository, id);
  const offset = await context.store.uploads.offset(keyOf(state));
  if (offset === undefined) throw new AppError('UPLOAD_UNKNOWN');
  sendProgress(exchange, context, { status: 204, state, offset });
}

/** PATCH: a chunk, with or without Content-Range. docker sends one without a length. */
export async function patchUpload(
  exchange: Exchange,
  context: UploadContext,
  repository: RepoName,
  id: string,
): Promise<void> {
  const state = readState(exchange, context, repository, id);
  const key = keyOf(state);
  const chunk = await readChunk(exchange, context, state);
  const offset = await context.store.uploads.append(key, chunk).catch(withOffset(exchange, context, state));
  sendProgress(exchange, context, { status: 202, state, offset });
}

/** PUT: the last chunk or nothing, then the digest that all of it must have. */
export async function putUpload(
  exchange: Exchange,
  context: UploadContext,
  repository: RepoName,
  id: string,
): Promise<void> {
  const state = readState(exchange, context, repository, id);
  const digest = requireDigest(exchange.query.get('digest'));
  const { req } = exchange;
  const hasChunk = hasBody(req) || req.headers['content-range'] !== undefined;
  const chunk = hasChunk ? await readChunk(exchange, context, state) : undefined;
  const blob = await context.store.uploads
    .commit(keyOf(state), { digest, chunk, actor: actorOf(exchange) })
    .catch(withOffset(exchange, context, state));
  sendCreated(exchange, context, repository, blob);
}

/** DELETE: the session and its bytes go. */
export async function deleteUpload(
  exchange: Exchange,
  context: UploadContext,
  repository: RepoName,
  id: string,
): Promise<void> {
  const state = readState(exchange, context, repository, id);
  if (!(await context.store.uploads.cancel(keyOf(state), actorOf(exchange))))
    throw new AppError('UPLOAD_UNKNOWN');
  sendEmpty(exchange, 204, {});
}

/** One answer for every session that is not the caller's to continue. */
function readState(
  { query, caller }: Exchange,
  { secret }: UploadContext,
  repository: RepoName,
  id: string,
): UploadState {
  const state = openUploadState(secret, query.get('_state') ?? '');
  if (
    state === undefined ||
    state.repository !== repository ||
    state.id !== id ||
    state.user !== caller.name
  ) {
    throw new AppError('UPLOAD_UNKNOWN');
  }
  return state;
}

function keyOf({ repository, id }: UploadState): UploadKey {
  const [name, uploadId] = [parseRepoName(repository), parseUploadId(id)];
  if (name === undefined || uploadId === undefined) throw new AppError('UPLOAD_UNKNOWN');
  return { repository: name, id: uploadId };
}

async function readChunk(exchange: Exchange, context: UploadContext, state: UploadState): Promise<Chunk> {
  const header = exchange.req.headers['content-range'];
  const range = header === undefined ? undefined : parseContentRange(header);
  if (header !== undefined && range === undefined) throw new AppError('UPLOAD_INVALID');
  // Judged before 100 Continue, so that a client that waits for it sends nothing in vain.
  const offset = await context.store.uploads.offset(keyOf(state));
  if (offset === undefined) throw new AppError('UPLOAD_UNKNOWN');
  const length = exchange.req.headers['content-length'];
  if (range !== undefined && length !== undefined && Number(length) !== range.last - range.first + 1) {
    throw new AppError('SIZE_INVALID', {
      message: `Content-Range announces ${range.last - range.first + 1} bytes, Content-Length ${length}.`,
    });
  }
  // Other clients are judged by the store, after an older writer of the session has let go.
  if (range !== undefined && range.first !== offset && awaitsContinue(exchange.req)) {
    progressHeaders(exchange, context, { state, offset });
    throw new AppError('UPLOAD_OFFSET', {
      message: `The chunk starts at ${range.first}, the upload stands at ${offset}.`,
      detail: offset,
    });
  }
  return chunkOf(exchange, range);
}

function chunkOf(exchange: Exchange, range: Chunk['range']): Chunk {
  const { signal, transfer } = exchange;
  return {
    source: requestBody(exchange),
    isOwned: true,
    range,
    signal: signal(),
    ...(transfer === undefined ? {} : { meter: transfer.meter }),
  };
}

/** A chunk at the wrong place is told the right one. */
function withOffset(exchange: Exchange, context: UploadContext, state: UploadState) {
  return (error: unknown): never => {
    if (isAppError(error, 'UPLOAD_OFFSET')) {
      progressHeaders(exchange, context, { state, offset: Number(error.detail) });
    }
    throw error;
  };
}

function progressHeaders(
  exchange: Exchange,
  { secret, location }: UploadContext,
  { state, offset }: { readonly state: UploadState; readonly offset: number },
): void {
  const path = `/v2/${state.repository}/blobs/uploads/${state.id}?_state=${sealUploadState(secret, state)}`;
  exchange.res.setHeader('Location', location(exchange, path));
  exchange.res.setHeader('Range', `0-${Math.max(0, offset - 1)}`);
  exchange.res.setHeader('Docker-Upload-UUID', state.id);
}

function sendProgress(
  exchange: Exchange,
  context: UploadContext,
  { status, ...progress }: { readonly status: number; readonly state: UploadState; readonly offset: number },
): void {
  progressHeaders(exchange, context, progress);
  sendEmpty(exchange, status, {});
}

function sendCreated(
  exchange: Exchange,
  { location }: UploadContext,
  repository: RepoName,
  { digest }: Blob,
): void {
  sendEmpty(exchange, 201, {
    Location: location(exchange, `/v2/${repository}/blobs/${digest}`),
    'Docker-Content-Digest': digest,
  });
}
