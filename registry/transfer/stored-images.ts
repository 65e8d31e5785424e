/** Images of the registry, from a manifest down, with what is attached to them. */
import type { Digest } from '../spec/digest.ts';
import { AppError } from '../spec/errors.ts';
import type { Descriptor } from '../spec/manifest.ts';
import type { RepoName, Tag } from '../spec/names.ts';
import type { FoundManifest } from '../store/manifests.ts';
import type { Store } from '../store/store.ts';
import { isManifest } from './survey.ts';

/** A manifest of the registry, as far as moving it needs. */
export interface StoredImage {
  readonly digest: Digest;
  readonly mediaType: string;
  readonly size: number;
  readonly isIndex: boolean;
  /** Manifests that it lists, those that are not stored, too. */
  readonly children: readonly Descriptor[];
  readonly config: Descriptor | undefined;
  readonly layers: readonly Descriptor[];
  /** Config, layers, and what an index lists that is no manifest. */
  readonly blobs: readonly Descriptor[];
}

/** Manifests by digest, each with a repository that has it; those that are listed before those that list them. */
export type StoredImages = ReadonlyMap<
  Digest,
  { readonly repository: RepoName; readonly image: StoredImage }
>;

/** An image that is meant by a name. */
export interface Wanted {
  readonly repository: RepoName;
  /** Absent for an image that is known by its digest alone. */
  readonly tag: Tag | undefined;
  readonly digest: Digest;
}

/**
 * The manifests below some of a repository, as far as they are stored; those that are listed before those that list
 * them. With referrers, also what is attached to any of them, and to that.
 * @throws AppError MANIFEST_UNKNOWN for a root that is not there, MANIFEST_INVALID for one that Berth cannot read
 */
export async function readImages(
  store: Store,
  repository: RepoName,
  roots: readonly Digest[],
  { withReferrers, signal }: { readonly withReferrers: boolean; readonly signal: AbortSignal },
): Promise<ReadonlyMap<Digest, StoredImage>> {
  const found = new Map<Digest, StoredImage>();

  async function visit(digest: Digest): Promise<boolean> {
    if (found.has(digest)) return true;
    signal.throwIfAborted();
    const stored = await store.manifests.find(repository, { kind: 'digest', digest });
    if (stored === undefined) return false;
    const image = outline(repository, stored);
    for (const child of image.children) await visit(child.digest);
    found.set(digest, image);
    return true;
  }

  for (const root of roots) {
    if (await visit(root)) continue;
    throw new AppError('MANIFEST_UNKNOWN', { message: `${repository} has no manifest ${root}.` });
  }
  for (let subjects = new Set(withReferrers ? found.keys() : []); subjects.size > 0;) {
    const attached = await Array.fromAsync(store.referrers.ofAny(repository, subjects));
    subjects = new Set();
    for (const digest of attached) if (!found.has(digest) && (await visit(digest))) subjects.add(digest);
  }
  return found;
}

function outline(repository: RepoName, { digest, bytes, manifest }: FoundManifest): StoredImage {
  if (manifest === undefined) {
    throw new AppError('MANIFEST_INVALID', {
      message: `The manifest ${digest} of ${repository} is of a kind that can be pulled, and not be moved.`,
    });
  }
  const { mediaType, isIndex, config, layers, manifests } = manifest;
  const blobs = [...(config === undefined ? [] : [config]), ...layers];
  return {
    digest,
    mediaType,
    size: bytes.length,
    isIndex,
    children: manifests.filter(isManifest),
    config,
    layers,
    blobs: [...blobs, ...manifests.filter((each) => !isManifest(each))],
  };
}

/** The bytes of a manifest that was there a moment ago. */
export async function readManifestBytes(
  store: Store,
  repository: RepoName,
  digest: Digest,
): Promise<Uint8Array> {
  const found = await store.manifests.find(repository, { kind: 'digest', digest });
  if (found !== undefined) return found.bytes;
  throw new AppError('MANIFEST_UNKNOWN', { message: `${repository} lost the manifest ${digest} meanwhile.` });
}
