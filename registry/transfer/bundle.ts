/** The images of an archive, whichever of the two forms it has: an OCI image layout, or what docker save writes. */
import { buffer } from 'node:stream/consumers';
import type { Readable } from 'node:stream';
import type { BundleRow } from '../spec/admin/transfer.ts';
import { type Archive, type ArchiveOptions, type Entry, openArchive } from './archive.ts';
import { readDockerSave } from './docker-save.ts';
import type { Images } from './images.ts';
import { invalidBundle } from './invalid.ts';
import { readLayout } from './layout.ts';

/** Disposing it closes the archive. */
export interface Bundle extends Images, AsyncDisposable {
  readonly kind: BundleRow['kind'];
  readonly isCompressed: boolean;
  read(entry: Entry, options: { readonly signal: AbortSignal }): Readable;
}

/** No registry takes a larger manifest, and lists of images are shorter. */
const longestDocument = 16 * 1024 * 1024;

/**
 * Opens the bundle at a path.
 * @throws AppError PATH_REFUSED, BUNDLE_INVALID, STORAGE_FULL
 */
export async function openBundle(path: string, options: ArchiveOptions): Promise<Bundle> {
  await using opening = new AsyncDisposableStack();
  const archive = opening.use(await openArchive(path, options));
  const { kind, images } = await readImages(archive, options.signal);
  const owned = opening.move();
  return {
    ...images,
    kind,
    isCompressed: archive.isCompressed,
    read: (entry, wait) => archive.read(entry, wait),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

async function readImages(archive: Archive, signal: AbortSignal) {
  const readDocument = async (entry: Entry): Promise<Buffer> => {
    if (entry.size > longestDocument) throw invalidBundle(entry.name, 'is too large');
    return await buffer(archive.read(entry, { signal }));
  };
  const files = { ...archive, readDocument, signal };
  const index = await archive.find('index.json');
  const marker = await archive.find('oci-layout');
  if (index !== undefined && marker !== undefined) {
    const images = await readLayout(files, marker, index);
    return { kind: archive.form === 'tar' ? 'oci-archive' : 'oci-directory', images } as const;
  }
  const list = archive.form === 'tar' ? await archive.find('manifest.json') : undefined;
  if (list !== undefined)
    return { kind: 'docker-archive', images: await readDockerSave(files, list) } as const;
  throw invalidBundle(
    archive.form === 'tar' ? 'the file' : 'the directory',
    'has neither oci-layout nor manifest.json',
  );
}
