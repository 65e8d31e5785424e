import assert from 'node:assert/strict';
import { mkdtempDisposable } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { openPlace, openRegistry } from '../derived/derived.suite.ts';
import type { DecisionRow, RuleSet } from '../spec/admin/rules.ts';
import { noRules, ruleSet } from '../spec/admin/rules.ts';
import type { Digest } from '../spec/digest.ts';
import { isAppError } from '../spec/errors.ts';
import { mediaTypes } from '../spec/media-types.ts';
import type { RepoName, Tag } from '../spec/names.ts';
import { actor, descriptorOf, manifestOf, pushBlob, putManifest } from '../store/store.suite.ts';
import { openRules } from './rules.ts';
import { createTidy } from './tidy.ts';

const { signal } = new AbortController();
const dayMs = 24 * 3_600_000;
const app = 'team/app' as RepoName;

/** A registry with rules whose clock the test sets. */
async function opened(t: { after(cleanup: () => unknown): void }) {
  const clock = { now: Date.UTC(2026, 6, 1) };
  const now = () => clock.now;
  const place = await openPlace();
  t.after(() => place[Symbol.asyncDispose]());
  let rules: Awaited<ReturnType<typeof openRules>> | undefined;
  const registry = await openRegistry(place, {
    now,
    store: {
      now,
      // As the configuration has it: an untagged manifest is needed.
      collect: { deleteUntagged: () => false },
      protectedBy: (repository, tag) => rules?.compiled().protectedBy(repository, tag),
    },
  });
  t.after(() => registry[Symbol.asyncDispose]());
  const told: unknown[] = [];
  const root = await mkdtempDisposable(join(tmpdir(), 'berth-rules-'));
  t.after(() => root.remove());
  rules = await openRules({
    root: root.path,
    configured: () => [],
    shortestLifeMs: () => 1000,
    events: { rulesChanged: () => void told.push('rulesChanged') },
  });
  const tidy = createTidy({
    rules,
    index: registry.index,
    store: registry.store,
    events: {
      ruleRan: ({ tags, manifests, spared }) => void told.push(['ruleRan', tags, manifests, spared]),
      tagExpired: ({ repository, tag, rule }) => void told.push(['tagExpired', `${repository}:${tag}`, rule]),
    },
    ready: Promise.resolve(),
    now,
  });
  const inForce = rules;
  return {
    ...registry,
    clock,
    told,
    tidy,
    rules: inForce,
    use: (next: object) => inForce.edit(() => ruleSet.parse(next), actor),
  };
}

type Registry = Awaited<ReturnType<typeof opened>>;

/** Pushes an image with a layer of its own and one that it shares. */
async function push(
  { store }: Pick<Registry, 'store'>,
  { name = app, seed, tags }: { name?: RepoName; seed: string; tags: readonly string[] },
): Promise<Digest> {
  const parts = [`{"seed":"${seed}"}`, `layer of ${seed}`.repeat(10), 'a layer that all share'];
  for (const part of parts) await pushBlob(store, name, part);
  const [config = '', ...layers] = parts;
  const bytes = manifestOf({
    config: descriptorOf(config, { mediaType: 'application/vnd.oci.image.config.v1+json' }),
    layers: layers.map((layer) => descriptorOf(layer)),
  });
  return (await putManifest(store, bytes, { name, tags })).digest;
}

async function pushIndex(
  { store }: Pick<Registry, 'store'>,
  children: readonly Digest[],
  tags: readonly string[],
): Promise<Digest> {
  const manifests = [];
  for (const digest of children) {
    const found = await store.manifests.find(app, { kind: 'digest', digest });
    assert.ok(found !== undefined);
    manifests.push({ mediaType: mediaTypes.ociManifest, digest, size: found.bytes.length });
  }
  return (await putManifest(store, manifestOf({ manifests }), { name: app, tags })).digest;
}

