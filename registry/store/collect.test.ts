import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Digest } from '../spec/digest.ts';
import { mediaTypes } from '../spec/media-types.ts';
import type { RepoName, Tag } from '../spec/names.ts';
import {
  blobData,
  blobTree,
  layerLink,
  layerTree,
  revisionLink,
  revisionTree,
  trashEntry,
  trashTree,
} from './paths.ts';
import {
  actor,
  collect,
  type CollectSetup,
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
import type { Restored } from './trash.ts';

const latest = 'latest' as Tag;
const other = 'other' as RepoName;
const { signal } = new AbortController();
const kinds = Object.keys(drivers) as (keyof typeof drivers)[];
const graceMs = 1000;
const nothing = { blobs: 0, bytes: 0, manifests: 0, keptBlobs: 0, keptBytes: 0 };

/** A store whose clocks stand until `pass`; grace and quarantine are a second each. The first grace time is over. */
async function openCollecting({ collect: options, ...setup }: StoreSetup & { collect?: CollectSetup } = {}) {
  const clock = { monotonic: 0, wall: Date.now() };
  const clocks = { now: () => clock.wall, monotonic: () => clock.monotonic };
  const pass = (ms: number): void => {
    clock.monotonic += ms;
    clock.wall += ms;
  };
  const open = await openStore({
    ...setup,
    clocks,
    collect: { graceMs, quarantineMs: graceMs, ...options },
  });
  pass(2 * graceMs);
  return {
    ...open,
    clock,
    pass,
    /** Lets the grace time end, takes note, lets the quarantine end, and collects. */
    async collectAll() {
      pass(2 * graceMs);
      await open.store.collector.collect({ signal });
      pass(2 * graceMs);
      return await open.store.collector.collect({ signal });
    },
    blobs: async () =>
      (await keysBelow(open.driver, 'docker/registry/v2/blobs')).map((key) => key.split('/').at(-2)),
  };
}

test('nothing is remembered of a manifest that was collected', async () => {
  await using open = await openCollecting();
  await pushBlob(open.store, repository, '{}');
  const bytes = manifestOf({ config: descriptorOf('{}') });
  await putManifest(open.store, bytes);
  const reference = { kind: 'digest', digest: sha(bytes) } as const;
  assert.ok(await open.store.manifests.find(repository, reference));

  await open.collectAll();
  await open.collectAll();
  // The link alone: the bytes are gone.
  await open.driver.write(revisionLink(repository, sha(bytes)), Buffer.from(sha(bytes)));

  assert.deepEqual(await open.blobs(), []);
  assert.equal(await open.store.manifests.find(repository, reference), undefined);
});

test('a shorter grace time counts for what was uploaded before', async () => {
  let chosenMs = 1000 * graceMs;
  await using open = await openCollecting({ collect: { graceMs: () => chosenMs } });
  open.pass(chosenMs);
  await pushBlob(open.store, repository, 'garbage');

  const long = await open.collectAll();
  chosenMs = graceMs;
  const short = await open.collectAll();

  assert.deepEqual([long.blobs, long.keptBlobs, short.blobs], [0, 1, 1]);
});

const hex = (digest: Digest): string => digest.slice('sha256:'.length);

for (const on of kinds) {
  test(`${on}: an unreferenced blob goes when a run has seen it, not before, and takes its links with it`, async () => {
    await using open = await openCollecting({ on });
    const { store, pass, driver } = open;
    await pushImage(store, { tags: ['latest'] });
    const digest = await pushBlob(store, repository, 'garbage');
    const options = { from: undefined, mayPull: () => true, mayPullAll: true, actor };
    await store.blobs.mount(other, digest, options);
    const run = () => store.collector.collect({ signal });

    const leased = await run();
    pass(graceMs + 1);
    const firstSeen = await run();
    pass(graceMs - 1);
    const tooEarly = await run();
    pass(1);
    const last = await run();

    const kept = { ...nothing, keptBlobs: 1, keptBytes: 7 };
    assert.deepEqual([leased, firstSeen, tooEarly], [kept, kept, kept]);
    assert.deepEqual(last, { ...nothing, blobs: 1, bytes: 7 });
    const left = await keysBelow(driver, 'docker');
    assert.deepEqual(
      left.filter((key) => key.includes(hex(digest))),
      [],
    );
    assert.deepEqual(
      open.told.filter(([name]) => name === 'blobCollected'),
      [['blobCollected', { digest, size: 7 }]],
    );
    assert.deepEqual(await run(), nothing);
    assert.ok(await store.manifests.find(repository, { kind: 'tag', tag: latest }));
  });

  test(`${on}: a plan tells to the byte what goes, what only the trash keeps, and changes nothing`, async () => {
    await using open = await openCollecting({ on, trashKeepMs: 60_000 });
    const { store, pass, driver } = open;
    await pushImage(store, { tags: ['latest'] });
    const config = '{"a":1}';
    await pushBlob(store, repository, config);
    await pushBlob(store, repository, 'layer');
    const image = manifestOf({ config: descriptorOf(config), layers: [descriptorOf('layer')] });
    await putManifest(store, image);
    await pushBlob(store, repository, 'blob');
    const trashed = await pushImage(store, { seed: 'trash', tags: ['trash'] });
    await store.manifests.remove(repository, trashed, actor);
    const trashBytes = (await driver.stat(blobData(trashed)))?.size ?? 0;
    const before = await keysBelow(driver, '');

    const { rows: freshRows, hash, ...fresh } = await store.collector.plan({ signal });
    pass(2 * graceMs);
    await store.collector.collect({ signal });
    pass(graceMs);
    const { rows, hash: sameHash, ...ready } = await store.collector.plan({ signal });
    const after = await keysBelow(driver, '');
    const done = await store.collector.collect({ signal, plan: hash });

    const bytes = image.length + config.length + 'layer'.length + 'blob'.length;
    const all = { blobs: 4, bytes, manifests: 1, trashBytes: trashBytes + '{"seed":"trash"}'.length };
    assert.deepEqual(fresh, { ...all, keptBlobs: 4, keptBytes: bytes });
    assert.deepEqual(ready, { ...all, keptBlobs: 0, keptBytes: 0 });
    assert.deepEqual(after, before);
    assert.deepEqual(done, { blobs: 4, bytes, manifests: 1, keptBlobs: 0, keptBytes: 0 });
    assert.equal(sameHash, hash);
    const repositories = [repository];
    const why = 'untagged';
    assert.deepEqual(rows, [
      { digest: sha(image), size: image.length, why, isKept: false, repositories: [] },
      { digest: sha(config), size: config.length, why, isKept: false, repositories },
      { digest: sha('layer'), size: 5, why, isKept: false, repositories },
      { digest: sha('blob'), size: 4, why: 'unreferenced', isKept: false, repositories },
    ]);
    assert.deepEqual(
      freshRows,
      rows.map((row) => ({ ...row, isKept: true })),
    );
    const { figures } = store.collector;
    assert.deepEqual([figures?.reclaimableBytes, figures?.trashBytes], [0, all.trashBytes]);
  });

  test(`${on}: a plan is refused once something else is needed, and nothing goes`, async () => {
    await using open = await openCollecting({ on });
    const { store, pass, driver } = open;
    await pushBlob(store, repository, 'one');
    pass(2 * graceMs);
    await store.collector.collect({ signal });
    pass(2 * graceMs);
    const { hash } = await store.collector.plan({ signal });
    await pushBlob(store, repository, 'two');
    const before = await keysBelow(driver, '');

    const refused = store.collector.collect({ signal, plan: hash });

    await assert.rejects(refused, { code: 'PLAN_STALE' });
    assert.deepEqual(await keysBelow(driver, ''), before);
    const again = await store.collector.plan({ signal });
    const done = await store.collector.collect({ signal, plan: again.hash });
    assert.deepEqual(done, { ...nothing, blobs: 1, bytes: 3, keptBlobs: 1, keptBytes: 3 });
    assert.equal(again.bytes - again.keptBytes, done.bytes);
  });

  test(`${on}: on a full disk a first run takes what is old and not leased, and no more`, async () => {
    await using open = await openCollecting({ on });
    const { store, pass } = open;
    await pushImage(store, { tags: ['latest'] });
    await pushBlob(store, repository, 'old garbage');
    pass(graceMs + 1);
    await pushBlob(store, repository, 'leased');
    const progress: unknown[] = [];

    const onProgress = (...step: readonly number[]): void => void progress.push(step);
    const done = await store.collector.collect({ signal, isUrgent: true, onProgress });

    assert.deepEqual(done, { ...nothing, blobs: 1, bytes: 11, keptBlobs: 1, keptBytes: 6 });
    assert.deepEqual(progress, [[1, 1]]);
  });
}

type Opened = Awaited<ReturnType<typeof openCollecting>>;

const manifestType = { mediaType: mediaTypes.ociManifest };
const config = descriptorOf('{}');
const image = manifestOf({ config, layers: [descriptorOf('layer')] });

async function pushBlobs({ store }: Opened): Promise<void> {
  for (const text of ['{}', 'layer']) await pushBlob(store, repository, text);
}

/** Pushes an image without a tag, and what should keep it or not. */
const keepers: Readonly<
  Record<string, { keeps: boolean; collect?: CollectSetup; act: (open: Opened) => Promise<unknown> }>
> = {
  'nothing else': { keeps: false, act: async () => undefined },
  'nothing else, where untagged manifests stay': {
    keeps: true,
    collect: { deleteUntagged: false },
    act: async () => undefined,
  },
  'a tag': { keeps: true, act: ({ store }) => store.manifests.setTag(repository, latest, sha(image), actor) },
  'a tag of another repository': {
    keeps: false,
    act: ({ store }) => pushImage(store, { name: other, tags: ['latest'] }),
  },
  'a tagged index': {
    keeps: true,
    act: ({ store }) =>
      putManifest(store, manifestOf({ manifests: [descriptorOf(image, manifestType)] }), { tags: ['index'] }),
  },
  'an index without a tag': {
    keeps: false,
    act: ({ store }) => putManifest(store, manifestOf({ manifests: [descriptorOf(image, manifestType)] })),
  },
  'an index in an index with a tag': {
    keeps: true,
    async act({ store }) {
      const inner = manifestOf({ manifests: [descriptorOf(image, manifestType)] });
      await putManifest(store, inner);
      const mediaType = mediaTypes.ociIndex;
      const outer = manifestOf({ manifests: [descriptorOf(inner, { mediaType })] });
      await putManifest(store, outer, { tags: ['index'] });
    },
  },
  'a tagged referrer': {
    keeps: true,
    act: ({ store }) =>
      putManifest(store, manifestOf({ config, subject: descriptorOf(image) }), { tags: ['signature'] }),
  },
  'a referrer without a tag': {
    keeps: false,
    act: ({ store }) => putManifest(store, manifestOf({ config, subject: descriptorOf(image) })),
  },
  'the trash': {
    keeps: true,
    async act({ store }) {
      await store.manifests.setTag(repository, latest, sha(image), actor);
      await store.manifests.removeTag(repository, latest, actor);
    },
  },
  'an index in the trash': {
    keeps: true,
    async act({ store }) {
      const index = manifestOf({ manifests: [descriptorOf(image, manifestType)] });
      await putManifest(store, index, { tags: ['index'] });
      await store.manifests.remove(repository, sha(index), actor);
    },
  },
  'a damaged neighbour, which may be an index of it': {
    keeps: true,
    async act({ store, driver }) {
      const index = manifestOf({ manifests: [descriptorOf(image, manifestType)] });
      await putManifest(store, index, { tags: ['index'] });
      await driver.removeTree(blobTree(sha(index)));
      await driver.write(revisionLink(repository, sha('lost')), Buffer.from(sha('lost')));
    },
  },
};
for (const [what, { keeps, collect: options, act }] of Object.entries(keepers)) {
  test(`an image without a tag ${keeps ? 'stays' : 'goes'}: kept by ${what}`, async () => {
    await using open = await openCollecting({ ...(options && { collect: options }) });
    await pushBlobs(open);
    await putManifest(open.store, image);
    await act(open);

    await open.collectAll();
    const second = await open.collectAll();

    const found = await open.store.manifests.find(repository, { kind: 'digest', digest: sha(image) });
    const layer = await readBlob(open.store, sha('layer'));
    assert.deepEqual(
      [found?.digest, layer && String(layer)],
      keeps ? [sha(image), 'layer'] : [undefined, undefined],
    );
    assert.equal((await open.blobs()).includes(hex(sha('layer'))), keeps);
    assert.deepEqual([second.blobs, second.manifests], [0, 0]);
  });
}

test('referrers stay with their subject, and go with it', async () => {
  await using open = await openCollecting();
  const { store } = open;
  await pushBlobs(open);
  await putManifest(store, image, { tags: ['latest'] });
  const signature = manifestOf({ config, subject: descriptorOf(image) });
  await putManifest(store, signature);

  const beside = await open.collectAll();
  await store.manifests.remove(repository, sha(image), actor);
  const inTrash = await open.collectAll();
  await store.trash.empty();
  const after = await open.collectAll();

  assert.deepEqual([beside.manifests, inTrash.manifests, after.manifests], [0, 0, 1]);
  assert.deepEqual(await open.blobs(), []);
});

test('a manifest that Berth cannot read keeps every digest in its text', async () => {
  await using open = await openCollecting();
  const { driver } = open;
  await pushBlobs(open);
  const old = Buffer.from(JSON.stringify({ schemaVersion: 1, fsLayers: [{ blobSum: sha('layer') }] }));
  await driver.write(blobData(sha(old)), old);
  await driver.write(revisionLink(repository, sha(old)), Buffer.from(sha(old)));
  await driver.write(
    `docker/registry/v2/repositories/${repository}/_manifests/tags/latest/current/link`,
    Buffer.from(sha(old)),
  );

  await open.collectAll();

  assert.deepEqual(new Set(await open.blobs()), new Set([hex(sha('layer')), hex(sha(old))]));
});

test('a tag whose manifest lost its link keeps the content for whoever mends it', async () => {
  await using open = await openCollecting();
  await pushBlobs(open);
  await putManifest(open.store, image, { tags: ['latest'] });
  await open.driver.removeTree(revisionTree(repository, sha(image)));

  await open.collectAll();

  assert.equal((await open.blobs()).length, 3);
});

test('a layer that an index lists as a manifest is not read as one', async () => {
  await using open = await openCollecting();
  const layer = Buffer.alloc(17 * 1024 * 1024);
  await pushBlob(open.store, repository, layer);
  const index = manifestOf({ manifests: [descriptorOf(layer, manifestType)] });
  await putManifest(open.store, index, { tags: ['latest'] });
  await open.store.manifests.remove(repository, sha(index), actor);

  await open.collectAll();

  assert.equal((await open.blobs()).length, 2);
});

test('an index goes before what it lists, and stays whole when it is wanted in between', async () => {
  const removed: string[] = [];
  const wanted: { by?: () => Promise<unknown> } = {};
  await using open = await openCollecting({
    async before({ call, key }) {
      if (call !== 'removeTree' || !key.includes('/revisions/')) return;
      removed.push(key);
      await wanted.by?.();
    },
  });
  const { store } = open;
  await pushBlobs(open);
  const make = async (text: string) => {
    const child = manifestOf({ config, layers: [descriptorOf('layer')], annotations: { text } });
    const index = manifestOf({ manifests: [descriptorOf(child, manifestType)], annotations: { text } });
    for (const each of [child, index]) await putManifest(store, each);
    return [sha(index), sha(child)] as const;
  };
  const families = [await make('a'), await make('b')];
  let spared: Digest | undefined;
  wanted.by = async () => {
    // The first removal is under way: the other index is asked for.
    if (spared !== undefined) return;
    spared = families.map(([index]) => index).find((index) => removed[0]?.endsWith(hex(index)) === false);
    await store.manifests.find(repository, { kind: 'digest', digest: spared ?? sha('') });
  };

  const { manifests } = await open.collectAll();

  const [gone, kept] = families.toSorted(([index]) => (index === spared ? 1 : -1));
  assert.deepEqual([manifests, removed.map((key) => key.split('/').at(-1))], [2, gone?.map(hex)]);
  assert.deepEqual(await collect(store.repositories.revisions(repository)), kept?.toSorted());
  assert.ok(await readBlob(store, sha('layer')));
});

/** What a client is told, and relies on. */
const promises: Readonly<Record<string, (open: Opened) => Promise<unknown>>> = {
  'a push of the same blob': ({ store }) => pushBlob(store, repository, 'layer'),
  'a look at the blob': ({ store }) => store.blobs.find(repository, sha('layer')),
  'a mount': ({ store }) =>
    store.blobs.mount(other, sha('layer'), {
      from: repository,
      mayPull: () => true,
      mayPullAll: false,
      actor,
    }),
  'a manifest that names it and is refused for another': ({ store }) =>
    assert.rejects(
      putManifest(store, manifestOf({ config: descriptorOf('gone'), layers: [descriptorOf('layer')] })),
    ),
};
for (const [what, act] of Object.entries(promises)) {
  test(`${what} keeps a blob for the grace time, also one that was about to go`, async () => {
    await using open = await openCollecting();
    const { store, pass } = open;
    await pushBlob(store, repository, 'layer');
    pass(2 * graceMs);
    await store.collector.collect({ signal });
    pass(2 * graceMs);

    await act(open);
    const now = await store.collector.collect({ signal });
    pass(graceMs - 1);
    const later = await store.collector.collect({ signal });
    pass(1);
    await store.collector.collect({ signal });
    pass(graceMs);
    const last = await store.collector.collect({ signal });

    assert.deepEqual([now.blobs, later.blobs, last.blobs], [0, 0, 1]);
  });
}

test('looking for what is not there keeps nothing', async () => {
  await using open = await openCollecting();
  await pushBlob(open.store, other, 'layer');
  open.pass(2 * graceMs);
  await open.store.collector.collect({ signal });
  open.pass(2 * graceMs);

  await open.store.blobs.find(repository, sha('layer'));

  assert.equal((await open.store.collector.collect({ signal })).blobs, 1);
});

test('a look at a manifest without a tag keeps it for the grace time, with its layers', async () => {
  await using open = await openCollecting();
  const { store, pass } = open;
  await pushBlobs(open);
  await putManifest(store, image);
  pass(2 * graceMs);
  await store.collector.collect({ signal });
  pass(2 * graceMs);

  await store.manifests.find(repository, { kind: 'digest', digest: sha(image) });
  const kept = await store.collector.collect({ signal });

  assert.equal(kept.manifests, 0);
  assert.ok(await readBlob(store, sha('layer')));
});

test('the grace time of a manifest that loses its last tag begins there', async () => {
  await using open = await openCollecting({ collect: { quarantineMs: 0 } });
  const { store, pass } = open;
  await pushBlobs(open);
  await putManifest(store, image, { tags: ['latest'] });
  pass(2 * graceMs);

  await pushImage(store, { seed: 'new', tags: ['latest'] });
  const early = [];
  for (let run = 0; run < 3; run++) early.push((await store.collector.collect({ signal })).manifests);
  pass(graceMs);
  await store.collector.collect({ signal });
  const late = await store.collector.collect({ signal });

  assert.deepEqual([early, late.manifests], [[0, 0, 0], 1]);
});

for (const [what, aheadMs] of [
  ['younger than the grace time', graceMs - 1],
  ['of the future, as after a clock was set back', -400 * 24 * 60 * 60 * 1000],
] as const) {
  test(`a file ${what} stays, whatever the other clock says`, async () => {
    await using open = await openCollecting();
    const { clock, store, driver } = open;
    await pushBlob(store, repository, 'layer');
    await driver.removeTree(layerTree(repository, sha('layer')));
    const { modifiedAt = 0 } = (await driver.stat(blobData(sha('layer')))) ?? {};
    const run = async (wall: number): Promise<number> => {
      clock.monotonic += 2 * graceMs;
      clock.wall = wall;
      return (await store.collector.collect({ signal })).blobs;
    };

    const young = [await run(modifiedAt + aheadMs), await run(modifiedAt + aheadMs)];
    const old = [await run(modifiedAt + graceMs), await run(modifiedAt + graceMs)];

    assert.deepEqual(
      [young, old],
      [
        [0, 0],
        [0, 1],
      ],
    );
  });
}

test('a blob stays while one of its links is younger than the grace time', async () => {
  await using open = await openCollecting();
  const { clock, store, driver } = open;
  await pushBlob(store, repository, 'layer');
  const { modifiedAt: stored = 0 } = (await driver.stat(blobData(sha('layer')))) ?? {};
  while (Date.now() <= stored + 1) await nextTurn();
  await store.blobs.link(other, sha('layer'));
  const { modifiedAt: linked = 0 } = (await driver.stat(layerLink(other, sha('layer')))) ?? {};
  const run = async (wall: number): Promise<number> => {
    clock.monotonic += 2 * graceMs;
    clock.wall = wall;
    return (await store.collector.collect({ signal })).blobs;
  };

  const young = [await run(linked + graceMs - 1), await run(linked + graceMs - 1)];
  const old = await run(linked + graceMs);

  assert.deepEqual([young, old], [[0, 0], 1]);
});

test('a clock that jumps ahead collects nothing that is leased', async () => {
  await using open = await openCollecting({ collect: { quarantineMs: 0 } });
  await pushBlob(open.store, repository, 'layer');

  open.clock.wall += 400 * 24 * 60 * 60 * 1000;
  await open.store.collector.collect({ signal });

  assert.equal((await open.store.collector.collect({ signal })).blobs, 0);
});

test('after a restart nothing goes for one grace time, as nobody knows what was promised', async () => {
  await using open = await openCollecting({ collect: { quarantineMs: 0 } });
  await pushBlob(open.store, repository, 'layer');
  open.pass(10 * graceMs);
  await open.store.collector.collect({ signal });
  const { collector } = open.restart();
  const run = async () => (await collector.collect({ signal })).blobs;

  const early = [await run(), await run()];
  open.pass(graceMs - 1);
  early.push(await run());
  open.pass(1);

  assert.deepEqual([early, await run(), await run()], [[0, 0, 0], 0, 1]);
});

test('a trash entry that cannot be read, and an abort, end a run before anything is removed', async () => {
  await using open = await openCollecting({ collect: { quarantineMs: 0 } });
  const { store, driver, pass } = open;
  await pushBlob(store, repository, 'layer');
  pass(2 * graceMs);
  await store.collector.collect({ signal });
  const id = '009999999999999-00000000';
  await driver.write(trashEntry(id), Buffer.from('{'));

  await assert.rejects(store.collector.collect({ signal }), { code: 'STORAGE_FAILED' });
  await driver.remove(trashEntry(id));
  await assert.rejects(store.collector.collect({ signal: AbortSignal.abort() }), { code: 'CANCELLED' });

  assert.equal((await open.blobs()).length, 1);
  assert.equal((await store.collector.collect({ signal })).blobs, 1);
});

test('a blob with many links is removed a few links at a time, and a look in between saves it', async () => {
  let removals = 0;
  let looking: Promise<unknown> | undefined;
  await using open = await openCollecting({
    before({ call, key }) {
      if (call !== 'removeTree' || !key.includes('/_layers/')) return;
      removals++;
      looking ??= open.store.blobs.find('r39' as RepoName, sha('layer'));
    },
  });
  const { store, driver } = open;
  const names = Array.from({ length: 40 }, (_, at) => `r${at}` as RepoName);
  for (const name of names) await pushBlob(store, name, 'layer');

  const { blobs } = await open.collectAll();

  assert.deepEqual([blobs, removals, await looking], [0, 8, { digest: sha('layer'), size: 5 }]);
  assert.ok(await driver.stat(blobData(sha('layer'))));
});

/** Every step in which a collection changes something, met by everything a client may do to the same blob. */
const pushes: Readonly<Record<string, (open: Opened) => Promise<void>>> = {
  async 'looks first'({ store }) {
    if ((await store.blobs.find(repository, sha('layer'))) === undefined)
      await pushBlob(store, repository, 'layer');
  },
  async uploads({ store }) {
    await pushBlob(store, repository, 'layer');
  },
  async mounts({ store }) {
    const options = { from: other, mayPull: () => true, mayPullAll: true, actor };
    const mounted = await store.blobs.mount(repository, sha('layer'), options);
    if (mounted === undefined) await pushBlob(store, repository, 'layer');
  },
};
for (const [what, push] of Object.entries(pushes)) {
  for (let at = 1; at <= 6; at++) {
    test(`a push that ${what} in step ${at} of a collection is readable afterwards`, async () => {
      let steps = 0;
      let pushing: Promise<unknown> | undefined;
      const meet = (): void => {
        if (isArmed && ++steps === at) pushing = pushAll();
      };
      let isArmed = false;
      await using open = await openCollecting({
        before: ({ call }) => (call === 'removeTree' ? meet() : undefined),
        after: ({ call }) => (call === 'removeTree' ? meet() : undefined),
      });
      const pushAll = async (): Promise<void> => {
        await push(open);
        await pushBlob(open.store, repository, '{}');
        await putManifest(open.store, image, { tags: ['latest'] });
      };
      for (const name of [repository, other]) await pushBlob(open.store, name, 'layer');
      open.pass(2 * graceMs);
      await open.store.collector.collect({ signal });
      open.pass(2 * graceMs);
      isArmed = true;

      await open.store.collector.collect({ signal });
      isArmed = false;
      await pushing;

      assert.ok(pushing !== undefined, 'the push met the collection');
      assert.ok(await open.store.manifests.find(repository, { kind: 'tag', tag: latest }));
      assert.equal(String(await readBlob(open.store, sha('layer'))), 'layer');
    });
  }
}

test('a blob that a push has found is not collected before it is linked', async () => {
  const wanted: { act?: () => Promise<unknown> } = {};
  await using open = await openCollecting({
    async before({ call, key }) {
      if (call === 'write' && key === layerLink(repository, sha('layer'))) await wanted.act?.();
    },
  });
  const { store, pass } = open;
  await pushBlob(store, other, 'layer');
  pass(2 * graceMs);
  await store.collector.collect({ signal });
  pass(2 * graceMs);
  wanted.act = () => store.collector.collect({ signal });

  await pushBlob(store, repository, 'layer');

  assert.equal(String(await readBlob(store, sha('layer'))), 'layer');
});

test('what a manifest names is not collected while it is written, however long that takes', async () => {
  const index = manifestOf({ manifests: [descriptorOf(image, manifestType)] });
  const wanted: { act?: () => Promise<unknown> } = {};
  await using open = await openCollecting({
    async before({ call, key }) {
      if (call === 'write' && key === revisionLink(repository, sha(index))) await wanted.act?.();
    },
  });
  const { store, pass } = open;
  await pushBlobs(open);
  await putManifest(store, image);
  wanted.act = async () => {
    for (let run = 0; run < 3; run++) {
      pass(2 * graceMs);
      await store.collector.collect({ signal });
    }
  };

  await putManifest(store, index, { tags: ['latest'] });
  await wanted.act();

  assert.ok(await store.manifests.find(repository, { kind: 'digest', digest: sha(image) }));
  assert.equal(String(await readBlob(store, sha('layer'))), 'layer');
});

test('100 times: push, delete, collect, the same push again, pull', async () => {
  await using open = await openCollecting({ trashKeepMs: 0 });
  const { store } = open;
  const push = async (): Promise<void> => {
    for (const text of ['{}', 'layer']) {
      if ((await store.blobs.find(repository, sha(text))) === undefined)
        await pushBlob(store, repository, text);
    }
    await putManifest(store, image, { tags: ['latest'] });
  };
  const seen: unknown[] = [];
  for (let turn = 0; turn < 100; turn++) {
    await push();
    await store.manifests.remove(repository, sha(image), actor);
    const { blobs } = await open.collectAll();
    await push();
    const found = await store.manifests.find(repository, { kind: 'tag', tag: latest });
    seen.push([blobs, found?.digest, String(await readBlob(store, sha('layer')))]);
  }

  assert.deepEqual(
    seen,
    Array.from({ length: 100 }, () => [3, sha(image), 'layer']),
  );
});

test('a restore that marking misses, after the repositories and before the trash, renews what it brings back', async () => {
  await using open = await openCollecting({ collect: { quarantineMs: 0 } });
  const { store, driver, pass } = open;
  await pushBlobs(open);
  await putManifest(store, image, { tags: ['latest'] });
  const id = (await store.manifests.remove(repository, sha(image), actor)) ?? '';
  pass(2 * graceMs);
  const list = driver.list.bind(driver);
  let restored: Restored | undefined;
  Object.assign(driver, {
    async *list(...args: Parameters<typeof list>) {
      if (args[0] === trashTree) restored ??= await store.trash.restore(id, actor);
      yield* list(...args);
    },
  });

  const missed = await store.collector.collect({ signal });
  await store.manifests.remove(repository, sha(image), actor);
  await store.trash.empty();
  pass(graceMs - 1);
  const later = await store.collector.collect({ signal });

  assert.deepEqual([restored?.id, missed.keptBlobs, later.keptBlobs, later.blobs], [id, 3, 3, 0]);
});
