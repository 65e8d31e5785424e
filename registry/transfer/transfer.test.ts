import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { Readable } from 'node:stream';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { parseImageReference } from '../spec/image-reference.ts';
import type { RepoName, Tag } from '../spec/names.ts';
import {
  actor,
  descriptorOf,
  manifestOf,
  type OpenStore,
  pushBlob,
  putManifest,
  sha,
} from '../store/store.suite.ts';
import { blobData } from '../store/paths.ts';
import { copyImage } from './copy.ts';
import { inspectBundle } from './import.ts';
import { layoutOf, never, openBench, tarOf, visible, wanted } from './transfer.suite.ts';

const app = 'team/app' as RepoName;

interface Shape {
  readonly layers: readonly number[];
  /** How many platforms; an index from two on. */
  readonly platforms: number;
  readonly signatures: number;
  readonly names: readonly { readonly repository: number; readonly tag: number }[];
}

const shape: fc.Arbitrary<Shape> = fc.record({
  layers: fc.array(fc.nat(6), { maxLength: 4 }),
  platforms: fc.integer({ min: 1, max: 3 }),
  signatures: fc.nat(2),
  names: fc.array(fc.record({ repository: fc.nat(2), tag: fc.nat(3) }), { minLength: 1, maxLength: 3 }),
});

/** Pushes an image under all of its names, and answers them. */
async function push({ store }: OpenStore, { layers, platforms, signatures, names }: Shape, seed: number) {
  const said = names.map((name) => ({
    repository: `my.org/r${name.repository}` as RepoName,
    tag: `t${name.tag}`,
  }));
  for (const { repository, tag } of said) {
    const children: object[] = [];
    let root: Uint8Array = Buffer.of();
    for (let platform = 0; platform < platforms; platform++) {
      const config = `{"seed":${seed},"platform":${platform}}`;
      const texts = layers.map((layer) => `layer ${layer}`.repeat(1000 * layer));
      for (const text of [config, ...texts]) await pushBlob(store, repository, text);
      root = manifestOf({ config: descriptorOf(config), layers: texts.map((text) => descriptorOf(text)) });
      await putManifest(store, root, { name: repository });
      children.push(descriptorOf(root, { mediaType: 'application/vnd.oci.image.manifest.v1+json' }));
    }
    if (platforms > 1) root = manifestOf({ manifests: children });
    await putManifest(store, root, { name: repository, tags: [tag] });
    for (let at = 0, subject = root; at < signatures; at++) {
      const text = `signature ${at}`;
      await pushBlob(store, repository, text);
      // Each signs the one before it.
      const about = descriptorOf(subject, { mediaType: 'application/vnd.oci.image.manifest.v1+json' });
      subject = manifestOf({ config: descriptorOf(text), subject: about, artifactType: 'test/signature' });
      await putManifest(store, subject, { name: repository });
    }
  }
  return said.map(({ repository, tag }) => `${repository}:${tag}`);
}

/** The names and what they mean, with all that is below and attached to them: what an export must carry over. */
async function carried(from: OpenStore, names: readonly string[]): Promise<unknown> {
  const all = (await visible(from)) as Record<
    string,
    { tags: Record<string, string>; manifests: Record<string, unknown> }
  >;
  const kept: typeof all = {};
  const attachments = new Map<string, string>();
  for (const [repository, { manifests }] of Object.entries(all)) {
    for (const digest of Object.keys(manifests)) {
      const found = await from.store.manifests.find(repository as RepoName, {
        kind: 'digest',
        digest: digest as never,
      });
      if (found?.manifest?.subject !== undefined) attachments.set(digest, found.manifest.subject.digest);
    }
  }
  for (const name of new Set(names)) {
    const { repository = '', tag = '' } = parseImageReference(name) ?? {};
    const entry = (kept[repository] ??= { tags: {}, manifests: {} });
    const { tags = {}, manifests = {} } = all[repository] ?? {};
    const root = tags[tag] ?? '';
    entry.tags[tag] = root;
    const reachable = new Set([root]);
    for (const digest of reachable) {
      const found = await from.store.manifests.find(repository as RepoName, {
        kind: 'digest',
        digest: digest as never,
      });
      for (const child of found?.manifest?.manifests ?? []) reachable.add(child.digest);
      for (const [attached, subject] of attachments) {
        if (subject === digest && attached in manifests) reachable.add(attached);
      }
    }
    for (const digest of reachable) entry.manifests[digest] = manifests[digest];
  }
  return sorted(kept);
}

