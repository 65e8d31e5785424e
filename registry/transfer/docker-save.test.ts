import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { mediaTypes } from '../spec/media-types.ts';
import type { RepoName, Tag } from '../spec/names.ts';
import { readBlob, sha } from '../store/store.suite.ts';
import { headerWith, openBench, tarOf } from './transfer.suite.ts';

const app = 'team/app' as RepoName;
const layers = ['the first layer', 'the second layer'];
const config = JSON.stringify({
  os: 'linux',
  rootfs: { type: 'layers', diff_ids: layers.map((each) => sha(each)) },
});

const list = (
  files: readonly string[],
  names: readonly string[] | null = ['localhost:5443/team/app:1', 'team/app:2'],
) => JSON.stringify([{ Config: 'c.json', RepoTags: names, Layers: files }]);

test('an image that docker saved keeps its id and its layers, and loses the host of its names', async () => {
  await using bench = await openBench();
  const open = await bench.open();
  // docker writes a layer that two images share once, and a link for the other.
  const path = await bench.write(
    tarOf([
      { name: 'a/layer.tar', bytes: layers[0] ?? '' },
      { name: 'b/layer.tar', header: headerWith('b/layer.tar', { type: '2', link: '../d/layer.tar' }) },
      { name: 'd/layer.tar', bytes: layers[1] ?? '' },
      { name: 'c.json', bytes: config },
      { name: 'manifest.json', bytes: list(['a/layer.tar', 'b/layer.tar']) },
    ]),
  );

  const { kind, images } = await bench.importFrom(open, path);

  const digest = await open.store.tags.find(app, '1' as Tag);
  assert.ok(digest);
  const found = await open.store.manifests.find(app, { kind: 'digest', digest });
  assert.deepEqual(
    [kind, images.map(({ name, tag }) => [name, tag])],
    [
      'docker-archive',
      [
        ['localhost:5443/team/app:1', '1'],
        ['team/app:2', '2'],
      ],
    ],
  );
  assert.equal(await open.store.tags.find(app, '2' as Tag), digest);
  assert.deepEqual(JSON.parse(String(found && Buffer.from(found.bytes))), {
    schemaVersion: 2,
    mediaType: mediaTypes.dockerManifest,
    config: {
      mediaType: 'application/vnd.docker.container.image.v1+json',
      size: config.length,
      digest: sha(config),
    },
    layers: layers.map((each) => ({
      mediaType: 'application/vnd.docker.image.rootfs.diff.tar',
      size: each.length,
      digest: sha(each),
    })),
  });
  for (const each of [config, ...layers])
    assert.equal(String(await readBlob(open.store, sha(each), app)), each);
});

test('layers that are packed stay packed, and say so', async () => {
  await using bench = await openBench();
  const open = await bench.open();
  const zstd = Buffer.concat([Buffer.from('28b52ffd', 'hex'), Buffer.from('rest')]);
  const packed = [gzipSync(layers[0] ?? ''), zstd];
  const path = await bench.write(
    tarOf([
      { name: 'manifest.json', bytes: list(['a', 'b']) },
      { name: 'c.json', bytes: config },
      ...packed.map((bytes, at) => ({ name: 'ab'[at] ?? '', bytes })),
    ]),
  );

  await bench.importFrom(open, path);

  const digest = await open.store.tags.find(app, '1' as Tag);
  const found = digest && (await open.store.manifests.find(app, { kind: 'digest', digest }));
  assert.deepEqual(
    found?.manifest?.layers.map((each) => [each.mediaType, each.digest]),
    [
      ['application/vnd.docker.image.rootfs.diff.tar.gzip', sha(packed[0] ?? '')],
      ['application/vnd.docker.image.rootfs.diff.tar.zstd', sha(zstd)],
    ],
  );
});

test('an image that docker saved by its id has no name', async () => {
  await using bench = await openBench();
  const open = await bench.open();
  const members = [
    { name: 'manifest.json', bytes: list(['a', 'b'], null) },
    { name: 'c.json', bytes: config },
    { name: 'a', bytes: layers[0] ?? '' },
    { name: 'b', bytes: layers[1] ?? '' },
  ];
  const path = await bench.write(tarOf(members));

  await assert.rejects(bench.importFrom(open, path), { code: 'BUNDLE_UNNAMED' });
});
