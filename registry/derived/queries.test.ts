import assert from 'node:assert/strict';
import { mkdtempDisposable } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { manifestSorts, repositorySorts, tagOrders } from '../spec/admin/content.ts';
import type { Digest } from '../spec/digest.ts';
import type { RepoName, Tag } from '../spec/names.ts';
import { sha } from '../store/store.suite.ts';
import type { ManifestFacts } from './disk-facts.ts';
import { closeIndexFile, createIndexFile } from './index-file.ts';
import { type JournalEntry, journalStart } from './journal.ts';

const name = 'team/api' as RepoName;
const repositories = Number(process.env['INDEX_REPOSITORIES'] ?? 1000);
/** 20,000 show the same times; making them takes 15 s. */
const tags = Number(process.env['INDEX_TAGS'] ?? 3000);

/** Words and what tags are known by are looked for along an index; the rest is served by its order. */
const searches: readonly (readonly [
  q: string,
  sort: (typeof repositorySorts)[number] & (typeof tagOrders)[number],
])[] = [
  ['9999', 'pushed'],
  ['arch:s390x', 'pushed'],
  ['arch:arm64', 'size'],
  // Together, at the end of the order.
  ['arch:riscv64', 'pushed'],
  ['arch:riscv64 pulled:never v1', 'size'],
  ['-is:unsigned', 'pulls'],
  ['kind:image arch:arm64 -v1.7', 'name'],
  ['pulled:never pushed:>1d', 'pushed'],
  ['size:<2k', 'size'],
  [':v1.7', 'pushed'],
  [':v1.*', 'name'],
  [sha('manifest 8').slice(0, 20), 'pushed'],
];

function factsOf(digest: Digest, n: number): ManifestFacts {
  return {
    isReadable: true,
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    artifactType: undefined,
    kind: 'image',
    attachments: [],
    subject: undefined,
    platforms: [
      'linux/amd64',
      n % 1000 === 0 ? 'linux/s390x' : n < tags / 20 ? 'linux/riscv64' : 'linux/arm64',
    ],
    children: [],
    annotations: {},
    lifetimeMs: undefined,
    uses: [
      { digest, kind: 'self', size: 500 },
      { digest: sha('base'), kind: 'layer', size: 1000 },
      { digest: sha(`layer ${n}`), kind: 'layer', size: n },
    ],
    pushedAt: n,
    createdAt: 0,
  };
}

