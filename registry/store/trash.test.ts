import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { checkRepository, type RepoName, type Tag } from '../spec/names.ts';
import { blobData, blobTree, repositoryTree, revisionTree, trashEntry, trashTree } from './paths.ts';
import {
  actor,
  collect,
  descriptorOf,
  drivers,
  keysBelow,
  manifestOf,
  openStore,
  pushBlob,
  pushImage,
  putManifest,
  readBlob,
  repository,
  sha,
  type StoreSetup,
} from './store.suite.ts';

const latest = 'latest' as Tag;
const next = 'next' as Tag;
const { signal } = new AbortController();
const kinds = Object.keys(drivers) as (keyof typeof drivers)[];

/** A store whose wall clock stands until it is set. */
async function openTimed(setup: StoreSetup = {}) {
  const clock = { now: Date.parse('2026-03-01T10:00:00.000Z') };
  const open = await openStore({ ...setup, clocks: { now: () => clock.now } });
  return { clock, open };
}

const weekMs = 7 * 24 * 60 * 60 * 1000;

for (const on of kinds) {
  test(`${on}: a removed tag and a removed manifest are listed, the newest first, page by page`, async () => {
    const { clock, open } = await openTimed({ on });
    await using _ = open;
    const { store } = open;
    const digest = await pushImage(store, { tags: ['latest', 'next', 'other'] });

    const first = await store.manifests.removeTag(repository, latest, actor);
    clock.now += 1000;
    const second = await store.manifests.remove(repository, digest, actor);

    const page = await store.trash.list({ limit: 1 });
    const row = { by: 'dev', repository, digest };
    assert.deepEqual(page, {
      rows: [
        {
          ...row,
          id: second,
          deletedAt: '2026-03-01T10:00:01.000Z',
          expiresAt: '2026-03-08T10:00:01.000Z',
          tags: ['next', 'other'],
        },
      ],
      total: 2,
      next: second,
    });
    assert.deepEqual(await store.trash.list({ limit: 1, after: page.next }), {
      rows: [
        {
          ...row,
          id: first,
          deletedAt: '2026-03-01T10:00:00.000Z',
          expiresAt: '2026-03-08T10:00:00.000Z',
          tags: ['latest'],
        },
      ],
      total: 2,
    });
  });

  test(`${on}: the entry is on the disk before anything is removed`, async () => {
    const order: string[] = [];
    await using open = await openStore({
      on,
      after: ({ call, key }) => {
        if (key.startsWith(trashTree)) order.push(`${call} entry`);
        else if (call === 'removeTree' && key.includes('_manifests')) order.push(call);
      },
    });
    const digest = await pushImage(open.store, { tags: ['latest', 'next'] });

    await open.store.manifests.removeTag(repository, next, actor);
    await open.store.manifests.remove(repository, digest, actor);

    assert.deepEqual(order, ['write entry', 'removeTree', 'write entry', 'removeTree', 'removeTree']);
  });

  test(`${on}: a restored manifest is there with its tags, and its entry is gone`, async () => {
    await using open = await openStore({ on });
    const { store } = open;
    const digest = await pushImage(store, { tags: ['latest', 'next'] });
    const id = (await store.manifests.remove(repository, digest, actor)) ?? '';

    const restored = await store.trash.restore(id, { user: 'ops', requestId: 'r2' });

    assert.deepEqual([restored.id, restored.tags, restored.kept], [id, ['latest', 'next'], []]);
    assert.equal((await store.manifests.find(repository, { kind: 'tag', tag: latest }))?.digest, digest);
    assert.deepEqual(await keysBelow(open.driver, trashTree), []);
    assert.deepEqual(
      open.told.filter(([name]) => name === 'restored'),
      [
        [
          'restored',
          { repository, digest, tags: ['latest', 'next'], actor: { user: 'ops', requestId: 'r2' } },
        ],
      ],
    );
    await assert.rejects(store.trash.restore(id, actor), { code: 'TRASH_UNKNOWN' });
  });
}

