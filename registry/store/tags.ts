import type { Driver } from '../driver/driver.ts';
import { type Digest } from '../spec/digest.ts';
import { AppError, assertNever } from '../spec/errors.ts';
import { parseTag, type RepoName, type Tag } from '../spec/names.ts';
import { linkTime, linkTo, readLink } from './links.ts';
import { tagIndexLink, tagLink, tagsTree, tagTree } from './paths.ts';
import { createRemembered } from './remembered.ts';
import { byteOrder } from './repositories.ts';

/** The orders a list of tags can have. */
export const tagSorts = ['name', '-name', 'pushed', '-pushed', 'semver'] as const;
export type TagSort = (typeof tagSorts)[number];

export interface Tags {
  /** What the tag means now. */
  find(repository: RepoName, tag: Tag): Promise<Digest | undefined>;
  /** Every tag of a repository in byte order, those after `after` only. */
  list(repository: RepoName, options?: { readonly after: string }): AsyncIterable<Tag>;
  /** The same with the times of their links. */
  times(repository: RepoName, options?: { readonly after: string }): AsyncIterable<TagTime>;
  /** Points a tag at a manifest, durably: first the history link, then the meaning. */
  move(repository: RepoName, tag: Tag, to: Digest): Promise<void>;
  /** Removes a tag with its history, durably. */
  remove(repository: RepoName, tag: Tag): Promise<void>;
  /** @throws AppError TAG_INVALID when the file system cannot tell this tag from another */
  checkStorable(repository: RepoName, tag: Tag): Promise<void>;
}

/** A tag and when its link was written, in milliseconds since the epoch. */
export interface TagTime {
  readonly tag: Tag;
  readonly modifiedAt: number;
}

/** A tag and its place in a sorted list: tags are ordered by `key`, equal keys by name. */
export interface SortedTag {
  readonly key: string;
  readonly tag: Tag;
}

/** Meanings that are kept in memory; reading one from the disk costs as much as the rest of a manifest's answer. */
const keptTags = 10_000;

export function createTags(driver: Driver, platform: NodeJS.Platform = process.platform): Tags {
  const meanings = createRemembered<Digest>(keptTags);

  async function* times(repository: RepoName, { after } = { after: '' }): AsyncIterable<TagTime> {
    for await (const { name } of driver.list(tagsTree(repository), { after })) {
      const tag = parseTag(name);
      if (tag === undefined) continue;
      const modifiedAt = await linkTime(driver, tagLink(repository, tag));
      if (modifiedAt !== undefined) yield { tag, modifiedAt };
    }
  }

  async function* list(repository: RepoName, options?: { readonly after: string }): AsyncIterable<Tag> {
    for await (const { tag } of times(repository, options)) yield tag;
  }

  async function checkStorable(repository: RepoName, tag: Tag): Promise<void> {
    if (platform === 'win32' && (windowsDevice.test(tag) || tag.endsWith('.'))) {
      throw new AppError('TAG_INVALID', {
        message: `Windows cannot store the tag ${tag}. Choose another one.`,
      });
    }
    if (platform !== 'win32' && platform !== 'darwin') return;
    for await (const other of list(repository)) {
      if (other !== tag && other.toLowerCase() === tag.toLowerCase()) {
        throw new AppError('TAG_INVALID', {
          message: `The file system cannot tell the tag ${tag} from ${other}. Choose another one.`,
        });
      }
    }
  }

  return {
    find(repository, tag) {
      const key = tagLink(repository, tag);
      return meanings.get(key, () => readLink(driver, key));
    },
    list,
    times,
    checkStorable,
    async move(repository, tag, to) {
      const key = tagLink(repository, tag);
      const history = linkTo(tagIndexLink(repository, tag, to), to);
      await meanings.change(key, () => driver.commit([[history], [linkTo(key, to)]]));
    },
    remove: (repository, tag) =>
      meanings.change(tagLink(repository, tag), () => driver.removeTree(tagTree(repository, tag))),
  };
}

/** All tags in another order, each with the key it is sorted by. */
export async function sortTags(
  batches: AsyncIterable<readonly TagTime[]>,
  sort: TagSort,
): Promise<readonly SortedTag[]> {
  const keyed: SortedTag[] = [];
  for await (const tags of batches) {
    for (const each of tags) keyed.push({ key: sortKey(each, sort), tag: each.tag });
  }
  const up = (a: SortedTag, b: SortedTag): number => byteOrder(a.key, b.key) || byteOrder(a.tag, b.tag);
  return keyed.toSorted(sort.startsWith('-') ? (a, b) => up(b, a) : up);
}

function sortKey({ tag, modifiedAt }: TagTime, sort: TagSort): string {
  switch (sort) {
    case 'name':
    case '-name':
      return tag;
    case 'pushed':
    case '-pushed':
      return String(Math.floor(modifiedAt * 1000)).padStart(20, '0');
    case 'semver':
      return semverKey(tag);
    default:
      return assertNever(sort);
  }
}

const windowsDevice = /^(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\..*)?$/i;
const semver = /^v?(\d{1,9})(?:\.(\d{1,9}))?(?:\.(\d{1,9}))?(?:-([0-9A-Za-z.-]+))?(?:\+.*)?$/;

/**
 * A key whose byte order is the order of versions (semver.org 2.0.0, section 11): a release stands after its
 * pre-releases, numbers are compared as numbers; tags that are no versions come first.
 */
export function semverKey(tag: string): string {
  const match = semver.exec(tag);
  if (match === null) return `0${tag}`;
  const numbers = match.slice(1, 4).map((part) => (part ?? '0').padStart(9, '0'));
  const pre = match[4];
  // Numeric identifiers stand before words, and a shorter list before a longer one with the same start.
  const rank =
    pre === undefined
      ? '~'
      : pre
          .split('.')
          .map((part) => (/^\d{1,9}$/.test(part) ? `!${part.padStart(9, '0')}` : `"${part}`))
          .join(' ');
  return `1${numbers.join('.')}${rank}`;
}
