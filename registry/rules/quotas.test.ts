import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { openPlace, openRegistry } from '../derived/derived.suite.ts';
import { noRules, type Quota } from '../spec/admin/rules.ts';
import { AppError, isAppError } from '../spec/errors.ts';
import type { RepoName, Tag } from '../spec/names.ts';
import { createLogger } from '../log/logger.ts';
import { createRing } from '../log/ring.ts';
import { actor, descriptorOf, manifestOf, pushBlob, putManifest } from '../store/store.suite.ts';
import { createQuotas, type Quotas } from './quotas.ts';

const app = 'team/app' as RepoName;
const web = 'team/web' as RepoName;
const other = 'other' as RepoName;

/** A registry with quotas. */
async function opened(t: { after(cleanup: () => unknown): void }, quotas: readonly Quota[]) {
  const place = await openPlace();
  t.after(() => place[Symbol.asyncDispose]());
  let made: Quotas | undefined;
  const admit: Quotas['admit'] = (arrival) => {
    assert.ok(made !== undefined);
    return made.admit(arrival);
  };
  const registry = await openRegistry(place, { store: { admit } });
  t.after(() => registry[Symbol.asyncDispose]());
  const rules = { ...noRules, quotas: [...quotas] };
  made = createQuotas({
    rules: () => rules,
    index: registry.index,
    log: createLogger({ write: () => undefined }),
  });
  return { ...registry, quotas: made };
}

type Registry = Awaited<ReturnType<typeof opened>>;

async function push(
  { store }: Pick<Registry, 'store'>,
  name: RepoName,
  { layers, tags = ['latest'] }: { readonly layers: readonly string[]; readonly tags?: readonly string[] },
) {
  for (const blob of ['{}', ...layers]) await pushBlob(store, name, blob);
  const bytes = manifestOf({
    config: descriptorOf('{}'),
    layers: layers.map((layer) => descriptorOf(layer)),
  });
  return await putManifest(store, bytes, { name, tags });
}

function isExceeded(words: RegExp) {
  return (error: unknown): boolean => isAppError(error, 'QUOTA_EXCEEDED') && words.test(error.message);
}

const layer = (name: string, bytes: number): string => name.padEnd(bytes, '.');
const team: Quota = { id: 'team', repositories: 'team/**', bytes: 10_000 };

test('a push beyond the limit is refused with the figures, nothing of it is stored, and deleting makes room', async (t) => {
  const registry = await opened(t, [team]);
  const { store, index, quotas } = registry;
  const { digest } = await push(registry, app, { layers: [layer('a', 8000)] });

  const beyond = push(registry, web, { layers: [layer('b', 8000)] });
  await assert.rejects(
    beyond,
    isExceeded(
      /^The quota team is used up: team\/\*\* may take 10kB and takes 8\.\d+kB; this push needs 8\.\d+kB more\. Make room with berth rm; berth du shows/,
    ),
  );
  const left = index.repositories({ sort: 'name', limit: 10 }).rows.map(({ name }) => name);
  await push(registry, other, { layers: [layer('b', 8000)] });
  await store.manifests.removeTags(app, [{ tag: 'latest' as Tag, digest, actor }]);
  await push(registry, web, { layers: [layer('b', 8000)] });

  assert.deepEqual(left, [app]);
  const [row] = quotas.rows();
  assert.deepEqual([row?.id, row?.limitBytes, row?.usedTags], ['team', 10_000, 1]);
});

test('each digest counts once in all the repositories of a quota, and a retag counts nothing', async (t) => {
  const registry = await opened(t, [team]);
  const shared = layer('shared', 9000);

  await push(registry, app, { layers: [shared] });
  await push(registry, web, { layers: [shared] });
  const again = await push(registry, web, { layers: [shared], tags: ['1', '2'] });

  const row = registry.quotas.rows()[0];
  assert.ok(row !== undefined && row.usedBytes > 9000 && row.usedBytes < 10_000, JSON.stringify(row));
  assert.deepEqual(again.warnings, [
    `the quota team is nearly full: ${(row.usedBytes / 1000).toPrecision(3)}kB of 10kB are used`,
  ]);
});

test('an upload is refused at its start once nothing is left, and only there', async (t) => {
  const registry = await opened(t, [{ ...team, bytes: 0 }]);

  assert.throws(() => registry.quotas.checkStart(app), isExceeded(/may take 0B and takes 0B\./));
  registry.quotas.checkStart(other);
});

test('tags have a limit of their own', async (t) => {
  const registry = await opened(t, [{ ...team, tags: 2 }]);
  await push(registry, app, { layers: ['x'], tags: ['1', '2'] });

  const third = push(registry, web, { layers: ['x'], tags: ['3'] });

  await assert.rejects(third, isExceeded(/may have 2 tags and has 2; this push adds 1\./));
  await push(registry, app, { layers: ['y'], tags: ['1'] });
});