async function simulated({ tidy }: Registry, rules: RuleSet, limit = 3) {
  const rows: DecisionRow[] = [];
  const first = await tidy.simulate({ rules, limit, signal });
  rows.push(...first.rows);
  for (let { next } = first; next !== undefined;) {
    const page = await tidy.simulate({ rules, limit, after: next, signal });
    assert.deepEqual(page.outcome, first.outcome);
    rows.push(...page.rows);
    next = page.next;
  }
  return { rows, outcome: first.outcome };
}

async function tagsLeft({ store }: Registry, names: readonly RepoName[]): Promise<readonly string[]> {
  const left: string[] = [];
  for (const name of names) for await (const tag of store.tags.list(name)) left.push(`${name}:${tag}`);
  return left;
}

/** Bytes on the disk that only the trash or nothing needs, as the collector counts them on a fresh mark of the disk. */
async function unneeded({ store }: Registry): Promise<number> {
  const { bytes, trashBytes } = await store.collector.plan({ signal });
  return bytes + trashBytes;
}

test('a run deletes what the simulation said, into the trash, in the name of the rule', async (t) => {
  const registry = await opened(t);
  const { clock, tidy, told, store, index } = registry;
  const keepOne = { id: 'one', repositories: ['team/*'], keep: { newest: 1 } };
  const digests = [];
  for (const tag of ['1', '2', '3']) {
    clock.now += 1000;
    digests.push(await push(registry, { seed: tag, tags: [tag] }));
  }
  const rules = await registry.use({ retention: [keepOne] });

  const { rows, outcome } = await simulated(registry, rules);
  const ran = await tidy.run({ signal, actor });
  const { rows: trash } = await store.trash.list({ limit: 10 });
  const [last] = index.history({ repository: app, limit: 1 }).rows;
  for (const { id } of trash) await store.trash.restore(id, actor);

  assert.deepEqual(
    rows.map(({ tag, decision }) => `${tag} ${decision}`),
    ['3 keep', '2 delete', '1 delete'],
  );
  assert.deepEqual([outcome.deletedTags, outcome.keptTags, outcome.manifests], [2, 1, 2]);
  assert.deepEqual(ran, { deletedTags: 2, sparedTags: 0, manifests: 2 });
  assert.deepEqual(told, ['rulesChanged', ['ruleRan', 2, 2, 0]]);
  assert.equal(last?.by, 'rule one');
  assert.deepEqual(
    trash.map(({ by }) => by),
    ['rule one', 'rule one'],
  );
  for (const [at, tag] of ['1', '2', '3'].entries()) {
    assert.equal(await store.tags.find(app, tag as Tag), digests[at]);
  }
});

test('an index goes with the children that only it lists; one with another tag or parent stays', async (t) => {
  const registry = await opened(t);
  const { store, tidy, index } = registry;
  const [own, tagged, both] = [
    await push(registry, { seed: 'own', tags: [] }),
    await push(registry, { seed: 'tagged', tags: ['keep-child'] }),
    await push(registry, { seed: 'both', tags: [] }),
  ];
  const gone = await pushIndex(registry, [own, tagged, both], ['pr-1']);
  await pushIndex(registry, [both], ['keep-index']);
  const rules = await registry.use({ retention: [{ id: 'none', repositories: ['**'], tags: ['pr-*'] }] });

  const { outcome } = await simulated(registry, rules);
  const before = await unneeded(registry);
  const ran = await tidy.run({ signal });
  const after = await unneeded(registry);

  const has = async (digest: Digest) =>
    (await store.manifests.find(app, { kind: 'digest', digest })) !== undefined;
  assert.deepEqual(
    [await has(gone), await has(own), await has(tagged), await has(both)],
    [false, false, true, true],
  );
  assert.deepEqual([ran.manifests, outcome.manifests, outcome.freedBytes], [2, 2, after - before]);
  assert.deepEqual(await registry.differences(), []);
  const [entry] = (await store.trash.list({ limit: 1 })).rows;
  await store.trash.restore(entry?.id ?? '', actor);
  assert.deepEqual([await has(gone), await has(own)], [true, true]);
  assert.equal(index.tagRecord(app, 'pr-1')?.digest, gone);
});

