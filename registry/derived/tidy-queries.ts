/** What rules, quotas and plans ask of the index. */
import type { DatabaseSync } from 'node:sqlite';
import { createBreath } from './breath.ts';
import { createStatements } from './statements.ts';

/** A tag as rules see it. Times are in milliseconds since the epoch. */
export interface TagRecord {
  readonly tag: string;
  readonly digest: string;
  readonly pushedAt: number;
  /** 0 where nobody has pulled it. */
  readonly pulledAt: number;
  /** What the image says of itself; of an index without a word of its own, the shortest that a child says. */
  readonly lifetimeMs?: number;
  /** Of the manifest with all that it lists. */
  readonly bytes: number;
}

/** Tags that are to go from a repository: how many of each digest. */
export interface Going {
  readonly repository: string;
  readonly tagsOf: ReadonlyMap<string, number>;
}

/** What goes with its last tags. */
export interface Freed {
  readonly manifests: number;
  /** Stored bytes that only those manifests need. */
  readonly bytes: number;
}

/** The room that some repositories take. Ask within one turn of the event loop. */
export interface Room {
  readonly tags: number;
  /** No less than `usedBytes`, and at hand. */
  readonly atMostBytes: number;
  /** Stored bytes that the repositories use, each digest once. */
  usedBytes(): number;
  /** The sizes of those that none of the repositories uses yet. */
  newBytes(uses: Iterable<{ readonly digest: string; readonly size: number }>): number;
}

export interface TidyQueries {
  /** A page of tags, the newest push first and then by name, those after `after` only. */
  tagRecords(query: {
    readonly repository: string;
    readonly after?: Pick<TagRecord, 'tag' | 'pushedAt'> | undefined;
    readonly limit: number;
  }): readonly TagRecord[];
  tagRecord(repository: string, tag: string): TagRecord | undefined;
  /** Other tags of the digest, by name. */
  tagsOfDigest(query: {
    readonly repository: string;
    readonly digest: string;
    readonly limit: number;
  }): readonly string[];
  /** Indexes of the repository that list the digest, by their digests. */
  indexesOf(query: {
    readonly repository: string;
    readonly digest: string;
    readonly limit: number;
  }): readonly string[];
  /** Names of repositories in their order, those after `after` only. */
  taggedRepositories(after: string): readonly string[];
  /** What would go with these tags, all of them together. In steps: others run between. */
  freed(going: Iterable<Going>, options: { readonly signal: AbortSignal }): Promise<Freed>;
  /** What goes with a whole repository. */
  freedWithRepository(repository: string): Freed;
  /** The room of repositories whose names begin with `prefix` and match. */
  room(scope: { readonly prefix: string; readonly matches: (name: string) => boolean }): Room;
}

const pageRows = 500;

const record = `
  SELECT tag.name AS tag, tag.digest, tag.pushed_at AS pushedAt, tag.pulled_at AS pulledAt, tag.total_bytes AS bytes,
    ifnull(manifest.lifetime_ms, (
      SELECT min(child.lifetime_ms) FROM manifest_use JOIN blob ON blob.id = blob_id
      JOIN manifest AS child ON child.digest = blob.digest AND child.repository_id = manifest.repository_id
      WHERE manifest_use.manifest_id = manifest.id AND kind = 'child')) AS lifetimeMs
  FROM tag LEFT JOIN manifest ON manifest.repository_id = tag.repository_id AND manifest.digest = tag.digest
  WHERE tag.repository_id = (SELECT id FROM repository WHERE name = ?)`;