function sorted(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(
    Object.entries(value)
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, each]) => [key, sorted(each)]),
  );
}

// The oracle: what the first registry shows of the exported names, found by reading its store.
test('images that are exported and imported have the same digests, tags and signatures', async (t) => {
  await using bench = await openBench();
  const property = fc.asyncProperty(
    fc.array(shape, { minLength: 1, maxLength: 4 }),
    fc.nat(),
    async (shapes, pick) => {
      const from = await bench.open();
      const names: string[] = [];
      for (const [seed, each] of shapes.entries()) names.push(...(await push(from, each, seed)));
      const chosen = names.filter((_, at) => ((pick >> at) & 1) === 0);
      const exported = chosen.length === 0 ? names : chosen;

      const { path } = await bench.exportTo(from, exported);
      const to = await bench.open();
      await bench.importFrom(to, path);
      await bench.importFrom(to, path);

      assert.deepEqual(sorted(await visible(to)), await carried(from, exported));
    },
  );
  const details = await fc.check(property, { numRuns: 15 });
  t.diagnostic(`seed ${details.seed}`);
  assert.ok(!details.failed, fc.defaultReportMessage(details));
});

test('a difference brings what is new, and is refused where its base is missing', async () => {
  await using bench = await openBench();
  const from = await bench.open();
  const names = [{ repository: 0, tag: 0 }];
  await push(from, { layers: [4, 5], platforms: 2, signatures: 0, names }, 1);
  const base = await bench.exportTo(from, ['my.org/r0:t0']);
  await push(from, { layers: [4, 5, 6], platforms: 2, signatures: 1, names: [{ repository: 1, tag: 1 }] }, 2);
  const full = await bench.exportTo(from, ['my.org/r1:t1']);
  const since = [await wanted(from, 'my.org/r0:t0')];

  const difference = await bench.exportTo(from, ['my.org/r1:t1'], { since });
  const other = await bench.open();
  const refusal = await bench.importFrom(other, difference.path).catch((error: unknown) => error);
  await bench.importFrom(other, base.path);
  const row = await bench.importFrom(other, difference.path);

  assert.deepEqual([difference.leftOutBlobs, difference.blobs], [2, full.blobs - 2]);
  assert.ok(difference.bytes < full.bytes - 60_000);
  assert.match(
    String(refusal),
    /^AppError: The bundle builds on my\.org\/r0@sha256:[0-9a-f]{64}, and this registry does not have sha256:[0-9a-f]{64} and 1 more\.$/,
  );
  assert.equal((refusal as { code?: string }).code, 'BUNDLE_INCOMPLETE');
  assert.deepEqual([row.since.length, row.newBlobs], [1, difference.blobs]);
  assert.deepEqual(sorted(await visible(other)), sorted(await visible(from)));
});

test('of an index the image of one platform is exported alone, under the name', async () => {
  await using bench = await openBench();
  const from = await bench.open();
  const child = (seed: string) => manifestOf({ config: descriptorOf(seed) });
  const platforms = { amd64: child('amd64'), arm64: child('arm64') };
  for (const [architecture, bytes] of Object.entries(platforms)) {
    await pushBlob(from.store, app, architecture);
    await putManifest(from.store, bytes, { name: app });
  }
  const describe = (bytes: Buffer, architecture: string, variant?: string) =>
    descriptorOf(bytes, {
      mediaType: 'application/vnd.oci.image.manifest.v1+json',
      platform: { os: 'linux', architecture, ...(variant && { variant }) },
    });
  const manifests = [describe(platforms.amd64, 'amd64'), describe(platforms.arm64, 'arm64', 'v8')];
  await putManifest(from.store, manifestOf({ manifests }), { name: app, tags: ['1'] });

  const { path } = await bench.exportTo(from, ['team/app:1'], { platform: 'linux/arm64' });
  const to = await bench.open();
  await bench.importFrom(to, path);

  assert.deepEqual(Object.keys(await visible(to)), [app]);
  assert.equal(await to.store.tags.find(app, '1' as Tag), sha(platforms.arm64));
  await assert.rejects(bench.exportTo(from, ['team/app:1'], { platform: 'linux/s390x' }), {
    code: 'MANIFEST_UNKNOWN',
    message: 'team/app:1 has no image for linux/s390x; it has linux/amd64, linux/arm64/v8.',
  });
});