test('a tag that means something else by now is left so, and the restore says so', async () => {
  await using open = await openStore();
  const { store } = open;
  const old = await pushImage(store, { seed: 'old', tags: ['latest', 'next'] });
  const id = (await store.manifests.remove(repository, old, actor)) ?? '';
  const newer = await pushImage(store, { seed: 'new', tags: ['latest'] });

  const { tags, kept } = await store.trash.restore(id, actor);

  assert.deepEqual({ tags, kept }, { tags: ['next'], kept: [{ tag: 'latest', digest: newer }] });
  assert.deepEqual(await Promise.all([latest, next].map((tag) => store.tags.find(repository, tag))), [
    newer,
    old,
  ]);
});

test('a tag that was pushed again with the same meaning needs nothing and is not told', async () => {
  await using open = await openStore();
  const digest = await pushImage(open.store, { tags: ['latest'] });
  const id = (await open.store.manifests.removeTag(repository, latest, actor)) ?? '';
  await pushImage(open.store, { tags: ['latest'] });

  const { tags, kept } = await open.store.trash.restore(id, actor);

  assert.deepEqual([tags, kept], [[], []]);
  assert.equal(await open.store.tags.find(repository, latest), digest);
});

const unknown = ['', 'x', '../users', '000000000000001-00000000', '000000000000001-0000000/'];
for (const id of unknown) {
  test(`there is no entry ${JSON.stringify(id)}`, async () => {
    await using open = await openStore();

    await assert.rejects(open.store.trash.restore(id, actor), { code: 'TRASH_UNKNOWN' });
  });
}

test('an entry whose content is gone is not restored, and nothing is linked', async () => {
  await using open = await openStore();
  const digest = await pushImage(open.store, { tags: ['latest'] });
  const id = (await open.store.manifests.remove(repository, digest, actor)) ?? '';
  // As distribution's own collector leaves it.
  await open.driver.removeTree(blobTree(digest));
  const before = await keysBelow(open.driver, '');

  await assert.rejects(open.restart().trash.restore(id, actor), { code: 'TRASH_UNKNOWN' });

  assert.deepEqual(await keysBelow(open.driver, ''), before);
});

test('entries go when their time is over, not before, and cannot be restored then', async () => {
  const { clock, open } = await openTimed();
  await using _ = open;
  const { trash, manifests } = open.store;
  const digest = await pushImage(open.store, { tags: ['latest'] });
  const id = (await manifests.remove(repository, digest, actor)) ?? '';

  clock.now += weekMs - 1;
  const early = await trash.expire({ signal });
  const isListed = (await trash.list({ limit: 10 })).total;
  clock.now += 1;

  await assert.rejects(trash.restore(id, actor), { code: 'TRASH_UNKNOWN' });
  assert.deepEqual([early, isListed, (await trash.list({ limit: 10 })).total], [0, 1, 0]);
  assert.deepEqual([await trash.expire({ signal }), await keysBelow(open.driver, trashTree)], [1, []]);
});

test('a clock that was set back does not end an entry', async () => {
  const { clock, open } = await openTimed();
  await using _ = open;
  const digest = await pushImage(open.store, { tags: ['latest'] });
  const id = (await open.store.manifests.remove(repository, digest, actor)) ?? '';

  clock.now -= 400 * 24 * 60 * 60 * 1000;

  assert.equal(await open.store.trash.expire({ signal }), 0);
  assert.equal((await open.store.trash.restore(id, actor)).id, id);
});

for (const cut of ['before the tag', 'after the tag'] as const) {
  test(`a removal that was cut ${cut} leaves an entry that is swept only when nothing is missing`, async () => {
    let isCut = false;
    await using open = await openStore({
      before: ({ call, key }) => {
        const isTag = key.includes('/tags/');
        if (isCut && call === 'removeTree' && (cut === 'before the tag' ? isTag : !isTag)) {
          throw new Error('power cut');
        }
      },
    });
    const digest = await pushImage(open.store, { tags: ['latest'] });
    isCut = true;
    await assert.rejects(open.store.manifests.remove(repository, digest, actor));
    isCut = false;
    const { trash, tags } = open.restart();

    const swept = await trash.expire({ signal });
    const left = await trash.list({ limit: 10 });
    for (const { id } of left.rows) await trash.restore(id, actor);

    assert.deepEqual([swept, left.total], cut === 'before the tag' ? [1, 0] : [0, 1]);
    assert.equal(await tags.find(repository, latest), digest);
  });
}

