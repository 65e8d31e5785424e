import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Page } from '../spec/admin/arguments.ts';
import { manifestSorts, repositorySorts, tagOrders } from '../spec/admin/content.ts';
import type { Digest } from '../spec/digest.ts';
import { assertNever } from '../spec/errors.ts';
import { artifactKinds, attachmentKinds } from '../spec/kinds.ts';
import type { RepoName } from '../spec/names.ts';
import { parseQuery } from '../spec/query.ts';
import { sha } from '../store/store.suite.ts';
import { everyRow } from './derived.suite.ts';
import type { ManifestFacts } from './disk-facts.ts';
import { closeIndexFile, createIndexFile } from './index-file.ts';
import { type JournalEntry, journalStart } from './journal.ts';
import { createQueries } from './queries.ts';
import { everythingIn, findManifests, findRepositories, findTags, type Lists } from './naive-filter.suite.ts';

const seed = Number(process.env['SEED'] ?? Date.now() % 1e9);
const runs = Number(process.env['FILTER_RUNS'] ?? 150);
const dayMs = 24 * 60 * 60 * 1000;
const now = Date.UTC(2026, 6, 31);
const digests = Array.from({ length: 6 }, (_, n) => sha(`manifest ${n}`));
const digest = fc.constantFrom(...digests);
const inRepository = fc.constantFrom('a', 'team/api', 'team/web', 'b');
const tag = fc.constantFrom(
  'latest',
  'v1.0',
  'v1.10',
  'v1.9',
  'V2',
  'v_2',
  ...digests.slice(0, 2).map((each) => `${each.replace(':', '-')}.sig`),
);
const days = fc.integer({ min: 0, max: 200 });
const platforms = ['linux/amd64', 'linux/arm64', 'linux/arm/v7', 'windows/amd64', 'unknown/unknown'];

const aStep = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('manifest' as const),
      repository: inRepository,
      digest,
      size: fc.integer({ min: 0, max: 5 }),
      days,
      kind: fc.constantFrom(...artifactKinds),
      platforms: fc.uniqueArray(fc.constantFrom(...platforms)),
      children: fc.uniqueArray(digest, { maxLength: 2 }),
      attachments: fc.uniqueArray(fc.constantFrom(...attachmentKinds)),
      subject: fc.option(digest, { nil: undefined }),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({ do: fc.constant('tag' as const), repository: inRepository, tag, digest, days }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('untag' as const), repository: inRepository, tag }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('remove' as const), repository: inRepository, digest }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('move' as const),
      repository: inRepository,
      tag,
      digest,
      days,
      by: fc.constantFrom('dev', 'anna "b"'),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant('pull' as const), repository: inRepository, tag, days }),
  },
);
interface Question {
  readonly q: string;
  readonly sorts: {
    readonly repositories: (typeof repositorySorts)[number];
    readonly tags: (typeof tagOrders)[number];
    readonly manifests: (typeof manifestSorts)[number];
  };
  readonly descending: boolean | undefined;
  readonly untagged: boolean;
}

type Step = typeof aStep extends fc.Arbitrary<infer T> ? T : never;

const term = fc.oneof(
  fc.constantFrom(
    'a',
    'TEAM',
    'v1',
    '_',
    'v%2',
    '\\',
    '"api"',
    ':latest',
    ':v1.*',
    ':V2',
    ':v2',
    'kind:mixed',
    'pulled:never',
  ),
  digest.map((each) => each.slice(0, 9)),
  fc.constantFrom(
    'arch:amd64',
    'arch:ARM64',
    'arch:arm',
    'arch:arm/v7',
    'os:linux',
    'os:windows',
    'os:unknown',
  ),
  fc.constantFrom(...artifactKinds).map((kind) => `kind:${kind}`),
  fc.constantFrom('by:dev', 'by:Dev', 'by:anna'),
  fc
    .constantFrom('untagged', 'unsigned', 'signed', 'multiplatform', 'stale', 'fallback')
    .map((s) => `is:${s}`),
  fc
    .tuple(fc.constantFrom('pushed', 'pulled'), fc.constantFrom('<', '>'), days)
    .map(([key, order, count]) => `${key}:${order}${count}d`),
  fc
    .tuple(fc.constantFrom('<', '>'), fc.integer({ max: 8, min: 0 }))
    .map(([order, n]) => `size:${order}${n}k`),
);
const query = fc
  .array(fc.tuple(fc.constantFrom('', '', '-'), term), { maxLength: 3 })
  .map((terms) => terms.map((each) => each.join('')).join(' '));
const descending = fc.constantFrom(undefined, true, false);

