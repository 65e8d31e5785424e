/**
 * Changes of the index: each sets what one key of the disk says, or one line of the journal. Several share a transaction,
 * which `commit` ends: readers of the same file see them at once, a crash loses them together. One that throws takes those
 * before it along, so its file is of no more use.
 */
import type { DatabaseSync } from 'node:sqlite';
import type { Digest } from '../spec/digest.ts';
import { assertNever } from '../spec/errors.ts';
import { type ArtifactKind, subjectOfTag } from '../spec/kinds.ts';
import { versionOrderKey } from './version-order.ts';
import type { ManifestFacts, PastMeaning, TagFacts } from './disk-facts.ts';
import { attachmentBits, facetsOf } from './facets.ts';
import { isSamePosition, type JournalEntry, type JournalPosition, type Recorded } from './journal.ts';
import { createStatements, stringsIn } from './statements.ts';

export interface Writer {
  /** `past` is set when distribution's history was read as well. */
  setTag(
    repository: string,
    tag: string,
    facts: TagFacts | undefined,
    past: readonly PastMeaning[] | undefined,
  ): void;
  setManifest(repository: string, digest: Digest, facts: ManifestFacts | undefined): void;
  /** Answers the manifests that must be read again, because their bytes or config came or went with the blob. */
  setBlob(digest: Digest, size: number | undefined): readonly ManifestKey[];
  /** How far the journal was read. */
  position(): JournalPosition;
  /** Adds lines of the journal, and notes that it was read up to `position`. */
  addRecorded(recorded: readonly Recorded[], position: JournalPosition): void;
  /** Forgets pulls that are older than 30 days. */
  rollDays(): void;
  /** Ends the transaction of the changes so far. */
  commit(): void;
}

export interface ManifestKey {
  readonly repository: string;
  readonly digest: string;
}

export const dayMs = 24 * 60 * 60 * 1000;
export const keptDays = 30;

/** Changes that share a transaction at most. */
const mostChanges = 500;

