/** What a bundle holds, from its images down: read once, checked, and kept as digests and sizes. */
import { type Digest, digestParts } from '../spec/digest.ts';
import { isAppError } from '../spec/errors.ts';
import { type Descriptor, type Manifest, parseManifest } from '../spec/manifest.ts';
import { isNonDistributable, parseManifestMediaType } from '../spec/media-types.ts';
import { digestOf } from '../store/content.ts';
import { manifestText } from '../store/manifest-cache.ts';
import type { Entry } from './archive.ts';
import type { Bundle } from './bundle.ts';
import { blobName } from './images.ts';
import { invalidBundle } from './invalid.ts';

/** A manifest of a bundle. */
export interface Surveyed {
  readonly digest: Digest;
  readonly mediaType: string;
  readonly size: number;
  /** Manifests that it lists and the bundle has. */
  readonly children: readonly Digest[];
  /** Configs and layers. */
  readonly blobs: readonly Digest[];
  readonly subject: Digest | undefined;
}

/** A config or layer that manifests of the bundle name. */
export interface SurveyedBlob {
  readonly size: number;
  /** Where it is in the bundle. */
  readonly entry: Entry | undefined;
  /** Clients may keep it out of registries. */
  readonly isOptional: boolean;
}

export interface Survey {
  readonly manifests: ReadonlyMap<Digest, Surveyed>;
  readonly blobs: ReadonlyMap<Digest, SurveyedBlob>;
}

/** An index lists images; some list indexes. */
const deepest = 32;

/**
 * Reads the manifests of a bundle.
 * @throws AppError BUNDLE_INVALID: a manifest that is missing, is not what its digest says, or that a push would be
 *   refused with; a blob of another size than its manifest says
 */
export async function surveyBundle(bundle: Bundle, signal: AbortSignal): Promise<Survey> {
  const manifests = new Map<Digest, Surveyed>();
  const blobs = new Map<Digest, SurveyedBlob>();

  /** False for a manifest that the bundle does not have. */
  async function visit(digest: Digest, mediaType: string, depth = 0): Promise<boolean> {
    if (manifests.has(digest)) return true;
    if (depth > deepest) throw invalidBundle(blobName(digest), 'is an index in too many others');
    signal.throwIfAborted();
    const read = await readManifest(bundle, digest, mediaType);
    if (read === undefined) return false;
    const children: Digest[] = [];
    const parts: Digest[] = [];
    for (const each of partsOf(read.manifest)) {
      if (!isManifest(each)) {
        parts.push(each.digest);
        await note(each);
      } else if (await visit(each.digest, each.mediaType, depth + 1)) children.push(each.digest);
    }
    const subject = read.manifest.subject?.digest;
    manifests.set(digest, { digest, mediaType, size: read.bytes.length, children, blobs: parts, subject });
    return true;
  }

  async function note({ digest, size, hasUrls, mediaType }: Descriptor): Promise<void> {
    if (blobs.has(digest)) return;
    const entry = await bundle.blob(digest);
    if (entry !== undefined && entry.size !== size) {
      throw invalidBundle(entry.name, `has ${entry.size} bytes, and a manifest says ${size}`);
    }
    blobs.set(digest, { size, entry, isOptional: hasUrls || isNonDistributable(mediaType) });
  }

  for (const { digest, mediaType } of bundle.roots) {
    if (await visit(digest, mediaType)) continue;
    throw invalidBundle(blobName(digest), 'is named by index.json and is not there');
  }
  return { manifests, blobs };
}

/** Reads a manifest and checks that it is what its digest says, and could be pushed. */
export async function readManifest(
  bundle: Bundle,
  digest: Digest,
  mediaType: string,
): Promise<{ readonly bytes: Uint8Array; readonly manifest: Manifest } | undefined> {
  const bytes = await bundle.manifest(digest);
  if (bytes === undefined) return undefined;
  const found = digestOf(bytes, digestParts(digest).algorithm);
  if (found !== digest) throw invalidBundle(blobName(digest), `has the digest ${found}`);
  try {
    return { bytes, manifest: parseManifest(manifestText(bytes), mediaType) };
  } catch (error) {
    if (!isAppError(error)) throw error;
    throw invalidBundle(blobName(digest), `is refused: ${error.message.replace(/\.$/, '')}`, error);
  }
}

/** The manifests below some, those that are listed before those that list them. */
export function manifestsBelow({ manifests }: Survey, roots: readonly Digest[]): ReadonlySet<Digest> {
  const ordered = new Set<Digest>();
  const add = (digest: Digest): void => {
    if (ordered.has(digest)) return;
    for (const child of manifests.get(digest)?.children ?? []) add(child);
    ordered.add(digest);
  };
  for (const root of roots) add(root);
  return ordered;
}

function partsOf({ config, layers, manifests }: Manifest): readonly Descriptor[] {
  return [...(config === undefined ? [] : [config]), ...layers, ...manifests];
}

/** An index may list blobs, too. */
export function isManifest({ mediaType }: Descriptor): boolean {
  return parseManifestMediaType(mediaType) !== undefined;
}