test('content by sha512, and an image without a tag, keep their digests', async () => {
  await using bench = await openBench();
  const from = await bench.open();
  const config = 'a config';
  const digest = sha(config, 'sha512');
  const upload = await from.store.uploads.start(app, { algorithm: 'sha512', actor });
  const chunk = { source: Readable.from([Buffer.from(config)]), range: undefined, signal: never };
  await from.store.uploads.commit(upload, { digest, chunk, actor });
  const manifest = manifestOf({ config: { ...descriptorOf(config), digest } });
  await from.store.manifests.put({
    repository: app,
    bytes: manifest,
    contentType: undefined,
    digest: sha(manifest, 'sha512'),
    tags: [],
    actor,
  });

  const { path } = await bench.exportTo(from, [`team/app@${sha(manifest, 'sha512')}`]);
  const to = await bench.open();
  await bench.importFrom(to, path);

  assert.deepEqual(await visible(to), await visible(from));
});

test('an import under other names', async () => {
  await using bench = await openBench();
  const from = await bench.open();
  await push(from, { layers: [1], platforms: 1, signatures: 1, names: [{ repository: 0, tag: 0 }] }, 1);
  await push(from, { layers: [2], platforms: 1, signatures: 0, names: [{ repository: 1, tag: 1 }] }, 2);
  const { path } = await bench.exportTo(from, ['my.org/r0:t0', 'my.org/r1:t1']);
  const to = parseImageReference('other:name');
  assert.ok(to);

  const open = await bench.open();
  await bench.importFrom(open, path, {
    prefix: 'mirror' as RepoName,
    renames: [{ from: 'my.org/r1:t1', to }],
  });
  const wrong = bench.importFrom(open, path, { renames: [{ from: 'nothing:1', to }] });

  const repositories = Object.entries(await visible(open)) as [string, { tags: object; manifests: object }][];
  assert.deepEqual(
    repositories.map(([name, { tags, manifests }]) => [
      name,
      Object.keys(tags),
      Object.keys(manifests).length,
    ]),
    [
      ['mirror/my.org/r0', ['t0'], 2],
      ['other', ['name'], 1],
    ],
  );
  await assert.rejects(wrong, { code: 'USAGE', message: 'The bundle has no image "nothing:1".' });
});

test('a look at a bundle changes nothing and says what is new', async () => {
  await using bench = await openBench();
  const from = await bench.open();
  await push(from, { layers: [1, 2], platforms: 1, signatures: 0, names: [{ repository: 0, tag: 0 }] }, 1);
  const { path } = await bench.exportTo(from, ['my.org/r0:t0']);
  const to = await bench.open();
  const options = {
    tempDirectory: join(bench.folder, 'tmp'),
    checkRoom: async () => undefined,
    signal: never,
  };

  const before = await inspectBundle(path, { store: to.store, ...options });
  const planned = await bench.importFrom(to, path, { dryRun: true });
  const nothing = await visible(to);
  await bench.importFrom(to, path);
  const after = await inspectBundle(path, { store: to.store, ...options });

  assert.deepEqual([planned, nothing], [before, {}]);
  assert.deepEqual(
    [before, after].map(({ images, newBlobs, newBytes, ...rest }) => [
      images[0]?.isHere,
      newBlobs,
      newBytes,
      rest.bytes,
    ]),
    [
      [false, 3, before.bytes, before.bytes],
      [true, 0, 0, before.bytes],
    ],
  );
  assert.deepEqual([before.kind, before.isCompressed, before.total], ['oci-archive', false, 1]);
});