function factsOf(step: Extract<Step, { readonly do: 'manifest' }>): ManifestFacts {
  return {
    isReadable: true,
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    artifactType: undefined,
    kind: step.kind,
    attachments: step.attachments,
    subject: step.subject,
    platforms: step.platforms,
    children: step.children,
    annotations: {},
    lifetimeMs: undefined,
    uses: [
      { digest: step.digest, kind: 'self', size: step.size * 1000 },
      ...step.children
        .filter((child) => child !== step.digest)
        .map((child) => ({ digest: child, kind: 'child', size: 1000 }) as const),
    ],
    pushedAt: now - step.days * dayMs,
    createdAt: 0,
  };
}

function perform(writer: ReturnType<typeof createIndexFile>['writer'], step: Step): void {
  const note = (entry: JournalEntry): void =>
    writer.addRecorded([{ entry, position: journalStart }], journalStart);
  const at = 'days' in step ? new Date(now - step.days * dayMs).toISOString() : '';
  switch (step.do) {
    case 'manifest':
      writer.setBlob(step.digest, step.size * 1000);
      return writer.setManifest(step.repository, step.digest, factsOf(step));
    case 'remove':
      return writer.setManifest(step.repository, step.digest, undefined);
    case 'tag':
      return setTag(step.repository, step.tag, step.digest, now - step.days * dayMs);
    case 'untag':
      return writer.setTag(step.repository, step.tag, undefined, undefined);
    case 'move':
      note({ at, kind: 'move', repository: step.repository, tag: step.tag, to: step.digest, by: step.by });
      return setTag(step.repository, step.tag, step.digest, now);
    case 'pull':
      return note({ at, kind: 'pull', repository: step.repository, tags: [step.tag], count: 1 });
    default:
      return assertNever(step);
  }

  function setTag(repository: string, name: string, meant: Digest, modifiedAt: number): void {
    writer.setTag(repository, name, { digest: meant, modifiedAt, isSettled: true }, undefined);
  }
}

test(`a query answers what a look at every row finds, in that order, over all pages (seed ${seed})`, () => {
  // Oracle: naive-filter.suite.ts, on the rows of the lists without a query.
  const sorts = {
    repositories: fc.constantFrom(...repositorySorts),
    tags: fc.constantFrom(...tagOrders),
    manifests: fc.constantFrom(...manifestSorts),
  };
  const question = fc.record({ q: query, sorts: fc.record(sorts), descending, untagged: fc.boolean() });
  const steps = fc.array(aStep, { minLength: 5, maxLength: 60 });
  const questions = fc.array(question, { minLength: 10, maxLength: 10 });
  fc.assert(
    fc.property(
      steps,
      questions,
      fc.integer({ min: 1, max: 5 }),
      fc.constantFrom(0, 2, 2000),
      (made, asked, limit, sortedAtOnce) => {
        const file = createIndexFile(':memory:', () => now);
        try {
          const queries = createQueries(file.db, () => now, sortedAtOnce);
          // Twice, so that a count which was kept for the first half would be wrong in the second.
          for (const half of [made.slice(0, made.length / 2), made.slice(made.length / 2)]) {
            for (const each of half) perform(file.writer, each);
            const all = everythingIn(queries);
            for (const each of asked) compare(queries, all, each, limit);
            assert.deepEqual(file.db.prepare(keptLists).all(), file.db.prepare(usedLists).all());
          }
        } finally {
          closeIndexFile(file);
        }
      },
    ),
    { seed, numRuns: runs },
  );
});

const keptLists = 'SELECT id, tags FROM facet_list ORDER BY id';
const usedLists = 'SELECT facets_id AS id, count(*) AS tags FROM tag GROUP BY facets_id ORDER BY facets_id';

function compare(
  lists: Lists,
  all: ReturnType<typeof everythingIn>,
  { q, sorts: { repositories, tags, manifests }, descending: down, untagged }: Question,
  limit: number,
): void {
  if (parseQuery(q, 'repositories').problems.length === 0) {
    const wanted = { q, sort: repositories, descending: down };
    const found = pages((after) => lists.repositories({ ...wanted, limit, after }));
    assert.deepEqual(
      found(({ name }) => name),
      findRepositories(all, wanted, now),
      q,
    );
  }
  for (const each of all) {
    const repository = each.repository.name as RepoName;
    const listed = { untagged, sort: manifests, descending: down };
    const rows = pages((after) => lists.manifests({ repository, ...listed, limit, after }));
    assert.deepEqual(
      rows(({ digest: name }) => name),
      findManifests(each.manifests, listed),
    );
    if (parseQuery(q, 'tags').problems.length > 0) continue;
    const wanted = { q, sort: tags, descending: down };
    const found = pages((after) => lists.tags({ repository, ...wanted, limit, after }));
    assert.deepEqual(
      found(({ tag: name }) => name),
      findTags(each.tags, wanted, now),
      q,
    );
  }
}

/** The names of every row, once the total has been found to be their number. */
function pages<Row>(ask: (after?: string) => Page<Row>): (name: (row: Row) => string) => readonly string[] {
  const rows = everyRow(ask);
  assert.equal(ask().total, rows.length);
  return (name) => rows.map(name);
}
