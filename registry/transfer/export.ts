/**
 * Images of the registry as one file: a tar of an OCI image layout (OCI image-spec 1.1, "Image Layout").
 *
 *     oci-layout
 *     index.json        one descriptor for each name, its annotation says which; then what is attached to the images
 *     manifest.json     the same for docker load, where an image has one platform and all of its content is here
 *     blobs/<algorithm>/<hex>      manifests first, then configs and layers, each once
 *
 * A difference leaves out configs and layers that other images have; index.json says which.
 */
import { statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { addAbortSignal, type Readable, Transform, type Writable } from 'node:stream';
import { finished } from 'node:stream/promises';
import type { ExportResult } from '../spec/admin/transfer.ts';
import type { Digest } from '../spec/digest.ts';
import { AppError } from '../spec/errors.ts';
import { isNonDistributable, mediaTypes } from '../spec/media-types.ts';
import type { RepoName } from '../spec/names.ts';
import type { Store } from '../store/store.ts';
import { blobName } from './images.ts';
import { dockerList } from './docker-list.ts';
import { nameAnnotation, sinceAnnotation } from './layout.ts';
import { openOutFile, type OutFileOptions } from './out-file.ts';
import {
  readImages,
  readManifestBytes,
  type StoredImage,
  type StoredImages,
  type Wanted,
} from './stored-images.ts';
import { archiveEnd, fileHeader, padding } from '../archive/tar-format.ts';

export interface Selection {
  readonly store: Store;
  readonly images: readonly Wanted[];
  /** Of an index only the image of this platform. */
  readonly platform: string | undefined;
  /** Content of these is left out. */
  readonly since: readonly Wanted[];
  readonly signal: AbortSignal;
}

export interface ExportOptions extends Selection, OutFileOptions {
  /** Bytes that are written, of the whole file. */
  readonly progress: (done: number, total: number) => void;
}

/** What goes into a file; its content stays in the registry until this is disposed. */
interface Prepared extends Disposable {
  readonly images: readonly Wanted[];
  readonly texts: readonly (readonly [name: string, bytes: Buffer])[];
  readonly manifests: readonly Piece[];
  readonly blobs: ReadonlyMap<Digest, Piece>;
  /** Sizes of what is not taken along. */
  readonly leftOut: readonly number[];
  /** Of the file, in bytes. */
  readonly total: number;
}

/** A manifest, config or layer that goes into the bundle, and a repository that has it. */
interface Piece {
  readonly repository: RepoName;
  readonly digest: Digest;
  readonly size: number;
}

/**
 * Writes images into a file, with what is attached to them. It is complete and durable when it resolves, and not there
 * after a failure.
 * @throws AppError PATH_REFUSED, STORAGE_FULL, MANIFEST_UNKNOWN (also for an index without that platform),
 *   BUNDLE_INCOMPLETE for an image that lacks content, STORAGE_FAILED for damaged content, CANCELLED
 */
export async function exportImages(options: ExportOptions): Promise<ExportResult> {
  const { path, signal, progress } = options;
  let [done, total] = [0, 0];
  const written = (bytes: number): void => progress((done += bytes), total);
  await using file = await openOutFile(options, written);
  using prepared = await prepare(options);
  ({ total } = prepared);
  await refuseTooLarge(path, total);
  await writeBundle(file.sink, prepared, options);
  signal.throwIfAborted();
  await file.commit();
  const { images, manifests, blobs, leftOut } = prepared;
  return {
    path,
    bytes: total,
    images: images.length,
    manifests: manifests.length,
    blobs: blobs.size,
    leftOutBlobs: leftOut.length,
    leftOutBytes: leftOut.reduce((sum, size) => sum + size, 0),
  };
}

/** How large the file would be, in bytes. Throws as `exportImages` does. */
export async function measureExport(selection: Selection): Promise<number> {
  using prepared = await prepare(selection);
  return prepared.total;
}

/** The bytes of the file, as they are taken; a failure, and the signal, breaks them off. */
export function streamExport(
  selection: Selection,
  progress: (done: number, total: number) => void,
): { readonly bytes: Readable; readonly done: Promise<void> } {
  let [done, total] = [0, 0];
  const count = new Transform({
    transform(part: Buffer, _, passOn) {
      progress((done += part.length), total);
      passOn(null, part);
    },
  });
  const bytes = addAbortSignal(selection.signal, count);
  async function write(): Promise<void> {
    try {
      using prepared = await prepare(selection);
      ({ total } = prepared);
      await writeBundle(bytes, prepared, selection);
      bytes.end();
      await finished(bytes);
    } catch (error) {
      bytes.destroy(error instanceof Error ? error : undefined);
      throw error;
    }
  }
  return { bytes, done: write() };
}

async function prepare(selection: Selection): Promise<Prepared> {
  const { store, since, signal } = selection;
  const images = await Promise.all(
    selection.images.map((each) => choosePlatform(store, each, selection.platform)),
  );
  const stored = await readAll(store, images, { withReferrers: true, signal });
  const base = await readAll(store, since, { withReferrers: false, signal });
  const known = new Set([...base.values()].flatMap(({ image }) => image.blobs.map(({ digest }) => digest)));
  using holding = new DisposableStack();
  holding.use(
    await store.leases.hold([
      ...stored.keys(),
      ...[...stored.values()].flatMap(({ image }) => image.blobs.map(({ digest }) => digest)),
    ]),
  );

  const { blobs, leftOut } = await findBlobs(store, stored, known);
  const documents = [
    ['oci-layout', { imageLayoutVersion: '1.0.0' }],
    ['index.json', indexOf(images, stored, since)],
    ['manifest.json', dockerList(images, stored, blobs)],
  ] as const;
  const texts = documents.map(([name, value]) => [name, Buffer.from(JSON.stringify(value))] as const);
  const manifests = [...stored.values()].map(({ repository, image }): Piece => ({
    repository,
    digest: image.digest,
    size: image.size,
  }));
  const total = sizeOf([
    ...texts.map(([name, bytes]) => ({ name, size: bytes.length })),
    ...[...manifests, ...blobs.values()].map(({ digest, size }) => ({ name: blobName(digest), size })),
  ]);
  const held = holding.move();
  return {
    images,
    texts,
    manifests,
    blobs,
    leftOut,
    total,
    [Symbol.dispose]: () => held.dispose(),
  };
}

async function writeBundle(
  sink: Writable,
  { texts, manifests, blobs }: Prepared,
  { store, signal }: Selection,
): Promise<void> {
  const writer = createWriter(sink);
  for (const [name, bytes] of texts) await writer.file(name, bytes.length, () => writer.write(bytes));
  for (const { repository, digest, size } of manifests) {
    signal.throwIfAborted();
    const bytes = await readManifestBytes(store, repository, digest);
    await writer.file(blobName(digest), size, () => writer.write(bytes));
  }
  for (const { repository, digest, size } of blobs.values()) {
    const blob = await store.blobs.find(repository, digest);
    if (blob?.size !== size) throw lost(repository, digest);
    await writer.file(blobName(digest), size, () => store.blobs.send(blob, writer.sink, { signal }));
  }
  await writer.write(archiveEnd);
}

async function choosePlatform(store: Store, wanted: Wanted, platform: string | undefined): Promise<Wanted> {
  if (platform === undefined) return wanted;
  const { repository, digest } = wanted;
  const found = await store.manifests.find(repository, { kind: 'digest', digest });
  if (found?.manifest?.isIndex !== true) return wanted;
  const offered = found.manifest.manifests;
  const child =
    offered.find((each) => each.platform === platform) ??
    offered.find((each) => each.platform?.startsWith(`${platform}/`));
  if (child !== undefined) return { ...wanted, digest: child.digest };
  const platforms = [...new Set(offered.map((each) => each.platform ?? 'unknown'))].join(', ');
  throw new AppError('MANIFEST_UNKNOWN', {
    message: `${nameOf(wanted)} has no image for ${platform}; it has ${platforms}.`,
  });
}

async function readAll(
  store: Store,
  images: readonly Wanted[],
  options: { readonly withReferrers: boolean; readonly signal: AbortSignal },
): Promise<StoredImages> {
  const all = new Map<Digest, { readonly repository: RepoName; readonly image: StoredImage }>();
  for (const [repository, wanted] of Map.groupBy(images, (each) => each.repository)) {
    const roots = wanted.map(({ digest }) => digest);
    const found = await readImages(store, repository, roots, options);
    for (const [digest, image] of found) if (!all.has(digest)) all.set(digest, { repository, image });
  }
  return all;
}

/** The configs and layers that go into the bundle, and the sizes of those that do not. */
async function findBlobs(store: Store, stored: StoredImages, known: ReadonlySet<Digest>) {
  const blobs = new Map<Digest, Piece>();
  const leftOut = new Map<Digest, number>();
  for (const { repository, image } of stored.values()) {
    for (const { digest, size, hasUrls, mediaType } of image.blobs) {
      if (blobs.has(digest)) continue;
      if (known.has(digest)) {
        leftOut.set(digest, size);
        continue;
      }
      const blob = await store.blobs.find(repository, digest);
      if (blob !== undefined) blobs.set(digest, { repository, ...blob });
      else if (!hasUrls && !isNonDistributable(mediaType)) throw lost(repository, digest);
    }
  }
  return { blobs, leftOut: [...leftOut.values()] };
}

function lost(repository: RepoName, digest: Digest): AppError {
  return new AppError('BUNDLE_INCOMPLETE', {
    message: `An image of ${repository} needs ${digest}, which is not stored.`,
    detail: digest,
    hint: 'Push the image again.',
  });
}

/** Every name has a descriptor; manifests that no other lists are attached to something that has one. */
function indexOf(images: readonly Wanted[], stored: StoredImages, since: readonly Wanted[]): object {
  const describe = (digest: Digest) => {
    const image = stored.get(digest)?.image;
    return { mediaType: image?.mediaType, digest, size: image?.size };
  };
  const listed = new Set(
    [...stored.values()].flatMap(({ image }) => image.children.map(({ digest }) => digest)),
  );
  for (const { digest } of images) listed.add(digest);
  const attached = [...stored.keys()].filter((digest) => !listed.has(digest));
  return {
    schemaVersion: 2,
    mediaType: mediaTypes.ociIndex,
    manifests: [
      ...images.map((image) => ({
        ...describe(image.digest),
        annotations: { [nameAnnotation]: nameOf(image) },
      })),
      ...attached.map(describe),
    ],
    annotations: {
      [sinceAnnotation]: since.map(({ repository, digest }) => `${repository}@${digest}`).join(','),
    },
  };
}

function nameOf({ repository, tag, digest }: Wanted): string {
  return tag === undefined ? `${repository}@${digest}` : `${repository}:${tag}`;
}

function sizeOf(files: readonly { readonly name: string; readonly size: number }[]): number {
  const each = files.map(({ name, size }) => fileHeader(name, size).length + size + padding(size));
  return each.reduce((sum, bytes) => sum + bytes, archiveEnd.length);
}

async function refuseTooLarge(path: string, bytes: number): Promise<void> {
  const { bavail, bsize } = await statfs(dirname(path));
  if (bavail * bsize >= bytes) return;
  throw new AppError('STORAGE_FULL', {
    message: `The bundle takes ${bytes} bytes, and where "${path}" lies ${bavail * bsize} are free.`,
    hint: 'Choose another disk, fewer images, or --since.',
  });
}

/** Writes files one after the other. */
function createWriter(sink: Writable) {
  async function write(bytes: Uint8Array): Promise<void> {
    if (bytes.length === 0) return;
    await new Promise<void>((resolve, reject) => {
      sink.write(bytes, (error) => (error ? reject(error) : resolve()));
    });
  }

  return {
    sink,
    write,
    /** `content` writes exactly so many bytes. */
    async file(name: string, size: number, content: () => Promise<void>): Promise<void> {
      await write(fileHeader(name, size));
      await content();
      await write(new Uint8Array(padding(size)));
    },
  };
}
