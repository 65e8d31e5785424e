/**
 * What docker save and its kin write: `manifest.json` lists configs, names and layers (moby image/spec, "Combined Image
 * JSON + Filesystem Changeset Format"). Registries know no such list, so each image gets a manifest of docker's kind.
 * Config and layers stay as they are, byte for byte: the id of the image is the digest of its config, and layers, which
 * docker does not compress there, have the digests that the config lists. So the same image makes the same manifest.
 */
import { type Digest, parseDigest } from '../spec/digest.ts';
import { mediaTypes } from '../spec/media-types.ts';
import { digestOf, digestOfStream } from '../store/content.ts';
import type { Entry } from './archive.ts';
import type { Files, Images, Root } from './images.ts';
import { invalidBundle, parseJson } from './invalid.ts';

interface SavedImage {
  readonly Config: string;
  readonly RepoTags: readonly string[] | null;
  readonly Layers: readonly string[];
}

const layerType = 'application/vnd.docker.image.rootfs.diff.tar';
const configType = 'application/vnd.docker.container.image.v1+json';

/** Reads the images of a list. Throws BUNDLE_INVALID. */
export async function readDockerSave(files: Files, list: Entry): Promise<Images> {
  const manifests = new Map<Digest, Uint8Array>();
  const blobs = new Map<Digest, Entry>();
  const roots: Root[] = [];
  for (const image of parseList(parseJson(list.name, await files.readDocument(list)))) {
    const bytes = Buffer.from(JSON.stringify(await describeImage(files, image, blobs)));
    const digest = digestOf(bytes, 'sha256');
    manifests.set(digest, bytes);
    const names = image.RepoTags ?? [];
    for (const name of names.length === 0 ? [undefined] : names) {
      roots.push({ name, digest, mediaType: mediaTypes.dockerManifest });
    }
  }
  return {
    roots,
    isOwn: false,
    since: [],
    manifest: async (digest) => manifests.get(digest),
    blob: async (digest) => blobs.get(digest),
  };
}

async function describeImage(files: Files, { Config, Layers }: SavedImage, blobs: Map<Digest, Entry>) {
  const configEntry = await mustFind(files, Config);
  const config = await files.readDocument(configEntry);
  const configDigest = digestOf(config, 'sha256');
  const contents = diffIds(parseJson(Config, config));
  if (contents?.length !== Layers.length) {
    throw invalidBundle(Config, `does not list the ${Layers.length} layers that manifest.json names`);
  }
  blobs.set(configDigest, configEntry);
  const layers = [];
  for (const [at, name] of Layers.entries()) {
    const entry = await mustFind(files, name);
    const packing = await packingOf(files, entry);
    const digest = packing === '' ? contents[at] : await digestOfStream(files.read(entry, files), 'sha256');
    if (digest === undefined) throw invalidBundle(Config, 'lists a layer without a digest');
    blobs.set(digest, entry);
    layers.push({ mediaType: `${layerType}${packing}`, size: entry.size, digest });
  }
  return {
    schemaVersion: 2,
    mediaType: mediaTypes.dockerManifest,
    config: { mediaType: configType, size: config.length, digest: configDigest },
    layers,
  };
}

async function mustFind(files: Files, name: string): Promise<Entry> {
  const entry = await files.find(name);
  if (entry === undefined) throw invalidBundle(name, 'is named by manifest.json and is not there');
  return entry;
}

/** How a layer is compressed, as its media type says it. */
async function packingOf(files: Files, entry: Entry): Promise<'' | '.gzip' | '.zstd'> {
  for await (const bytes of files.read({ ...entry, size: Math.min(entry.size, 4) }, files)) {
    const start = (bytes as Buffer).toString('hex');
    if (start.startsWith('1f8b')) return '.gzip';
    if (start === '28b52ffd') return '.zstd';
  }
  return '';
}

function parseList(value: unknown): readonly SavedImage[] {
  if (Array.isArray(value) && value.every(isSavedImage)) return value;
  throw invalidBundle('manifest.json', 'is no list of images');
}

function isSavedImage(value: unknown): value is SavedImage {
  const { Config, RepoTags = null, Layers } = (value ?? {}) as Readonly<Record<string, unknown>>;
  return typeof Config === 'string' && isTexts(Layers) && (RepoTags === null || isTexts(RepoTags));
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((text) => typeof text === 'string');
}

function diffIds(config: unknown): readonly Digest[] | undefined {
  const { rootfs } = (config ?? {}) as { readonly rootfs?: { readonly diff_ids?: unknown } | null };
  const ids = rootfs?.diff_ids;
  if (!isTexts(ids)) return undefined;
  const digests = ids.map(parseDigest).filter((digest) => digest !== undefined);
  return digests.length === ids.length ? digests : undefined;
}
