import assert from 'node:assert/strict';
import { open, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync, StatementSync } from 'node:sqlite';
import { describe, test, type TestContext } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import type { Driver } from '../driver/driver.ts';
import type { MoveRow } from '../spec/admin/content.ts';
import type { Digest } from '../spec/digest.ts';
import { AppError, isAppError } from '../spec/errors.ts';
import { mediaTypes } from '../spec/media-types.ts';
import type { RepoName, Tag } from '../spec/names.ts';
import { blobData, blobTree, repositoryTree } from '../store/paths.ts';
import type { Store } from '../store/store.ts';
import {
  actor,
  descriptorOf,
  drivers,
  manifestOf,
  pushBlob,
  putManifest,
  sha,
} from '../store/store.suite.ts';
import {
  compared,
  everyRow,
  historyOf,
  listsOf,
  type Opened,
  openPlace,
  openRegistry,
  type OpenSetup,
  type Place,
} from './derived.suite.ts';
import { schemaVersion } from './schema.ts';

const api = 'team/api' as RepoName;
const web = 'team/web' as RepoName;

async function opened(t: TestContext, setup: OpenSetup & { readonly on?: keyof typeof drivers } = {}) {
  const place = await openPlace(setup.on);
  t.after(() => place[Symbol.asyncDispose]());
  const registry = await openRegistry(place, setup);
  t.after(() => registry[Symbol.asyncDispose]());
  return { place, ...registry };
}

interface Image {
  readonly name: RepoName;
  readonly seed: string;
  readonly layers?: readonly string[];
  readonly tags?: readonly string[];
  readonly platform?: { readonly os: string; readonly architecture: string; readonly variant?: string };
  readonly subject?: object;
}

/** Pushes an image with a docker config, and answers the bytes of its manifest. */
async function push(
  store: Store,
  { name, seed, layers = [], tags = [], platform, subject }: Image,
): Promise<Buffer> {
  const config = JSON.stringify({ seed, ...platform });
  for (const blob of [config, ...layers]) await pushBlob(store, name, blob);
  const bytes = manifestOf({
    config: descriptorOf(config, { mediaType: 'application/vnd.oci.image.config.v1+json' }),
    layers: layers.map((layer) => descriptorOf(layer)),
    ...(subject === undefined ? {} : { subject }),
    annotations: { seed },
  });
  await putManifest(store, bytes, { name, tags });
  return bytes;
}

async function pushIndex(
  store: Store,
  name: RepoName,
  children: readonly Buffer[],
  tags: readonly string[] = [],
): Promise<Digest> {
  const manifests = children.map((child, at) =>
    descriptorOf(child, {
      mediaType: mediaTypes.ociManifest,
      platform: { os: 'linux', architecture: ['amd64', 'arm64', 's390x'][at] },
    }),
  );
  return (await putManifest(store, manifestOf({ manifests }), { name, tags })).digest;
}

const damages: Readonly<Record<string, (path: string) => Promise<void>>> = {
  deleted: (path) => rm(path),
  empty: (path) => truncate(path, 0),
  truncated: async (path) => truncate(path, Math.floor((await stat(path)).size / 2)),
  garbage: (path) => writeFile(path, 'this is no database'.repeat(1000)),
  'damaged inside': async (path) => {
    const { size } = await stat(path);
    const database = new DatabaseSync(path);
    database.exec('PRAGMA wal_checkpoint(TRUNCATE)');
    database.close();
    await using file = await open(path, 'r+');
    await file.write(Buffer.alloc(size - 4096, 0xa5), 0, size - 4096, 4096);
  },
  'damaged in its last pages': async (path) => {
    const { size } = await stat(path);
    await using file = await open(path, 'r+');
    await file.write(Buffer.alloc(3 * 4096, 0xa5), 0, 3 * 4096, size - 3 * 4096);
  },
  'of another version': async (path) => {
    const database = new DatabaseSync(path);
    database.exec(`PRAGMA user_version = ${schemaVersion + 1}`);
    database.close();
  },
  'half built': async (path) => {
    const database = new DatabaseSync(path);
    database.exec('PRAGMA user_version = 0; DELETE FROM tag');
    database.close();
  },
  'of other tables': async (path) => {
    await rm(path);
    const database = new DatabaseSync(path);
    database.exec(`CREATE TABLE meta (x); PRAGMA user_version = ${schemaVersion}`);
    database.close();
  },
};

