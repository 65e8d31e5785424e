import type { Driver } from '../driver/driver.ts';
import { type Digest, digestParts } from '../spec/digest.ts';
import { isAppError } from '../spec/errors.ts';
import { invalidManifest, type Manifest, parseManifest } from '../spec/manifest.ts';
import { mediaTypes } from '../spec/media-types.ts';
import type { RepoName } from '../spec/names.ts';
import { type Content, digestOf } from './content.ts';
import { blobData } from './paths.ts';
import type { Repositories } from './repositories.ts';

/** A manifest as it is stored. `manifest` is absent when another registry stored something Berth would refuse. */
export interface StoredManifest {
  readonly bytes: Uint8Array;
  readonly mediaType: string;
  readonly manifest: Manifest | undefined;
}

/** Manifests by digest. They never change, so what was read once is kept, up to a bound. */
export interface ManifestCache {
  /** Answers the stored manifest of that digest, whatever repository it is in. */
  get(digest: Digest): Promise<StoredManifest | undefined>;
  /** Drops what is kept of a digest whose bytes are gone from the storage. */
  forget(digest: Digest): void;
  /** Every readable manifest of a repository, in byte order of the digests. */
  all(
    repository: RepoName,
  ): AsyncIterable<{ readonly digest: Digest; readonly manifest: Manifest; readonly size: number }>;
}

/** Above what any registry stores as a manifest, in bytes; distribution's own limit is 4 MiB. */
export const storedLimit = 16 * 1024 * 1024;

export function createManifestCache({
  driver,
  content,
  repositories,
  cacheBytes = 48 * 1024 * 1024,
}: {
  readonly driver: Driver;
  readonly content: Content;
  readonly repositories: Repositories;
  /** What is kept at most, a parsed manifest counted as three times its text. */
  readonly cacheBytes?: number;
}): ManifestCache {
  const kept = new Map<Digest, StoredManifest>();
  /** Who asks for what is being read gets the same: a hundred readers do not read and parse it a hundred times. */
  const reading = new Map<Digest, Promise<StoredManifest | undefined>>();
  let keptBytes = 0;

  async function get(digest: Digest): Promise<StoredManifest | undefined> {
    const known = kept.get(digest);
    if (known !== undefined) {
      kept.delete(digest);
      kept.set(digest, known);
      return known;
    }
    const found = reading.get(digest) ?? read(digest).finally(() => reading.delete(digest));
    reading.set(digest, found);
    return await found;
  }

  async function read(digest: Digest): Promise<StoredManifest | undefined> {
    const bytes = await driver.readSmall(blobData(digest), { limit: storedLimit });
    if (bytes === undefined) return undefined;
    if (digestOf(bytes, digestParts(digest).algorithm) !== digest) throw await content.putAside(digest);
    const stored = describeManifest(bytes);
    keep(digest, stored);
    return stored;
  }

  function keep(digest: Digest, stored: StoredManifest): void {
    // Two readers may have missed at once; the first entry stays and is counted once.
    if (kept.has(digest)) return;
    kept.set(digest, stored);
    keptBytes += weight(stored);
    for (const [oldest, entry] of kept) {
      if (keptBytes <= cacheBytes) break;
      kept.delete(oldest);
      keptBytes -= weight(entry);
    }
  }

  function forget(digest: Digest): void {
    const stored = kept.get(digest);
    if (stored === undefined) return;
    kept.delete(digest);
    keptBytes -= weight(stored);
  }

  async function* all(repository: RepoName): ReturnType<ManifestCache['all']> {
    for await (const digest of repositories.revisions(repository)) {
      const stored = await get(digest);
      if (stored?.manifest !== undefined)
        yield { digest, manifest: stored.manifest, size: stored.bytes.length };
    }
  }

  return { get, forget, all };
}

function weight({ bytes }: StoredManifest): number {
  return 1024 + 4 * bytes.length;
}

/** Reads what is stored leniently: other registries accept manifests that Berth refuses, and they must be served. */
export function describeManifest(bytes: Uint8Array): StoredManifest {
  // Most say what they are; of the others the shape tells, which takes another look.
  const manifest = readManifest(bytes, undefined);
  if (manifest !== undefined) return { bytes, mediaType: manifest.mediaType, manifest };
  const mediaType = mediaTypeOf(bytes);
  return { bytes, mediaType, manifest: readManifest(bytes, mediaType) };
}

function readManifest(bytes: Uint8Array, mediaType: string | undefined): Manifest | undefined {
  try {
    return parseManifest(manifestText(bytes), mediaType);
  } catch (error) {
    if (!isAppError(error, 'MANIFEST_INVALID')) throw error;
    return undefined;
  }
}

function mediaTypeOf(bytes: Uint8Array): string {
  let body: unknown;
  try {
    body = JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    // Not JSON: no manifest, yet its bytes can be served.
    return 'application/octet-stream';
  }
  const { mediaType, manifests, schemaVersion } = (body ?? {}) as Record<string, unknown>;
  if (typeof mediaType === 'string' && mediaType !== '') return mediaType;
  if (schemaVersion === 1) return 'application/vnd.docker.distribution.manifest.v1+prettyjws';
  return Array.isArray(manifests) ? mediaTypes.ociIndex : mediaTypes.ociManifest;
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * The text of a manifest.
 * @throws AppError MANIFEST_INVALID when the bytes are not UTF-8
 */
export function manifestText(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes);
  } catch (cause) {
    throw invalidManifest('It is not UTF-8 text.', cause);
  }
}
