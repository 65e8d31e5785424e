/** What a query finds, by looking at every row that the lists answer without one: the oracle of filter.ts. */
import type { ManifestListRow, RepositoryRow, TagRow } from '../spec/admin/content.ts';
import { assertNever } from '../spec/errors.ts';
import type { RepoName } from '../spec/names.ts';
import { type Condition, parseQuery, type QueriedList, staleMs } from '../spec/query.ts';
import { versionOrderKey } from './version-order.ts';
import type { IndexQueries } from './queries.ts';

export type Lists = Pick<IndexQueries, 'repositories' | 'tags' | 'manifests'>;
export type TagQuery = Parameters<Lists['tags']>[0];
export type ManifestQuery = Parameters<Lists['manifests']>[0];
export type RepositoryQuery = Parameters<Lists['repositories']>[0];

interface Everything {
  readonly repository: RepositoryRow;
  readonly tags: readonly TagRow[];
  readonly manifests: readonly ManifestListRow[];
}

const limit = 1000;

/** All repositories with all that is in them; a page must have room for each. */
export function everythingIn(lists: Lists): readonly Everything[] {
  return lists.repositories({ sort: 'name', limit }).rows.map((row) => {
    const repository = row.name as RepoName;
    return {
      repository: row,
      tags: lists.tags({ repository, sort: 'name', limit }).rows,
      manifests: lists.manifests({ repository, untagged: false, sort: 'pushed', limit }).rows,
    };
  });
}

/** The names that a query of repositories answers over all its pages. */
export function findRepositories(
  all: readonly Everything[],
  { q, sort, descending }: Pick<RepositoryQuery, 'q' | 'sort' | 'descending'>,
  now: number,
): readonly string[] {
  const orders: Record<typeof sort, (row: RepositoryRow) => number | string> = {
    name: (row) => row.name,
    pushed: (row) => -timeOf(row.pushedAt),
    pulled: (row) => -timeOf(row.lastPulledAt),
    size: (row) => -(row.exclusiveBytes + row.sharedBytes),
    pulls: (row) => -row.pulls30d.reduce((sum, count) => sum + count, 0),
    tags: (row) => -row.tagCount,
  };
  const found = all.filter((each) =>
    holds('repositories', q, (condition) => isRepositoryThat(condition, each, now)),
  );
  const rows = found.map(({ repository }) => repository);
  const reversed = (descending ?? sort !== 'name') !== (sort !== 'name');
  return sorted(rows, orders[sort], (row) => row.name, reversed);
}

/** The tags that a query of one repository answers over all its pages. */
export function findTags(
  tags: readonly TagRow[],
  { q, sort, descending }: Pick<TagQuery, 'q' | 'sort' | 'descending'>,
  now: number,
): readonly string[] {
  const orders: Record<typeof sort, (row: TagRow) => number | string> = {
    name: (row) => row.tag,
    pushed: (row) => -timeOf(row.pushedAt),
    pulled: (row) => -timeOf(row.lastPulledAt),
    size: (row) => -row.totalBytes,
    pulls: (row) => -row.pullCount,
    semver: (row) => versionOrderKey(row.tag),
  };
  const rows = tags.filter((row) => holds('tags', q, (condition) => isTagThat(condition, row, now)));
  const natural = sort !== 'name';
  const reversed = ((descending ?? natural) !== natural) !== (sort === 'semver');
  return sorted(rows, orders[sort], (row) => row.tag, reversed);
}

/** The digests that a list of the manifests of one repository answers over all its pages. */
export function findManifests(
  manifests: readonly ManifestListRow[],
  { untagged, sort, descending = true }: Pick<ManifestQuery, 'untagged' | 'sort' | 'descending'>,
): readonly string[] {
  const rows = manifests.filter(({ tagCount }) => !untagged || tagCount === 0);
  const key = (row: ManifestListRow) => (sort === 'size' ? -row.totalBytes : -timeOf(row.pushedAt));
  return sorted(rows, key, (row) => row.digest, !descending);
}

function holds(list: QueriedList, q: string | undefined, is: (condition: Condition) => boolean): boolean {
  return parseQuery(q ?? '', list).terms.every(({ condition, isNegated }) => is(condition) !== isNegated);
}