suite('a copy inside of the registry', () => {
  const names = [{ repository: 0, tag: 0 }];
  const copyTo = async (
    open: OpenStore,
    repository: string,
    more: Partial<Parameters<typeof copyImage>[0]> = {},
  ) => {
    const from = await wanted(open, 'my.org/r0:t0');
    return await copyImage({
      store: open.store,
      from,
      to: { repository: repository as RepoName, tag: 'copy' as Tag },
      withReferrers: true,
      actor,
      signal: never,
      progress: () => undefined,
      ...more,
    });
  };

  test('has the same manifests, children first, and the tag comes last', async () => {
    await using bench = await openBench();
    const open = await bench.open();
    await push(open, { layers: [1, 2], platforms: 3, signatures: 2, names }, 1);
    const before = open.told.length;

    const result = await copyTo(open, 'new/home');
    await copyTo(open, 'new/home');
    const { from: _, ...bare } = await copyTo(open, 'new/bare', { withReferrers: false });

    const all = (await visible(open)) as Record<string, { manifests: object; tags: object }>;
    const told = open.told.slice(before).map(([event]) => event);
    assert.deepEqual(all['new/home']?.manifests, all['my.org/r0']?.manifests);
    assert.deepEqual(
      [all['new/home']?.tags, all['new/bare']?.tags],
      [{ copy: result.digest }, { copy: result.digest }],
    );
    assert.deepEqual([result.manifests, bare.manifests, bare.blobs], [6, 4, 5]);
    assert.equal(told.includes('blobStored'), false);
    assert.equal(told[told.indexOf('tagMoved') - 1], 'manifestPushed');
    assert.equal(
      told.slice(0, told.indexOf('tagMoved')).filter((each) => each === 'manifestPushed').length,
      6,
    );
  });

  test('that is cancelled sets no tag', async () => {
    await using bench = await openBench();
    const open = await bench.open();
    await push(open, { layers: [1, 2], platforms: 3, signatures: 0, names }, 1);
    const controller = new AbortController();

    const cancelled = copyTo(open, 'new/home', {
      signal: controller.signal,
      progress: (done) => {
        if (done === 3) controller.abort();
      },
    });

    await assert.rejects(cancelled, { name: 'AbortError' });
    assert.equal(await open.store.tags.find('new/home' as RepoName, 'copy' as Tag), undefined);
  });
});

test('a file that is there is kept, unless it may be replaced; the new one is for its owner alone', async () => {
  await using bench = await openBench();
  const from = await bench.open();
  await push(from, { layers: [1], platforms: 1, signatures: 0, names: [{ repository: 0, tag: 0 }] }, 1);
  const path = await bench.write(Buffer.from('precious'));

  let written = 0;
  const refused = bench.exportTo(from, ['my.org/r0:t0'], { path, progress: (done) => (written = done) });
  await assert.rejects(refused, { code: 'PATH_REFUSED', message: `"${path}" exists already.` });
  assert.equal(written, 0);
  const kept = await readFile(path, 'utf8');
  const { bytes } = await bench.exportTo(from, ['my.org/r0:t0'], { path, overwrite: true });

  const { size, mode } = await stat(path);
  assert.deepEqual([kept, size, mode & 0o777], ['precious', bytes, 0o600]);
  assert.deepEqual(await readdir(bench.folder), [basename(path)]);
});

test('a file that comes into being meanwhile is kept, too', async () => {
  await using bench = await openBench();
  const from = await bench.open();
  await push(from, { layers: [1], platforms: 1, signatures: 0, names: [{ repository: 0, tag: 0 }] }, 1);
  const path = join(bench.folder, 'late.tar');

  const refused = bench.exportTo(from, ['my.org/r0:t0'], {
    path,
    progress: () => writeFileSync(path, 'precious'),
  });

  await assert.rejects(refused, { code: 'PATH_REFUSED', message: `"${path}" exists already.` });
  assert.equal(await readFile(path, 'utf8'), 'precious');
  assert.deepEqual(await readdir(bench.folder), ['late.tar']);
});

