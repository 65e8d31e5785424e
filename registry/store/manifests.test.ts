import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { AppError } from '../spec/errors.ts';
import { mediaTypes } from '../spec/media-types.ts';
import type { RepoName, Tag } from '../spec/names.ts';
import type { ValidationRules } from './needed.ts';
import { blobData, revisionLink, tagIndexLink, tagLink, tagTree } from './paths.ts';
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
  repository,
  sha,
} from './store.suite.ts';

const kinds = Object.keys(drivers) as (keyof typeof drivers)[];
const latest = 'latest' as Tag;
const byTag = { kind: 'tag', tag: latest } as const;

test('a manifest is found under its digest and its tags, byte for byte', async () => {
  await using open = await openStore();
  await pushBlob(open.store, repository, '{}');
  const bytes = Buffer.from(
    `\n${String(manifestOf({ config: descriptorOf('{}') })).replace('{', '{ "__proto__": 1, ')} `,
  );

  const { digest, warnings } = await putManifest(open.store, bytes, { tags: ['latest', '1.0'] });

  assert.deepEqual([digest, warnings], [sha(bytes), []]);
  for (const reference of [byTag, { kind: 'tag', tag: '1.0' as Tag }, { kind: 'digest', digest }] as const) {
    const found = await open.store.manifests.find(repository, reference);
    assert.deepEqual(
      { ...found, bytes: Buffer.from(found?.bytes ?? []), manifest: found?.manifest?.config?.digest },
      { digest, bytes, mediaType: mediaTypes.ociManifest, manifest: sha('{}') },
    );
  }
  assert.equal(await open.store.manifests.find('other' as RepoName, { kind: 'digest', digest }), undefined);
});

test('missing config and layers are named, each once, and nothing is stored', async () => {
  await using open = await openStore();
  await pushBlob(open.store, repository, 'here');
  await pushBlob(open.store, 'other' as RepoName, 'elsewhere');
  const layers = ['here', 'gone', 'elsewhere', 'gone'].map((text) => descriptorOf(text));
  const before = await keysBelow(open.driver, '');

  const put = putManifest(open.store, manifestOf({ config: descriptorOf('{}'), layers }), {
    tags: ['latest'],
  });

  await assert.rejects(put, (error) => {
    assert.ok(error instanceof AppError);
    const missing = [error.detail, ...error.also.map(({ detail }) => detail)];
    assert.deepEqual(
      [error.code, missing],
      ['MANIFEST_BLOB_UNKNOWN', [sha('{}'), sha('gone'), sha('elsewhere')]],
    );
    return true;
  });
  assert.deepEqual(await keysBelow(open.driver, ''), before);
});

const gone = descriptorOf('gone');
const foreign = { mediaType: 'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip' };
const child = (platform?: string) => {
  const [os, architecture, variant] = platform?.split('/') ?? [];
  const more = platform === undefined ? {} : { platform: { os, architecture, variant } };
  return { ...descriptorOf('no manifest', { mediaType: mediaTypes.ociManifest }), ...more };
};
const accepted: Readonly<
  Record<string, { rules?: Partial<ValidationRules>; parts: Parameters<typeof manifestOf>[0]; ok: boolean }>