test('what is pushed again or pulled after it was judged stays', async (t) => {
  const registry = await opened(t);
  const { clock, store, index, tidy } = registry;
  for (const tag of ['pushed', 'pulled', 'gone']) await push(registry, { seed: tag, tags: [tag] });
  clock.now += dayMs;
  await registry.use({ retention: [{ id: 'none', repositories: ['**'] }] });
  // Between the judgement and the delete.
  const tagRemover: typeof store.manifests.tagRemover = (repository) => ({
    async remove(removals, options) {
      await push(registry, { seed: 'pushed', tags: ['pushed'] });
      index.pulled({ repository, tag: 'pulled' as Tag, digest: removals[0]?.digest as Digest });
      await index.flushPulls();
      return await store.manifests.removeTags(repository, removals, options);
    },
    [Symbol.dispose]: () => undefined,
  });
  const raced = createTidy({
    rules: registry.rules,
    index,
    store: { manifests: { ...store.manifests, tagRemover } },
    events: { ruleRan: () => undefined, tagExpired: () => undefined },
    ready: Promise.resolve(),
    now: () => clock.now,
  });

  const ran = await raced.run({ signal });

  assert.deepEqual([ran.deletedTags, ran.sparedTags], [1, 2]);
  assert.deepEqual(await tagsLeft(registry, [app]), ['team/app:pulled', 'team/app:pushed']);
  await tidy.run({ signal });
});

test('a run ends its deletes once the rules are others', async (t) => {
  const registry = await opened(t);
  const { store, index, clock, rules } = registry;
  await push(registry, { seed: '1', tags: ['1'] });
  await registry.use({ retention: [{ id: 'none', repositories: ['**'] }] });
  const raced = createTidy({
    rules,
    index,
    store: {
      manifests: {
        ...store.manifests,
        tagRemover: (repository) => ({
          async remove(...args) {
            await registry.use({});
            return await store.manifests.removeTags(repository, ...args);
          },
          [Symbol.dispose]: () => undefined,
        }),
      },
    },
    events: { ruleRan: () => undefined, tagExpired: () => undefined },
    ready: Promise.resolve(),
    now: () => clock.now,
  });

  const ran = await raced.run({ signal });

  assert.deepEqual([ran.deletedTags, ran.sparedTags], [0, 1]);
});

test('a tag is gone at its time and not before, and the next end is told', async (t) => {
  const registry = await opened(t);
  const { clock, tidy, told } = registry;
  await registry.use({ expiry: [{ id: 'ttl', kind: 'suffix', repositories: ['team/*'] }] });
  for (const tag of ['pr-1-1h', 'pr-2-2h', 'stays']) await push(registry, { seed: tag, tags: [tag] });
  const pushedAt = clock.now;

  clock.now = pushedAt + 3_600_000 - 1;
  const first = await tidy.expire({ signal });
  const before = await tagsLeft(registry, [app]);
  clock.now = pushedAt + 3_600_000;
  const second = await tidy.expire({ signal });
  const after = await tagsLeft(registry, [app]);
  clock.now = pushedAt + dayMs;
  const last = await tidy.expire({ signal });

  assert.deepEqual([first, second, last], [pushedAt + 3_600_000, pushedAt + 7_200_000, undefined]);
  assert.equal(before.length, 3);
  assert.deepEqual(after, ['team/app:pr-2-2h', 'team/app:stays']);
  assert.deepEqual(await tagsLeft(registry, [app]), ['team/app:stays']);
  assert.deepEqual(told.slice(1), [
    ['tagExpired', 'team/app:pr-1-1h', 'ttl'],
    ['tagExpired', 'team/app:pr-2-2h', 'ttl'],
  ]);
});

