/**
 * Copies, exports and imports beside a collector that never rests and gives no grace: what is not held at that moment is
 * gone. The oracle: an image that was answered is whole, however often it is looked at.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { RepoName, Tag } from '../spec/names.ts';
import {
  actor,
  descriptorOf,
  manifestOf,
  type OpenStore,
  openStore,
  pushBlob,
  putManifest,
  readBlob,
  type Watch,
} from '../store/store.suite.ts';
import { copyImage } from './copy.ts';
import { never, openBench, wanted } from './transfer.suite.ts';

const rounds = 6;

/** A store whose collector takes at once what nothing holds or names. */
function openHasty(watch: Watch = {}): Promise<OpenStore> {
  return openStore({
    ...watch,
    clocks: { now: () => Date.now() + 3_600_000 },
    collect: { graceMs: 0, quarantineMs: 0 },
    trashKeepMs: 0,
  });
}

/** Pushes an image of a few layers, its collector at rest. */
async function push({ store }: OpenStore, name: RepoName, seed: string, tag: string): Promise<void> {
  const texts = ['config', 'layer 1', 'layer 2', 'layer 3'].map((each) => `${seed} ${each}`);
  for (const text of texts) await pushBlob(store, name, text);
  const [config = '', ...layers] = texts;
  const parts = { config: descriptorOf(config), layers: layers.map((text) => descriptorOf(text)) };
  await putManifest(store, manifestOf(parts), { name, tags: [tag] });
}

async function isWhole({ store }: OpenStore, name: RepoName, tag: string): Promise<boolean> {
  const found = await store.manifests.find(name, { kind: 'tag', tag: tag as Tag });
  const { config, layers = [] } = found?.manifest ?? {};
  const blobs = [...(config ? [config] : []), ...layers];
  const bytes = await Promise.all(blobs.map(({ digest }) => readBlob(store, digest, name)));
  return blobs.length === 4 && bytes.every((each) => each !== undefined);
}

/** Collects over and over until the work is done; answers its result and how often. */
async function besideCollector<T>(
  { store }: OpenStore,
  work: () => Promise<T>,
): Promise<readonly [T, number]> {
  const over = new AbortController();
  let runs = 0;
  const collecting = (async () => {
    for (; !over.signal.aborted; runs++) {
      await store.collector.collect({ signal: never });
      await nextTurn();
    }
  })();
  try {
    return [await work(), runs] as const;
  } finally {
    over.abort();
    await collecting;
  }
}

test('a copy is whole although its source is deleted and collected in the middle of it', async () => {
  const source = 'team/source' as RepoName;
  const target = 'team/copy' as RepoName;
  let isCollected = false;
  await using open = await openHasty({
    async before({ call, key }) {
      if (isCollected || call !== 'write' || !key.includes('/team/copy/_layers/')) return;
      isCollected = true;
      await open.store.manifests.removeTag(source, 'x' as Tag, actor);
      for (let run = 0; run < 3; run++) await open.store.collector.collect({ signal: never });
    },
  });
  await push(open, source, 'image', 'x');
  const from = await wanted(open, 'team/source:x');

  await copyImage({
    store: open.store,
    from,
    to: { repository: target, tag: 'y' as Tag },
    withReferrers: true,
    actor,
    signal: never,
    progress: () => undefined,
  });
  await open.store.collector.collect({ signal: never });
  await open.store.collector.collect({ signal: never });

  assert.ok(isCollected);
  assert.ok(await isWhole(open, target, 'y'));
  assert.equal(await open.store.repositories.exists(source), false);
});

test('imports are whole, and so are exports of what loses its tag meanwhile', async (t) => {
  await using bench = await openBench();
  await using from = await openHasty();
  await using to = await openHasty();
  for (let round = 0; round < rounds; round++) {
    await push(from, `team/app${round}` as RepoName, `image ${round}`, 'x');
  }

  const [, exportRuns] = await besideCollector(from, async () => {
    for (let round = 0; round < rounds; round++) {
      const name = `team/app${round}` as RepoName;
      const { path } = await bench.exportTo(from, [`${name}:x`], {
        // The tag goes when the first bytes are written.
        progress: () => void from.store.manifests.removeTag(name, 'x' as Tag, actor),
      });
      const [, runs] = await besideCollector(to, () => bench.importFrom(to, path));
      assert.ok(await isWhole(to, name, 'x'), `${name} after ${runs} collections`);
    }
  });
  await to.store.collector.collect({ signal: never });

  t.diagnostic(`${exportRuns} collections`);
  for (let round = 0; round < rounds; round++) {
    assert.ok(await isWhole(to, `team/app${round}` as RepoName, 'x'), String(round));
  }
});
