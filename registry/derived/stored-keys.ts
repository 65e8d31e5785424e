/** Which keys the index has, and as of when: what a walk of the disk compares with. */
import type { DatabaseSync } from 'node:sqlite';
import { createStatements } from './statements.ts';

export interface StoredKeys {
  /** The time of the link that was read, if another change would have another time. */
  tagTime(repository: string, tag: string): number | undefined;
  /** When its link was written, in whole milliseconds; `undefined` also for one that could not be read. */
  manifestTime(repository: string, digest: string): number | undefined;
  /** False for one that could not be read. */
  hasManifest(repository: string, digest: string): boolean;
  /** True when an index of the repository lists the manifest. */
  isListed(repository: string, digest: string): boolean;
  /** The manifests that it lists, if it is an index. */
  childrenOf(repository: string, digest: string): readonly string[];
  tagsOf(repository: string, digest: string): readonly string[];
  /** Names in their order, in pages: those after `after` only. */
  repositories(after: string): readonly string[];
  tags(repository: string, after: string): readonly string[];
  manifests(repository: string, after: string): readonly string[];
  /** The stored blobs whose digest starts so. */
  blobs(start: string): readonly string[];
}

const pageRows = 500;

export function createStoredKeys(db: DatabaseSync): StoredKeys {
  const { one, texts } = createStatements(db);
  const inRepository = 'repository_id = (SELECT id FROM repository WHERE name = ?)';
  return {
    tagTime(repository, tag) {
      const sql = `SELECT modified_at FROM tag WHERE ${inRepository} AND name = ? AND is_settled = 1`;
      const time = one(sql, repository, tag)?.['modified_at'];
      return typeof time === 'number' ? time : undefined;
    },
    manifestTime(repository, digest) {
      const sql = `SELECT pushed_at FROM manifest WHERE ${inRepository} AND digest = ? AND is_readable = 1`;
      const time = one(sql, repository, digest)?.['pushed_at'];
      return typeof time === 'number' ? time : undefined;
    },
    hasManifest: (repository, digest) =>
      one(
        `SELECT 1 FROM manifest WHERE ${inRepository} AND digest = ? AND is_readable = 1`,
        repository,
        digest,
      ) !== undefined,
    isListed: (repository, digest) =>
      one(
        `SELECT 1 FROM blob JOIN manifest_use ON blob_id = blob.id AND kind = 'child'
         JOIN manifest ON manifest.id = manifest_id
         WHERE blob.digest = ? AND manifest.${inRepository} LIMIT 1`,
        digest,
        repository,
      ) !== undefined,
    childrenOf: (repository, digest) =>
      texts(
        `SELECT value FROM manifest, json_each(children) WHERE ${inRepository} AND digest = ?`,
        repository,
        digest,
      ),
    tagsOf: (repository, digest) =>
      texts(`SELECT name FROM tag WHERE ${inRepository} AND digest = ?`, repository, digest),
    repositories: (after) =>
      texts(
        `SELECT name FROM repository WHERE name > ? AND (manifest_count > 0 OR tag_count > 0) ORDER BY name LIMIT ${pageRows}`,
        after,
      ),
    tags: (repository, after) =>
      texts(
        `SELECT name FROM tag WHERE ${inRepository} AND name > ? ORDER BY name LIMIT ${pageRows}`,
        repository,
        after,
      ),
    manifests: (repository, after) =>
      texts(
        `SELECT digest FROM manifest WHERE ${inRepository} AND digest > ? ORDER BY digest LIMIT ${pageRows}`,
        repository,
        after,
      ),
    blobs: (start) =>
      texts('SELECT digest FROM blob WHERE digest >= ? AND digest < ? AND is_stored = 1', start, `${start}g`),
  };
}
