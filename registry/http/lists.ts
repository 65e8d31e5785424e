import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { type Digest, parseDigest } from '../spec/digest.ts';
import { AppError } from '../spec/errors.ts';
import { mediaTypes } from '../spec/media-types.ts';
import { parseTag, type RepoName, type Tag } from '../spec/names.ts';
import type { Referrer } from '../store/referrers.ts';
import { byteOrder } from '../store/repositories.ts';
import type { Store } from '../store/store.ts';
import { type SortedTag, sortTags, tagSorts, type TagSort, type TagTime } from '../store/tags.ts';
import { type Exchange, sendJson } from './exchange.ts';
import { nextLink, pageSize, takePage } from './pages.ts';

export interface ListOptions {
  readonly maxTags: number;
  readonly maxRepositories: number;
  readonly indexed: Indexed;
}

/** What an index knows, in byte order, at most `limit` after `after`; `undefined` where it cannot tell. */
interface Indexed {
  repositoryNames(range: Range): readonly RepoName[] | undefined;
  tagNames(repository: RepoName, range: Range): readonly Tag[] | undefined;
  tagTimes(repository: RepoName, range: Range): readonly TagTime[] | undefined;
  holdsManifest(repository: RepoName): boolean | undefined;
  referrerDescriptors(
    repository: RepoName,
    subject: Digest,
    range: Range & { readonly artifactTypes: readonly string[] },
  ): readonly Referrer[] | undefined;
}

interface Range {
  readonly after: string;
  readonly limit: number;
}

const maxReferrers = 1000;
const maxReferrersBytes = 4 * 1024 * 1024;

/** GET /v2/_catalog: the repositories that hold a manifest and that the caller may pull. */
export async function listRepositories(
  exchange: Exchange,
  store: Store,
  { maxRepositories, indexed }: ListOptions,
): Promise<void> {
  const { query, res, caller } = exchange;
  const n = pageSize(query, maxRepositories) ?? maxRepositories;
  async function* readable(): AsyncIterable<readonly RepoName[]> {
    const batches = indexedFirst({
      start: { after: query.get('last') ?? '', atLeast: n + 1 },
      indexed: (range) => indexed.repositoryNames(range),
      stored: (range) => store.repositories.list(range),
      nameOf: (name) => name,
    });
    for await (const names of batches) yield names.filter((name) => caller.sees(name));
  }
  const { page, hasMore } = await takePage(readable(), n);
  const last = page.at(-1);
  if (hasMore && last !== undefined) res.setHeader('Link', nextLink(exchange, '/v2/_catalog', { last, n }));
  sendJson(exchange, 200, { repositories: page });
}

/** GET /v2/<name>/tags/list. Without `n` all tags, streamed. */
export async function listTags(
  exchange: Exchange,
  store: Store,
  repository: RepoName,
  { maxTags, indexed }: ListOptions,
): Promise<void> {
  const { query, res } = exchange;
  const n = pageSize(query, maxTags);
  const sort = readSort(query.get('sort'));
  if (!(indexed.holdsManifest(repository) ?? (await store.repositories.exists(repository)))) {
    throw new AppError('NAME_UNKNOWN', { detail: { name: repository } });
  }
  if (sort !== undefined) {
    const times = indexedFirst({
      start: { after: '', atLeast: Infinity },
      indexed: (range) => indexed.tagTimes(repository, range),
      stored: (range) => store.tags.times(repository, range),
      nameOf: ({ tag }) => tag,
    });
    listSorted(exchange, repository, { all: await sortTags(times, sort), sort, n });
    return;
  }
  const tags = indexedFirst({
    start: { after: query.get('last') ?? '', atLeast: n === undefined ? Infinity : n + 1 },
    indexed: (range) => indexed.tagNames(repository, range),
    stored: (range) => store.tags.list(repository, range),
    nameOf: (tag) => tag,
  });
  if (n === undefined) {
    res.setHeader('Content-Type', 'application/json');
    await pipeline(Readable.from(tagsJson(exchange, repository, tags), { objectMode: false }), res, {
      signal: exchange.signal(),
    });
    return;
  }
  const { page, hasMore } = await takePage(tags, n);
  const last = page.at(-1);
  if (hasMore && last !== undefined) {
    res.setHeader('Link', nextLink(exchange, `/v2/${repository}/tags/list`, { last, n }));
  }
  sendJson(exchange, 200, { name: repository, tags: page });
}

const rowsAtOnce = 1000;

