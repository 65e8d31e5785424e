/**
 * The answers of the index. A page is a few look-ups, whatever the size of the registry. A query (`q`) counts what matches,
 * so it looks at every repository, or along an index at every tag of the one repository, unless the order of an index knows:
 * tags and digests by their start, and ages and sizes. A count holds until something changes.
 */
import type { DatabaseSync } from 'node:sqlite';
import { z } from 'zod';
import type { AdminArguments } from '../spec/admin-api.ts';
import type { Page } from '../spec/admin/arguments.ts';
import type { ManifestListRow, ManifestRow, MoveRow, RepositoryRow, TagRow } from '../spec/admin/content.ts';
import type { ReferrerRow } from '../spec/admin/image.ts';
import type { UsageRow } from '../spec/admin/upkeep.ts';
import type { Digest } from '../spec/digest.ts';
import { AppError } from '../spec/errors.ts';
import { type ArtifactKind, subjectOfTag } from '../spec/kinds.ts';
import type { RepoName, Tag } from '../spec/names.ts';
import { describeReferrer, type Referrer } from '../store/referrers.ts';
import type { TagTime } from '../store/tags.ts';
import { isAttached } from './facets.ts';
import { type Condition, filterOf } from './filter.ts';
import { createStatements, stringsIn, type Value } from './statements.ts';
import { belowManifest, dayMs, daysIn, keptDays } from './writer.ts';

/** What the index knows of the room that content takes; trash and free room are for others to say. */
export type IndexUsage = Pick<UsageRow, 'repositories' | 'totalBytes' | 'reclaimableBytes'>;

/**
 * The questions that lists and screens ask. Names are sorted up; times, sizes, pulls and versions down, the newest first,
 * unless `descending` says which. `q` is a query in the language of spec/query.ts.
 */
export interface IndexQueries {
  /**
   * The repositories that hold a manifest.
   * @throws AppError PAGE_INVALID when `after` is not the `next` of such a list, QUERY_INVALID
   */
  repositories(query: AdminArguments<'repositories.list'>): Page<RepositoryRow>;
  /** One that holds a manifest. */
  repository(name: string): RepositoryRow | undefined;
  /** @throws AppError PAGE_INVALID, QUERY_INVALID */
  tags(query: AdminArguments<'tags.list'>): Page<TagRow>;
  /** The tags of all repositories that were pushed last, the newest first, without those that hold attachments. */
  recentTags(query: AdminArguments<'tags.recent'>): readonly TagRow[];
  /**
   * The manifests of a repository. What a lease keeps is for others to say: such a one is `untagged` here.
   * @throws AppError PAGE_INVALID
   */
  manifests(query: AdminArguments<'manifests.list'>): Page<ManifestListRow>;
  manifest(query: { readonly repository: string; readonly digest: string }): ManifestRow | undefined;
  /** How large each manifest is with all that it needs, and when it was built; those that are not known are left out. */
  builds(query: {
    readonly repository: string;
    readonly digests: readonly string[];
  }): ReadonlyMap<string, Pick<ManifestListRow, 'totalBytes' | 'createdAt'>>;
  /**
   * The moves of tags, the newest first.
   * @throws AppError PAGE_INVALID
   */
  history(query: AdminArguments<'history.list'>): Page<MoveRow>;
  /**
   * The manifests whose subject is the digest, by their digests.
   * @throws AppError PAGE_INVALID
   */
  referrers(query: AdminArguments<'referrers.list'>): Page<IndexReferrer>;
  /** How many manifests but this one need each blob, anywhere: 100 at most, which stands for more as well. */
  sharing(blobs: readonly string[], but: string): ReadonlyMap<string, number>;
  usage(): IndexUsage;
  /** The sums of `usage`, without the repositories. */
  totals(): Pick<IndexUsage, 'totalBytes' | 'reclaimableBytes'>;
  /**
   * What cannot be pulled without a digest: the first hundred repositories and tags (`repository:tag`) whose manifests
   * need it, directly or as part of an index, and the tags that mean it in some repositories.
   */
  brokenBy(digest: string, repositories: readonly string[]): Broken;
  /** Names of repositories that hold a manifest, in byte order: those after `after` only, at most `limit`. */
  repositoryNames(range: NameRange): readonly RepoName[];
  /** Tags in byte order: those after `after` only, at most `limit`. */
  tagNames(repository: RepoName, range: NameRange): readonly Tag[];
  /** The same with the times of their links. */
  tagTimes(repository: RepoName, range: NameRange): readonly TagTime[];
  /** True while the repository holds a manifest. */
  holdsManifest(repository: RepoName): boolean;
  /**
   * The manifests whose subject is the digest, as clients are told of them, in byte order: those after `after` only, at
   * most `limit`; with `artifactTypes` only those of one of the types.
   */
  referrerDescriptors(
    repository: RepoName,
    subject: Digest,
    range: NameRange & { readonly artifactTypes: readonly string[] },
  ): readonly Referrer[];
}