describe('lists', () => {
  for (const on of Object.keys(drivers) as (keyof typeof drivers)[]) {
    test(`rows, sizes and manifests are those of a walk (${on})`, async (t) => {
      const registry = await opened(t, { on });
      const { store, index, place } = registry;
      const arm = await push(store, {
        name: api,
        seed: 'arm',
        layers: ['base', 'arm'],
        platform: { os: 'linux', architecture: 'arm', variant: 'v7' },
      });
      const amd = await push(store, { name: api, seed: 'amd', layers: ['base', 'amd'] });
      const top = await pushIndex(store, api, [amd, arm], ['1.0', 'latest']);
      await push(store, { name: web, seed: 'web', layers: ['base', 'base', 'web'], tags: ['latest'] });
      await push(store, { name: web, seed: 'loose' });
      const signature = await push(store, { name: api, seed: 'sig', subject: descriptorOf(amd) });

      const { have, want } = await compared(registry, place);

      assert.deepEqual(have, want);
      assert.deepEqual(index.manifest({ repository: api, digest: sha(arm) })?.platforms, ['linux/arm/v7']);
      assert.deepEqual(index.manifest({ repository: api, digest: top })?.platforms, [
        'linux/amd64',
        'linux/arm64',
      ]);
      assert.deepEqual(index.manifest({ repository: api, digest: sha(amd) })?.referrers, {
        'application/vnd.oci.image.config.v1+json': 1,
      });
      assert.equal(index.manifest({ repository: api, digest: sha(signature) })?.subject, sha(amd));
      assert.equal(index.manifest({ repository: web, digest: sha(amd) }), undefined);
    });
  }

  test('every order is kept over pages, and a row that goes between two pages takes no other with it', async (t) => {
    t.mock.timers.enable({ apis: ['setInterval'] });
    let clock = Date.UTC(2026, 0, 1);
    const { store, index } = await opened(t, { now: () => (clock += 1000) });
    const names = ['1.0.0', '1.0.0-rc.1', '1.10.0', '1.9.0', 'latest', 'v2', 'x'] as string[] as Tag[];
    for (const [at, tag] of names.entries()) {
      await push(store, { name: api, seed: tag, layers: ['y'.repeat(10 * at)], tags: [tag] });
    }
    for (const tag of ['v2', 'v2', 'x'] as Tag[]) index.pulled({ repository: api, tag, digest: sha('') });
    t.mock.timers.tick(30_000);
    await index.settled();

    const orders = Object.fromEntries(
      (['name', 'pushed', 'semver', 'size', 'pulls'] as const).map((sort) => [
        sort,
        everyRow((after) => index.tags({ repository: api, sort, limit: 2, after })).map(({ tag }) => tag),
      ]),
    );
    const first = index.tags({ repository: api, sort: 'size', limit: 3 });
    await store.manifests.removeTag(api, '1.9.0' as Tag, actor);
    await store.manifests.removeTag(api, 'latest' as Tag, actor);
    const second = index.tags({ repository: api, sort: 'size', limit: 3, after: first.next });

    assert.deepEqual(orders, {
      name: names,
      pushed: names.toReversed(),
      semver: ['latest', 'v2', '1.10.0', '1.9.0', '1.0.0', '1.0.0-rc.1', 'x'],
      size: ['x', 'v2', 'latest', '1.9.0', '1.10.0', '1.0.0-rc.1', '1.0.0'],
      pulls: ['v2', 'x', '1.0.0', '1.0.0-rc.1', '1.10.0', '1.9.0', 'latest'],
    });
    assert.deepEqual([first.rows.map(({ tag }) => tag), first.total], [['x', 'v2', 'latest'], 7]);
    assert.deepEqual(
      [second.rows.map(({ tag }) => tag), second.total, second.next],
      [['1.10.0', '1.0.0-rc.1', '1.0.0'], 5, undefined],
    );
  });
});

test('the tags that were pushed last are found in all repositories, without those that hold attachments', async (t) => {
  let clock = Date.UTC(2026, 0, 1);
  const { store, index } = await opened(t, { now: () => (clock += 1000) });
  const signed = await push(store, { name: api, seed: 'a', tags: ['1'] });
  await push(store, { name: web, seed: 'b', tags: ['1', '2'] });
  await push(store, { name: api, seed: 'c', tags: ['2', `sha256-${'0'.repeat(64)}.sig`] });
  await push(store, { name: web, seed: 'd', tags: [] });

  const names = (limit: number): readonly string[] =>
    index.recentTags({ limit }).map(({ repository, tag }) => `${repository}:${tag}`);

  assert.ok(signed);
  assert.deepEqual(names(9), [`${api}:2`, `${web}:2`, `${web}:1`, `${api}:1`]);
  assert.deepEqual(names(2), [`${api}:2`, `${web}:2`]);
});