export function createWriter(db: DatabaseSync, now: () => number): Writer {
  const { run, one, all, number } = createStatements(db);
  let rolledDay = 0;
  /** Changes in the transaction that is open. */
  let held = 0;

  function atomically<T>(act: () => T): T {
    if (held === 0) run('BEGIN IMMEDIATE');
    held += 1;
    try {
      const result = act();
      if (held >= mostChanges) commit();
      return result;
    } catch (error) {
      held = 0;
      // Some failures have ended the transaction already (sqlite.org/lang_transaction.html, "Response To Errors").
      if (db.isTransaction) run('ROLLBACK');
      throw error;
    }
  }

  function commit(): void {
    held = 0;
    if (db.isTransaction) run('COMMIT');
  }

  function repositoryId(name: string): number {
    run('INSERT INTO repository (name) VALUES (?) ON CONFLICT DO NOTHING', name);
    return number('SELECT id AS n FROM repository WHERE name = ?', name);
  }

  // --- tags ---

  const setTag: Writer['setTag'] = (repository, name, facts, past) =>
    atomically(() => {
      const id = repositoryId(repository);
      const old = one('SELECT digest FROM tag WHERE repository_id = ? AND name = ?', id, name) as
        { digest: string } | undefined;
      if (facts === undefined) removeTag(id, name);
      else writeTag(id, name, facts);
      if (facts === undefined || past !== undefined) setPast(id, name, past ?? []);
      if (old !== undefined && old.digest !== facts?.digest) markUntagged(id, old.digest);
      if (facts !== undefined) markUntagged(id, facts.digest);
      attachByTag(id, name);
      datePush(id);
    });

  function removeTag(id: number, name: string): void {
    const old = one(
      `SELECT facets FROM tag JOIN facet_list ON facet_list.id = facets_id WHERE repository_id = ? AND name = ?`,
      id,
      name,
    );
    countFacets(id, name, stringsIn(old?.['facets']), []);
    run('DELETE FROM tag WHERE repository_id = ? AND name = ?', id, name);
  }

  function writeTag(id: number, name: string, { digest, modifiedAt, isSettled }: TagFacts): void {
    run(
      `INSERT INTO tag (repository_id, name, digest, semver, modified_at, is_settled) VALUES (?, ?, ?, ?, ?, ?)
       ON CONFLICT DO UPDATE SET digest = excluded.digest, modified_at = excluded.modified_at, is_settled = excluded.is_settled`,
      id,
      name,
      digest,
      versionOrderKey(name),
      modifiedAt,
      isSettled ? 1 : 0,
    );
    describeTag(id, name);
  }

  /**
   * Sets what a tag is listed with, from what it means, its pulls and its history: the last line of the journal dates it,
   * if that leads to what the tag means; else the time of its link does.
   */
  function describeTag(id: number, name: string): void {
    const row = one(
      `SELECT tag.id, tag.digest, modified_at, facets, manifest.total_bytes, artifact_kind, platforms, attached,
         count, tag_pull.pulled_at, at, to_digest, by_user, client
       FROM tag LEFT JOIN facet_list ON facet_list.id = facets_id
       LEFT JOIN manifest ON manifest.repository_id = ?1 AND manifest.digest = tag.digest
       LEFT JOIN tag_pull ON tag_pull.repository_id = ?1 AND tag_pull.tag = ?2
       LEFT JOIN move ON move.id = (SELECT max(id) FROM move WHERE repository_id = ?1 AND tag = ?2 AND is_disk = 0)
       WHERE tag.repository_id = ?1 AND name = ?2`,
      id,
      name,
    ) as TraitsRow | undefined;
    if (row === undefined) return;
    const isRecorded = row.to_digest === row.digest;
    const pushedBy = isRecorded ? row.by_user : null;
    const before = stringsIn(row.facets);
    const facets = facetsOf({
      tag: name,
      pushedBy,
      kind: row.artifact_kind ?? 'other',
      platforms: stringsIn(row.platforms),
      attached: row.attached ?? 0,
    });
    run(
      `UPDATE tag SET total_bytes = ?, pushed_at = ?, pushed_by = ?, pushed_client = ?, pull_count = ?, pulled_at = ?,
         facets_id = ? WHERE id = ?`,
      row.total_bytes ?? 0,
      isRecorded ? row.at : Math.trunc(row.modified_at),
      pushedBy,
      isRecorded ? row.client : null,
      row.count ?? 0,
      row.pulled_at ?? 0,
      facetListId(JSON.stringify(facets)),
      row.id,
    );
    countFacets(id, name, before, facets);
  }

  function facetListId(facets: string): number {
    const known = number('SELECT id AS n FROM facet_list WHERE facets = ?', facets);
    return known || Number(run('INSERT INTO facet_list (facets) VALUES (?)', facets).lastInsertRowid);
  }

  /** A repository is known by its tags; those that only hold attachments say nothing about it. */
  function countFacets(id: number, tag: string, before: readonly string[], after: readonly string[]): void {
    if (subjectOfTag(tag) !== undefined) return;
    const gone = before.filter((facet) => !after.includes(facet));
    const come = after.filter((facet) => !before.includes(facet));
    for (const facet of gone) {
      run('UPDATE repository_facet SET tags = tags - 1 WHERE repository_id = ? AND facet = ?', id, facet);
      run('DELETE FROM repository_facet WHERE repository_id = ? AND facet = ? AND tags = 0', id, facet);
    }
    for (const facet of come) {
      run(
        'INSERT INTO repository_facet VALUES (?, ?, 1) ON CONFLICT DO UPDATE SET tags = tags + 1',
        id,
        facet,
      );
    }
    if (![...gone, ...come].some((facet) => facet.startsWith('kind:'))) return;
    run(
      `UPDATE repository SET artifact_kind = (
         SELECT CASE count(*) WHEN 0 THEN NULL WHEN 1 THEN substr(min(facet), 6) ELSE 'mixed' END
         FROM repository_facet WHERE repository_id = ?1 AND facet > 'kind:' AND facet < 'kind;')
       WHERE id = ?1`,
      id,
    );
  }

  /** Describes again the tags of a manifest that is another now, or has other things attached. */
  function describeTagsOf(id: number, digest: string): void {
    for (const { name } of tagsOf(id, digest)) describeTag(id, name);
  }

  function tagsOf(id: number, digest: string): readonly { readonly name: string }[] {
    return all('SELECT name FROM tag WHERE repository_id = ? AND digest = ?', id, digest) as {
      name: string;
    }[];
  }

  /** Sets what is attached to a manifest: by what refers to it, what an index lists beside it, and by tags of cosign. */
  function attach(id: number, digest: string): void {
    const tag = digest.replace(':', '-');
    const bits = number(
      `SELECT max(bits & 1) | max(bits & 2) | max(bits & 4) AS n FROM (
         SELECT attachments AS bits FROM manifest WHERE repository_id = ?1 AND subject = ?2
         UNION ALL
         SELECT child.attachments FROM manifest CROSS JOIN manifest_use ON manifest_id = manifest.id AND kind = 'child'
         CROSS JOIN blob ON blob.id = blob_id
         CROSS JOIN manifest AS child ON child.repository_id = ?1 AND child.digest = blob.digest
         WHERE manifest.repository_id = ?1 AND manifest.digest = ?2
         UNION ALL
         SELECT attachments FROM tag INDEXED BY tag_by_name CROSS JOIN manifest ON manifest.repository_id = ?1 AND manifest.digest = tag.digest
         WHERE tag.repository_id = ?1 AND tag.name IN (?3, ?4, ?5, ?6))`,
      id,
      digest,
      tag,
      `${tag}.sig`,
      `${tag}.att`,
      `${tag}.sbom`,
    );
    const { changes } = run(
      'UPDATE manifest SET attached = ?1 WHERE repository_id = ?2 AND digest = ?3 AND attached <> ?1',
      bits,
      id,
      digest,
    );
    if (changes > 0) describeTagsOf(id, digest);
  }

  function attachByTag(id: number, tag: string): void {
    const subject = subjectOfTag(tag);
    if (subject !== undefined) attach(id, subject);
  }

  /** The history that distribution left: what the journal tells of is left out. */
  function setPast(id: number, tag: string, past: readonly PastMeaning[]): void {
    run('DELETE FROM move WHERE repository_id = ? AND tag = ? AND is_disk = 1', id, tag);
    if (past.length === 0) return;
    const recorded = all(
      'SELECT DISTINCT to_digest FROM move WHERE repository_id = ? AND tag = ? AND is_disk = 0 AND to_digest IS NOT NULL',
      id,
      tag,
    ) as readonly { to_digest: string }[];
    const known = new Set(recorded.map((row) => row.to_digest));
    let from: string | null = null;
    for (const { digest, at } of past.filter((each) => !known.has(each.digest))) {
      run(
        `INSERT INTO move (repository_id, tag, at, kind, from_digest, to_digest, is_disk) VALUES (?, ?, ?, 'move', ?, ?, 1)`,
        id,
        tag,
        at,
        from,
        digest,
      );
      from = digest;
    }
  }

  // --- manifests ---

  const setManifest: Writer['setManifest'] = (repository, digest, facts) =>
    atomically(() => {
      const id = repositoryId(repository);
      const old = one(
        `SELECT id, is_readable, platforms, media_type, lifetime_ms, own_created_at, subject FROM manifest
         WHERE repository_id = ? AND digest = ?`,
        id,
        digest,
      ) as OldManifest | undefined;
      // The bytes behind a digest never change: only whether they can be read, and what the config says.
      const isSame =
        old !== undefined &&
        facts !== undefined &&
        old.is_readable === Number(facts.isReadable) &&
        old.media_type === facts.mediaType &&
        old.lifetime_ms === (facts.lifetimeMs ?? null) &&
        old.platforms === JSON.stringify(facts.platforms) &&
        old.own_created_at === facts.createdAt;
      if (isSame) {
        run('UPDATE manifest SET pushed_at = ? WHERE id = ?', facts.pushedAt, old.id);
        datePush(id);
        return;
      }
      const children = new Set<string>();
      if (old !== undefined) for (const child of removeManifest(id, old.id)) children.add(child);
      if (facts !== undefined) {
        insertManifest(id, digest, facts);
        for (const child of facts.children) children.add(child);
      }
      for (const child of [digest, ...children]) markUntagged(id, child);
      const subject = facts?.subject ?? old?.subject ?? undefined;
      for (const each of [...sumUp(id, digest), ...(subject === undefined ? [] : [subject])])
        attach(id, each);
      for (const { name } of tagsOf(id, digest)) {
        describeTag(id, name);
        attachByTag(id, name);
      }
      datePush(id);
    });

  /** Answers the manifests that it listed. */
  function removeManifest(repository: number, manifest: number): readonly string[] {
    const uses = all(
      'SELECT blob_id, kind, digest FROM manifest_use JOIN blob ON blob.id = blob_id WHERE manifest_id = ?',
      manifest,
    ) as readonly { blob_id: number; kind: string; digest: string }[];
    run('DELETE FROM manifest_use WHERE manifest_id = ?', manifest);
    for (const { blob_id } of uses) dropUse(repository, blob_id);
    run('DELETE FROM manifest WHERE id = ?', manifest);
    return uses.filter(({ kind }) => kind === 'child').map((use) => use.digest);
  }

  function insertManifest(repository: number, digest: string, facts: ManifestFacts): void {
    const { lastInsertRowid } = run(
      `INSERT INTO manifest (repository_id, digest, is_readable, media_type, artifact_type, artifact_kind, attachments,
         subject, platforms, children, annotations, lifetime_ms, pushed_at, own_created_at, tag_count)
       VALUES (?1, ?2, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?,
         (SELECT count(*) FROM tag WHERE repository_id = ?1 AND digest = ?2))`,
      repository,
      digest,
      Number(facts.isReadable),
      facts.mediaType,
      facts.artifactType ?? null,
      facts.kind,
      attachmentBits(facts.attachments),
      facts.subject ?? null,
      JSON.stringify(facts.platforms),
      JSON.stringify(facts.children),
      JSON.stringify(facts.annotations),
      facts.lifetimeMs ?? null,
      facts.pushedAt,
      facts.createdAt,
    );
    const manifest = Number(lastInsertRowid);
    for (const { digest: used, kind, size } of facts.uses) {
      run('INSERT INTO blob (digest) VALUES (?) ON CONFLICT DO NOTHING', used);
      const blob = number('SELECT id AS n FROM blob WHERE digest = ?', used);
      run('INSERT INTO manifest_use VALUES (?, ?, ?, ?)', manifest, blob, kind, size);
      addUse(repository, blob);
    }
  }

  /** Untagged: no tag means it, no index of the repository lists it, and it belongs to no other manifest. */
  function markUntagged(repository: number, digest: string): void {
    run(
      `UPDATE manifest SET is_untagged = subject IS NULL AND tag_count = 0 AND NOT EXISTS (
           SELECT 1 FROM blob JOIN manifest_use ON blob_id = blob.id AND kind = 'child'
           JOIN manifest AS parent ON parent.id = manifest_id
           WHERE blob.digest = ?2 AND parent.repository_id = ?1)
       WHERE repository_id = ?1 AND digest = ?2`,
      repository,
      digest,
    );
  }

  /**
   * The total of a manifest and of the indexes above it: every digest below counts once, as large as it is said to be. And
   * when the newest part of each was made. Answers the digests.
   */
  function sumUp(repository: number, digest: string): readonly string[] {
    const affected = all(
      `WITH RECURSIVE above (digest) AS (
         VALUES (?2)
         UNION
         SELECT parent.digest FROM above CROSS JOIN blob ON blob.digest = above.digest
         JOIN manifest_use ON blob_id = blob.id AND kind = 'child'
         JOIN manifest AS parent ON parent.id = manifest_id AND parent.repository_id = ?1)
       SELECT id, manifest.digest FROM above CROSS JOIN manifest ON repository_id = ?1 AND manifest.digest = above.digest`,
      repository,
      digest,
    ) as readonly { id: number; digest: string }[];
    for (const each of affected) {
      // Said sizes may be any: total() adds as floating point, so that a sum cannot overflow.
      run(
        `WITH RECURSIVE below (id) AS (${belowManifest})
         UPDATE manifest SET total_bytes = CAST(min(9007199254740991, (SELECT total(size) FROM (
           SELECT max(size) AS size FROM below CROSS JOIN manifest_use ON manifest_id = below.id GROUP BY blob_id))) AS INTEGER),
           created_at = (SELECT max(part.own_created_at) FROM below CROSS JOIN manifest AS part ON part.id = below.id)
         WHERE id = ?1`,
        each.id,
      );
    }
    const digests = [...new Set([digest, ...affected.map((row) => row.digest)])];
    for (const each of digests) {
      run(
        `UPDATE tag INDEXED BY tag_by_digest SET total_bytes = ?3
         WHERE repository_id = ?1 AND digest = ?2 AND total_bytes <> ?3`,
        repository,
        each,
        number(
          'SELECT total_bytes AS n FROM manifest WHERE repository_id = ? AND digest = ?',
          repository,
          each,
        ),
      );
    }
    return digests;
  }

  function datePush(repository: number): void {
    run(
      `UPDATE repository SET pushed_at = max(
         ifnull(-(SELECT min(pushed_rank) FROM tag WHERE repository_id = ?1), 0),
         ifnull(-(SELECT min(pushed_rank) FROM manifest WHERE repository_id = ?1), 0))
       WHERE id = ?1`,
      repository,
    );
  }

  // --- sizes: a blob of one repository is exclusive there, of several it is shared in each ---

  interface BlobRow {
    readonly id: number;
    readonly size: number;
    readonly is_stored: number;
    readonly repositories: number;
  }

  function addUse(repository: number, blob: number): void {
    const used = one(
      'SELECT 1 FROM repository_use WHERE repository_id = ? AND blob_id = ?',
      repository,
      blob,
    );
    if (used !== undefined) {
      run(
        'UPDATE repository_use SET manifests = manifests + 1 WHERE repository_id = ? AND blob_id = ?',
        repository,
        blob,
      );
      return;
    }
    const { size, repositories } = blobById(blob);
    if (repositories === 0) {
      run('UPDATE meta SET reclaimable_bytes = reclaimable_bytes - ?', size);
      addBytes(repository, size, 0);
    } else {
      if (repositories === 1) addBytes(onlyUser(blob), -size, size);
      addBytes(repository, 0, size);
    }
    run('INSERT INTO repository_use VALUES (?, ?, 1)', repository, blob);
    run('UPDATE blob SET repositories = repositories + 1 WHERE id = ?', blob);
  }

  function dropUse(repository: number, blob: number): void {
    run(
      'UPDATE repository_use SET manifests = manifests - 1 WHERE repository_id = ? AND blob_id = ?',
      repository,
      blob,
    );
    const { changes } = run(
      'DELETE FROM repository_use WHERE repository_id = ? AND blob_id = ? AND manifests = 0',
      repository,
      blob,
    );
    if (changes === 0) return;
    run('UPDATE blob SET repositories = repositories - 1 WHERE id = ?', blob);
    const { size, repositories } = blobById(blob);
    if (repositories === 0) {
      run('UPDATE meta SET reclaimable_bytes = reclaimable_bytes + ?', size);
      addBytes(repository, -size, 0);
      run('DELETE FROM blob WHERE id = ? AND is_stored = 0', blob);
    } else {
      if (repositories === 1) addBytes(onlyUser(blob), size, -size);
      addBytes(repository, 0, -size);
    }
  }

  function blobById(id: number): BlobRow {
    const found = one('SELECT id, size, is_stored, repositories FROM blob WHERE id = ?', id) as
      BlobRow | undefined;
    if (found === undefined) throw new Error(`the index has no blob ${id}`);
    return found;
  }

  function onlyUser(blob: number): number {
    return number('SELECT repository_id AS n FROM repository_use WHERE blob_id = ?', blob);
  }

  function addBytes(repository: number, exclusive: number, shared: number): void {
    run(
      'UPDATE repository SET exclusive_bytes = exclusive_bytes + ?, shared_bytes = shared_bytes + ? WHERE id = ?',
      exclusive,
      shared,
      repository,
    );
  }

  const setBlob: Writer['setBlob'] = (digest, size) => {
    const old = one('SELECT id, size, is_stored, repositories FROM blob WHERE digest = ?', digest) as
      BlobRow | undefined;
    const isStored = size !== undefined;
    if (old === undefined ? !isStored : old.is_stored === Number(isStored) && old.size === (size ?? 0))
      return [];
    return atomically(() => {
      const { id, size: before, repositories, is_stored } = old ?? newBlob(digest);
      const more = (size ?? 0) - before;
      run('UPDATE blob SET size = ?, is_stored = ? WHERE id = ?', size ?? 0, Number(isStored), id);
      run('UPDATE meta SET total_bytes = total_bytes + ?', more);
      if (repositories === 0) run('UPDATE meta SET reclaimable_bytes = reclaimable_bytes + ?', more);
      else {
        const column = repositories === 1 ? 'exclusive_bytes' : 'shared_bytes';
        run(
          `UPDATE repository SET ${column} = ${column} + ?
           WHERE id IN (SELECT repository_id FROM repository_use WHERE blob_id = ?)`,
          more,
          id,
        );
      }
      const users =
        repositories === 0 || is_stored === Number(isStored)
          ? []
          : (all(
              `SELECT repository.name AS repository, manifest.digest FROM manifest_use
               JOIN manifest ON manifest.id = manifest_id JOIN repository ON repository.id = repository_id
               WHERE blob_id = ? AND kind IN ('self', 'config')`,
              id,
            ) as unknown as readonly ManifestKey[]);
      if (repositories === 0 && !isStored) run('DELETE FROM blob WHERE id = ?', id);
      return users;
    });
  };

  function newBlob(digest: string): BlobRow {
    const { lastInsertRowid } = run('INSERT INTO blob (digest) VALUES (?)', digest);
    return blobById(Number(lastInsertRowid));
  }

  // --- the journal ---

  function position(): JournalPosition {
    const meta = one('SELECT journal_month, journal_offset FROM meta') as
      { journal_month: string; journal_offset: number } | undefined;
    return { month: meta?.journal_month ?? '', offset: meta?.journal_offset ?? 0 };
  }

  const addRecorded: Writer['addRecorded'] = (recorded, to) => {
    if (recorded.length === 0 && isSamePosition(position(), to)) return;
    rollDays();
    atomically(() => {
      for (const { entry } of recorded) addEntry(entry);
      run('UPDATE meta SET journal_month = ?, journal_offset = ?', to.month, to.offset);
    });
  };

  function addEntry(entry: JournalEntry): void {
    switch (entry.kind) {
      case 'move':
      case 'delete':
      case 'restore':
        addMove(entry);
        return;
      case 'pull':
        addPulls(entry);
        return;
      case 'manifestDelete':
        // For who reads the journal: the tags that went with it have lines of their own.
        return;
      default:
        assertNever(entry);
    }
  }

  function addMove({ at, kind, repository, tag, from, to, by, client }: MoveEntry): void {
    const id = repositoryId(repository);
    run(
      `INSERT INTO move (repository_id, tag, at, kind, from_digest, to_digest, by_user, client, is_disk)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0)`,
      id,
      tag,
      Date.parse(at),
      kind,
      from ?? null,
      to ?? null,
      by ?? null,
      client ?? null,
    );
    if (to !== undefined) forgetPast(id, tag, to);
    if (kind === 'delete') run('DELETE FROM tag_pull WHERE repository_id = ? AND tag = ?', id, tag);
    describeTag(id, tag);
    datePush(id);
  }

  function forgetPast(id: number, tag: string, digest: string): void {
    const past = all(
      'SELECT to_digest, at FROM move WHERE repository_id = ? AND tag = ? AND is_disk = 1 ORDER BY at, id',
      id,
      tag,
    ) as readonly { to_digest: string; at: number }[];
    if (!past.some((row) => row.to_digest === digest)) return;
    setPast(
      id,
      tag,
      past.map((row) => ({ digest: row.to_digest as Digest, at: row.at })),
    );
  }

  function addPulls({ at, repository, tags, count }: PullEntry): void {
    const id = repositoryId(repository);
    const time = Date.parse(at);
    const day = Math.floor(time / dayMs);
    for (const tag of tags) {
      run(
        `INSERT INTO tag_pull VALUES (?, ?, ?, ?, ?)
         ON CONFLICT DO UPDATE SET count = count + excluded.count, pulled_at = max(pulled_at, excluded.pulled_at),
           days = excluded.days`,
        id,
        tag,
        count,
        time,
        addDay(id, tag, day, count),
      );
      describeTag(id, tag);
    }
    run('UPDATE repository SET pulled_at = max(pulled_at, ?) WHERE id = ?', time, id);
    if (day <= rolledDay - keptDays) return;
    run(
      'INSERT INTO day_pull VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET count = count + excluded.count',
      id,
      day,
      count,
    );
    run('UPDATE repository SET pulls_30d = pulls_30d + ? WHERE id = ?', count, id);
  }

  /** The pulls of a tag by day, those of the last 30 only, as JSON. */
  function addDay(id: number, tag: string, day: number, count: number): string {
    const old = one('SELECT days FROM tag_pull WHERE repository_id = ? AND tag = ?', id, tag);
    const days = new Map(daysIn(old?.['days']));
    days.set(day, (days.get(day) ?? 0) + count);
    return JSON.stringify([...days].filter(([each]) => each > rolledDay - keptDays));
  }

  function rollDays(): void {
    const today = Math.floor(now() / dayMs);
    if (today === rolledDay) return;
    const last = today - keptDays;
    atomically(() => {
      run(
        `UPDATE repository SET pulls_30d = pulls_30d - (
           SELECT sum(count) FROM day_pull WHERE repository_id = repository.id AND day <= ?1)
         WHERE id IN (SELECT repository_id FROM day_pull WHERE day <= ?1)`,
        last,
      );
      run('DELETE FROM day_pull WHERE day <= ?', last);
    });
    rolledDay = today;
  }

  return { setTag, setManifest, setBlob, position, addRecorded, rollDays, commit };
}