export interface NameRange {
  readonly after: string;
  readonly limit: number;
}

/** What the index knows of a referrer; what kind of thing it is, is for others to say. */
export type IndexReferrer = Omit<ReferrerRow, 'kind'>;
export interface Broken {
  readonly repositories: readonly string[];
  readonly tags: readonly string[];
}

interface Order {
  readonly columns: readonly [string, string];
  readonly direction: 'ASC' | 'DESC';
}

const repositoryOrders: Readonly<Record<AdminArguments<'repositories.list'>['sort'], Order>> = {
  name: { columns: ['name', 'name'], direction: 'ASC' },
  pushed: { columns: ['pushed_rank', 'name'], direction: 'ASC' },
  pulled: { columns: ['pulled_rank', 'name'], direction: 'ASC' },
  size: { columns: ['size_rank', 'name'], direction: 'ASC' },
  pulls: { columns: ['pulls_rank', 'name'], direction: 'ASC' },
  tags: { columns: ['tags_rank', 'name'], direction: 'ASC' },
};

const tagOrders: Readonly<Record<AdminArguments<'tags.list'>['sort'], Order>> = {
  ...repositoryOrders,
  semver: { columns: ['semver', 'name'], direction: 'DESC' },
};

const manifestOrders: Readonly<Record<AdminArguments<'manifests.list'>['sort'], Order>> = {
  pushed: { columns: ['pushed_rank', 'digest'], direction: 'ASC' },
  size: { columns: ['size_rank', 'digest'], direction: 'ASC' },
};

const historyOrder: Order = { columns: ['at', 'id'], direction: 'DESC' };
const referrerOrder: Order = { columns: ['digest', 'digest'], direction: 'ASC' };

/** Characters of annotations as JSON; a page of the control plane has room for them. */
const shownAnnotations = 2048;
/** Base layers have so many users that to count them all would take long. */
const mostSharing = 100;

const countsKept = 100;