test('a part of a name in any case, or the start of a digest, finds repositories and tags; totals count what is found', async (t) => {
  const { store, index } = await opened(t);
  const image = sha(await push(store, { name: api, seed: 'a', tags: ['Release-1', 'release-2', 'latest'] }));
  await push(store, { name: api, seed: 'b', tags: ['other'] });
  await push(store, { name: web, seed: 'c', tags: ['latest'] });
  const page = { limit: 1, sort: 'name' } as const;

  const found = {
    repositories: ['TEAM', 'we', 'nothing', 'sha256:0 -api', image.slice(0, 20), image, '%', ''].map((q) => {
      const { rows, total } = index.repositories({ q, ...page });
      return [q, rows.map(({ name }) => name), total];
    }),
    tags: ['RELEASE', '_', image.slice(0, 20), ''].map((q) => {
      const { rows, total } = index.tags({ repository: api, q, ...page });
      return [q, rows.map(({ tag }) => tag), total];
    }),
  };

  assert.deepEqual(found, {
    repositories: [
      ['TEAM', [api], 2],
      ['we', [web], 1],
      ['nothing', [], 0],
      ['sha256:0 -api', [], 0],
      [image.slice(0, 20), [api], 1],
      [image, [api], 1],
      ['%', [], 0],
      ['', [api], 2],
    ],
    tags: [
      ['RELEASE', ['Release-1'], 2],
      ['_', [], 0],
      [image.slice(0, 20), ['Release-1'], 3],
      ['', ['Release-1'], 4],
    ],
  });
  assert.throws(() => index.repositories({ q: 'sha256:zz', ...page }), {
    code: 'QUERY_INVALID',
    detail: { problems: [{ start: 7, end: 9, message: 'A digest is up to 64 of the digits 0-9 and a-f.' }] },
  });
});

test('a cursor that no list gave is refused', async (t) => {
  const { index } = await opened(t);

  for (const after of [
    '',
    'x',
    Buffer.from('[1]').toString('base64url'),
    Buffer.from('{}').toString('base64url'),
  ]) {
    assert.throws(
      () => index.repositories({ sort: 'name', limit: 1, after }),
      (error) => isAppError(error, 'PAGE_INVALID'),
    );
  }
});

test('sizes that a manifest only claims neither overflow a sum nor count as stored', async (t) => {
  const { store, index } = await opened(t, { rules: { enabled: false } });
  const huge = (text: string) => ({ ...descriptorOf(text), size: Number.MAX_SAFE_INTEGER });
  const bytes = manifestOf({ config: huge('a'), layers: [huge('b'), huge('c')] });
  await putManifest(store, bytes, { name: api, tags: ['huge'] });

  const [row] = index.tags({ repository: api, sort: 'size', limit: 1 }).rows;

  assert.equal(row?.totalBytes, Number.MAX_SAFE_INTEGER);
  assert.deepEqual(index.usage(), {
    repositories: [{ name: api, exclusiveBytes: bytes.length, sharedBytes: 0 }],
    totalBytes: bytes.length,
    reclaimableBytes: 0,
  });
});