for (const { says, config, annotations } of [
  { says: 'a label', config: { config: { Labels: { 'quay.expires-after': '2h' } } } },
  { says: 'an annotation', annotations: { 'berth.expires-after': '2h', 'quay.expires-after': '9w' } },
  {
    says: 'an annotation that is none, and a label',
    annotations: { 'berth.expires-after': 'soon' },
    config: { config: { Labels: { 'berth.expires-after': '2h' } } },
  },
]) {
  for (const through of ['image', 'index']) {
    test(`${says} of an ${through} says when its tag expires, where a rule lets it`, async (t) => {
      const registry = await opened(t);
      const { clock, index, store } = registry;
      const text = JSON.stringify({ os: 'linux', ...config });
      await pushBlob(store, app, text);
      const type = { mediaType: 'application/vnd.oci.image.config.v1+json' };
      const image = manifestOf({
        config: descriptorOf(text, type),
        ...(annotations === undefined ? {} : { annotations }),
      });
      const { digest } = await putManifest(store, image, {
        name: app,
        tags: through === 'image' ? ['t'] : [],
      });
      if (through === 'index') await pushIndex(registry, [digest], ['t']);
      const record = index.tagRecord(app, 't');
      assert.ok(record !== undefined);

      const without = registry.rules.compiled().expiryOf(app, record);
      await registry.use({ expiry: [{ id: 'l', kind: 'label', repositories: ['team/*'] }] });
      const expiry = registry.rules.compiled().expiryOf(app, record);

      assert.equal(without, undefined);
      assert.equal(expiry?.at, clock.now + 7_200_000);
    });
  }
}

test('a page to go on from that is none is refused', async (t) => {
  const { tidy } = await opened(t);

  await assert.rejects(tidy.simulate({ rules: noRules, limit: 1, after: 'x', signal }), (error) =>
    isAppError(error, 'PAGE_INVALID'),
  );
});

// The oracle: all tags in one list, and the sentences of the rules word by word; nothing is compiled, paged or streamed.
interface NaiveTag {
  readonly repository: string;
  readonly tag: string;
  readonly pushedAt: number;
  readonly pulledAt: number;
}

function naiveDeletions(tags: readonly NaiveTag[], rules: RuleSet, at: number): readonly string[] {
  const fits = (globs: readonly string[], name: string): boolean =>
    globs.some((glob) =>
      new RegExp(
        `^${glob
          .replaceAll('.', String.raw`\.`)
          .replaceAll('**', '§')
          .replaceAll('*', '[^/]*')
          .replaceAll('§', '.*')}$`,
      ).test(name),
    );
  const newestFirst = (a: NaiveTag, b: NaiveTag): number =>
    b.pushedAt - a.pushedAt || (a.tag < b.tag ? -1 : 1);
  return tags
    .filter((tag) => {
      const isProtected = rules.protected.some((rule) => {
        const [repositories = '', names = ''] = rule.split(':');
        return fits([repositories], tag.repository) && fits([names], tag.tag);
      });
      if (isProtected) return false;
      const isExpired = rules.expiry.some(
        (rule) =>
          rule.kind === 'suffix' &&
          fits(rule.repositories, tag.repository) &&
          /(?:^|-)\d+d$/.test(tag.tag) &&
          tag.pushedAt + Number(/(\d+)d$/.exec(tag.tag)?.[1]) * dayMs <= at,
      );
      if (isExpired) return true;
      const matching = rules.retention.filter(
        (rule) => rule.enabled && fits(rule.repositories, tag.repository) && fits(rule.tags, tag.tag),
      );
      const isKept = matching.some(({ tags: globs, keep, never }) => {
        const peers = tags
          .filter((other) => other.repository === tag.repository && fits(globs, other.tag))
          .toSorted(newestFirst);
        return (
          fits(never, tag.tag) ||
          peers.indexOf(tag) < (keep.newest ?? 0) ||
          at - tag.pushedAt < (keep.pushedWithinDays ?? 0) * dayMs ||
          at - Math.max(tag.pulledAt, tag.pushedAt) < (keep.pulledWithinDays ?? 0) * dayMs
        );
      });
      return matching.length > 0 && !isKept;
    })
    .map(({ repository, tag }) => `${repository}:${tag}`)
    .toSorted();
}