/** So many matches are sorted at once, `sortedAtOnce`; to more than that, the way leads along the index of an order. */
export function createQueries(db: DatabaseSync, now: () => number, sortedAtOnce = 2000): IndexQueries {
  const { one, all, texts, number } = createStatements(db);

  /** One row more than asked tells whether there is another page. */
  function page(
    table: string,
    conditions: readonly Condition[],
    { columns: [key, name], direction }: Order,
    { after, limit }: { readonly after?: string | undefined; readonly limit: number },
  ): Found<unknown> {
    const beyond = direction === 'ASC' ? '>' : '<';
    const started =
      after === undefined ? [] : [{ sql: `(${key}, ${name}) ${beyond} (?, ?)`, values: readCursor(after) }];
    const where = [...conditions, ...started];
    const found = all(
      `SELECT *, ${key} AS cursor_key, ${name} AS cursor_name FROM ${table}
       WHERE ${allOf(where)} ORDER BY ${key} ${direction}, ${name} ${direction} LIMIT ?`,
      ...valuesOf(where),
      limit + 1,
    );
    const rows = found.slice(0, limit);
    const last = found.length > limit ? rows.at(-1) : undefined;
    return last === undefined
      ? { rows }
      : { rows, next: writeCursor([last['cursor_key'], last['cursor_name']]) };
  }

  /** The page of what a query matches, and how many that are. `walked` is the table with the index of the order. */
  function match(
    { table, walked }: { readonly table: string; readonly walked: string },
    conditions: readonly Condition[],
    order: Order,
    range: { readonly after?: string | undefined; readonly limit: number },
  ): Found<unknown> & { readonly total: number } {
    const total = count(table, conditions);
    if (total > sortedAtOnce) return { ...page(walked, conditions, order, range), total };
    // As they were counted, and then sorted: a plus sign keeps SQLite from walking along the index of the order.
    const [key, name] = order.columns;
    const sorted: Order = { ...order, columns: [`+${key}`, `+${name}`] };
    const found = {
      sql: `id IN (SELECT id FROM ${table} WHERE ${allOf(conditions)})`,
      values: valuesOf(conditions),
    };
    return { ...page(table, [found], sorted, range), total };
  }

  /** Counts of this state of the file. */
  const known = new Map<string, number>();
  let countedAt: number | undefined;

  function count(table: string, conditions: readonly Condition[]): number {
    const changes = number('SELECT total_changes() AS n');
    if (changes !== countedAt || known.size >= countsKept) known.clear();
    countedAt = changes;
    const sql = `SELECT count(*) AS n FROM ${table} WHERE ${allOf(conditions)}`;
    const values = valuesOf(conditions);
    const asked = JSON.stringify([sql, values]);
    const found = known.get(asked) ?? number(sql, ...values);
    known.set(asked, found);
    return found;
  }

  function repositoryId(name: string): number | undefined {
    return number('SELECT id AS n FROM repository WHERE name = ?', name) || undefined;
  }

  const repositories: IndexQueries['repositories'] = ({ q, sort, descending, after, limit }) => {
    const filled = { sql: 'manifest_count > 0', values: [] };
    const matching = filterOf('repositories', q, now());
    const order = directed(repositoryOrders[sort], sort !== 'name', descending);
    const { rows, ...more } = (
      matching.length > 0
        ? match({ table: 'repository', walked: 'repository' }, [filled, ...matching], order, { after, limit })
        : {
            // Among all names are those of repositories that are gone.
            ...page(`repository INDEXED BY repository_by_${sort}`, [filled], order, { after, limit }),
            total: number('SELECT repository_count AS n FROM meta'),
          }
    ) as Listed<RepositoryData>;
    return { rows: rows.map(repositoryRow), ...more };
  };

  const findRepository: IndexQueries['repository'] = (name) => {
    const row = one('SELECT * FROM repository WHERE name = ? AND manifest_count > 0', name);
    return row === undefined ? undefined : repositoryRow(row as unknown as RepositoryData);
  };

  function repositoryRow(row: RepositoryData): RepositoryRow {
    return {
      name: row.name,
      ...(row.artifact_kind === null ? {} : { kind: row.artifact_kind }),
      isMultiPlatform: isMultiPlatform(row.id),
      tagCount: row.tag_count,
      untaggedCount: row.untagged_count,
      exclusiveBytes: row.exclusive_bytes,
      sharedBytes: row.shared_bytes,
      ...(row.pushed_at === 0 ? {} : { pushedAt: timeOf(row.pushed_at) }),
      ...(row.pulled_at === 0 ? {} : { lastPulledAt: timeOf(row.pulled_at) }),
      pulls30d: pullsByDay(row.id),
    };
  }

  function isMultiPlatform(repository: number): boolean {
    const sql = `SELECT 1 FROM repository_facet WHERE repository_id = ? AND facet = 'is:multiplatform'`;
    return one(sql, repository) !== undefined;
  }

  function pullsByDay(repository: number): readonly number[] {
    const today = Math.floor(now() / dayMs);
    const counts = all(
      'SELECT day, count FROM day_pull WHERE repository_id = ? AND day > ?',
      repository,
      today - keptDays,
    ) as readonly { day: number; count: number }[];
    return byDay(counts.map((row) => [row.day, row.count]));
  }

  function byDay(counted: ReturnType<typeof daysIn>): readonly number[] {
    const today = Math.floor(now() / dayMs);
    const days = new Map(counted);
    return Array.from({ length: keptDays }, (_, at) => days.get(today - keptDays + 1 + at) ?? 0);
  }

  const tags: IndexQueries['tags'] = ({ repository, q, sort, descending, after, limit }) => {
    const matching = filterOf('tags', q, now());
    const id = repositoryId(repository);
    if (id === undefined) return { rows: [], total: 0 };
    const own = { sql: 'repository_id = ?', values: [id] };
    const order = directed(tagOrders[sort], sort !== 'name', descending);
    const { rows, ...more } = (
      matching.length > 0
        ? match({ table: 'tag', walked: `tag INDEXED BY tag_by_${sort}` }, [own, ...matching], order, {
            after,
            limit,
          })
        : {
            ...page('tag', [own], order, { after, limit }),
            total: number('SELECT tag_count AS n FROM repository WHERE id = ?', id),
          }
    ) as Listed<TagData>;
    return { rows: rows.map((row) => tagRow(repository, row)), ...more };
  };

  function tagRow(repository: string, row: TagData): TagRow {
    const { repository_id, name, digest } = row;
    const means = one(
      'SELECT * FROM manifest WHERE repository_id = ? AND digest = ?',
      repository_id,
      digest,
    ) as ManifestData | undefined;
    const attached = means?.attached ?? 0;
    return {
      repository,
      tag: name,
      digest,
      mediaType: means?.media_type ?? '',
      kind: means?.artifact_kind ?? 'other',
      digestTags: means?.tag_count ?? tagsOf(repository_id, digest).length,
      isFallback: subjectOfTag(name) !== undefined,
      hasSignature: isAttached('signature', attached),
      hasSbom: isAttached('sbom', attached),
      hasProvenance: isAttached('provenance', attached),
      platforms: stringsIn(means?.platforms),
      totalBytes: row.total_bytes,
      pushedAt: timeOf(row.pushed_at),
      ...createdIn(means),
      ...(row.pushed_by === null ? {} : { pushedBy: row.pushed_by }),
      ...(row.pushed_client === null ? {} : { client: row.pushed_client }),
      ...(row.pulled_at === 0 ? {} : { lastPulledAt: timeOf(row.pulled_at) }),
      pullCount: row.pull_count,
      pulls30d: byDay(row.pull_count === 0 ? [] : pullsOfTag(row)),
    };
  }

  /** No tag is newer than the last push to its repository: repositories are read until none can have a newer one. */
  const recentTags: IndexQueries['recentTags'] = ({ limit }) => {
    const isShown = filterOf('tags', '-is:fallback', now());
    const found: { readonly name: string; readonly tag: TagData }[] = [];
    const [filled, order] = [{ sql: 'manifest_count > 0', values: [] }, repositoryOrders.pushed];
    for (let after: string | undefined; ;) {
      const listed = page('repository INDEXED BY repository_by_pushed', [filled], order, { after, limit });
      for (const { id, name, pushed_at } of listed.rows as readonly RepositoryData[]) {
        const oldest = found[limit - 1]?.tag.pushed_at;
        if (oldest !== undefined && oldest >= pushed_at)
          return found.map((each) => tagRow(each.name, each.tag));
        const own = { sql: 'repository_id = ?', values: [id] };
        const { rows } = page('tag', [own, ...isShown], tagOrders.pushed, { limit });
        found.push(...(rows as readonly TagData[]).map((tag) => ({ name, tag })));
        found.sort((a, b) => b.tag.pushed_at - a.tag.pushed_at);
        found.length = Math.min(found.length, limit);
      }
      after = listed.next;
      if (after === undefined) return found.map(({ name, tag }) => tagRow(name, tag));
    }
  };

  function pullsOfTag({ repository_id, name }: TagData): ReturnType<typeof daysIn> {
    const sql = 'SELECT days FROM tag_pull WHERE repository_id = ? AND tag = ?';
    return daysIn(one(sql, repository_id, name)?.['days']);
  }

  function tagsOf(repository: number, digest: string): readonly string[] {
    const sql = 'SELECT name FROM tag WHERE repository_id = ? AND digest = ? ORDER BY name';
    return texts(sql, repository, digest);
  }

  const manifests: IndexQueries['manifests'] = ({ repository, untagged, sort, descending, after, limit }) => {
    const id = repositoryId(repository);
    if (id === undefined) return { rows: [], total: 0 };
    const own = { sql: 'repository_id = ?', values: [id] };
    const conditions = untagged ? [own, { sql: 'tag_count = 0', values: [] }] : [own];
    const order = directed(manifestOrders[sort], true, descending);
    const { rows, ...more } = page('manifest', conditions, order, { after, limit }) as Found<ManifestData>;
    const counted = untagged ? 'manifest_count - tagged_count' : 'manifest_count';
    const total = number(`SELECT ${counted} AS n FROM repository WHERE id = ?`, id);
    return { rows: rows.map(manifestListRow), total, ...more };
  };

  const manifest: IndexQueries['manifest'] = ({ repository, digest }) => {
    const id = repositoryId(repository);
    const row = id === undefined ? undefined : manifestData(id, digest);
    if (row === undefined) return undefined;
    const { repository_id } = row;
    const referrers = all(
      `SELECT ifnull(artifact_type, '') AS type, count(*) AS count FROM manifest
       WHERE repository_id = ? AND subject = ? GROUP BY artifact_type ORDER BY artifact_type`,
      repository_id,
      digest,
    ) as readonly { type: string; count: number }[];
    return {
      digest: row.digest,
      mediaType: row.media_type,
      ...(row.artifact_type === null ? {} : { artifactType: row.artifact_type }),
      totalBytes: row.total_bytes,
      exclusiveBytes: exclusiveBytes(row.id),
      platforms: stringsIn(row.platforms),
      children: stringsIn(row.children),
      ...(row.subject === null ? {} : { subject: row.subject }),
      referrers: Object.fromEntries(referrers.map(({ type, count: found }) => [type, found])),
      annotations: JSON.parse(row.annotations) as Record<string, string>,
      tags: tagsOf(repository_id, digest),
    };
  };

  const builds: IndexQueries['builds'] = (query) => {
    const id = repositoryId(query.repository);
    const found = id === undefined ? [] : query.digests.map((digest) => manifestData(id, digest));
    return new Map(
      found
        .filter((row) => row !== undefined)
        .map((row) => [row.digest, { totalBytes: row.total_bytes, ...createdIn(row) }]),
    );
  };

  function manifestData(repositoryOf: number, digest: string): ManifestData | undefined {
    return one('SELECT * FROM manifest WHERE repository_id = ? AND digest = ?', repositoryOf, digest) as
      ManifestData | undefined;
  }

  /** Stored bytes of a manifest and what it lists that no other manifest needs, here or in another repository. */
  function exclusiveBytes(manifestId: number): number {
    return number(
      `WITH RECURSIVE below (id) AS (${belowManifest})
       SELECT sum(size) AS n FROM (
         SELECT DISTINCT blob.id, blob.size FROM below CROSS JOIN manifest_use ON manifest_id = below.id
         CROSS JOIN blob ON blob.id = blob_id
         WHERE NOT EXISTS (
           SELECT 1 FROM manifest_use AS other
           WHERE other.blob_id = blob.id AND other.manifest_id NOT IN (SELECT id FROM below)))`,
      manifestId,
    );
  }

  const history: IndexQueries['history'] = ({ repository, tag, after, limit }) => {
    const id = repositoryId(repository);
    if (id === undefined) return { rows: [], total: 0 };
    const own = { sql: 'repository_id = ?', values: [id] };
    const conditions = tag === undefined ? [own] : [own, { sql: 'tag = ?', values: [tag] }];
    const { rows, ...more } = page('move', conditions, historyOrder, { after, limit }) as Found<MoveData>;
    const total = number(
      'SELECT count AS n FROM move_count WHERE repository_id = ? AND tag = ?',
      id,
      tag ?? '',
    );
    return {
      rows: rows.map((row) => ({
        at: timeOf(row.at),
        repository,
        tag: row.tag,
        kind: row.kind,
        ...(row.from_digest === null ? {} : { from: row.from_digest }),
        ...(row.to_digest === null ? {} : { to: row.to_digest }),
        ...(row.by_user === null ? {} : { by: row.by_user }),
        ...(row.client === null ? {} : { client: row.client }),
      })),
      total,
      ...more,
    };
  };

  const referrers: IndexQueries['referrers'] = ({ repository, digest, artifactType, after, limit }) => {
    const id = repositoryId(repository);
    if (id === undefined) return { rows: [], total: 0 };
    const own = { sql: 'repository_id = ? AND subject = ?', values: [id, digest] };
    const conditions =
      artifactType === undefined ? [own] : [own, { sql: 'artifact_type = ?', values: [artifactType] }];
    const { rows, ...more } = page('manifest', conditions, referrerOrder, {
      after,
      limit,
    }) as Found<ManifestData>;
    return {
      rows: rows.map((row) => ({
        digest: row.digest,
        mediaType: row.media_type,
        ...(row.artifact_type === null ? {} : { artifactType: row.artifact_type }),
        totalBytes: row.total_bytes,
        pushedAt: timeOf(row.pushed_at),
        annotations:
          row.annotations.length > shownAnnotations
            ? {}
            : (JSON.parse(row.annotations) as Record<string, string>),
        referrerCount: count('manifest', [
          { sql: 'repository_id = ? AND subject = ?', values: [id, row.digest] },
        ]),
      })),
      total: count('manifest', conditions),
      ...more,
    };
  };

  function sharing(blobs: readonly string[], but: string): ReadonlyMap<string, number> {
    const found = (digest: string): number =>
      number(
        `SELECT count(*) AS n FROM (
           SELECT DISTINCT manifest.digest FROM blob CROSS JOIN manifest_use ON blob_id = blob.id AND kind <> 'self'
           CROSS JOIN manifest ON manifest.id = manifest_id
           WHERE blob.digest = ? AND manifest.digest <> ? LIMIT ${mostSharing})`,
        digest,
        but,
      );
    return new Map(blobs.map((digest) => [digest, found(digest)]));
  }

  function usage(): IndexUsage {
    const rows = all(
      'SELECT * FROM repository WHERE manifest_count > 0 ORDER BY size_rank, name',
    ) as unknown as readonly RepositoryData[];
    return {
      repositories: rows.map((row) => ({
        name: row.name,
        exclusiveBytes: row.exclusive_bytes,
        sharedBytes: row.shared_bytes,
      })),
      ...totals(),
    };
  }

  const repositoryNames: IndexQueries['repositoryNames'] = ({ after, limit }) =>
    texts(
      `SELECT name FROM repository INDEXED BY repository_by_name
       WHERE manifest_count > 0 AND name > ? ORDER BY name LIMIT ?`,
      after,
      limit,
    ) as readonly RepoName[];

  const tagNames: IndexQueries['tagNames'] = (repository, { after, limit }) =>
    texts(
      'SELECT name FROM tag WHERE repository_id = ? AND name > ? ORDER BY name LIMIT ?',
      repositoryId(repository) ?? 0,
      after,
      limit,
    ) as readonly Tag[];

  const tagTimes: IndexQueries['tagTimes'] = (repository, { after, limit }) =>
    all(
      'SELECT name, modified_at FROM tag WHERE repository_id = ? AND name > ? ORDER BY name LIMIT ?',
      repositoryId(repository) ?? 0,
      after,
      limit,
    ).map((row) => ({ tag: row['name'] as Tag, modifiedAt: Number(row['modified_at']) }));

  const holdsManifest: IndexQueries['holdsManifest'] = (repository) =>
    one('SELECT 1 FROM repository WHERE name = ? AND manifest_count > 0', repository) !== undefined;

  const referrerDescriptors: IndexQueries['referrerDescriptors'] = (
    repository,
    subject,
    { artifactTypes, after, limit },
  ) => {
    const ofType = artifactTypes.length === 0 ? '' : 'AND artifact_type IN (SELECT value FROM json_each(?5))';
    const rows = all(
      `SELECT manifest.digest, media_type, artifact_type, annotations, manifest_use.size
       FROM manifest CROSS JOIN manifest_use ON manifest_id = manifest.id AND kind = 'self'
       WHERE repository_id = ?1 AND subject = ?2 AND manifest.digest > ?3 ${ofType}
       ORDER BY manifest.digest LIMIT ?4`,
      repositoryId(repository) ?? 0,
      subject,
      after,
      limit,
      ...(artifactTypes.length === 0 ? [] : [JSON.stringify(artifactTypes)]),
    ) as unknown as readonly (Pick<ManifestData, 'media_type' | 'artifact_type' | 'annotations'> & {
      readonly digest: Digest;
      readonly size: number;
    })[];
    return rows.map(({ media_type, digest, size, artifact_type, annotations }) =>
      describeReferrer({
        mediaType: media_type,
        digest,
        size,
        artifactType: artifact_type ?? undefined,
        annotations: JSON.parse(annotations) as Record<string, string>,
      }),
    );
  };

  function totals(): Pick<IndexUsage, 'totalBytes' | 'reclaimableBytes'> {
    const meta = one('SELECT total_bytes, reclaimable_bytes FROM meta') as
      { total_bytes: number; reclaimable_bytes: number } | undefined;
    return { totalBytes: meta?.total_bytes ?? 0, reclaimableBytes: meta?.reclaimable_bytes ?? 0 };
  }

  function brokenBy(digest: string, meant: readonly string[]): Broken {
    const rows = all(
      `WITH RECURSIVE above (id) AS (
         SELECT manifest_id FROM blob JOIN manifest_use ON blob_id = blob.id WHERE blob.digest = ?1
         UNION
         SELECT parent.id FROM above CROSS JOIN manifest ON manifest.id = above.id
         JOIN blob ON blob.digest = manifest.digest JOIN manifest_use ON blob_id = blob.id AND kind = 'child'
         JOIN manifest AS parent ON parent.id = manifest_id AND parent.repository_id = manifest.repository_id)
       SELECT repository.name AS repository, tag.name AS tag
       FROM above CROSS JOIN manifest ON manifest.id = above.id
       JOIN repository ON repository.id = manifest.repository_id
       LEFT JOIN tag ON tag.repository_id = repository.id AND tag.digest = manifest.digest
       LIMIT 10000`,
      digest,
    ) as readonly { repository: string; tag: string | null }[];
    const tagged = meant.flatMap((name) => {
      const names = all(
        `SELECT name FROM tag WHERE repository_id = ? AND digest = ? LIMIT ${mostBroken}`,
        repositoryId(name) ?? 0,
        digest,
      );
      return names.map((row) => `${name}:${String(row['name'])}`);
    });
    const named = rows.filter(({ tag }) => tag !== null).map(({ repository, tag }) => `${repository}:${tag}`);
    const first = (names: readonly string[]): readonly string[] =>
      [...new Set(names)].toSorted().slice(0, mostBroken);
    return {
      repositories: first([...rows.map(({ repository }) => repository), ...meant]),
      tags: first([...named, ...tagged]),
    };
  }

  return {
    repositories,
    repository: findRepository,
    tags,
    recentTags,
    manifests,
    manifest,
    builds,
    history,
    usage,
    totals,
    brokenBy,
    repositoryNames,
    tagNames,
    tagTimes,
    holdsManifest,
    referrerDescriptors,
    referrers,
    sharing,
  };
}