describe('content that comes and goes', () => {
  test('a child, a layer and a config that arrive after what needs them count from then on', async (t) => {
    const registry = await opened(t, { rules: { enabled: false } });
    const { store, index, place } = registry;
    const config = JSON.stringify({ os: 'linux', architecture: 'amd64' });
    const child = manifestOf({
      config: descriptorOf(config, { mediaType: 'application/vnd.docker.container.image.v1+json' }),
      // A digest that is config and layer is both, and is counted once.
      layers: [descriptorOf('layer'), descriptorOf(config)],
    });
    await pushIndex(store, api, [child], ['late']);
    const before = index.tags({ repository: api, sort: 'name', limit: 1 }).rows[0]?.totalBytes;
    await putManifest(store, child, { name: api });
    await pushBlob(store, api, config);
    await pushBlob(store, api, 'layer');
    await index.settled();

    const { have, want } = await compared(registry, place);

    assert.deepEqual(have.repositories, want.repositories);
    assert.deepEqual(have.tags, want.tags);
    assert.equal((have.tags[0]?.totalBytes ?? 0) - (before ?? 0), config.length + 'layer'.length);
    assert.deepEqual(index.manifest({ repository: api, digest: sha(child) })?.platforms, ['linux/amd64']);
    assert.deepEqual(await registry.differences(), []);
  });

  test('a damaged manifest is known to be there and unreadable, until it is pushed again anywhere', async (t) => {
    const registry = await opened(t, { on: 'fs' });
    const { store, place } = registry;
    const bytes = await push(store, { name: api, seed: 'a', tags: ['1'] });
    await push(store, { name: web, seed: 'a', tags: ['1'] });
    await place.driver.write(blobData(sha(bytes)), Buffer.from('damaged'));
    await registry[Symbol.asyncDispose]();
    const again = await openRegistry(place);
    t.after(() => again[Symbol.asyncDispose]());

    await assert.rejects(again.store.manifests.find(api, { kind: 'digest', digest: sha(bytes) }), (error) =>
      isAppError(error, 'STORAGE_FAILED'),
    );
    await again.index.settled();
    const damaged = again.index.manifest({ repository: web, digest: sha(bytes) });
    await putManifest(again.store, bytes, { name: api });
    const mended = again.index.manifest({ repository: web, digest: sha(bytes) });

    assert.deepEqual([damaged?.mediaType, damaged?.totalBytes, damaged?.tags], ['', 0, ['1']]);
    assert.equal(mended?.mediaType, mediaTypes.ociManifest);
    assert.deepEqual(await again.differences(), []);
  });

  test('what the collector removes is no longer counted, and what comes back from the trash is', async (t) => {
    let hours = 0;
    const clocks = { monotonic: () => hours * 3_600_000, now: () => Date.now() + hours * 3_600_000 };
    const registry = await opened(t, { now: clocks.now, store: { ...clocks, collect: { quarantineMs: 0 } } });
    const { store, index, place } = registry;
    const child = await push(store, { name: api, seed: 'a', layers: ['x'] });
    await pushIndex(store, api, [child], ['1', '2']);
    await pushBlob(store, api, 'never used');
    await index.settled();
    const before = listsOf(index);
    const [trash = ''] = await store.manifests.removeRepository(api, actor);
    const removed = listsOf(index);
    await store.trash.restore(trash, actor);
    const restored = await compared(registry, place);
    const kinds = historyOf(index, api).map(({ kind, tag, by }) => [kind, tag, by]);
    for (let run = 0; run < 3; run++) {
      hours += 24 * 30;
      await store.collector.collect({ signal: t.signal });
    }
    await index.settled();
    const after = index.usage();

    assert.equal(before.usage.reclaimableBytes, 'never used'.length);
    assert.deepEqual(removed, {
      repositories: [],
      tags: [],
      usage: {
        repositories: [],
        totalBytes: before.usage.totalBytes,
        reclaimableBytes: before.usage.totalBytes,
      },
    });
    assert.deepEqual(restored.have, restored.want);
    assert.deepEqual(new Set(kinds.slice(0, 2).map(String)), new Set(['restore,1,dev', 'restore,2,dev']));
    assert.deepEqual(after, {
      ...before.usage,
      totalBytes: before.usage.totalBytes - 'never used'.length,
      reclaimableBytes: 0,
    });
    assert.deepEqual(await registry.differences(), []);
  });
});

