import { parseDigest } from '../spec/digest.ts';
import { AppError } from '../spec/errors.ts';
import type { PullEvents } from '../spec/events.ts';
import { isOciType } from '../spec/media-types.ts';
import { parseTag, type RepoName, type Tag } from '../spec/names.ts';
import type { Reference } from '../store/manifests.ts';
import type { Store } from '../store/store.ts';
import { isUnchanged } from './blobs.ts';
import { actorOf, addWarning, endWith, type Exchange, requestBody, sendEmpty } from './exchange.ts';
import { createTurns, type Turn } from './turns.ts';

export interface ManifestContext {
  readonly store: Store;
  readonly location: (exchange: Exchange, path: string) => string;
  /** The largest manifest, in bytes. */
  readonly maxBytes: () => number;
  /** Takes note of a manifest that a client has read. */
  readonly pulled: PullEvents['manifestPulled'];
  /** When a tag expires, for who has just pushed it, and for who reads it shortly before. */
  readonly expiryWarning: (repository: RepoName, tag: Tag, on: 'push' | 'read') => string | undefined;
}

const maxTags = 50;

/** Above this a manifest waits for its turn: what is made of 4 MiB takes ten times of that until it is stored or refused. */
const largeBytes = 64 * 1024;
const turns = createTurns({ atOnce: 2, mostWaiting: 64, fairMs: 10_000 });

/** @throws AppError DIGEST_INVALID for text with a colon, TAG_INVALID for other text */
function readReference(text: string): Reference {
  if (text.includes(':')) {
    const digest = parseDigest(text);
    if (digest === undefined) throw new AppError('DIGEST_INVALID');
    return { kind: 'digest', digest };
  }
  return { kind: 'tag', tag: requireTag(text) };
}

function requireTag(text: string): Tag {
  const tag = parseTag(text);
  if (tag === undefined) throw new AppError('TAG_INVALID');
  return tag;
}

/** GET and HEAD: the stored bytes and type, whatever Accept says. */
export async function sendManifest(
  exchange: Exchange,
  { store, pulled, expiryWarning }: ManifestContext,
  repository: RepoName,
  text: string,
): Promise<void> {
  const { req, res } = exchange;
  const reference = readReference(text);
  const found = await store.manifests.find(repository, reference);
  if (found === undefined)
    throw new AppError('MANIFEST_UNKNOWN', { detail: { name: repository, reference: text } });
  if (reference.kind === 'tag') warn(exchange, expiryWarning(repository, reference.tag, 'read'));
  res.setHeader('Docker-Content-Digest', found.digest);
  res.setHeader('ETag', `"${found.digest}"`);
  res.setHeader(
    'Cache-Control',
    reference.kind === 'tag' ? 'no-cache' : 'private, max-age=31536000, immutable',
  );
  if (isUnchanged(req.headers['if-none-match'], found.digest)) {
    sendEmpty(exchange, 304, {});
    return;
  }
  res.setHeader('Content-Type', found.mediaType);
  res.setHeader('Content-Length', found.bytes.length);
  if (req.method === 'HEAD') return void res.end();
  exchange.manifest = found.manifest;
  pulled({
    repository,
    tag: reference.kind === 'tag' ? reference.tag : undefined,
    digest: found.digest,
    manifest: found,
    actor: actorOf(exchange),
  });
  endWith(res, found.bytes);
}

/** PUT: a manifest under a tag, or under its digest with any number of `tag` parameters. */
export async function putManifest(
  exchange: Exchange,
  { store, location, maxBytes, expiryWarning }: ManifestContext,
  repository: RepoName,
  text: string,
): Promise<void> {
  const { req, res, query } = exchange;
  const reference = readReference(text);
  const asked = reference.kind === 'digest' ? query.getAll('tag') : [];
  if (asked.length > maxTags) {
    throw new AppError('TOO_MANY_TAGS', { message: `At most ${maxTags} tags may be given in one request.` });
  }
  const tags = reference.kind === 'tag' ? [reference.tag] : asked.map(requireTag);
  const limit = maxBytes();
  using turn = await turnFor(exchange, limit);
  const bytes = await readLimited(exchange, limit, turn);
  const { digest, manifest, warnings } = await store.manifests.put({
    repository,
    bytes,
    contentType: req.headers['content-type'],
    digest: reference.kind === 'digest' ? reference.digest : undefined,
    tags,
    actor: actorOf(exchange),
  });
  exchange.manifest = manifest;
  for (const warning of warnings) addWarning(exchange, warning);
  for (const tag of tags) warn(exchange, expiryWarning(repository, tag, 'push'));
  if (manifest.subject !== undefined && isOciType(manifest.mediaType)) {
    res.setHeader('OCI-Subject', manifest.subject.digest);
  }
  if (asked.length > 0) res.setHeader('OCI-Tag', asked.join(', '));
  sendEmpty(exchange, 201, {
    Location: location(exchange, `/v2/${repository}/manifests/${digest}`),
    'Docker-Content-Digest': digest,
  });
}

function warn(exchange: Exchange, text: string | undefined): void {
  if (text !== undefined) addWarning(exchange, text);
}

/** A turn for a manifest that is large, or whose size is not said. Its body is not read before. */
async function turnFor({ req, signal }: Exchange, limit: number): Promise<Turn | undefined> {
  const announced = Number(req.headers['content-length'] ?? largeBytes + 1);
  // What is over the limit is refused at once, unread.
  return announced > largeBytes && announced <= limit ? await turns.take(signal()) : undefined;
}

async function readLimited(exchange: Exchange, limit: number, turn: Turn | undefined): Promise<Uint8Array> {
  const tooLarge = (): AppError =>
    new AppError('MANIFEST_TOO_LARGE', { message: `The manifest is larger than ${limit} bytes.` });
  if (Number(exchange.req.headers['content-length'] ?? 0) > limit) throw tooLarge();
  const chunks: Buffer[] = [];
  let size = 0;
  const body = requestBody(exchange).iterator({ destroyOnReturn: false });
  for await (const chunk of body as AsyncIterable<Buffer>) {
    turn?.check();
    size += chunk.length;
    if (size > limit) throw tooLarge();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, size);
}

/** DELETE: a tag alone, or a manifest with every tag that means it. */
export async function deleteManifest(
  exchange: Exchange,
  { store }: ManifestContext,
  repository: RepoName,
  text: string,
): Promise<void> {
  const reference = readReference(text);
  const actor = actorOf(exchange);
  const isGone =
    reference.kind === 'tag'
      ? await store.manifests.removeTag(repository, reference.tag, actor)
      : await store.manifests.remove(repository, reference.digest, actor);
  if (!isGone) throw new AppError('MANIFEST_UNKNOWN', { detail: { name: repository, reference: text } });
  sendEmpty(exchange, 202, {});
}