interface OldManifest {
  readonly id: number;
  readonly is_readable: number;
  readonly platforms: string;
  readonly media_type: string;
  readonly lifetime_ms: number | null;
  readonly own_created_at: number;
  readonly subject: string | null;
}

interface TraitsRow {
  readonly id: number;
  readonly digest: string;
  readonly modified_at: number;
  readonly facets: string | null;
  readonly total_bytes: number | null;
  readonly artifact_kind: ArtifactKind | null;
  readonly platforms: string | null;
  readonly attached: number | null;
  readonly count: number | null;
  readonly pulled_at: number | null;
  readonly at: number | null;
  readonly to_digest: string | null;
  readonly by_user: string | null;
  readonly client: string | null;
}

/** Pulls by day, counted since the epoch, as `tag_pull` has them. */
export function daysIn(json: unknown): readonly (readonly [day: number, count: number])[] {
  return typeof json === 'string' ? (JSON.parse(json) as [number, number][]) : [];
}

type MoveEntry = Extract<JournalEntry, { readonly kind: 'move' | 'delete' | 'restore' }>;
type PullEntry = Extract<JournalEntry, { readonly kind: 'pull' }>;

/**
 * The rows of a manifest (?1 is its id) and of those it lists, down to the last, in one repository. CROSS JOIN keeps the
 * order (sqlite.org/optoverview.html, "Manual Control Of Query Plans"): the planner does not know that few are below.
 */
export const belowManifest = `
  VALUES (?1)
  UNION
  SELECT child.id FROM below CROSS JOIN manifest_use ON manifest_id = below.id AND kind = 'child'
  CROSS JOIN blob ON blob.id = blob_id
  CROSS JOIN manifest AS child ON child.digest = blob.digest
    AND child.repository_id = (SELECT repository_id FROM manifest WHERE id = ?1)`;