describe('history and pulls', () => {
  test('every move is told with who and when, over a restart, and dates its tag', async (t) => {
    let clock = Date.UTC(2026, 0, 31, 23, 59, 59);
    const now = () => (clock += 1000);
    const registry = await opened(t, { now });
    const first = sha(await push(registry.store, { name: api, seed: 'a', tags: ['1', 'latest'] }));
    const second = sha(await push(registry.store, { name: api, seed: 'b', tags: ['latest'] }));
    await registry.store.manifests.setTag(api, 'latest' as Tag, first, { user: '', requestId: '' });
    await registry.store.manifests.removeTag(api, '1' as Tag, { user: 'anna', requestId: '' });
    const before = historyOf(registry.index, api);
    await registry[Symbol.asyncDispose]();
    await rm(join(registry.place.directory, 'index.sqlite'));
    const again = await openRegistry(registry.place, { now });
    t.after(() => again[Symbol.asyncDispose]());

    const after = historyOf(again.index, api);
    const [row] = again.index.tags({ repository: api, sort: 'name', limit: 1 }).rows;

    const ats = before.map(({ at }) => at);
    assert.deepEqual(ats, ats.toSorted().toReversed());
    assert.equal(new Set(ats.map((at) => at.slice(0, 7))).size, 1);
    assert.deepEqual(before.map(withoutTime), [
      { repository: api, tag: '1', kind: 'delete', from: first, by: 'anna' },
      { repository: api, tag: 'latest', kind: 'move', from: second, to: first },
      { repository: api, tag: 'latest', kind: 'move', from: first, to: second, by: 'dev' },
      { repository: api, tag: 'latest', kind: 'move', to: first, by: 'dev' },
      { repository: api, tag: '1', kind: 'move', to: first, by: 'dev' },
    ] satisfies Omit<MoveRow, 'at'>[]);
    assert.deepEqual(after, before);
    assert.deepEqual([row?.pushedAt, row?.pushedBy], [before[1]?.at, undefined]);
    assert.equal(again.index.history({ repository: api, tag: '1' as Tag, limit: 1 }).total, 2);
  });

  test('what distribution wrote is told from its tag index; what Berth journaled is not told twice', async (t) => {
    const place = await openPlace('fs');
    t.after(() => place[Symbol.asyncDispose]());
    const { first, second } = await distribution(place, async (store) => ({
      first: sha(await push(store, { name: api, seed: 'a', tags: ['latest'] })),
      second: sha(await push(store, { name: api, seed: 'b', tags: ['latest'] })),
    }));
    const registry = await openRegistry(place);
    t.after(() => registry[Symbol.asyncDispose]());
    const left = historyOf(registry.index, api);
    await registry.store.manifests.setTag(api, 'latest' as Tag, first, actor);
    const moved = historyOf(registry.index, api);

    assert.deepEqual(left.map(withoutTime), [
      { repository: api, tag: 'latest', kind: 'move', from: first, to: second },
      { repository: api, tag: 'latest', kind: 'move', to: first },
    ]);
    assert.deepEqual(moved.map(withoutTime), [
      { repository: api, tag: 'latest', kind: 'move', from: second, to: first, by: 'dev' },
      { repository: api, tag: 'latest', kind: 'move', to: second },
    ]);
    assert.deepEqual(await registry.differences(), []);
  });

  test('pulls are counted by tag, day and repository, over a restart; the second half of one is not', async (t) => {
    const day = 24 * 3_600_000;
    let clock = Date.UTC(2026, 6, 1, 12);
    const now = () => clock;
    const registry = await opened(t, { now });
    const child = await push(registry.store, { name: api, seed: 'a' });
    const top = await pushIndex(registry.store, api, [child], ['1', '2']);
    const pull = (tag: string | undefined, digest: Digest, on: Opened) =>
      on.index.pulled({ repository: api, tag: tag as Tag | undefined, digest });
    pull('1', top, registry);
    pull(undefined, sha(child), registry);
    pull(undefined, top, registry);
    await registry[Symbol.asyncDispose]();
    clock += 29 * day;
    const again = await openRegistry(registry.place, { now });
    t.after(() => again[Symbol.asyncDispose]());
    const rows = again.index.tags({ repository: api, sort: 'name', limit: 9 }).rows;
    const [before] = again.index.repositories({ sort: 'pulls', limit: 1 }).rows;
    clock += day;
    const [after] = again.index.repositories({ sort: 'pulls', limit: 1 }).rows;
    await again.store.manifests.removeTag(api, '1' as Tag, actor);
    await again.store.manifests.setTag(api, '1' as Tag, top, actor);
    const gone = again.index
      .tags({ repository: api, sort: 'name', limit: 9 })
      .rows.map((row) => row.pulls30d);
    const anew = again.index.tags({ repository: api, sort: 'name', limit: 1 }).rows[0]?.pullCount;

    const at = new Date(clock - 30 * day).toISOString();
    assert.deepEqual(
      rows.map(({ tag, pullCount, lastPulledAt, pulls30d: [oldest] }) => ({
        tag,
        pullCount,
        lastPulledAt,
        oldest,
      })),
      [
        { tag: '1', pullCount: 2, lastPulledAt: at, oldest: 2 },
        { tag: '2', pullCount: 1, lastPulledAt: at, oldest: 1 },
      ],
    );
    assert.deepEqual(before?.pulls30d, [2, ...Array<number>(29).fill(0)]);
    assert.deepEqual(after?.pulls30d, Array<number>(30).fill(0));
    assert.equal(after?.lastPulledAt, at);
    assert.deepEqual(gone, Array(2).fill(Array<number>(30).fill(0)));
    assert.equal(anew, 0);
    assert.deepEqual(await again.differences(), []);
  });
});

function withoutTime(row: MoveRow): Omit<MoveRow, 'at'> {
  const { at, ...move } = row;
  assert.ok(Date.parse(at) > 0);
  return move;
}

/** Works on the bytes without Berth's journal and index, as distribution does. */
async function distribution<T>(place: Place, act: (store: Store) => Promise<T>): Promise<T> {
  const elsewhere = await openPlace();
  await using registry = await openRegistry({ ...elsewhere, driver: place.driver }, { isWatched: false });
  const result = await act(registry.store);
  await rm(elsewhere.directory, { recursive: true });
  return result;
}

