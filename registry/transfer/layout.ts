/** OCI image layouts: OCI image-spec 1.1, "Image Layout". */
import type { Digest } from '../spec/digest.ts';
import { isAppError } from '../spec/errors.ts';
import { parseManifest } from '../spec/manifest.ts';
import { mediaTypes } from '../spec/media-types.ts';
import { manifestText } from '../store/manifest-cache.ts';
import type { Entry } from './archive.ts';
import { blobName, type Files, type Images } from './images.ts';
import { invalidBundle, parseJson } from './invalid.ts';

/** In the annotations of a descriptor: what the image is called. */
export const nameAnnotation = 'org.opencontainers.image.ref.name';
/** In the annotations of index.json: Berth made it; the value is what must be there already, with commas between. */
export const sinceAnnotation = 'io.berth.bundle.since';
/** The same as buildx, nerdctl and docker save write it: the tag alone is in the other annotation then. */
const engineAnnotation = 'io.containerd.image.name';

/** Reads the images of a layout. Throws BUNDLE_INVALID. */
export async function readLayout(files: Files, marker: Entry, index: Entry): Promise<Images> {
  const { imageLayoutVersion: version } = parseJson(marker.name, await files.readDocument(marker)) as {
    readonly imageLayoutVersion?: unknown;
  };
  if (version !== '1.0.0') throw invalidBundle(marker.name, 'is of a version that Berth does not know');
  const bytes = await files.readDocument(index);
  const { manifests, annotations } = attempt(() => parseManifest(manifestText(bytes), mediaTypes.ociIndex));
  // parseManifest has seen that these are lists of objects and texts.
  const { manifests: said = [] } = JSON.parse(manifestText(bytes)) as {
    readonly manifests?: readonly { readonly annotations?: Readonly<Record<string, string>> | null }[];
  };
  const since = annotations?.[sinceAnnotation];
  return {
    roots: manifests.map(({ digest, mediaType }, at) => {
      const about = said[at]?.annotations ?? {};
      return { name: about[engineAnnotation] ?? about[nameAnnotation], digest, mediaType };
    }),
    isOwn: since !== undefined,
    since: since === undefined || since === '' ? [] : since.split(','),
    async manifest(digest: Digest) {
      const entry = await files.find(blobName(digest));
      return entry && (await files.readDocument(entry));
    },
    blob: (digest) => files.find(blobName(digest)),
  };
}

function attempt<T>(act: () => T): T {
  try {
    return act();
  } catch (error) {
    if (!isAppError(error)) throw error;
    throw invalidBundle('index.json', `cannot be read: ${error.message.replace(/\.$/, '')}`, error);
  }
}
