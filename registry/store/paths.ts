/**
 * Where everything lies, as keys of a driver. The tree under `docker/` is distribution's, byte for byte:
 *
 *   docker/registry/v2/
 *     blobs/<alg>/<first 2 hex>/<hex>/data                        layers, configs and manifests
 *     repositories/<name>/
 *       _layers/<alg>/<hex>/link                                  the blob is readable in this repository
 *       _manifests/revisions/<alg>/<hex>/link                     the manifest is in this repository
 *       _manifests/tags/<tag>/current/link                        what the tag means
 *       _manifests/tags/<tag>/index/<alg>/<hex>/link              what it ever meant
 *       _uploads/<uuid>/{data,startedat}                          an upload session
 *   berth/quarantine/<alg>/<hex>                                  damaged blobs
 *   berth/damaged/<alg>/<hex>.json                                what is known of them, and of missing ones
 *   berth/scrub.json                                              how far the check of everything is
 *   berth/collections.json, berth/usage.json                      the last collections; the room taken, by day
 *   berth/trash/<id>.json                                         removed tags and manifests
 *
 * A link holds the text of a digest, without a newline.
 */
import { type Digest, digestParts } from '../spec/digest.ts';
import type { RepoName, Tag, UploadId } from '../spec/names.ts';

const base = 'docker/registry/v2';

const repositoriesRoot = `${base}/repositories`;

/** The directory of all content of one algorithm; below it are two digits, then the whole hex. */
export function blobsTree(algorithm: string): string {
  return `${base}/blobs/${algorithm}`;
}

export function blobTree(digest: Digest): string {
  const { algorithm, hex } = digestParts(digest);
  return `${blobsTree(algorithm)}/${hex.slice(0, 2)}/${hex}`;
}

export function blobData(digest: Digest): string {
  return `${blobTree(digest)}/data`;
}

export function quarantined(digest: Digest): string {
  return `berth/quarantine/${hexPath(digest)}`;
}

/** The directory of the records of damage; below it are algorithms. */
export const damagedTree = 'berth/damaged';

export function damagedRecord(digest: Digest): string {
  return `${damagedTree}/${hexPath(digest)}.json`;
}

export const scrubState = 'berth/scrub.json';

/** The last collections. */
export const collectRuns = 'berth/collections.json';

/** How much room was taken on each day. */
export const usageSamples = 'berth/usage.json';

/** The directory of the entries of the trash. */
export const trashTree = 'berth/trash';

export function trashEntry(id: string): string {
  return `${trashTree}/${id}.json`;
}

/** The directory of a repository. `name` may also be a prefix of names, as met when walking. */
export function repositoryTree(name: string): string {
  return `${repositoriesRoot}/${name}`;
}

/** The directory of all links to blobs; below an algorithm, its children are named by hex. */
export function layersTree(name: string): string {
  return `${repositoryTree(name)}/_layers`;
}

export function layerTree(name: string, digest: Digest): string {
  return `${layersTree(name)}/${hexPath(digest)}`;
}

export function layerLink(name: string, digest: Digest): string {
  return `${layerTree(name, digest)}/link`;
}

/** The directory of all manifests and tags. */
export function manifestsTree(name: string): string {
  return `${repositoryTree(name)}/_manifests`;
}

/** The directory of all revisions of one algorithm; its children are named by hex. */
export function revisionsTree(name: string, algorithm: string): string {
  return `${manifestsTree(name)}/revisions/${algorithm}`;
}

export function revisionTree(name: string, digest: Digest): string {
  return `${manifestsTree(name)}/revisions/${hexPath(digest)}`;
}

export function revisionLink(name: string, digest: Digest): string {
  return `${revisionTree(name, digest)}/link`;
}

/** The directory of all tags; its children are named by tag. */
export function tagsTree(name: string): string {
  return `${manifestsTree(name)}/tags`;
}

export function tagTree(name: string, tag: Tag): string {
  return `${tagsTree(name)}/${tag}`;
}

export function tagLink(name: string, tag: Tag): string {
  return `${tagTree(name, tag)}/current/link`;
}

export function tagIndexLink(name: string, tag: Tag, digest: Digest): string {
  return `${tagTree(name, tag)}/index/${hexPath(digest)}/link`;
}

/** The directory of all upload sessions; its children are named by upload id. */
export function uploadsTree(name: string): string {
  return `${repositoryTree(name)}/_uploads`;
}

export function uploadTree(name: RepoName, id: UploadId): string {
  return `${uploadsTree(name)}/${id}`;
}

export function uploadData(name: RepoName, id: UploadId): string {
  return `${uploadTree(name, id)}/data`;
}

export function uploadStartedAt(name: RepoName, id: UploadId): string {
  return `${uploadTree(name, id)}/startedat`;
}

function hexPath(digest: Digest): string {
  const { algorithm, hex } = digestParts(digest);
  return `${algorithm}/${hex}`;
}
