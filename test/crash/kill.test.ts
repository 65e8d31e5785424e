import assert from 'node:assert/strict';
import { mkdtempDisposable, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { indexOf, ociIndex, pushImage, pushManifest } from '../compat/content.ts';
import { batches, forEachOf } from '../support/parallel.ts';
import { startRegistry } from '../support/registry.ts';
import { brokenFiles, isReadable, meaningOf, unreadableTags } from './tree.ts';

const runs = Number(process.env['CRASH_RUNS'] ?? 15);
/** What was pushed is read again after each: in a directory of its own it does not become more and more. */
const runsPerDirectory = 25;
const name = 'team/app';

test(`${runs} times kill -9 under load: every tag is readable, no acknowledged push is lost`, async (t) => {
  const count = { cuts: 0, retags: 0, pushes: 0 };
  await forEachOf(batches(runs, runsPerDirectory), 2, async (batch) => {
    const { cuts, retags, pushes } = await killAgain(batch);
    count.cuts += cuts;
    count.retags += retags;
    count.pushes += pushes;
  });
  t.diagnostic(
    `${runs} kills, ${count.cuts} requests cut, ${count.retags} re-tags and ${count.pushes} pushes acknowledged: 0 lost`,
  );
  assert.ok(count.cuts > runs, 'the kills met requests');
  assert.ok(count.pushes >= runs / 2 && count.retags > 0, 'there was something to lose');
});

async function killAgain(times: number) {
  await using directory = await mkdtempDisposable(join(tmpdir(), 'berth-crash-'));
  const dataDir = directory.path;
  await using stack = new AsyncDisposableStack();
  const start = async () => stack.use(await startRegistry({ dataDir }));
  let registry = await start();
  const images = await Promise.all(
    ['one', 'two'].map((layer) => pushImage(registry.plainUrl, { name, tag: layer, layers: [layer] })),
  );
  /** Per re-tagged tag, what it may mean: the last acknowledged digest, and one that was under way. */
  const tags = new Map(['x', 'y'].map((tag) => [tag, new Set<string>()]));
  const pushed: string[] = [];
  const acknowledged = new Set<string>();
  let [retags, cuts] = [0, 0];
  const lost: string[] = [];

  for (let run = 0; run < times; run++) {
    const { plainUrl: url } = registry;
    const isOver = { now: false };
    const retagger = async ([tag, meanings]: [string, Set<string>]): Promise<void> => {
      for (let turn = 0; !isOver.now; turn++) {
        const image = images[turn % 2];
        assert.ok(image);
        meanings.add(image.digest);
        await pushManifest(url, name, tag, image);
        meanings.clear();
        meanings.add(image.digest);
        acknowledged.add(tag);
        retags++;
      }
    };
    const once = Promise.withResolvers<void>();
    const pusher = async (): Promise<void> => {
      for (let turn = 0; !isOver.now; turn++) {
        const { digest } = await pushImage(url, { name, tag: `p${run}-${turn}`, layers: [`${run} ${turn}`] });
        pushed.push(digest);
        once.resolve();
      }
    };
    const working = [...[...tags].map(retagger), pusher()].map((each) =>
      each.catch((error: unknown) => {
        // A refusal would be an AssertionError; a cut connection is what the kill is for.
        if (error instanceof assert.AssertionError) throw error;
        cuts++;
      }),
    );
    // Every other time there is something acknowledged just before, however slow the machine is.
    if (run % 2 === 0) await Promise.race([once.promise, ...working]);
    await delay(5 + Math.random() * 145);
    await registry.kill('SIGKILL');
    isOver.now = true;
    await Promise.all(working);

    assert.deepEqual(await brokenFiles(dataDir), []);
    registry = await start();
    assert.deepEqual(await unreadableTags(registry.plainUrl, name), []);
    for (const [tag, meanings] of tags) {
      const meant = await meaningOf(dataDir, name, tag);
      if (meant === undefined ? acknowledged.has(tag) : !meanings.has(meant))
        lost.push(`${tag} means ${meant}`);
      meanings.clear();
      if (meant !== undefined) meanings.add(meant);
    }
    for (const digest of pushed) if (!(await isReadable(registry.plainUrl, name, digest))) lost.push(digest);
    assert.deepEqual(lost, []);
  }
  return { cuts, retags, pushes: pushed.length };
}

test('the checks of a crash find what a crash can break', async () => {
  await using directory = await mkdtempDisposable(join(tmpdir(), 'berth-crash-'));
  const dataDir = directory.path;
  await using registry = await startRegistry({ dataDir });
  const url = registry.plainUrl;
  const image = await pushImage(url, { name, tag: 'tag', layers: ['layer'] });
  await pushManifest(url, name, 'index', indexOf(ociIndex, [image]));
  const root = join(dataDir, 'docker/registry/v2');
  const link = join(root, `repositories/${name}/_manifests/tags/index/current/link`);
  const layer = (JSON.parse(String(image.bytes)) as { layers: readonly [{ digest: string }] }).layers[0]
    .digest;
  const hex = layer.slice('sha256:'.length);
  const blob = join(root, `blobs/sha256/${hex.slice(0, 2)}/${hex}/data`);
  assert.deepEqual(await brokenFiles(dataDir), []);

  await truncate(link);
  await writeFile(blob, 'Layer');

  assert.deepEqual(
    (await brokenFiles(dataDir)).toSorted(),
    [blob, link].map((path) => path.slice(dataDir.length + 1)),
  );
  // The process still knows what the tag of the index meant.
  assert.deepEqual(await unreadableTags(url, name), ['index', 'tag']);
});
