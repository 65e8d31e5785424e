import type { Driver } from '../driver/driver.ts';
import { type Digest, parseDigest } from '../spec/digest.ts';
import { isAppError } from '../spec/errors.ts';
import { parseManifestMediaType } from '../spec/media-types.ts';
import type { ManifestCache, StoredManifest } from './manifest-cache.ts';
import { blobData } from './paths.ts';

/** The digests that a manifest names. */
export interface References {
  /** Config, layers, and what an index lists that is no manifest. */
  readonly blobs: readonly Digest[];
  /** Manifests that an index lists. */
  readonly manifests: readonly Digest[];
  readonly subject: Digest | undefined;
  /** False for what Berth cannot read as a manifest; every digest in its text counts as a blob then. */
  readonly isManifest: boolean;
}

export interface ReferenceReader {
  /** What the manifest names; `undefined` when it is not stored, damaged, or too large to be one. */
  read(digest: Digest): Promise<References | undefined>;
  /** The manifest and then those that it lists, directly and indirectly, each once, as far as they are stored. */
  closure(digest: Digest): AsyncIterable<{ readonly digest: Digest; readonly references: References }>;
}

/** An index may list a layer as a manifest; a layer is not read whole. */
const largestManifest = 16 * 1024 * 1024;

export function createReferenceReader({
  driver,
  cache,
}: {
  readonly driver: Driver;
  readonly cache: ManifestCache;
}): ReferenceReader {
  async function read(digest: Digest): Promise<References | undefined> {
    const size = (await driver.stat(blobData(digest)))?.size ?? Infinity;
    if (size > largestManifest) return undefined;
    const stored = await cache.get(digest).catch(async (error: unknown) => {
      if (!isAppError(error, 'STORAGE_FAILED')) throw error;
      // A damaged one was put aside and is absent in the second reading; a disk that cannot be read fails again.
      return await cache.get(digest);
    });
    return stored && referencesOf(stored);
  }

  async function* closure(root: Digest): ReturnType<ReferenceReader['closure']> {
    const seen = new Set([root]);
    for (const digest of seen) {
      const references = await read(digest);
      if (references === undefined) continue;
      yield { digest, references };
      // A set that grows while it is walked is walked to its end.
      for (const child of references.manifests) seen.add(child);
    }
  }

  return { read, closure };
}

/** What a stored manifest names. */
function referencesOf({ bytes, manifest }: StoredManifest): References {
  if (manifest === undefined) {
    const words = new TextDecoder().decode(bytes).match(digests) ?? [];
    const blobs = words.map(parseDigest).filter((each) => each !== undefined);
    return { blobs, manifests: [], subject: undefined, isManifest: false };
  }
  const isChild = ({ mediaType }: { readonly mediaType: string }): boolean =>
    parseManifestMediaType(mediaType) !== undefined;
  const parts = [
    ...(manifest.config === undefined ? [] : [manifest.config]),
    ...manifest.layers,
    ...manifest.manifests.filter((each) => !isChild(each)),
  ];
  return {
    blobs: parts.map(({ digest }) => digest),
    manifests: manifest.manifests.filter(isChild).map(({ digest }) => digest),
    subject: manifest.subject?.digest,
    isManifest: true,
  };
}

const digests = /sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128}/g;
