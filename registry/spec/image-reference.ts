/** Names of images as people and bundles write them: `team/app:1`, `team/app@sha256:...`, with or without a host. */
import { type Digest, parseDigest } from './digest.ts';
import { parseRepoName, parseTag, type RepoName, type Tag } from './names.ts';

/** A repository alone, or with a tag, or with a digest. */
export interface ImageReference {
  readonly repository: RepoName;
  readonly tag: Tag | undefined;
  readonly digest: Digest | undefined;
}

/** Answers the reference, or `undefined` if the text is none. A host with a port is left out: no repository has one. */
export function parseImageReference(text: string): ImageReference | undefined {
  const [named, hash] = splitAt(text, text.indexOf('@'));
  const name = named.replace(/^[^/]*:\d+\//, '');
  const [path, label] = splitAt(name, name.indexOf(':'));
  const repository = parseRepoName(path);
  const tag = label === undefined ? undefined : parseTag(label);
  const digest = hash === undefined ? undefined : parseDigest(hash);
  if (repository === undefined || (label !== undefined && tag === undefined)) return undefined;
  if (hash !== undefined && (digest === undefined || tag !== undefined)) return undefined;
  return { repository, tag, digest };
}

/** The same for names that engines write: the part before the first slash is a host if it has a dot or is localhost. */
export function parseEngineReference(text: string): ImageReference | undefined {
  return parseImageReference(text.replace(/^(?:localhost|[a-zA-Z0-9[][^/]*[.:][^/]*)\//, ''));
}

function splitAt(text: string, at: number): readonly [string, string | undefined] {
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)];
}