test('sweeping beside a removal does not lose its entry', async () => {
  const written = Promise.withResolvers<void>();
  const goOn = Promise.withResolvers<void>();
  await using open = await openStore({
    async after({ call, key }) {
      if (call !== 'write' || !key.startsWith(trashTree)) return;
      written.resolve();
      await goOn.promise;
    },
  });
  const digest = await pushImage(open.store, { tags: ['latest'] });
  const removing = open.store.manifests.remove(repository, digest, actor);
  await written.promise;

  const expiring = open.store.trash.expire({ signal });
  await open.store.trash.list({ limit: 1 });
  goOn.resolve();

  assert.deepEqual(
    [await expiring, (await open.store.trash.list({ limit: 1 })).rows[0]?.id],
    [0, await removing],
  );
});

test('an empty trash has no entry', async () => {
  await using open = await openStore();
  for (const seed of ['a', 'b']) {
    const digest = await pushImage(open.store, { seed, tags: ['latest'] });
    await open.store.manifests.remove(repository, digest, actor);
  }

  assert.deepEqual(await open.store.trash.empty(), { entries: 2 });
  assert.deepEqual(await open.store.trash.list({ limit: 10 }), { rows: [], total: 0 });
});

for (const text of [
  '',
  '{',
  'null',
  '[]',
  '{"repository":"x"}',
  '{"repository":"../x","digest":"sha256:x"}',
]) {
  test(`an entry that reads ${text} is named in the error`, async () => {
    await using open = await openStore();
    const id = '009999999999999-00000000';
    await open.driver.write(trashEntry(id), Buffer.from(text));

    await assert.rejects(collect(open.store.trash.entries()), (error: Error) => {
      assert.match(error.message, /berth\/trash\/009999999999999-00000000\.json/);
      return true;
    });
  });
}

/** An image with a layer, an index of it and a signature of the index, all in one repository. */
async function pushFamily(open: Awaited<ReturnType<typeof openStore>>, name: RepoName) {
  const { store } = open;
  await pushBlob(store, name, '{}');
  await pushBlob(store, name, 'layer');
  const config = descriptorOf('{}');
  const image = manifestOf({ config, layers: [descriptorOf('layer')] });
  await putManifest(store, image, { name });
  const mediaType = 'application/vnd.oci.image.manifest.v1+json';
  const index = manifestOf({ manifests: [descriptorOf(image, { mediaType })] });
  await putManifest(store, index, { name, tags: ['latest', 'next'] });
  const signature = manifestOf({ config, layers: [], subject: descriptorOf(index) });
  await putManifest(store, signature, { name });
  return { image: sha(image), index: sha(index), signature: sha(signature) };
}

for (const on of kinds) {
  test(`${on}: a removed repository leaves no file and no directory, and comes back from the trash`, async () => {
    await using open = await openStore({ on });
    const { store, driver } = open;
    const [name, below, above] = ['team/api', 'team/api/sub', 'team'] as string[] as [
      RepoName,
      RepoName,
      RepoName,
    ];
    const { image, index, signature } = await pushFamily(open, name);
    for (const each of [below, above]) await pushImage(store, { name: each, tags: ['latest'] });
    await store.uploads.start(name, { algorithm: 'sha256', actor });
    const others = (keys: readonly string[]) =>
      keys.filter((key) => [below, above].some((each) => key.startsWith(`${repositoryTree(each)}/_`)));
    const before = others(await keysBelow(driver, 'docker'));

    const ids = await store.manifests.removeRepository(name, actor);

    assert.deepEqual(await collect(store.repositories.walk()), [above, below]);
    assert.deepEqual(await collect(driver.list(repositoryTree(name))), [{ name: 'sub', kind: 'tree' }]);
    assert.deepEqual(others(await keysBelow(driver, 'docker')), before);
    assert.equal(store.uploads.open, 0);
    const { rows } = await store.trash.list({ limit: 10 });
    // The image is listed by the index and comes back with it.
    assert.deepEqual(
      new Map(rows.map(({ digest, tags }) => [digest, tags])),
      new Map([
        [index, ['latest', 'next']],
        [signature, []],
      ]),
    );
    assert.deepEqual(new Set(rows.map(({ id }) => id)), new Set(ids));

    for (const id of ids) await store.trash.restore(id, actor);

    const back = await collect(store.repositories.revisions(name));
    assert.deepEqual(back, [image, index, signature].toSorted());
    assert.equal(await store.tags.find(name, latest), index);
    assert.equal(String(await readBlob(store, sha('layer'), name)), 'layer');
    assert.equal(
      (await collect(store.referrers.list(name, index, { artifactTypes: [], after: '' }))).length,
      1,
    );
  });
}