/** Rows of the index while it can tell, in batches, from there on those of the disk: both are in byte order of their names. */
async function* indexedFirst<Row>({
  start: { after, atLeast },
  nameOf,
  indexed,
  stored,
}: {
  readonly start: { readonly after: string; readonly atLeast: number };
  readonly nameOf: (row: Row) => string;
  readonly indexed: (range: Range) => readonly Row[] | undefined;
  readonly stored: (range: { readonly after: string }) => AsyncIterable<Row>;
}): AsyncGenerator<readonly Row[]> {
  const limit = Math.min(atLeast, rowsAtOnce);
  let last = after;
  let found = indexed({ after: last, limit });
  while (found !== undefined) {
    yield found;
    const end = found.at(-1);
    if (end === undefined || found.length < limit) return;
    last = nameOf(end);
    found = indexed({ after: last, limit });
  }
  for await (const row of stored({ after: last })) yield [row];
}

/** The list as text, which is ASCII: a character is a byte. */
async function* tagsJson(
  exchange: Exchange,
  repository: RepoName,
  batches: AsyncIterable<readonly Tag[]>,
): AsyncGenerator<string> {
  let text = `{"name":${JSON.stringify(repository)},"tags":[`;
  let isFirst = true;
  for await (const tags of batches) {
    for (const tag of tags) {
      text += `${isFirst ? '' : ','}"${tag}"`;
      isFirst = false;
    }
    if (text.length > 16_384) {
      exchange.streamedBytes += text.length;
      yield text;
      text = '';
    }
  }
  exchange.streamedBytes += text.length + 2;
  yield `${text}]}`;
}

function readSort(text: string | null): TagSort | undefined {
  if (text === null) return undefined;
  const sort = tagSorts.find((known) => known === text);
  if (sort === undefined) {
    throw new AppError('PARAMETER_INVALID', { message: `sort must be one of ${tagSorts.join(', ')}.` });
  }
  return sort;
}

/** Sorted pages carry their place as an opaque cursor, since `last` alone does not tell it. */
function listSorted(
  exchange: Exchange,
  repository: RepoName,
  {
    all,
    sort,
    n,
  }: { readonly all: readonly SortedTag[]; readonly sort: TagSort; readonly n: number | undefined },
): void {
  const cursor = readCursor(exchange.query.get('last'));
  const isDown = sort.startsWith('-');
  const rest =
    cursor === undefined
      ? all
      : all.filter(({ key, tag }) => {
          const order = byteOrder(key, cursor.key) || byteOrder(tag, cursor.tag);
          return isDown ? order < 0 : order > 0;
        });
  const page = n === undefined ? rest : rest.slice(0, n);
  const end = page.at(-1);
  if (n !== undefined && end !== undefined && page.length < rest.length) {
    // A tag holds no space, whatever the key may hold.
    const last = Buffer.from(`${end.tag} ${end.key}`).toString('base64url');
    exchange.res.setHeader('Link', nextLink(exchange, `/v2/${repository}/tags/list`, { last, n }));
  }
  sendJson(exchange, 200, { name: repository, tags: page.map(({ tag }) => tag) });
}

function readCursor(text: string | null): SortedTag | undefined {
  if (text === null) return undefined;
  const decoded = Buffer.from(text, 'base64url').toString();
  const space = decoded.indexOf(' ');
  const tag = parseTag(decoded.slice(0, Math.max(0, space)));
  if (tag === undefined)
    throw new AppError('PARAMETER_INVALID', { message: 'last is no cursor of a sorted list.' });
  return { key: decoded.slice(space + 1), tag };
}

/** GET /v2/<name>/referrers/<digest>: always an index, empty for what is not known. */
export async function listReferrers(
  exchange: Exchange,
  store: Store,
  repository: RepoName,
  { reference, indexed }: { readonly reference: string; readonly indexed: Indexed },
): Promise<void> {
  const { query, res } = exchange;
  const subject = parseDigest(reference);
  if (subject === undefined) throw new AppError('DIGEST_INVALID');
  const n = pageSize(query, maxReferrers) ?? maxReferrers;
  const artifactTypes = query.getAll('artifactType');
  if (artifactTypes.length > 0) res.setHeader('OCI-Filters-Applied', 'artifactType');
  const after = query.get('last') ?? '';
  const found = indexedFirst({
    start: { after, atLeast: n + 1 },
    indexed: (range) => indexed.referrerDescriptors(repository, subject, { artifactTypes, ...range }),
    stored: (range) => store.referrers.list(repository, subject, { artifactTypes, ...range }),
    nameOf: ({ digest }) => digest,
  });
  let bytes = 0;
  const { page, hasMore } = await takePage(found, n, (descriptor) => {
    bytes += JSON.stringify(descriptor).length;
    return bytes <= maxReferrersBytes;
  });
  const last = page.at(-1)?.digest;
  if (hasMore && last !== undefined) {
    res.setHeader('Link', nextLink(exchange, `/v2/${repository}/referrers/${subject}`, { last, n }));
  }
  const index = { schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests: page };
  sendJson(exchange, 200, index, mediaTypes.ociIndex);
}
