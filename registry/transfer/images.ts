/** What the two forms of bundles have in common: images, and where their bytes are. */
import { type Digest, digestParts } from '../spec/digest.ts';
import type { Archive, Entry } from './archive.ts';

/** An image that a bundle offers. */
export interface Root {
  /** As the bundle says it. */
  readonly name: string | undefined;
  readonly digest: Digest;
  readonly mediaType: string;
}

/** The images of an archive, and where their bytes are. */
export interface Images {
  readonly roots: readonly Root[];
  /** Berth made it: names stand for themselves, without a host before them. */
  readonly isOwn: boolean;
  /** What must be there already, `repository@digest`. */
  readonly since: readonly string[];
  /** The bytes of a manifest, unchecked; `undefined` when it is not in the bundle. */
  manifest(digest: Digest): Promise<Uint8Array | undefined>;
  /** Where the bytes of a config or layer are. */
  blob(digest: Digest): Promise<Entry | undefined>;
}

/** What the readers of the two forms work with. */
export interface Files {
  readonly find: Archive['find'];
  readonly read: Archive['read'];
  /** The whole of a small file. Throws BUNDLE_INVALID for a large one. */
  readonly readDocument: (entry: Entry) => Promise<Buffer>;
  readonly signal: AbortSignal;
}

/** The name of the file of a digest in an OCI image layout. */
export function blobName(digest: Digest): string {
  const { algorithm, hex } = digestParts(digest);
  return `blobs/${algorithm}/${hex}`;
}
