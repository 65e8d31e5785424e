import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Digest } from '../spec/digest.ts';
import { isAppError } from '../spec/errors.ts';
import type { Tag } from '../spec/names.ts';
import { blobData, revisionLink } from './paths.ts';
import { createStore, type Store } from './store.ts';
import {
  actor,
  collect,
  descriptorOf,
  manifestOf,
  openStore,
  pushImage,
  putManifest,
  repository,
  sha,
} from './store.suite.ts';

const [one, two] = ['one', 'two'] as string[] as [Tag, Tag];
const anna = { user: 'anna', requestId: 'r' };

function removal(tag: Tag, digest: Digest, by = actor) {
  return { tag, digest, actor: by };
}

async function isThere(store: Store, digest: Digest): Promise<boolean> {
  return (await store.manifests.find(repository, { kind: 'digest', digest })) !== undefined;
}

test('the image goes with its last tag, in one entry, and comes back with it', async () => {
  await using opened = await openStore();
  const { store, told } = opened;
  const digest = await pushImage(store, { tags: [one, two] });
  const before = told.length;

  const first = await store.manifests.removeTags(repository, [removal(one, digest)]);
  const between = await isThere(store, digest);
  const second = await store.manifests.removeTags(repository, [removal(two, digest, anna)]);
  const after = await isThere(store, digest);
  await store.trash.restore(second.trash[0] ?? '', actor);

  assert.deepEqual([first.tags, first.manifests, second.tags, second.manifests], [[one], 0, [two], 1]);
  assert.deepEqual([between, after, await isThere(store, digest)], [true, false, true]);
  assert.deepEqual(await collect(store.tags.list(repository)), [two]);
  assert.deepEqual(
    told.slice(before).map(([name, { actor: by }]) => [name, (by as typeof actor).user]),
    [
      ['tagDeleted', 'dev'],
      ['tagDeleted', 'anna'],
      ['manifestDeleted', 'anna'],
      ['restored', 'dev'],
    ],
  );
});

for (const { why, tag, isWanted } of [
  { why: 'means something else by now', tag: one, isWanted: true },
  { why: 'is not wanted gone any more', tag: two, isWanted: false },
]) {
  test(`a tag that ${why} stays`, async () => {
    await using opened = await openStore();
    const { store } = opened;
    const digest = await pushImage(store, { seed: '1', tags: [two] });
    const other = await pushImage(store, { seed: '2', tags: [one] });

    const removed = await store.manifests.removeTags(repository, [removal(tag, digest)], {
      isWanted: async () => isWanted,
    });

    assert.deepEqual(removed, { tags: [], manifests: 0, trash: [] });
    assert.deepEqual([await isThere(store, digest), await isThere(store, other)], [true, true]);
    assert.deepEqual(await collect(store.tags.list(repository)), [one, two]);
  });
}

for (const mustAll of [false, true]) {
  test(`a protected tag ${mustAll ? 'refuses all' : 'stays, the others go'}`, async () => {
    await using opened = await openStore();
    const digest = await pushImage(opened.store, { tags: [one, two] });
    const store = createStore({
      driver: opened.driver,
      events: new Proxy({} as never, { get: () => () => undefined }),
      rules: () => ({ enabled: true, sparse: false, indexPlatforms: 'all', urls: { allow: [], deny: [] } }),
      uploadsPerUser: () => 1,
      protectedBy: (_, tag) => (tag === one ? '*:one' : undefined),
    });

    const removing = store.manifests.removeTags(repository, [removal(two, digest), removal(one, digest)], {
      mustAll,
    });

    if (mustAll) await assert.rejects(removing, (error) => isAppError(error, 'TAG_PROTECTED'));
    else assert.deepEqual((await removing).tags, [two]);
    assert.deepEqual(await collect(store.tags.list(repository)), mustAll ? [one, two] : [one]);
    assert.equal(await isThere(store, digest), true);
  });
}

test('where a manifest cannot be read only the tag goes: it may list the others', async () => {
  await using opened = await openStore();
  const { store, driver } = opened;
  const child = await pushImage(store, { tags: [one] });
  const text = JSON.stringify({ schemaVersion: 1, manifests: [child] });
  await driver.write(blobData(sha(text)), Buffer.from(text));
  await driver.write(revisionLink(repository, sha(text)), Buffer.from(sha(text)));

  const removed = await store.manifests.removeTags(repository, [removal(one, child)]);

  assert.deepEqual([removed.tags, removed.manifests], [[one], 0]);
  assert.equal(await isThere(store, child), true);
});