const mostBroken = 100;

interface Found<Data> {
  readonly rows: readonly Data[];
  readonly next?: string;
}

interface Listed<Data> extends Found<Data> {
  readonly total: number;
}

interface RepositoryData {
  readonly id: number;
  readonly name: string;
  readonly artifact_kind: NonNullable<RepositoryRow['kind']> | null;
  readonly tag_count: number;
  readonly untagged_count: number;
  readonly exclusive_bytes: number;
  readonly shared_bytes: number;
  readonly pushed_at: number;
  readonly pulled_at: number;
}

interface TagData {
  readonly repository_id: number;
  readonly name: string;
  readonly digest: string;
  readonly total_bytes: number;
  readonly pushed_at: number;
  readonly pushed_by: string | null;
  readonly pushed_client: string | null;
  readonly pulled_at: number;
  readonly pull_count: number;
}

interface ManifestData {
  readonly id: number;
  readonly repository_id: number;
  readonly digest: string;
  readonly media_type: string;
  readonly artifact_type: string | null;
  readonly artifact_kind: ArtifactKind;
  readonly attached: number;
  readonly subject: string | null;
  readonly platforms: string;
  readonly children: string;
  readonly annotations: string;
  readonly total_bytes: number;
  readonly pushed_at: number;
  readonly created_at: number;
  readonly tag_count: number;
  readonly is_untagged: number;
}