test('an export that is cancelled, or whose content is damaged, leaves nothing', async () => {
  await using bench = await openBench();
  const from = await bench.open();
  await push(from, { layers: [5, 6], platforms: 1, signatures: 0, names: [{ repository: 0, tag: 0 }] }, 1);
  const controller = new AbortController();

  const cancelled = bench.exportTo(from, ['my.org/r0:t0'], {
    signal: controller.signal,
    progress: () => controller.abort(),
  });
  await assert.rejects(cancelled, { name: 'AbortError' });
  const layer = sha('layer 5'.repeat(5000));
  await from.driver.write(blobData(layer), Buffer.alloc(35_000));
  await assert.rejects(bench.exportTo(from, ['my.org/r0:t0']), { code: 'STORAGE_FAILED' });

  assert.deepEqual(await readdir(bench.folder), []);
});

test('an import that is cancelled in a layer leaves no upload and no tag', async () => {
  await using bench = await openBench();
  const [from, to] = [await bench.open(), await bench.open()];
  await push(from, { layers: [5, 6], platforms: 1, signatures: 0, names: [{ repository: 0, tag: 0 }] }, 1);
  const { path } = await bench.exportTo(from, ['my.org/r0:t0']);
  const controller = new AbortController();

  const cancelled = bench.importFrom(to, path, {
    signal: controller.signal,
    progress: () => controller.abort(),
  });

  await assert.rejects(cancelled);
  assert.equal(controller.signal.aborted, true);
  assert.equal((await to.store.uploads.list({ limit: 9 })).total, 0);
  assert.equal(to.store.uploads.open, 0);
  assert.deepEqual(await visible(to), {});
});

test('a bundle that the disk has no room for is refused before anything is stored', async () => {
  await using bench = await openBench();
  const from = await bench.open();
  await push(from, { layers: [5], platforms: 1, signatures: 0, names: [{ repository: 0, tag: 0 }] }, 1);
  const { path } = await bench.exportTo(from, ['my.org/r0:t0']);
  const to = await bench.open();

  const full = bench.importFrom(to, path, { freeBytes: async () => 35_000 });

  await assert.rejects(full, {
    code: 'STORAGE_FULL',
    message: /^The bundle brings 35\d+ bytes, and .* has 35000 left\.$/,
  });
  assert.deepEqual(to.told, []);
});

test('names that no image has been given are refused with their digests', async () => {
  await using bench = await openBench();
  const config = 'c';
  const manifest = manifestOf({ config: descriptorOf(config) });
  const describe = (annotations?: object) => ({
    ...descriptorOf(manifest, { mediaType: 'application/vnd.oci.image.manifest.v1+json' }),
    ...(annotations && { annotations }),
  });
  const bundle = async (annotations?: object) =>
    await bench.write(tarOf(layoutOf({ manifests: [describe(annotations)] }, [manifest, config])));
  const open = await bench.open();
  const to = parseImageReference('team/app:1');
  assert.ok(to);

  const nameless = await bundle();
  const tagOnly = await bundle({ 'org.opencontainers.image.ref.name': 'latest' });
  const engine = await bundle({
    'org.opencontainers.image.ref.name': '1',
    'io.containerd.image.name': 'localhost:5443/team/engine:1',
  });
  await bench.importFrom(open, engine);
  await bench.importFrom(open, nameless, { renames: [{ from: sha(manifest), to }] });

  await assert.rejects(bench.importFrom(open, nameless), {
    code: 'BUNDLE_UNNAMED',
    message: `The bundle does not say in which repository these images belong: ${sha(manifest)}.`,
  });
  await assert.rejects(bench.importFrom(open, tagOnly), {
    code: 'BUNDLE_UNNAMED',
    message: /\("latest"\)\.$/,
  });
  assert.deepEqual(Object.keys(await visible(open)), ['team/app', 'team/engine']);
});