test(`a page of ${tags} tags, and of ${repositories} repositories, is found by an index, and no change takes long`, async (t) => {
  const prepare = t.mock.method(DatabaseSync.prototype, 'prepare').mock;
  await using directory = await mkdtempDisposable(join(tmpdir(), 'berth-queries-'));
  const file = createIndexFile(join(directory.path, 'index.sqlite'), Date.now);
  const { writer, queries, keys, db } = file;
  for (let n = 0; n < repositories; n++) {
    const digest = sha(`repository ${n}`);
    writer.setManifest(`other/r${n}`, digest, factsOf(digest, n));
  }
  const pushes: number[] = [];
  for (let n = 0; n < tags; n++) {
    const digest = sha(`manifest ${n}`);
    const took = timed(() => {
      writer.setManifest(name, digest, factsOf(digest, n));
      writer.setTag(name, `v1.${n}`, { digest, modifiedAt: n, isSettled: true }, undefined);
    });
    pushes.push(took);
  }
  const entry: JournalEntry = {
    at: new Date().toISOString(),
    kind: 'pull',
    repository: name,
    tags: ['v1.7'],
    count: 2,
  };
  writer.addRecorded([{ entry, position: journalStart }], { month: '2026-07', offset: 1 });
  writer.setManifest(name, sha('manifest 9'), undefined);
  writer.setBlob(sha('base'), 1000);
  keys.isListed(name, sha('manifest 8'));

  const questions: Record<string, (after?: string) => { readonly next?: string }> = {
    'recent tags': () => {
      queries.recentTags({ limit: 8 });
      return {};
    },
    history: (after) => queries.history({ repository: name, limit: 100, after }),
    'history of a tag': (after) =>
      queries.history({ repository: name, tag: 'v1.7' as Tag, limit: 100, after }),
  };
  for (const sort of tagOrders) {
    questions[`tags by ${sort}`] = (after) => queries.tags({ repository: name, sort, limit: 100, after });
  }
  for (const sort of manifestSorts) {
    for (const untagged of [true, false]) {
      questions[`manifests by ${sort}${untagged ? ', those without a tag' : ''}`] = (after) =>
        queries.manifests({ repository: name, untagged, sort, limit: 100, after });
    }
  }
  for (const sort of repositorySorts) {
    questions[`repositories by ${sort}`] = (after) => queries.repositories({ sort, limit: 100, after });
  }
  const times = Object.entries(questions).map(([question, ask]) => {
    const { next = Buffer.from('[5,5]').toString('base64url') } = ask();
    return `${question} ${inMs(timed(() => ask()))}, ${inMs(timed(() => ask(next)))}`;
  });
  const one = timed(() => queries.manifest({ repository: name, digest: sha('manifest 7') }));
  const clientRange = { after: '', limit: 100 };
  const forClients = timed(() => {
    queries.repositoryNames(clientRange);
    queries.tagNames(name, clientRange);
    queries.tagTimes(name, clientRange);
    queries.holdsManifest(name);
    for (const artifactTypes of [[], ['sig']])
      queries.referrerDescriptors(name, sha('manifest 7'), { ...clientRange, artifactTypes });
    queries.referrers({ repository: name, digest: sha('manifest 7'), limit: 100 });
  });
  const statements = (): ReadonlySet<string> => new Set(prepare.calls.map((call) => call.arguments[0]));
  const unfiltered = statements();
  const scans = [...unfiltered].flatMap((sql) =>
    explain(db, sql)
      .filter((step) => isLong(step, sql))
      .map((step) => [sql, step]),
  );
  const namesOnly = [...unfiltered].filter((sql) => /^SELECT name FROM .*ORDER BY name LIMIT \?$/s.test(sql));
  const withRows = namesOnly.filter(
    (sql) => !explain(db, sql).some((step) => step.includes('USING COVERING INDEX')),
  );
  // Each before its count is known.
  const found = searches.map(([q, sort]) => {
    const inTags = timed(() => queries.tags({ repository: name, sort, limit: 100, q }));
    const inAll = timed(() => queries.repositories({ sort, limit: 100, q }));
    return `${q} by ${sort} ${inMs(inTags)}, ${inMs(inAll)}`;
  });
  const again = timed(() => queries.tags({ repository: name, sort: 'size', limit: 100, q: 'arch:arm64' }));
  const unserved = [...statements()]
    .filter((sql) => !unfiltered.has(sql) && !/instr|LIKE|repository_facet/.test(sql))
    .flatMap((sql) => explain(db, sql).map((step) => [sql, step] as const))
    .filter(([, step]) => /^SCAN (tag|repository|manifest)|\(repository_id=\?\)$/.test(step));
  closeIndexFile(file);

  t.diagnostic(`${times.join('; ')}; a manifest ${inMs(one)}; for clients ${inMs(forClients)}`);
  t.diagnostic(`queries of tags, of repositories: ${found.join('; ')}; once counted ${inMs(again)}`);
  const [early, late] = [medianOf(pushes.slice(0, 1000)), medianOf(pushes.slice(-1000))];
  t.diagnostic(
    `a push: ${inMs(early)} at first, ${inMs(late)} in the end, ${inMs(Math.max(...pushes))} at most`,
  );
  assert.deepEqual(scans, []);
  assert.deepEqual(unserved, []);
  assert.deepEqual([namesOnly.length, withRows], [2, []]);
  assert.ok(late < early * 5, `a push took ${late} ms with ${tags} tags, ${early} ms at first`);
});