describe('a file that cannot be used is dropped and built anew, and the start goes on', () => {
  for (const [name, damage] of Object.entries(damages)) {
    test(name, async (t) => {
      const registry = await opened(t);
      await push(registry.store, { name: api, seed: 'a', layers: ['x'.repeat(9000)], tags: ['1', '2'] });
      for (let n = 0; n < 40; n++) await push(registry.store, { name: web, seed: `${n}`, tags: [`t${n}`] });
      const before = { ...listsOf(registry.index), history: historyOf(registry.index, web) };
      await registry[Symbol.asyncDispose]();
      const path = join(registry.place.directory, 'index.sqlite');
      await damage(path);
      const again = await openRegistry(registry.place);
      t.after(() => again[Symbol.asyncDispose]());

      const after = { ...listsOf(again.index), history: historyOf(again.index, web) };

      assert.deepEqual(after, before);
      assert.equal(again.index.state, 'ready');
      assert.deepEqual(again.logged(), name === 'deleted' ? [] : ['indexDropped']);
      assert.equal((await stat(path)).mode & 0o777, 0o600);
    });
  }

  test('an index that is ahead of its journal', async (t) => {
    const registry = await opened(t);
    await push(registry.store, { name: api, seed: 'a', tags: ['1', '2'] });
    await registry[Symbol.asyncDispose]();
    await rm(join(registry.place.directory, 'journal'), { recursive: true });
    const again = await openRegistry(registry.place);
    t.after(() => again[Symbol.asyncDispose]());

    assert.deepEqual(again.logged(), ['indexDropped']);
    assert.deepEqual(await again.differences(), []);
    assert.equal(again.index.tags({ repository: api, sort: 'name', limit: 1 }).rows[0]?.pushedBy, undefined);
  });

  test('changes that follow each other are seen at once, committed together, and none is lost at the end', async (t) => {
    const place = await openPlace();
    t.after(() => place[Symbol.asyncDispose]());
    const registry = await openRegistry(place);
    await registry.index.settled();
    const run = t.mock.method(StatementSync.prototype, 'run').mock;
    const path = join(place.directory, 'index.sqlite');
    const tagsIn = (file: DatabaseSync) => file.prepare('SELECT count(*) AS n FROM tag').get()?.['n'];

    const pushes = Array.from({ length: 20 }, (_, at) =>
      push(registry.store, { name: api, seed: `s${at}`, tags: [`${at}`] }),
    );
    await Promise.all(pushes);
    const seen = registry.index.tags({ repository: api, sort: 'name', limit: 1 }).total;
    const ran = run.calls.map((call) => (call.this as StatementSync).sourceSQL);
    await push(registry.store, { name: api, seed: 'last', tags: ['last'] });
    await registry[Symbol.asyncDispose]();

    assert.equal(seen, 20);
    const [begun, committed] = ['BEGIN IMMEDIATE', 'COMMIT'].map(
      (sql) => ran.filter((each) => each === sql).length,
    );
    // A push of an image changes the index four times.
    assert.ok(begun !== undefined && begun < 40, `${begun} transactions`);
    assert.ok(committed === begun || committed === begun - 1, `${committed} of ${begun} were committed`);
    using left = new DatabaseSync(path, { readOnly: true });
    assert.equal(tagsIn(left), 21);
  });

  test('damage that is met at run time: lists say so, pushes go on, and the index comes back', async (t) => {
    const registry = await opened(t);
    await push(registry.store, { name: api, seed: 'a', tags: ['1'] });
    await registry.index.settled();
    const database = new DatabaseSync(join(registry.place.directory, 'index.sqlite'));
    database.exec('DROP TABLE tag');
    database.close();

    assert.throws(
      () => registry.index.tags({ repository: api, sort: 'name', limit: 1 }),
      (error) => isAppError(error, 'UNAVAILABLE'),
    );
    assert.equal(registry.index.state, 'building');
    await push(registry.store, { name: api, seed: 'b', tags: ['2'] });
    await registry.index.settled();

    assert.deepEqual(registry.logged(), ['indexFailed']);
    assert.equal(registry.index.state, 'ready');
    assert.equal(registry.index.tags({ repository: api, sort: 'name', limit: 1 }).total, 2);
    assert.deepEqual(await registry.differences(), []);
  });
});

async function storedNames(store: Store) {
  return {
    repositories: await Array.fromAsync(store.repositories.list({ after: '' })),
    tags: await Array.fromAsync(store.tags.list(api)),
    times: await Array.fromAsync(store.tags.times(api)),
    isThere: await store.repositories.exists(api),
    referrers: await Array.fromAsync(
      store.referrers.list(api, sha('subject'), { artifactTypes: [], after: '' }),
    ),
  };
}