test('a crash between the entry and the delete leaves everything there, and so does one after the tag', async () => {
  for (const failing of ['_manifests/tags', '_manifests/revisions']) {
    await using opened = await openStore({
      before({ call, key }) {
        if (call === 'removeTree' && key.includes(failing)) throw new Error('crash');
      },
    });
    const { store } = opened;
    const child = await pushImage(store, { seed: 'child' });
    const bytes = (await store.manifests.find(repository, { kind: 'digest', digest: child }))?.bytes ?? '';
    const index = manifestOf({
      manifests: [descriptorOf(bytes, { mediaType: 'application/vnd.oci.image.manifest.v1+json' })],
    });
    const { digest } = await putManifest(store, index, { tags: [one] });

    await assert.rejects(store.manifests.removeTags(repository, [removal(one, digest)]), /crash/);
    const again = opened.restart();
    const [entry] = (await again.trash.list({ limit: 1 })).rows;
    await again.trash.restore(entry?.id ?? '', actor);

    assert.equal(await again.tags.find(repository, one), digest);
    assert.deepEqual([await isThere(again, digest), await isThere(again, child)], [true, true]);
  }
});

/** Pushes an index of one image, and answers both digests. */
async function pushIndex(
  store: Store,
  { seed, tags }: { readonly seed: string; readonly tags: readonly Tag[] },
) {
  const child = await pushImage(store, { seed });
  return { child, index: await pushIndexOf(store, child, tags) };
}

async function pushIndexOf(store: Store, child: Digest, tags: readonly Tag[]): Promise<Digest> {
  const bytes = (await store.manifests.find(repository, { kind: 'digest', digest: child }))?.bytes ?? '';
  const part = descriptorOf(bytes, { mediaType: 'application/vnd.oci.image.manifest.v1+json' });
  const { digest } = await putManifest(
    store,
    manifestOf({ manifests: [part], annotations: { tags: tags.join() } }),
    {
      tags,
    },
  );
  return digest;
}

test('a remover reads the repository once, and again after somebody else had it', async () => {
  let lists = 0;
  await using opened = await openStore({
    wrap: (driver) => ({
      ...driver,
      list(prefix, options) {
        if (prefix.includes('_manifests/revisions/sha256')) lists++;
        return driver.list(prefix, options);
      },
    }),
  });
  const { store } = opened;
  const names = ['1', '2', '3', '4', '5', '6'] as Tag[];
  const pushed: { readonly tag: Tag; readonly child: Digest; readonly index: Digest }[] = [];
  for (const tag of names) pushed.push({ tag, ...(await pushIndex(store, { seed: tag, tags: [tag] })) });
  const shared = await pushIndexOf(store, pushed[1]?.child as Digest, ['shared' as Tag]);
  using remover = store.manifests.tagRemover(repository);
  const remove = async (at: number) => {
    const { tag = one, index = '' as Digest } = pushed[at] ?? {};
    const before = lists;
    const { manifests } = await remover.remove([removal(tag, index)]);
    return [manifests, lists - before];
  };

  assert.deepEqual(await remove(0), [2, 1]);
  // Another index lists its child.
  assert.deepEqual(await remove(1), [1, 0]);
  // The last index that does.
  assert.deepEqual((await remover.remove([removal('shared' as Tag, shared)])).manifests, 2);
  await pushIndexOf(store, pushed[2]?.child as Digest, [two]);
  assert.deepEqual(await remove(2), [1, 1]);
  await store.manifests.setTag(repository, one, pushed[3]?.index as Digest, actor);
  assert.deepEqual(await remove(3), [0, 1]);
  assert.deepEqual(await remove(4), [2, 0]);
  assert.deepEqual(await remove(4), [0, 0]);
  const [rest = removal(one, '' as Digest), ...again] = [pushed[5], pushed[5]].map((each) =>
    removal(each?.tag as Tag, each?.index as Digest),
  );
  assert.deepEqual((await remover.remove([rest, ...again])).manifests, 2);
  assert.deepEqual(await collect(store.tags.list(repository)), [one, two]);
});
