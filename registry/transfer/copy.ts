import type { CopyResult } from '../spec/admin/transfer.ts';
import type { Digest } from '../spec/digest.ts';
import type { Actor } from '../spec/events.ts';
import type { RepoName, Tag } from '../spec/names.ts';
import type { Store } from '../store/store.ts';
import { readImages, readManifestBytes } from './stored-images.ts';

export interface CopyOptions {
  readonly store: Store;
  readonly from: { readonly repository: RepoName; readonly digest: Digest };
  readonly to: { readonly repository: RepoName; readonly tag: Tag };
  /** Signatures and the like, too. */
  readonly withReferrers: boolean;
  readonly actor: Actor;
  readonly signal: AbortSignal;
  /** Manifests that are there, of those that have to be. */
  readonly progress: (done: number, total: number) => void;
}

/**
 * Makes a tag of another repository, or of the same, mean an image, with all of its platforms. No bytes are copied: blobs
 * are linked, then manifests, children first, then the tag is set. Durable when it resolves; after a failure no tag has
 * moved.
 * @throws AppError MANIFEST_UNKNOWN, MANIFEST_BLOB_UNKNOWN, TAG_PROTECTED, TAG_INVALID, CANCELLED
 */
export async function copyImage({
  store,
  from,
  to,
  withReferrers,
  actor,
  signal,
  progress,
}: CopyOptions): Promise<CopyResult> {
  await store.manifests.checkTag(to.repository, to.tag, from.digest);
  const images = await readImages(store, from.repository, [from.digest], { withReferrers, signal });
  const blobs = new Set(images.values().flatMap((image) => image.blobs.map(({ digest }) => digest)));
  using _ = await store.leases.hold([...images.keys(), ...blobs]);
  // Whoever may copy may read the source, and the links are what was just read there.
  const options = { from: from.repository, mayPull: () => true, mayPullAll: false, actor };
  let done = 0;
  for (const { digest, mediaType, blobs: parts } of images.values()) {
    for (const part of parts) {
      signal.throwIfAborted();
      await store.blobs.mount(to.repository, part.digest, options);
    }
    const bytes = await readManifestBytes(store, from.repository, digest);
    await store.manifests.put({
      repository: to.repository,
      bytes,
      contentType: mediaType,
      digest,
      tags: [],
      actor,
    });
    progress(++done, images.size);
  }
  signal.throwIfAborted();
  const before = await store.manifests.setTag(to.repository, to.tag, from.digest, actor);
  return {
    ...to,
    digest: from.digest,
    ...(before === undefined ? {} : { from: before }),
    manifests: images.size,
    blobs: blobs.size,
  };
}