describe('names for clients', () => {
  const all = { after: '', limit: 1000 };

  test('are those of the disk, in its order, after every change', async (t) => {
    const { store, index } = await opened(t);
    const indexed = () => ({
      repositories: index.repositoryNames(all),
      tags: index.tagNames(api, all),
      times: index.tagTimes(api, all),
      isThere: index.holdsManifest(api),
      referrers: index.referrerDescriptors(api, sha('subject'), { ...all, artifactTypes: [] }),
    });
    const subject = descriptorOf('subject');
    const tags = ['1', '10', '2', 'A', 'a', '_x', 'v1.0', 'v1-0', 'latest'];
    for (const name of ['a', 'a-b', 'a/b', 'a0'] as RepoName[]) await push(store, { name, seed: name });

    const bytes = await push(store, { name: api, seed: 'a', tags });
    assert.deepEqual(indexed(), await storedNames(store));
    await push(store, { name: api, seed: 'b', tags: ['2'] });
    for (const seed of ['c', 'd', 'e']) await push(store, { name: api, seed, subject });
    await push(store, { name: web, seed: 'f', subject });
    await push(store, { name: api, seed: 'g', subject: descriptorOf('another') });
    assert.deepEqual(indexed(), await storedNames(store));
    const [first, second, third] = (await storedNames(store)).referrers;
    const next = { after: first?.digest ?? '', limit: 1, artifactTypes: [] };
    assert.deepEqual(index.referrerDescriptors(api, sha('subject'), next), [second]);
    await store.manifests.remove(api, third?.digest as Digest, actor);
    await store.manifests.removeTag(api, 'A' as Tag, actor);
    assert.deepEqual(indexed(), await storedNames(store));
    assert.deepEqual(index.tagNames(api, { after: '10', limit: 3 }), ['2', '_x', 'a']);
    await store.manifests.remove(api, sha(bytes), actor);
    assert.deepEqual(indexed(), await storedNames(store));
    assert.deepEqual(indexed().tags, ['2']);
    assert.deepEqual(indexed().repositories, ['a', 'a-b', 'a/b', 'a0', api, web]);
    assert.equal(indexed().referrers?.length, 2);
  });

  test('a referrer whose bytes are other ones is not listed', async (t) => {
    const { store, index, place } = await opened(t);
    const bytes = await push(store, { name: api, seed: 'c', subject: descriptorOf('subject') });
    const listed = () =>
      index
        .referrerDescriptors(api, sha('subject'), { ...all, artifactTypes: [] })
        ?.map(({ digest }) => digest);
    assert.deepEqual(listed(), [sha(bytes)]);

    await place.driver.write(
      blobData(sha(bytes)),
      Buffer.from(String(bytes).replace('"seed":"c"', '"seed":"d"')),
    );
    await index.rebuild();

    assert.deepEqual(listed(), []);
  });

  test('are left to the disk while it is read, and from when a part of it could not be', async (t) => {
    const place = await openPlace();
    t.after(() => place[Symbol.asyncDispose]());
    const disk = { fails: false };
    const driver: Driver = {
      ...place.driver,
      stat: (key) =>
        disk.fails && key.includes('/tags/2/')
          ? Promise.reject(new AppError('STORAGE_FAILED'))
          : place.driver.stat(key),
    };
    const { store, index, ...registry } = await openRegistry({ ...place, driver }, { isSettled: false });
    t.after(() => registry[Symbol.asyncDispose]());

    assert.equal(index.tagNames(api, all), undefined);
    assert.equal(index.isPartial, true);
    await index.settled();
    assert.equal(index.isPartial, false);
    await push(store, { name: api, seed: 'a', tags: ['1'] });
    assert.deepEqual(index.tagNames(api, all), ['1']);
    disk.fails = true;
    await push(store, { name: api, seed: 'a', tags: ['2'] });
    assert.equal(index.tagNames(api, all), undefined);
    assert.equal(index.tagTimes(api, all), undefined);
    assert.equal(index.holdsManifest(api), undefined);
    assert.equal(index.referrerDescriptors(api, sha('a'), { ...all, artifactTypes: [] }), undefined);
    await assert.rejects(index.rebuild(), { code: 'STORAGE_FAILED' });
    assert.equal(index.tagNames(api, all), undefined);
    disk.fails = false;
    await index.rebuild();
    assert.deepEqual(index.tagNames(api, all), ['1', '2']);
  });
});