function sorted<Row>(
  rows: readonly Row[],
  key: (row: Row) => number | string,
  name: (row: Row) => string,
  reversed: boolean,
): readonly string[] {
  const compare = (a: Row, b: Row): number =>
    key(a) === key(b) ? (name(a) < name(b) ? -1 : 1) : key(a) < key(b) ? -1 : 1;
  return rows.toSorted((a, b) => (reversed ? -compare(a, b) : compare(a, b))).map(name);
}

function isRepositoryThat(
  asked: Condition,
  { repository, tags, manifests }: Everything,
  now: number,
): boolean {
  const real = tags.filter((tag) => !tag.isFallback);
  switch (asked.key) {
    case 'word':
      return repository.name.includes(asked.text);
    case 'tag':
      return tags.some((tag) => isTagThat(asked, tag, now));
    case 'digest':
      return manifests.some(({ digest }) => digest.startsWith(asked.start));
    case 'size':
      return isSize(asked, repository.exclusiveBytes + repository.sharedBytes);
    case 'pushed':
      return isAge(asked, repository.pushedAt, now);
    case 'pulled':
      return isAge(asked, repository.lastPulledAt, now);
    case 'neverPulled':
      return repository.lastPulledAt === undefined;
    case 'kind':
      return asked.value === 'mixed'
        ? new Set(real.map(({ kind }) => kind)).size > 1
        : real.some(({ kind }) => kind === asked.value);
    case 'is':
      if (asked.state === 'untagged') return repository.untaggedCount > 0;
      if (asked.state === 'stale') return isStale(repository, now);
      if (asked.state === 'signed') return real.length > 0 && real.every(({ hasSignature }) => hasSignature);
      return real.some((tag) => isTagThat(asked, tag, now));
    case 'arch':
    case 'os':
    case 'by':
      return real.some((tag) => isTagThat(asked, tag, now));
    default:
      return assertNever(asked);
  }
}

function isTagThat(asked: Condition, tag: TagRow, now: number): boolean {
  switch (asked.key) {
    case 'word':
      return tag.tag.toLowerCase().includes(asked.text);
    case 'tag':
      return asked.isStart ? tag.tag.startsWith(asked.text) : tag.tag === asked.text;
    case 'digest':
      return tag.digest.startsWith(asked.start);
    case 'arch':
      return tag.platforms.some((platform) => {
        const [, arch, variant] = platform.split('/');
        return asked.value === arch || asked.value === `${arch}/${variant}`;
      });
    case 'os':
      return tag.platforms.some((platform) => platform.split('/')[0] === asked.value);
    case 'by':
      return tag.pushedBy === asked.value;
    case 'kind':
      return tag.kind === asked.value;
    case 'size':
      return isSize(asked, tag.totalBytes);
    case 'pushed':
      return isAge(asked, tag.pushedAt, now);
    case 'pulled':
      return isAge(asked, tag.lastPulledAt, now);
    case 'neverPulled':
      return tag.lastPulledAt === undefined;
    case 'is':
      switch (asked.state) {
        case 'signed':
          return tag.hasSignature && !tag.isFallback;
        case 'unsigned':
          return !tag.hasSignature && !tag.isFallback;
        case 'multiplatform':
          return tag.platforms.filter((platform) => platform !== 'unknown/unknown').length > 1;
        case 'fallback':
          return tag.isFallback;
        case 'stale':
          return isStale(tag, now);
        case 'untagged':
          return false;
        default:
          return assertNever(asked.state);
      }
    default:
      return assertNever(asked);
  }
}

function isSize(
  { order, bytes }: { readonly order: '<' | '>'; readonly bytes: number },
  size: number,
): boolean {
  return order === '<' ? size < bytes : size > bytes;
}

function isAge(
  { order, ageMs }: { readonly order: '<' | '>'; readonly ageMs: number },
  at: string | undefined,
  now: number,
): boolean {
  if (at === undefined) return false;
  const age = now - timeOf(at);
  return order === '<' ? age < ageMs : age > ageMs;
}

function isStale(row: { readonly pushedAt?: string; readonly lastPulledAt?: string }, now: number): boolean {
  return now - timeOf(row.pushedAt) > staleMs && now - timeOf(row.lastPulledAt) > staleMs;
}

function timeOf(text: string | undefined): number {
  return text === undefined ? 0 : Date.parse(text);
}