export function createTidyQueries(db: DatabaseSync): TidyQueries {
  const { one, all, texts, number } = createStatements(db);

  function tagRecords({ repository, after, limit }: Parameters<TidyQueries['tagRecords']>[0]) {
    const [rank, name] = after === undefined ? [-Number.MAX_SAFE_INTEGER, ''] : [-after.pushedAt, after.tag];
    return (
      all(
        `${record} AND (tag.pushed_rank, tag.name) > (?, ?) ORDER BY tag.pushed_rank, tag.name LIMIT ?`,
        repository,
        rank,
        name,
        limit,
      ) as unknown as readonly RecordData[]
    ).map(recordOf);
  }

  async function freed(going: Iterable<Going>, { signal }: { readonly signal: AbortSignal }): Promise<Freed> {
    const breathe = createBreath(signal);
    const manifests = new Set<number>();
    for (const { repository, tagsOf } of going) {
      const id = number('SELECT id AS n FROM repository WHERE name = ?', repository);
      const waiting = [...tagsOf.keys()];
      for (let digest = waiting.pop(); digest !== undefined; digest = waiting.pop()) {
        await breathe();
        const manifest = number(
          'SELECT id AS n FROM manifest WHERE repository_id = ? AND digest = ?',
          id,
          digest,
        );
        if (manifest === 0 || manifests.has(manifest) || !isFree(id, digest, tagsOf)) continue;
        manifests.add(manifest);
        waiting.push(...childrenOf(manifest));
      }
    }
    return { manifests: manifests.size, bytes: await bytesOf(manifests, breathe) };

    function isFree(id: number, digest: string, tagsOf: Going['tagsOf']): boolean {
      const tags = number('SELECT count(*) AS n FROM tag WHERE repository_id = ? AND digest = ?', id, digest);
      if (tags > (tagsOf.get(digest) ?? 0)) return false;
      const parents = all(
        `SELECT parent.id FROM blob JOIN manifest_use ON blob_id = blob.id AND kind = 'child'
         JOIN manifest AS parent ON parent.id = manifest_id WHERE blob.digest = ? AND parent.repository_id = ?`,
        digest,
        id,
      ) as unknown as readonly { id: number }[];
      return parents.every((parent) => manifests.has(parent.id));
    }
  }

  function childrenOf(manifest: number): readonly string[] {
    const sql = `SELECT digest FROM manifest_use JOIN blob ON blob.id = blob_id
                 WHERE manifest_id = ? AND kind = 'child'`;
    return texts(sql, manifest);
  }

  async function bytesOf(manifests: ReadonlySet<number>, breathe: () => Promise<void>): Promise<number> {
    const seen = new Set<number>();
    let bytes = 0;
    for (const manifest of manifests) {
      await breathe();
      const blobs = all(
        'SELECT blob.id, blob.size FROM manifest_use CROSS JOIN blob ON blob.id = blob_id WHERE manifest_id = ?',
        manifest,
      ).map(({ id, size }) => ({ id: Number(id), size: Number(size) }));
      for (const { id, size } of blobs.filter((blob) => !seen.has(blob.id))) {
        seen.add(id);
        const users = all('SELECT manifest_id FROM manifest_use WHERE blob_id = ?', id);
        if (users.every((user) => manifests.has(Number(user['manifest_id'])))) bytes += size;
      }
    }
    return bytes;
  }

  function room({ prefix, matches }: Parameters<TidyQueries['room']>[0]): Room {
    const found = (
      all(
        `SELECT id, name, tag_count, exclusive_bytes, shared_bytes FROM repository
         WHERE name >= ? AND name < ? AND manifest_count > 0`,
        prefix,
        `${prefix}\u{10ffff}`,
      ) as unknown as readonly RoomData[]
    ).filter(({ name }) => matches(name));
    const sum = (of: (row: RoomData) => number): number => found.reduce((total, row) => total + of(row), 0);
    const ids = new Set(found.map(({ id }) => id));
    const exclusiveBytes = sum((row) => row.exclusive_bytes);
    return {
      tags: sum((row) => row.tag_count),
      atMostBytes: exclusiveBytes + sum((row) => row.shared_bytes),
      usedBytes: () =>
        found.length < 2
          ? sum((row) => row.exclusive_bytes + row.shared_bytes)
          : exclusiveBytes +
            number(
              `SELECT sum(size) AS n FROM blob WHERE repositories > 1 AND id IN (
                 SELECT blob_id FROM repository_use WHERE repository_id IN (SELECT value FROM json_each(?)))`,
              JSON.stringify([...ids]),
            ),
      newBytes(uses) {
        const sizes = new Map([...uses].map(({ digest, size }) => [digest, size]));
        const isKnown = (digest: string): boolean =>
          all(
            'SELECT repository_id FROM blob JOIN repository_use ON blob_id = id WHERE digest = ?',
            digest,
          ).some((row) => ids.has(Number(row['repository_id'])));
        return [...sizes].reduce((total, [digest, size]) => (isKnown(digest) ? total : total + size), 0);
      },
    };
  }

  return {
    tagRecords,
    tagRecord(repository, tag) {
      const row = one(`${record} AND tag.name = ?`, repository, tag) as unknown as RecordData | undefined;
      return row === undefined ? undefined : recordOf(row);
    },
    tagsOfDigest: ({ repository, digest, limit }) =>
      texts(
        `SELECT name FROM tag WHERE repository_id = (SELECT id FROM repository WHERE name = ?) AND digest = ?
           ORDER BY name LIMIT ?`,
        repository,
        digest,
        limit,
      ),
    indexesOf: ({ repository, digest, limit }) =>
      texts(
        `SELECT parent.digest FROM blob JOIN manifest_use ON blob_id = blob.id AND kind = 'child'
           JOIN manifest AS parent ON parent.id = manifest_id
           WHERE blob.digest = ? AND parent.repository_id = (SELECT id FROM repository WHERE name = ?)
           ORDER BY parent.digest LIMIT ?`,
        digest,
        repository,
        limit,
      ),
    taggedRepositories: (after) =>
      texts(
        `SELECT name FROM repository WHERE name > ? AND tag_count > 0 ORDER BY name LIMIT ${pageRows}`,
        after,
      ),
    freed,
    freedWithRepository(repository) {
      const row = one(
        'SELECT manifest_count AS manifests, exclusive_bytes AS bytes FROM repository WHERE name = ?',
        repository,
      ) as unknown as Freed | undefined;
      return row === undefined ? { manifests: 0, bytes: 0 } : { ...row };
    },
    room,
  };
}

interface RecordData extends Omit<TagRecord, 'lifetimeMs'> {
  readonly lifetimeMs: number | null;
}

interface RoomData {
  readonly id: number;
  readonly name: string;
  readonly tag_count: number;
  readonly exclusive_bytes: number;
  readonly shared_bytes: number;
}

function recordOf({ lifetimeMs, ...row }: RecordData): TagRecord {
  return lifetimeMs === null ? { ...row } : { ...row, lifetimeMs };
}