describe('the start finds what changed while the registry was away', () => {
  test('a tag moved, a repository and a blob removed, in what was read long ago', async (t) => {
    const place = await openPlace('fs');
    t.after(() => place[Symbol.asyncDispose]());
    const now = () => Date.now() + 60_000;
    const registry = await openRegistry(place, { now });
    await push(registry.store, { name: api, seed: 'a', tags: ['1', '2'] });
    const other = sha(await push(registry.store, { name: api, seed: 'b', tags: ['3'] }));
    await push(registry.store, { name: web, seed: 'c', tags: ['1'] });
    const lost = await pushBlob(registry.store, api, 'in no manifest');
    await registry[Symbol.asyncDispose]();
    await distribution(place, (store) => store.manifests.setTag(api, '2' as Tag, other, actor));
    await place.driver.removeTree(repositoryTree(web));
    await place.driver.removeTree(blobTree(lost));

    const again = await openRegistry(place, { now });
    t.after(() => again[Symbol.asyncDispose]());

    const { have, want } = await compared(again, place);
    assert.deepEqual(have, want);
    assert.equal(have.tags[1]?.digest, other);
    assert.deepEqual(await again.differences(), []);
  });

  test('a manifest that was removed and pushed again is as old as that push', async (t) => {
    const place = await openPlace('fs');
    t.after(() => place[Symbol.asyncDispose]());
    const registry = await openRegistry(place);
    const bytes = await push(registry.store, { name: api, seed: 'a', tags: ['1'] });
    await registry[Symbol.asyncDispose]();
    // The times of files go on in steps.
    await delay(20);
    await distribution(place, async (store) => {
      await store.manifests.remove(api, sha(bytes), actor);
      await putManifest(store, bytes, { name: api, tags: ['1'] });
    });

    const again = await openRegistry(place);
    t.after(() => again[Symbol.asyncDispose]());

    assert.deepEqual(await again.differences(), []);
  });

  test('a tag moved so soon after it was read that the time of its link is the same', async (t) => {
    await using bare = await openPlace();
    const at = Date.now();
    const driver: Driver = {
      ...bare.driver,
      async stat(key) {
        const info = await bare.driver.stat(key);
        return info === undefined ? undefined : { ...info, modifiedAt: at };
      },
    };
    const place = { ...bare, driver };
    const registry = await openRegistry(place);
    await push(registry.store, { name: api, seed: 'a', tags: ['1'] });
    const other = sha(await push(registry.store, { name: api, seed: 'b' }));
    await registry[Symbol.asyncDispose]();
    await distribution(place, (store) => store.manifests.setTag(api, '1' as Tag, other, actor));

    const again = await openRegistry(place);
    t.after(() => again[Symbol.asyncDispose]());

    assert.equal(again.index.tags({ repository: api, sort: 'name', limit: 1 }).rows[0]?.digest, other);
  });
});

describe('a rebuild', () => {
  test('loses nothing that happens meanwhile, whether the old index answers or none', async (t) => {
    for (const hasOld of [true, false]) {
      const place = await openPlace();
      t.after(() => place[Symbol.asyncDispose]());
      {
        await using registry = await openRegistry(place);
        for (let n = 0; n < 30; n++) await push(registry.store, { name: api, seed: `${n}`, tags: [`t${n}`] });
      }
      if (!hasOld) await rm(join(place.directory, 'index.sqlite'));
      const registry = await openRegistry(place, { isSettled: hasOld });
      t.after(() => registry[Symbol.asyncDispose]());
      const rebuilt = registry.index.rebuild();
      const states = [registry.index.state];
      for (let n = 0; n < 10; n++) {
        await push(registry.store, {
          name: n % 2 === 0 ? api : web,
          seed: `new${n}`,
          tags: [`t${n}`, `n${n}`],
        });
        await registry.store.manifests.removeTag(api, `t${29 - n}` as Tag, actor);
      }
      await rebuilt;
      states.push(registry.index.state);
      await push(registry.store, { name: web, seed: 'last', tags: ['last'] });

      assert.deepEqual(states, ['building', 'ready']);
      assert.deepEqual(await registry.differences(), []);
    }
  });

  test('that is stopped leaves the old file', async (t) => {
    const { store, index, place } = await opened(t);
    await push(store, { name: api, seed: 'a', tags: ['1'] });
    const stop = new AbortController();

    const stopped = index.rebuild({ signal: stop.signal, onProgress: () => stop.abort() });

    await assert.rejects(stopped, { name: 'AbortError' });
    assert.equal(index.state, 'ready');
    assert.equal(index.tags({ repository: api, sort: 'name', limit: 1 }).total, 1);
    await assert.rejects(stat(join(place.directory, 'index.sqlite.new')), { code: 'ENOENT' });
  });
});