test('a tag that is set counts as a pushed one, unless it is there', async (t) => {
  const registry = await opened(t, [{ ...team, tags: 2 }]);
  const { digest } = await push(registry, app, { layers: ['x'], tags: ['1', '2'] });
  const { manifests, tags } = registry.store;

  const third = manifests.setTag(app, '3' as Tag, digest, actor);

  await assert.rejects(third, isExceeded(/may have 2 tags and has 2; this tag adds 1\./));
  assert.deepEqual(await Array.fromAsync(tags.list(app)), ['1', '2']);
  assert.equal(await manifests.setTag(app, '2' as Tag, digest, actor), digest);
});

test('a restore counts what the quota does not hold any more, and stays in the trash without room', async (t) => {
  const registry = await opened(t, [{ ...team, tags: 1 }]);
  const { store } = registry;
  const removed = async (name: RepoName, text: string): Promise<string> => {
    const { digest } = await push(registry, name, { layers: [text] });
    const { trash } = await store.manifests.removeTags(name, [{ tag: 'latest' as Tag, digest, actor }]);
    return trash[0] ?? '';
  };
  const large = await removed(app, layer('a', 8000));
  const small = await removed(app, 'small');
  await push(registry, web, { layers: [layer('b', 8000)], tags: [] });

  await assert.rejects(store.trash.restore(large, actor), isExceeded(/this restore needs 8\.\d+kB more\./));
  assert.equal(await store.repositories.exists(app), false);
  await store.trash.restore(small, actor);
  await push(registry, other, { layers: [layer('a', 8000)] });
  assert.deepEqual(
    (await store.trash.list({ limit: 9 })).rows.map(({ id }) => id),
    [large],
  );
  const tagged = await removed(web, 'other').catch((error: unknown) => error);
  assert.ok(isExceeded(/may have 1 tags and has 1; this push adds 1\./)(tagged));
});

test('a layer that is larger than the manifest says counts as large as it is', async (t) => {
  const registry = await opened(t, [team]);
  const text = layer('liar', 20_000);
  for (const blob of ['{}', text]) await pushBlob(registry.store, app, blob);
  const bytes = manifestOf({
    config: descriptorOf('{}'),
    layers: [{ ...descriptorOf(text), size: 1 }],
  });

  await assert.rejects(
    putManifest(registry.store, bytes, { name: app, tags: ['1'] }),
    isExceeded(/20\.\dkB/),
  );
});

test('while the index cannot be asked pushes go on, and the log says so once', () => {
  const ring = createRing();
  const closed = (): never => {
    throw new AppError('UNAVAILABLE');
  };
  const quotas = createQuotas({
    rules: () => ({ ...noRules, quotas: [{ ...team, bytes: 0, tags: 0 }] }),
    index: { room: closed, tagRecord: closed, isPartial: true },
    log: createLogger({ write: () => undefined, ring }),
  });

  quotas.checkStart(app);
  using first = quotas.admit({ by: 'push', repository: app, tags: ['1' as Tag], uses: [] });
  using second = quotas.admit({ by: 'tag', repository: app, tags: ['2' as Tag], uses: [] });

  assert.deepEqual([first.warnings, second.warnings], [[], []]);
  assert.deepEqual(
    ring.snapshot().map(({ event }) => event),
    ['quotasOpen'],
  );
});

// The oracle: the sum of the sizes of all digests of the manifests that the store acknowledged, each once.
test('however many pushes at once, what a quota holds never exceeds it', async (t) => {
  const seed = Number(process.env['FC_SEED'] ?? Date.now() % 2 ** 31);
  t.diagnostic(`seed ${seed}`);
  const images = fc.array(
    fc.record({
      name: fc.constantFrom(app, web, other),
      layers: fc.subarray(['a', 'b', 'c', 'd', 'e', 'f'], { minLength: 1, maxLength: 3 }),
    }),
    { minLength: 2, maxLength: 10 },
  );
  let refusals = 0;
  await fc.assert(
    fc.asyncProperty(images, async (pushes) => {
      await using stack = new AsyncDisposableStack();
      const registry = await opened({ after: (cleanup) => stack.defer(async () => void (await cleanup())) }, [
        team,
      ]);

      const results = await Promise.allSettled(
        pushes.map(({ name, layers }, at) =>
          push(registry, name, { layers: layers.map((each) => layer(each, 3000)), tags: [String(at)] }),
        ),
      );

      const held = new Map<string, number>();
      for (const [at, { name, layers }] of pushes.entries()) {
        const result = results[at];
        if (result?.status === 'rejected') {
          assert.ok(isAppError(result.reason, 'QUOTA_EXCEEDED'), String(result.reason));
          refusals++;
        } else if (result !== undefined && name !== other) {
          const { digest, manifest } = result.value;
          const found = await registry.store.manifests.find(name, { kind: 'digest', digest });
          held.set(digest, found?.bytes.length ?? 0);
          for (const part of [manifest.config, ...manifest.layers]) {
            if (part !== undefined) held.set(part.digest, part.size);
          }
          assert.ok(layers.length > 0);
        }
      }
      const sum = [...held.values()].reduce((total, size) => total + size, 0);
      assert.equal(registry.quotas.rows()[0]?.usedBytes, sum);
      assert.ok(sum <= team.bytes, `${sum} bytes`);
    }),
    { seed, endOnFailure: true, numRuns: Number(process.env['FC_RUNS'] ?? 12) },
  );
  assert.ok(refusals > 0, 'some pushes were refused');
});