const names = ['team/a', 'team/b', 'other'] as const;
const tagNames = ['v1', 'v2', 'pr-1', 'pr-2-1d', 'latest', '3d', 'x'] as const;
const days = fc.integer({ min: 1, max: 5 });
const retention = fc.record({
  repositories: fc.subarray(['team/*', '**', 'other', 'team/a'], { minLength: 1 }),
  tags: fc.subarray(['*', 'v*', 'pr-*', 'latest'], { minLength: 1 }),
  keep: fc.record(
    { newest: fc.integer({ min: 0, max: 3 }), pushedWithinDays: days, pulledWithinDays: days },
    { requiredKeys: [] },
  ),
  never: fc.subarray(['v1', 'latest']),
  enabled: fc.boolean(),
});
const registryOf = fc.record({
  pushes: fc.array(
    fc.record({
      name: fc.constantFrom(...names),
      tag: fc.constantFrom(...tagNames),
      seed: fc.integer({ min: 0, max: 5 }),
      hours: fc.integer({ min: 0, max: 30 }),
      pulled: fc.boolean(),
    }),
    { minLength: 1, maxLength: 25 },
  ),
  retention: fc.array(retention, { maxLength: 3 }),
  protected: fc.subarray(['team/*:v*', '**:latest']),
  suffix: fc.boolean(),
});

test('simulate then run gives the same deletions, those of a naive evaluator, and the bytes of the disk', async (t) => {
  const seed = Number(process.env['FC_SEED'] ?? Date.now() % 2 ** 31);
  t.diagnostic(`seed ${seed}`);
  let deletions = 0;
  await fc.assert(
    fc.asyncProperty(registryOf, async (generated) => {
      await using stack = new AsyncDisposableStack();
      const registry = await opened({
        after: (cleanup) => stack.defer(async () => void (await cleanup())),
      });
      const { clock, index } = registry;
      const model = new Map<string, NaiveTag>();
      for (const { name, tag, seed: image, hours, pulled } of generated.pushes) {
        clock.now += hours * 3_600_000;
        const repository = name as RepoName;
        const digest = await push(registry, { name: repository, seed: String(image), tags: [tag] });
        const key = `${name}:${tag}`;
        const pulledAt = pulled ? clock.now : (model.get(key)?.pulledAt ?? 0);
        if (pulled) index.pulled({ repository, tag: tag as Tag, digest });
        await index.flushPulls();
        model.set(key, { repository: name, tag, pushedAt: clock.now, pulledAt });
      }
      const rules = await registry.use({
        retention: generated.retention.map((rule, at) => ({ id: `r${at}`, ...rule })),
        protected: generated.protected,
        expiry: generated.suffix ? [{ id: 'suffix', kind: 'suffix', repositories: ['team/*'] }] : [],
      });
      const before = await unneeded(registry);

      const { rows, outcome } = await simulated(registry, rules);
      const ran = await registry.tidy.run({ signal });

      const wanted = naiveDeletions([...model.values()], rules, clock.now);
      const said = rows.filter(({ decision }) => decision === 'delete');
      const left = new Set(await tagsLeft(registry, names as readonly string[] as readonly RepoName[]));
      deletions += wanted.length;
      assert.deepEqual(said.map(({ repository, tag }) => `${repository}:${tag}`).toSorted(), wanted);
      assert.deepEqual([...model.keys()].filter((key) => !left.has(key)).toSorted(), wanted);
      assert.equal(rows.length, model.size);
      assert.deepEqual(
        [outcome.deletedTags, outcome.keptTags, outcome.manifests],
        [wanted.length, model.size - wanted.length, ran.manifests],
      );
      assert.equal((await unneeded(registry)) - before, outcome.freedBytes);
      assert.deepEqual(await registry.differences(), []);
    }),
    { seed, endOnFailure: true, numRuns: Number(process.env['FC_RUNS'] ?? 50) },
  );
  assert.ok(deletions > 0, `${deletions} deletions were generated`);
});
