/**
 * Repository names, tags and upload ids: the branded strings that the rest of the product trusts.
 * Source: OCI distribution-spec 1.1, "Pulling manifests".
 */

declare const brand: unique symbol;
/** A string that only its parser can make. */
export type Branded<Name extends string> = string & { readonly [brand]: Name };

/** A repository name such as `team/api`: at most 255 characters of the spec's grammar. */
export type RepoName = Branded<'RepoName'>;
/** A tag such as `1.4` or `latest`: at most 128 characters. */
export type Tag = Branded<'Tag'>;
/** The id of an upload session: a lower-case version 4 UUID made by this registry (or by distribution). */
export type UploadId = Branded<'UploadId'>;

const component = String.raw`[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*`;
const repoName = new RegExp(`^${component}(?:/${component})*$`);
const tag = /^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$/;
const uploadId = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** The repository that the doctor's checks push to, pull from and delete in. Its trash keeps nothing. */
export const checkRepository = 'berth/doctor' as RepoName;

/** The longest repository name, in characters. */
export const maxNameLength = 255;

/** Answers the name, or `undefined` if the text is not one. Linear in the length of the text. */
export function parseRepoName(text: string): RepoName | undefined {
  return text.length <= maxNameLength && repoName.test(text) ? (text as RepoName) : undefined;
}

/** Answers the tag, or `undefined` if the text is not one. */
export function parseTag(text: string): Tag | undefined {
  return tag.test(text) ? (text as Tag) : undefined;
}

/** Answers the upload id, or `undefined` if the text is not one. */
export function parseUploadId(text: string): UploadId | undefined {
  return uploadId.test(text) ? (text as UploadId) : undefined;
}

/** True for a glob over repository names that can match: its characters, `*`, and `**` as a whole part. */
export function isGlob(text: string): boolean {
  if (text.length > maxNameLength) return false;
  return text
    .split('/')
    .every((part) => part === '**' || (/^[a-z0-9._*-]+$/.test(part) && !part.includes('**')));
}
