import { randomBytes } from 'node:crypto';
import { type Digest, parseDigest } from '../spec/digest.ts';
import { AppError } from '../spec/errors.ts';
import type { PullEvents } from '../spec/events.ts';
import type { RepoName } from '../spec/names.ts';
import { decideRange, type InclusiveRange } from '../spec/ranges.ts';
import type { Blob, Blobs } from '../store/blobs.ts';
import type { Store } from '../store/store.ts';
import { actorOf, type Exchange, sendEmpty } from './exchange.ts';

/** @throws AppError DIGEST_INVALID */
export function requireDigest(text: string | null | undefined): Digest {
  const digest = parseDigest(text ?? '');
  if (digest === undefined) throw new AppError('DIGEST_INVALID');
  return digest;
}

/** True when If-None-Match (RFC 9110 13.1.2) names the tag: quoted, weak, bare, in a list, or `*`. */
export function isUnchanged(header: string | undefined, etag: string): boolean {
  if (header === undefined) return false;
  return header.split(',').some((each) => {
    const tag = each.trim().replace(/^W\//, '').replaceAll('"', '');
    return tag === '*' || tag === etag;
  });
}

export interface BlobContext {
  readonly store: Pick<Store, 'blobs'>;
  /** Takes note of a blob that a client has read, or a part of it. */
  readonly blobPulled: PullEvents['blobPulled'];
}

/** GET and HEAD of a blob. */
export async function sendBlob(
  exchange: Exchange,
  { store: { blobs }, blobPulled }: BlobContext,
  repository: RepoName,
  reference: string,
): Promise<void> {
  const { req, res } = exchange;
  const digest = requireDigest(reference);
  const blob = await blobs.find(repository, digest);
  if (blob === undefined) throw new AppError('BLOB_UNKNOWN', { detail: { digest } });
  res.setHeader('Docker-Content-Digest', digest);
  res.setHeader('ETag', `"${digest}"`);
  res.setHeader('Accept-Ranges', 'bytes');
  res.setHeader('Cache-Control', 'private, max-age=31536000, immutable');
  if (isUnchanged(req.headers['if-none-match'], digest)) {
    sendEmpty(exchange, 304, {});
    return;
  }
  const range = decideRange(rangeHeader(exchange, digest), blob.size);
  if (range.kind === 'unsatisfiable') {
    res.setHeader('Content-Range', `bytes */${blob.size}`);
    throw new AppError('RANGE_INVALID', { detail: { size: blob.size } });
  }
  if (range.kind === 'whole') await sendPart(exchange, blobs, blob, undefined);
  else if (range.ranges.length === 1) await sendPart(exchange, blobs, blob, range.ranges[0]);
  else await sendMultipart(exchange, blobs, blob, range.ranges);
  if (req.method === 'GET') blobPulled({ repository, ...blob, actor: actorOf(exchange) });
}

/** Ranges are for GET (RFC 9110 14.2). If-Range (13.1.5): another tag or a date means that the whole is wanted. */
function rangeHeader({ req }: Exchange, digest: Digest): string | undefined {
  if (req.method !== 'GET') return undefined;
  const condition = req.headers['if-range'];
  return condition === undefined || condition === `"${digest}"` ? req.headers.range : undefined;
}

async function sendPart(
  exchange: Exchange,
  blobs: Blobs,
  blob: Blob,
  range: InclusiveRange | undefined,
): Promise<void> {
  const { req, res } = exchange;
  if (range !== undefined) {
    res.statusCode = 206;
    res.setHeader('Content-Range', `bytes ${range.first}-${range.last}/${blob.size}`);
  }
  res.setHeader('Content-Type', 'application/octet-stream');
  res.setHeader('Content-Length', range === undefined ? blob.size : range.last - range.first + 1);
  if (req.method !== 'HEAD')
    await blobs.send(blob, res, { range: range && halfOpen(range), signal: exchange.signal() });
  res.end();
}

/** Several ranges in one answer (RFC 9110 14.6). */
async function sendMultipart(
  { res, signal }: Exchange,
  blobs: Blobs,
  blob: Blob,
  ranges: readonly InclusiveRange[],
): Promise<void> {
  const boundary = randomBytes(18).toString('hex');
  const headOf = ({ first, last }: InclusiveRange): string =>
    `\r\n--${boundary}\r\nContent-Type: application/octet-stream\r\nContent-Range: bytes ${first}-${last}/${blob.size}\r\n\r\n`;
  const tail = `\r\n--${boundary}--\r\n`;
  const length = ranges.reduce(
    (sum, range) => sum + headOf(range).length + range.last - range.first + 1,
    tail.length,
  );
  res.statusCode = 206;
  res.setHeader('Content-Type', `multipart/byteranges; boundary=${boundary}`);
  res.setHeader('Content-Length', length);
  for (const range of ranges) {
    res.write(headOf(range));
    await blobs.send(blob, res, { range: halfOpen(range), signal: signal() });
  }
  res.end(tail);
}

function halfOpen({ first, last }: InclusiveRange) {
  return { start: first, end: last + 1 };
}

/** DELETE of a blob. */
export async function deleteBlob(
  exchange: Exchange,
  blobs: Blobs,
  repository: RepoName,
  reference: string,
): Promise<void> {
  const digest = requireDigest(reference);
  if (!(await blobs.remove(repository, digest, actorOf(exchange)))) {
    throw new AppError('BLOB_UNKNOWN', { detail: { digest } });
  }
  sendEmpty(exchange, 202, {});
}
