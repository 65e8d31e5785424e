/** Small blobs, whole, and bytes as texts that a message of the control plane can carry. */
import type { TextPart } from '../spec/admin/image.ts';
import type { Digest } from '../spec/digest.ts';
import { AppError } from '../spec/errors.ts';
import type { RepoName } from '../spec/names.ts';
import type { Blob, Blobs } from '../store/blobs.ts';

/** @throws AppError BLOB_UNKNOWN */
export async function getBlob(
  blobs: Pick<Blobs, 'find'>,
  repository: RepoName,
  digest: Digest,
): Promise<Blob> {
  const blob = await blobs.find(repository, digest);
  if (blob !== undefined) return blob;
  throw new AppError('BLOB_UNKNOWN', { message: `${repository} has no blob ${digest}.`, detail: digest });
}

/**
 * The bytes of a blob.
 * @throws AppError CONTENT_TOO_LARGE, STORAGE_FAILED
 */
export async function readBlob(
  blobs: Pick<Blobs, 'read'>,
  blob: Blob,
  { limit, signal }: { readonly limit: number; readonly signal: AbortSignal },
): Promise<Buffer> {
  if (blob.size > limit) {
    throw new AppError('CONTENT_TOO_LARGE', {
      message: `${blob.digest} has ${blob.size} bytes; up to ${limit} are shown.`,
      detail: blob.digest,
    });
  }
  const bytes = Buffer.alloc(blob.size);
  let at = 0;
  for await (const part of blobs.read(blob, { signal })) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
/** Characters of the text as JSON: control characters take six, others up to three bytes. */
const jsonLimit = 640 * 1024;

/** `length` bytes from an offset on, or a few less where a letter would be cut. */
export function textPart(bytes: Uint8Array, offset: number, length: number): TextPart {
  const end = Math.min(bytes.length, offset + length);
  const text = decode(bytes, offset, end);
  const next = text?.end ?? end;
  const more = next < bytes.length ? { next } : {};
  if (text !== undefined) return { size: bytes.length, encoding: 'utf8', text: text.text, ...more };
  const base64 = Buffer.from(bytes.subarray(offset, end)).toString('base64');
  return { size: bytes.length, encoding: 'base64', text: base64, ...more };
}

function decode(bytes: Uint8Array, offset: number, end: number) {
  const part = bytes.subarray(offset, end);
  if (part.includes(0)) return undefined;
  // A letter has four bytes at most.
  for (let cut = 0; cut < 4; cut++) {
    if (end < bytes.length && ((bytes[end - cut] ?? 0) & 0xc0) === 0x80) continue;
    try {
      const text = utf8.decode(bytes.subarray(offset, end - cut));
      return Buffer.byteLength(JSON.stringify(text)) > jsonLimit ? undefined : { text, end: end - cut };
    } catch {
      return undefined;
    }
  }
  return undefined;
}