interface MoveData {
  readonly tag: string;
  readonly at: number;
  readonly kind: MoveRow['kind'];
  readonly from_digest: string | null;
  readonly to_digest: string | null;
  readonly by_user: string | null;
  readonly client: string | null;
}

function allOf(conditions: readonly Condition[]): string {
  return conditions.map(({ sql }) => sql).join(' AND ');
}

function valuesOf(conditions: readonly Condition[]): readonly Value[] {
  return conditions.flatMap(({ values }) => values);
}

/** The order as it is, or the other way round where the caller wants that; `descends` is what it does by itself. */
function directed(order: Order, descends: boolean, descending: boolean | undefined): Order {
  if (descending === undefined || descending === descends) return order;
  return { ...order, direction: order.direction === 'ASC' ? 'DESC' : 'ASC' };
}

function manifestListRow(row: ManifestData): ManifestListRow {
  return {
    digest: row.digest,
    mediaType: row.media_type,
    ...(row.artifact_type === null ? {} : { artifactType: row.artifact_type }),
    kind: row.artifact_kind,
    platforms: stringsIn(row.platforms),
    totalBytes: row.total_bytes,
    pushedAt: timeOf(row.pushed_at),
    ...createdIn(row),
    ...(row.subject === null ? {} : { subject: row.subject }),
    tagCount: row.tag_count,
    keptBy: keeperOf(row),
  };
}

/** `is_untagged` excludes the other reasons. */
function keeperOf({ tag_count, subject, is_untagged }: ManifestData): ManifestListRow['keptBy'] {
  if (tag_count > 0) return 'tag';
  if (is_untagged === 1) return 'untagged';
  return subject === null ? 'index' : 'referrer';
}

function createdIn(row: ManifestData | undefined): { readonly createdAt?: string } {
  return row === undefined || row.created_at === 0 ? {} : { createdAt: timeOf(row.created_at) };
}

const cursor = z.tuple([z.union([z.string(), z.number()]), z.union([z.string(), z.number()])]);

function writeCursor(place: readonly unknown[]): string {
  return Buffer.from(JSON.stringify(place)).toString('base64url');
}

function readCursor(text: string): readonly Value[] {
  try {
    return cursor.parse(JSON.parse(Buffer.from(text, 'base64url').toString('utf8')));
  } catch (cause) {
    throw new AppError('PAGE_INVALID', {
      message: 'The page to go on from is not one of this list.',
      hint: 'Pass the `next` of the page before, or none for the first page.',
      cause,
    });
  }
}

function timeOf(ms: number): string {
  return new Date(ms).toISOString();
}
