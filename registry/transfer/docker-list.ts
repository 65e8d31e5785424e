/**
 * `manifest.json` beside an OCI image layout, as docker itself writes it from version 25 on: docker 20.10 loads by it,
 * whatever the files are called, and knows neither indexes, nor sha512, nor layers that are packed by zstd.
 */
import type { Digest } from '../spec/digest.ts';
import type { Descriptor } from '../spec/manifest.ts';
import { blobName } from './images.ts';
import type { StoredImage, StoredImages, Wanted } from './stored-images.ts';

const configTypes = [
  'application/vnd.oci.image.config.v1+json',
  'application/vnd.docker.container.image.v1+json',
];
const layerTypes = [
  'application/vnd.oci.image.layer.v1.tar',
  'application/vnd.oci.image.layer.v1.tar+gzip',
  'application/vnd.docker.image.rootfs.diff.tar',
  'application/vnd.docker.image.rootfs.diff.tar.gzip',
];

/** The images that docker load takes: one platform, all of its content in the bundle. */
export function dockerList(
  images: readonly Wanted[],
  stored: StoredImages,
  blobs: ReadonlyMap<Digest, unknown>,
): readonly object[] {
  const names = new Map<StoredImage, string[]>();
  for (const { repository, tag, digest } of images) {
    const image = runnable(stored, digest);
    if (image === undefined) continue;
    const said = names.get(image) ?? [];
    if (tag !== undefined) said.push(`${repository}:${tag}`);
    names.set(image, said);
  }
  const isTaken = (part: Descriptor, types: readonly string[]): boolean =>
    types.includes(part.mediaType) && part.digest.startsWith('sha256:') && blobs.has(part.digest);
  return [...names].flatMap(([{ config, layers }, said]) => {
    if (config === undefined || !isTaken(config, configTypes)) return [];
    if (!layers.every((layer) => isTaken(layer, layerTypes))) return [];
    const files = layers.map(({ digest }) => blobName(digest));
    return [{ Config: blobName(config.digest), RepoTags: said, Layers: files }];
  });
}

/** The image itself, or the only one of an index; what buildx attaches there is for no platform. */
function runnable(stored: StoredImages, digest: Digest): StoredImage | undefined {
  const image = stored.get(digest)?.image;
  if (image?.isIndex !== true) return image;
  const [only, ...others] = image.children.filter(({ platform }) => platform !== 'unknown/unknown');
  if (only === undefined || others.length > 0) return undefined;
  return stored.get(only.digest)?.image;
}