> = {
  'an image without layers': { parts: {}, ok: true },
  'an image whose layer is missing': { parts: { layers: [gone] }, ok: false },
  'the same where sparse images are allowed': {
    rules: { sparse: true },
    parts: { layers: [gone] },
    ok: true,
  },
  'the same where nothing is validated': { rules: { enabled: false }, parts: { layers: [gone] }, ok: true },
  'a missing layer with urls': { parts: { layers: [{ ...gone, urls: ['https://a.example/x'] }] }, ok: true },
  'a missing layer with empty urls': { parts: { layers: [{ ...gone, urls: [] }] }, ok: false },
  'a missing layer of a foreign type': { parts: { layers: [{ ...gone, ...foreign }] }, ok: true },
  'a url that is allowed': {
    rules: { urls: { allow: [/^https:\/\/a\.example\//], deny: [] } },
    parts: { layers: [{ ...gone, urls: ['https://a.example/x'] }] },
    ok: true,
  },
  'a url that is not allowed': {
    rules: { urls: { allow: [/^https:\/\/a\.example\//], deny: [] } },
    parts: { layers: [{ ...gone, urls: ['https://a.example/x', 'https://b.example/x'] }] },
    ok: false,
  },
  'a url that is denied': {
    rules: { urls: { allow: [], deny: [/b\.example/] } },
    parts: { layers: [{ ...gone, urls: ['https://b.example/x'] }] },
    ok: false,
  },
  'a missing subject': { parts: { subject: child() }, ok: true },
  'an empty index': { parts: { manifests: [] }, ok: true },
  'an index whose child is missing': { parts: { manifests: [child('linux/amd64')] }, ok: false },
  'the same where children are not looked at': {
    rules: { indexPlatforms: 'none' },
    parts: { manifests: [child('linux/amd64')] },
    ok: true,
  },
  'a missing child of a listed platform': {
    rules: { indexPlatforms: ['linux/arm'] },
    parts: { manifests: [child('linux/amd64'), child('linux/arm/v7')] },
    ok: false,
  },
  'missing children of other platforms, or none': {
    rules: { indexPlatforms: ['linux/arm'] },
    parts: { manifests: [child('linux/amd64'), child('linux/arm64'), child()] },
    ok: true,
  },
};
for (const [name, { rules = {}, parts, ok }] of Object.entries(accepted)) {
  test(`${ok ? 'accepted' : 'refused'}: ${name}`, async () => {
    await using open = await openStore({ rules });
    await pushBlob(open.store, repository, '{}');
    const bytes = manifestOf(
      parts.manifests === undefined ? { config: descriptorOf('{}'), ...parts } : parts,
    );

    const stored = await putManifest(open.store, bytes).then(
      () => true,
      (error: AppError) => {
        assert.ok(['MANIFEST_BLOB_UNKNOWN', 'MANIFEST_INVALID'].includes(error.code), error.code);
        return false;
      },
    );

    assert.equal(stored, ok);
  });
}

test('a digest that is not that of the bytes is refused, and each algorithm is stored under its own', async () => {
  await using open = await openStore();
  await pushBlob(open.store, repository, '{}');
  const bytes = manifestOf({ config: descriptorOf('{}') });
  const push = { repository, bytes, contentType: undefined, tags: [latest], actor };

  await assert.rejects(open.store.manifests.put({ ...push, digest: sha('x') }), { code: 'DIGEST_INVALID' });
  const { digest } = await open.store.manifests.put({ ...push, digest: sha(bytes, 'sha512') });

  assert.equal(digest, sha(bytes, 'sha512'));
  assert.equal((await open.store.manifests.find(repository, byTag))?.digest, digest);
});

test('a size that is not that of the blob is a warning', async () => {
  await using open = await openStore();
  await pushBlob(open.store, repository, '{}');

  const { warnings } = await putManifest(open.store, manifestOf({ config: descriptorOf('{}', { size: 3 }) }));

  assert.deepEqual(warnings, [`${sha('{}')} has 2 bytes, the manifest says 3`]);
});

test('the order on disk is content, revision, history of the tag, meaning of the tag', async () => {
  const order: string[] = [];
  await using open = await openStore({ after: ({ key }) => void order.push(key) });
  await pushBlob(open.store, repository, '{}');
  order.length = 0;

  const { digest } = await putManifest(open.store, manifestOf({ config: descriptorOf('{}') }), {
    tags: ['latest', 'b'],
  });

  assert.deepEqual(order, [
    blobData(digest),
    revisionLink(repository, digest),
    ...(['latest', 'b'] as Tag[]).flatMap((tag) => [
      tagIndexLink(repository, tag, digest),
      tagLink(repository, tag),
    ]),
  ]);
});

for (const failing of ['/blobs/', '/revisions/', '/index/', '/current/']) {
  test(`a failure at ${failing} leaves the tag as it was, and the push can be repeated`, async () => {
    let isFailing = false;
    await using open = await openStore({
      before: ({ key }) => {
        if (isFailing && key.includes(failing)) throw new AppError('STORAGE_FULL');
      },
    });
    const old = await pushImage(open.store, { seed: 'old', tags: ['latest'] });
    await pushBlob(open.store, repository, '{}');
    const bytes = manifestOf({ config: descriptorOf('{}') });

    isFailing = true;
    await assert.rejects(putManifest(open.store, bytes, { tags: ['latest'] }), { code: 'STORAGE_FULL' });
    assert.equal((await open.store.manifests.find(repository, byTag))?.digest, old);

    isFailing = false;
    await putManifest(open.store, bytes, { tags: ['latest'] });
    assert.equal((await open.store.manifests.find(repository, byTag))?.digest, sha(bytes));
  });
}

test('a removed tag leaves the manifest and other tags', async () => {
  await using open = await openStore();
  const digest = await pushImage(open.store, { tags: ['latest', 'other'] });

  assert.ok(await open.store.manifests.removeTag(repository, latest, actor));

  assert.equal(await open.store.manifests.removeTag(repository, latest, actor), undefined);
  assert.equal(await open.store.manifests.find(repository, byTag), undefined);
  assert.deepEqual(await keysBelow(open.driver, tagTree(repository, latest)), []);
  assert.deepEqual(await collect(open.store.tags.list(repository)), ['other']);
  assert.ok(await open.store.manifests.find(repository, { kind: 'digest', digest }));
});

test('a manifest that is removed takes its tags along, tags first, and no other', async () => {
  const order: string[] = [];
  await using open = await openStore({
    after: ({ call, key }) => void (call === 'removeTree' && !key.includes('_uploads') && order.push(key)),
  });
  const { manifests, tags, repositories } = open.store;
  const digest = await pushImage(open.store, { tags: ['a', 'b', 'moved'] });
  const other = await pushImage(open.store, { seed: 'other', tags: ['moved'] });

  assert.ok(await manifests.remove(repository, digest, actor));

  assert.deepEqual(await collect(tags.list(repository)), ['moved']);
  assert.deepEqual(await collect(repositories.revisions(repository)), [other]);
  assert.deepEqual(
    order.map((key) => key.split('/_manifests/')[1]),
    ['tags/a', 'tags/b', `revisions/sha256/${digest.slice(7)}`],
  );
  assert.deepEqual(open.told.at(-1), ['manifestDeleted', { repository, digest, tags: ['a', 'b'], actor }]);
  assert.equal(await manifests.remove(repository, digest, actor), undefined);
});

test('a child of an index cannot be removed before the index', async () => {
  await using open = await openStore();
  const { manifests } = open.store;
  const digest = await pushImage(open.store, {});
  const bytes = (await manifests.find(repository, { kind: 'digest', digest }))?.bytes ?? new Uint8Array();
  const index = await putManifest(open.store, manifestOf({ manifests: [descriptorOf(bytes)] }));

  await assert.rejects(manifests.remove(repository, digest, actor), {
    code: 'MANIFEST_IN_USE',
    detail: { digest, index: index.digest },
  });
  await manifests.remove(repository, index.digest, actor);
  assert.ok(await manifests.remove(repository, digest, actor));
});

test('a delete waits for a push that relies on the content, and is refused after it', async () => {
  const gate = Promise.withResolvers<void>();
  const isWriting = Promise.withResolvers<void>();
  await using open = await openStore({
    async before({ key }) {
      if (!key.includes('/revisions/')) return;
      isWriting.resolve();
      await gate.promise;
    },
  });
  const digest = await pushBlob(open.store, repository, '{}');

  const putting = putManifest(open.store, manifestOf({ config: descriptorOf('{}') }), { tags: ['latest'] });
  await isWriting.promise;
  const removing = open.store.blobs.remove(repository, digest, actor);
  for (let turn = 0; turn < 50; turn++) await nextTurn();
  gate.resolve();

  await putting;
  await assert.rejects(removing, { code: 'BLOB_IN_USE' });
});

for (const content of ['', 'sha256:', '\0'.repeat(71)]) {
  test(`a tag whose link reads ${JSON.stringify(content.slice(0, 8))} counts as none, blocks no delete and is mended by a push`, async () => {
    await using open = await openStore();
    const { manifests, tags } = open.store;
    const digest = await pushImage(open.store, { tags: ['latest', 'b'] });
    await open.driver.write(tagLink(repository, latest), Buffer.from(content));

    assert.equal(await manifests.find(repository, byTag), undefined);
    assert.equal(await manifests.removeTag(repository, latest, actor), undefined);
    if (content === '') assert.deepEqual(await collect(tags.list(repository)), ['b']);
    assert.ok(await manifests.remove(repository, digest, actor));
    await pushImage(open.store, { tags: ['latest'] });

    assert.equal((await manifests.find(repository, byTag))?.digest, digest);
  });
}

test('an empty revision link counts as none and is mended by a push', async () => {
  await using open = await openStore();
  const digest = await pushImage(open.store, { tags: ['latest'] });
  await open.driver.write(revisionLink(repository, digest), new Uint8Array());

  assert.equal(await open.store.manifests.find(repository, byTag), undefined);
  assert.equal(await open.store.repositories.exists(repository), false);
  await pushImage(open.store, { tags: ['latest'] });

  assert.equal((await open.store.manifests.find(repository, byTag))?.digest, digest);
});

const damages: Readonly<Record<string, (bytes: Uint8Array) => Uint8Array>> = {
  'one byte changed': (bytes) => Buffer.from(bytes).fill(bytes[40] === 120 ? 121 : 120, 40, 41),
  'nothing in it': () => new Uint8Array(),
  'its end cut off': (bytes) => bytes.subarray(0, 20),
};
for (const [name, damage] of Object.entries(damages)) {
  test(`a manifest with ${name} is not served, and a push mends it even if nobody read it`, async () => {
    await using open = await openStore();
    const digest = await pushImage(open.store, { tags: ['latest'] });
    const bytes = await open.driver.readSmall(blobData(digest), { limit: 10_000 });
    assert.ok(bytes);
    await open.driver.write(blobData(digest), damage(bytes));
    const reader = open.restart();

    await assert.rejects(reader.manifests.find(repository, byTag), { code: 'STORAGE_FAILED' });
    assert.equal(await reader.manifests.find(repository, byTag), undefined);
    await open.driver.write(blobData(digest), damage(bytes));
    await pushImage(reader, { tags: ['latest'] });

    assert.deepEqual((await open.restart().manifests.find(repository, byTag))?.bytes, bytes);
  });
}

for (const on of kinds) {
  test(`${on}: 200 pushes of different tags at once are all listed and found`, async () => {
    await using open = await openStore({ on, uploadsPerUser: 200 });
    const names = Array.from({ length: 200 }, (_, at) => `t${String(at).padStart(3, '0')}`);

    const digests = await Promise.all(
      names.map((tag, at) => pushImage(open.store, { seed: String(at % 20), tags: [tag] })),
    );

    assert.deepEqual(await collect(open.store.tags.list(repository)), names);
    const found = await Promise.all(names.map((tag) => open.store.tags.find(repository, tag as Tag)));
    assert.deepEqual(found, digests);
  });

  test(`${on}: 500 referrers of one subject pushed at once are all listed, in byte order`, async () => {
    await using open = await openStore({ on });
    await pushBlob(open.store, repository, '{}');
    const subject = descriptorOf('subject', { mediaType: mediaTypes.ociManifest });

    const pushed = await Promise.all(
      Array.from({ length: 500 }, async (_, at) => {
        const annotations = { at: String(at) };
        const bytes = manifestOf({ config: descriptorOf('{}'), subject, annotations });
        return (await putManifest(open.store, bytes)).digest;
      }),
    );

    const options = { artifactTypes: [], after: '' };
    const listed = await collect(open.store.referrers.list(repository, sha('subject'), options));
    assert.deepEqual(
      listed.map(({ digest }) => digest),
      pushed.toSorted(),
    );
  });

  test(`${on}: pushes and deletes of one tag at once end as if they came one after the other`, async () => {
    await using open = await openStore({ on });
    const seeds = ['a', 'b', 'c', 'd'];
    const digests = await Promise.all(seeds.map((seed) => pushImage(open.store, { seed })));

    await Promise.all(
      Array.from({ length: 60 }, (_, at) =>
        at % 5 === 4
          ? open.store.manifests.removeTag(repository, latest, actor)
          : pushImage(open.store, { seed: seeds[at % 4] ?? '', tags: ['latest'] }),
      ),
    );

    const last = open.told.findLast(([name]) => name === 'tagMoved' || name === 'tagDeleted');
    const meant = await open.store.tags.find(repository, latest);
    assert.equal(meant, last?.[0] === 'tagMoved' ? last[1]['to'] : undefined);
    assert.ok(meant === undefined || digests.includes(meant));
  });
}
