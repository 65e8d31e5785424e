import assert from 'node:assert/strict';
import { mkdtempDisposable, readdir, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { test } from 'node:test';
import { checked } from '../../registry/driver/checked.ts';
import { openFsDriver } from '../../registry/driver/fs.ts';
import type { StoreEvents } from '../../registry/spec/events.ts';
import { createStore } from '../../registry/store/store.ts';
import { request } from '../support/http.ts';
import { startRegistry } from '../support/registry.ts';
import { needs } from '../support/tools.ts';
import {
  digestOf,
  dockerList,
  dockerManifest,
  indexOf,
  type Manifest,
  ociIndex,
  pullEverything,
  pushBlob,
  pushImage,
  pushManifest,
  remove,
} from './content.ts';
import { collectGarbage, startDockerRegistry } from './docker-registry.ts';

const needsRegistry = needs('docker-registry');

function tempDir() {
  return mkdtempDisposable(join(tmpdir(), 'berth-compat-'));
}

/** Pushes, re-tags and deletes that both registries know. Answers an image that no tag leads to. */
async function pushSet(url: string): Promise<Manifest> {
  const first = await pushImage(url, { name: 'library/app', tag: '1', layers: ['a', 'b'] });
  await pushManifest(url, 'library/app', 'latest', first);
  const second = await pushImage(url, { name: 'library/app', tag: '2', layers: ['a', 'c'] });
  await pushManifest(url, 'library/app', 'latest', second);
  const untagged = await pushImage(url, { name: 'library/app', layers: ['only by digest'] });
  for (const [mediaType, tag] of [
    [ociIndex, 'oci'],
    [dockerList, 'docker'],
  ] as const) {
    const children = [];
    for (const arch of ['amd64', 'arm64']) {
      const layers = [`${tag} ${arch}`];
      const type = tag === 'docker' ? { mediaType: dockerManifest } : {};
      children.push(await pushImage(url, { name: 'team/multi-arch', layers, ...type }));
    }
    await pushManifest(url, 'team/multi-arch', tag, indexOf(mediaType, children));
  }
  const gone = await pushImage(url, { name: 'library/app', tag: 'gone', layers: ['gone'] });
  await remove(url, `/v2/library/app/manifests/${gone.digest}`);
  await pushImage(url, { name: 'a', tag: 'v1.0_x', layers: [] });
  await pushImage(url, { name: 'a-b', tag: 'latest', layers: ['a'] });
  await pushImage(url, { name: 'a/b', tag: 'latest', layers: ['a'] });
  return untagged;
}

/** Sorted: distribution lists in the order of its walk. */
async function catalogOf(url: string): Promise<readonly string[]> {
  const answer = await request(url, { path: '/v2/_catalog' });
  return (answer.json() as { repositories: readonly string[] }).repositories.toSorted();
}

/** Every file below a directory: links with what they hold. */
async function treeOf(dataDir: string): Promise<Readonly<Record<string, string>>> {
  const entries = await readdir(dataDir, { recursive: true, withFileTypes: true });
  const found: Record<string, string> = {};
  for (const entry of entries.filter((each) => each.isFile())) {
    const path = join(entry.parentPath, entry.name);
    const key = relative(dataDir, path);
    if (!key.startsWith('berth/')) found[key] = String(await readFile(path));
  }
  return found;
}

test(
  'a directory of docker-registry is opened in place, changed, and handed back with all live content',
  needsRegistry,
  async () => {
    await using directory = await tempDir();
    const dataDir = directory.path;
    const written = await (async () => {
      await using theirs = await startDockerRegistry(dataDir);
      const untagged = `library/app@${(await pushSet(theirs.url)).digest}`;
      const catalog = await catalogOf(theirs.url);
      return { untagged, catalog, content: await pullEverything(theirs.url, [untagged]) };
    })();
    assert.equal(Object.keys(written.content).length, 33);

    const changed = await (async () => {
      await using ours = await startRegistry({ dataDir });
      const url = ours.plainUrl;
      assert.deepEqual(await catalogOf(url), written.catalog);
      assert.deepEqual(await pullEverything(url, [written.untagged]), written.content);

      const third = await pushImage(url, { name: 'library/app', tag: '3', layers: ['a', 'new'] });
      await pushManifest(url, 'library/app', 'latest', third);
      await remove(url, '/v2/library/app/manifests/1');
      await remove(url, `/v2/${written.untagged.replace('@', '/manifests/')}`);
      await pushImage(url, { name: 'new/repository', tag: 'one', layers: ['a', 'b', 'x'] });
      await request(url, {
        method: 'POST',
        path: `/v2/new/repository/blobs/uploads/?mount=${digestOf('c')}&from=library/app`,
      });
      await pushBlob(url, 'new/repository', 'nobody refers to this');
      return { catalog: await catalogOf(url), content: await pullEverything(url) };
    })();
    assert.ok('library/app:3' in changed.content && !('library/app:1' in changed.content));

    const orphan = `/v2/new/repository/blobs/${digestOf('nobody refers to this')}`;
    {
      await using theirs = await startDockerRegistry(dataDir);
      assert.deepEqual(await catalogOf(theirs.url), changed.catalog);
      assert.deepEqual(await pullEverything(theirs.url), changed.content);
      assert.equal((await request(theirs.url, { path: orphan })).status, 200);
      assert.equal((await request(theirs.url, { path: `/v2/library/app/manifests/1` })).status, 404);
    }

    const log = await collectGarbage(dataDir);
    assert.match(log, /[1-9]\d* blobs and 0 manifests eligible for deletion/);
    {
      await using theirs = await startDockerRegistry(dataDir);
      assert.deepEqual(await pullEverything(theirs.url), changed.content);
      assert.equal((await request(theirs.url, { path: orphan })).status, 404);
    }
    await using ours = await startRegistry({ dataDir });
    assert.deepEqual(await pullEverything(ours.plainUrl), changed.content);
    assert.equal((await request(ours.plainUrl, { path: orphan })).status, 404);
  },
);

test('the same pushes make the same tree of files, and the links hold the same', needsRegistry, async () => {
  await using theirDir = await tempDir();
  await using ourDir = await tempDir();
  {
    await using theirs = await startDockerRegistry(theirDir.path);
    await using ours = await startRegistry({ dataDir: ourDir.path });
    await pushSet(theirs.url);
    await pushSet(ours.plainUrl);
  }

  const [theirTree, ourTree] = [await treeOf(theirDir.path), await treeOf(ourDir.path)];

  assert.deepEqual(ourTree, theirTree);
  assert.ok(Object.keys(ourTree).length > 60);
});

test('uploads that docker-registry left open disturb nothing and are purged', needsRegistry, async () => {
  await using directory = await tempDir();
  const dataDir = directory.path;
  await using theirs = await startDockerRegistry(dataDir);
  await pushImage(theirs.url, { name: 'team/app', tag: '1', layers: ['a'] });
  for (const name of ['team/app', 'only/uploads']) {
    const started = await request(theirs.url, { method: 'POST', path: `/v2/${name}/blobs/uploads/` });
    const path = started.headers['location'] ?? '';
    const patched = await request(theirs.url, { method: 'PATCH', path, body: 'abc' });
    assert.equal(patched.status, 202);
  }
  const content = await pullEverything(theirs.url);
  await theirs[Symbol.asyncDispose]();
  const isOfUpload = (key: string): boolean => key.includes('/_uploads/');
  assert.ok(Object.keys(await treeOf(dataDir)).some(isOfUpload));

  {
    await using ours = await startRegistry({ dataDir });
    assert.deepEqual(await catalogOf(ours.plainUrl), ['team/app']);
    assert.deepEqual(await pullEverything(ours.plainUrl), content);
  }
  const events = new Proxy({} as StoreEvents, { get: () => () => undefined });
  const { uploads } = createStore({
    driver: checked(await openFsDriver({ root: dataDir })),
    events,
    rules: () => ({ enabled: true, sparse: false, indexPlatforms: 'all', urls: { allow: [], deny: [] } }),
    uploadsPerUser: () => 1,
    now: () => Date.now() + 25 * 60 * 60 * 1000,
  });
  const signal = new AbortController().signal;
  const purged = await uploads.purge({ ageMs: 24 * 60 * 60 * 1000, dryRun: false, signal });

  assert.equal(purged, 2);
  assert.deepEqual(Object.keys(await treeOf(dataDir)).filter(isOfUpload), []);
});