test('repositories stand by the pulls of the last 30 days, whatever older ones the journal tells', async () => {
  const now = Date.UTC(2026, 6, 31);
  const file = createIndexFile(':memory:', () => now);
  for (const each of ['old', 'new']) file.writer.setManifest(each, sha(each), factsOf(sha(each), 1));
  const pull = (repository: string, days: number, count: number) => {
    const at = new Date(now - days * 24 * 3_600_000).toISOString();
    const entry: JournalEntry = { at, kind: 'pull', repository, tags: [], count };
    return { entry, position: journalStart };
  };

  file.writer.addRecorded([pull('old', 30, 9), pull('old', 29, 1), pull('new', 1, 2)], journalStart);
  const { rows } = file.queries.repositories({ sort: 'pulls', limit: 2 });
  closeIndexFile(file);

  assert.deepEqual(
    rows.map((row) => [row.name, row.pulls30d.reduce((sum, count) => sum + count, 0)]),
    [
      ['new', 2],
      ['old', 1],
    ],
  );
});

function timed(act: () => unknown): number {
  const start = performance.now();
  act();
  return performance.now() - start;
}

function inMs(time: number): string {
  return `${time.toFixed(1)} ms`;
}

function medianOf(times: readonly number[]): number {
  return times.toSorted((a, b) => a - b)[Math.floor(times.length / 2)] ?? 0;
}

function explain(db: DatabaseSync, sql: string): readonly string[] {
  if (!/^\s*(SELECT|WITH|UPDATE|DELETE|INSERT)/.test(sql)) return [];
  return db
    .prepare(`EXPLAIN QUERY PLAN ${sql}`)
    .all()
    .map((row) => String(row['detail']));
}

/** A table or a repository read from end to end, or sorted. What an index gives in order ends with the LIMIT of the page. */
function isLong(step: string, sql: string): boolean {
  if (/TEMP B-TREE FOR ORDER BY|AUTOMATIC/.test(step)) return true;
  const isOrdered = /INDEX|KEY/.test(step) && /LIMIT|min\(pushed_rank\)/.test(sql);
  if (step.endsWith('(repository_id=?)')) return !isOrdered && !sql.includes('count(*)');
  return step.startsWith('SCAN') && !/^SCAN (below|above|meta|CONSTANT|\(|last)/.test(step) && !isOrdered;
}

test('what a digest breaks: its users, the indexes above them, and their tags', async () => {
  await using directory = await mkdtempDisposable(join(tmpdir(), 'berth-queries-'));
  const file = createIndexFile(join(directory.path, 'index.sqlite'), Date.now);
  const { writer, queries } = file;
  const [image, index, other] = [sha('image'), sha('index'), sha('other')];
  const tag = (repository: string, text: string, digest: Digest): void =>
    writer.setTag(repository, text, { digest, modifiedAt: 1, isSettled: true }, undefined);
  writer.setManifest('a', image, factsOf(image, 1));
  const child = { digest: image, kind: 'child', size: 1 } as const;
  writer.setManifest('a', index, { ...factsOf(index, 2), uses: [child], children: [image] });
  writer.setManifest('b', image, factsOf(image, 1));
  writer.setManifest('c', other, factsOf(other, 3));
  tag('a', 'image', image);
  tag('a', 'index', index);
  tag('c', 'other', other);
  tag('d', 'lost', sha('gone'));

  const layer = queries.brokenBy(sha('layer 1'), []);
  const base = queries.brokenBy(sha('base'), []);
  const gone = queries.brokenBy(sha('gone'), ['d', 'unknown']);
  const nothing = queries.brokenBy(sha('never pushed'), []);
  closeIndexFile(file);

  assert.deepEqual(layer, { repositories: ['a', 'b'], tags: ['a:image', 'a:index'] });
  assert.deepEqual(base, { repositories: ['a', 'b', 'c'], tags: ['a:image', 'a:index', 'c:other'] });
  assert.deepEqual(gone, { repositories: ['d', 'unknown'], tags: ['d:lost'] });
  assert.deepEqual(nothing, { repositories: [], tags: [] });
});
