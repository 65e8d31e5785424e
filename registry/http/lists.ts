import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { parseDigest } from '../spec/digest.ts';
import { AppError } from '../spec/errors.ts';
import { mediaTypes } from '../spec/media-types.ts';
import { parseTag, type RepoName, type Tag } from '../spec/names.ts';
import { byteOrder } from '../store/repositories.ts';
import type { Store } from '../store/store.ts';
import { type SortedTag, tagSorts, type TagSort } from '../store/tags.ts';
import { type Exchange, sendJson } from './exchange.ts';
import { nextLink, pageSize, takePage } from './pages.ts';

export interface ListOptions {
  readonly maxTags: number;
  readonly maxRepositories: number;
  /** Names in byte order from an index, at most `limit` after `after`; `undefined` where it cannot tell. */
  readonly repositoryNames: (range: Range) => readonly RepoName[] | undefined;
  readonly tagNames: (repository: RepoName, range: Range) => readonly Tag[] | undefined;
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
  { maxRepositories, repositoryNames }: ListOptions,
): Promise<void> {
  const { query, res, caller } = exchange;
  const n = pageSize(query, maxRepositories) ?? maxRepositories;
  async function* readable(): AsyncIterable<RepoName> {
    const start = { after: query.get('last') ?? '', atLeast: n + 1 };
    for await (const name of names(start, repositoryNames, (range) => store.repositories.list(range))) {
      if (caller.sees(name)) yield name;
    }
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
  { maxTags, tagNames }: ListOptions,
): Promise<void> {
  const { query, res } = exchange;
  const n = pageSize(query, maxTags);
  const sort = readSort(query.get('sort'));
  if (!(await store.repositories.exists(repository))) {
    throw new AppError('NAME_UNKNOWN', { detail: { name: repository } });
  }
  if (sort !== undefined) {
    await listSorted(exchange, store, repository, { sort, n });
    return;
  }
  const tags = names(
    { after: query.get('last') ?? '', atLeast: n === undefined ? Infinity : n + 1 },
    (range) => tagNames(repository, range),
    (range) => store.tags.list(repository, range),
  );
  if (n === undefined) {
    res.setHeader('Content-Type', 'application/json');
    await pipeline(Readable.from(tagsJson(exchange, repository, tags), { objectMode: false }), res, {
      signal: exchange.signal,
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

const namesAtOnce = 1000;

/** Names from the index while it can tell, from there on those of the disk: both are in byte order. */
async function* names<Name extends string>(
  { after, atLeast }: { readonly after: string; readonly atLeast: number },
  indexed: (range: Range) => readonly Name[] | undefined,
  stored: (range: { readonly after: string }) => AsyncIterable<Name>,
): AsyncGenerator<Name> {
  const limit = Math.min(atLeast, namesAtOnce);
  let last = after;
  let found = indexed({ after: last, limit });
  while (found !== undefined) {
    yield* found;
    if (found.length < limit) return;
    last = found.at(-1) ?? last;
    found = indexed({ after: last, limit });
  }
  yield* stored({ after: last });
}

/** The list as text, which is ASCII: a character is a byte. */
async function* tagsJson(
  exchange: Exchange,
  repository: RepoName,
  tags: AsyncIterable<Tag>,
): AsyncGenerator<string> {
  let text = `{"name":${JSON.stringify(repository)},"tags":[`;
  let isFirst = true;
  for await (const tag of tags) {
    text += `${isFirst ? '' : ','}"${tag}"`;
    isFirst = false;
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
async function listSorted(
  exchange: Exchange,
  store: Store,
  repository: RepoName,
  { sort, n }: { readonly sort: TagSort; readonly n: number | undefined },
): Promise<void> {
  const all = await store.tags.sorted(repository, sort);
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
  reference: string,
): Promise<void> {
  const { query, res } = exchange;
  const subject = parseDigest(reference);
  if (subject === undefined) throw new AppError('DIGEST_INVALID');
  const n = pageSize(query, maxReferrers) ?? maxReferrers;
  const artifactTypes = query.getAll('artifactType');
  if (artifactTypes.length > 0) res.setHeader('OCI-Filters-Applied', 'artifactType');
  const found = store.referrers.list(repository, subject, { artifactTypes, after: query.get('last') ?? '' });
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