test('the last repository of a namespace takes the namespace with it', async () => {
  await using open = await openStore({ on: 'fs' });
  await pushImage(open.store, { name: 'a/b/c' as RepoName, tags: ['latest'] });
  await pushImage(open.store, { name: 'z' as RepoName });

  await open.store.manifests.removeRepository('a/b/c' as RepoName, actor);

  assert.deepEqual(await collect(open.driver.list(repositoryTree('').replace(/\/$/, ''))), [
    { name: 'z', kind: 'tree' },
  ]);
});

test('a push to a neighbour beside the removal of directories is kept', async () => {
  let pushing: Promise<unknown> | undefined;
  await using open = await openStore({
    async before({ call, key }) {
      if (call !== 'removeTree' || key !== repositoryTree('x')) return;
      pushing = pushImage(open.store, { name: 'x/new' as RepoName, tags: ['latest'] });
      for (let turn = 0; turn < 50; turn++) await nextTurn();
    },
  });
  await pushImage(open.store, { name: 'x/gone' as RepoName, tags: ['latest'] });

  await open.store.manifests.removeRepository('x/gone' as RepoName, actor);
  await pushing;

  assert.ok(pushing !== undefined, 'the push met the removal');
  assert.ok(await open.store.manifests.find('x/new' as RepoName, { kind: 'tag', tag: latest }));
  assert.ok(await open.store.blobs.find('x/new' as RepoName, sha('{"seed":""}')));
});

test('a tag that means nothing any more goes with its repository, and is told', async () => {
  await using open = await openStore();
  const { store, driver, told } = open;
  const digest = await pushImage(store, { tags: ['latest', 'next'] });
  await driver.removeTree(revisionTree(repository, digest));

  await store.manifests.removeRepository(repository, actor);

  assert.deepEqual(
    told.filter(([name]) => name === 'tagDeleted').map(([, event]) => event),
    [latest, next].map((tag) => ({ repository, tag, from: digest, actor })),
  );
  assert.equal(await store.tags.find(repository, latest), undefined);
});

test('a repository that was never there has nothing to remove', async () => {
  await using open = await openStore();

  assert.deepEqual(await open.store.manifests.removeRepository(repository, actor), []);
});

test('tags are set to manifests of the repository only, and the former meaning is answered', async () => {
  await using open = await openStore();
  const { manifests, tags } = open.store;
  const old = await pushImage(open.store, { seed: 'old', tags: ['latest'] });
  const newer = await pushImage(open.store, { seed: 'new', tags: ['latest'] });
  const foreign = await pushImage(open.store, { seed: 'x', name: 'other' as RepoName });

  const from = await manifests.setTag(repository, latest, old, actor);

  assert.deepEqual([from, await tags.find(repository, latest)], [newer, old]);
  assert.equal(await manifests.setTag(repository, next, old, actor), undefined);
  await assert.rejects(manifests.setTag(repository, latest, foreign, actor), { code: 'MANIFEST_UNKNOWN' });
  assert.ok(await open.driver.stat(blobData(foreign)));
});

test('what a check has pushed is gone for good when it is deleted', async () => {
  await using open = await openStore();
  const digest = await pushImage(open.store, { name: checkRepository, tags: ['check'] });

  const id = (await open.store.manifests.remove(checkRepository, digest, actor)) ?? '';

  assert.deepEqual(await keysBelow(open.driver, trashTree), []);
  await assert.rejects(open.store.trash.restore(id, actor), { code: 'TRASH_UNKNOWN' });
});
