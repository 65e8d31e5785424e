import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { startRegistry, type TestRegistry } from '../support/registry.ts';
import {
  descriptor,
  digestOf,
  imageOf,
  listStore,
  ociIndex,
  ociManifest,
  openUpload,
  pushBlob,
  pushImage,
  putManifest,
  refusal,
  type Send,
  sender,
} from './support.ts';

let registry: TestRegistry;
let send: Send;

before(async () => {
  registry = await startRegistry();
  send = sender(registry);
});
after(() => registry[Symbol.asyncDispose]());

const found = async (path: string) => (await send('HEAD', path)).status;

test('deleting a tag leaves its siblings and the manifest', async () => {
  const digest = await pushImage(send, 'tags', 'one');
  await pushImage(send, 'tags', 'two');

  const deleted = await send('DELETE', '/v2/tags/manifests/one');

  assert.deepEqual([deleted.status, deleted.headers['content-length']], [202, '0']);
  assert.deepEqual(
    await Promise.all(['one', 'two', digest].map((each) => found(`/v2/tags/manifests/${each}`))),
    [404, 200, 200],
  );
  assert.deepEqual((await send('GET', '/v2/tags/tags/list')).json(), { name: 'tags', tags: ['two'] });
});

test('deleting a digest takes every tag of it and no other', async () => {
  const digest = await pushImage(send, 'whole', 'one');
  await pushImage(send, 'whole', 'two');
  const other = await pushImage(send, 'whole', 'three', { more: { annotations: { n: '3' } } });

  assert.equal((await send('DELETE', `/v2/whole/manifests/${digest}`)).status, 202);

  assert.deepEqual(
    await Promise.all(
      ['one', 'two', digest, 'three', other].map((each) => found(`/v2/whole/manifests/${each}`)),
    ),
    [404, 404, 404, 200, 200],
  );
  assert.equal(await found(`/v2/whole/blobs/${digestOf('{}')}`), 200);
});

test('a child of an index is in use until the index goes', async () => {
  const child = await pushImage(send, 'parent', 'child');
  const body = JSON.stringify({
    schemaVersion: 2,
    mediaType: ociIndex,
    manifests: [{ mediaType: ociManifest, digest: child, size: imageOf().length }],
  });
  await putManifest(send, 'parent', 'index', body, ociIndex);

  const refused = await send('DELETE', `/v2/parent/manifests/${child}`);

  assert.equal(refusal(refused), '405 UNSUPPORTED');
  assert.ok(String(refused.body).includes(digestOf(body)), 'the index is named');
  assert.equal(await found(`/v2/parent/manifests/${child}`), 200);
  assert.equal((await send('DELETE', `/v2/parent/manifests/${digestOf(body)}`)).status, 202);
  assert.equal((await send('DELETE', `/v2/parent/manifests/${child}`)).status, 202);
});

test('a referrer stays when its subject goes', async () => {
  const digest = await pushImage(send, 'subject', 'v');
  const subject = { mediaType: ociManifest, digest, size: imageOf().length };
  const referrer = await pushImage(send, 'subject', 'signature', { more: { subject } });

  assert.equal((await send('DELETE', `/v2/subject/manifests/${digest}`)).status, 202);

  const { manifests } = (await send('GET', `/v2/subject/referrers/${digest}`)).json() as {
    manifests: { digest: string }[];
  };
  assert.deepEqual(
    manifests.map((each) => each.digest),
    [referrer],
  );
});

test('a blob in use is 405, and goes when the manifest has gone', async () => {
  const digest = await pushImage(send, 'blobs', 'v', { layers: ['layer of it'] });
  const [layer, config] = [digestOf('layer of it'), digestOf('{}')];
  for (const each of [layer, config]) {
    const refused = await send('DELETE', `/v2/blobs/blobs/${each}`);
    assert.equal(refusal(refused), '405 UNSUPPORTED');
    assert.ok(String(refused.body).includes(digest), 'the manifest is named');
  }
  await pushBlob(send, 'elsewhere', 'layer of it');

  assert.equal((await send('DELETE', `/v2/blobs/manifests/${digest}`)).status, 202);
  const deleted = await send('DELETE', `/v2/blobs/blobs/${layer}`);

  assert.deepEqual([deleted.status, deleted.headers['content-length']], [202, '0']);
  assert.equal(await found(`/v2/blobs/blobs/${layer}`), 404);
  assert.equal(await found(`/v2/elsewhere/blobs/${layer}`), 200);
});

test('push, delete, push again, pull', async () => {
  for (let round = 0; round < 3; round += 1) {
    const digest = await pushImage(send, 'again', 'v', { layers: ['again'] });
    assert.equal((await send('GET', `/v2/again/blobs/${digestOf('again')}`)).status, 200);
    assert.equal((await send('DELETE', `/v2/again/manifests/${digest}`)).status, 202);
    assert.equal((await send('DELETE', `/v2/again/blobs/${digestOf('again')}`)).status, 202);
  }
});

test('what is not there is 404, what is malformed 400', async () => {
  await pushImage(send, 'absent', 'v');
  for (const [path, expected] of [
    ['/v2/absent/manifests/nothing', '404 MANIFEST_UNKNOWN'],
    [`/v2/absent/manifests/${digestOf('nothing')}`, '404 MANIFEST_UNKNOWN'],
    ['/v2/nowhere/manifests/v', '404 MANIFEST_UNKNOWN'],
    [`/v2/absent/blobs/${digestOf('nothing')}`, '404 BLOB_UNKNOWN'],
    [`/v2/nowhere/blobs/${digestOf('{}')}`, '404 BLOB_UNKNOWN'],
    ['/v2/absent/manifests/.v', '400 MANIFEST_INVALID'],
    ['/v2/absent/manifests/sha256:', '400 DIGEST_INVALID'],
    ['/v2/absent/blobs/sha256:', '400 DIGEST_INVALID'],
    ['/v2/Absent/manifests/v', '400 NAME_INVALID'],
  ] as const) {
    assert.equal(refusal(await send('DELETE', path)), expected, path);
  }
});

for (const [name, env, writes] of [
  ['deleting switched off', { REGISTRY_STORAGE_DELETE_ENABLED: 'false' }, false],
  ['read-only', { REGISTRY_STORAGE_MAINTENANCE_READONLY: '{enabled: true}' }, true],
] as const) {
  test(`${name}: 405, nothing changes, pulls go on`, async () => {
    await using cleanup = new AsyncDisposableStack();
    const dataDir = await mkdtemp(join(tmpdir(), 'berth-wire-'));
    cleanup.defer(() => rm(dataDir, { recursive: true, force: true }));
    let digest = '';
    let location = '';
    {
      await using first = await startRegistry({ dataDir });
      digest = await pushImage(sender(first), 'kept', 'v');
      location = await openUpload(sender(first), 'kept');
    }
    await using second = await startRegistry({ dataDir, env });
    const ask = sender(second);
    const stored = await listStore(second);

    const deletes = [`manifests/v`, `manifests/${digest}`, `blobs/${digestOf('{}')}`, 'manifests/nothing'];
    for (const path of deletes) {
      const refused = await ask('DELETE', `/v2/kept/${path}`);
      assert.equal(refusal(refused), '405 UNSUPPORTED', path);
    }
    if (writes) {
      for (const [method, path] of [
        ['POST', '/v2/kept/blobs/uploads/'],
        ['POST', `/v2/kept/blobs/uploads/?digest=${digestOf('x')}`],
        ['POST', `/v2/other/blobs/uploads/?mount=${digestOf('{}')}`],
        ['PATCH', location],
        ['PUT', `${location}&digest=${digestOf('x')}`],
        ['DELETE', location],
        ['PUT', '/v2/kept/manifests/other'],
      ] as const) {
        const refused = await ask(method, path, { body: 'x', headers: { 'content-type': ociManifest } });
        assert.equal(refusal(refused), '405 UNSUPPORTED', `${method} ${path}`);
      }
    }
    assert.deepEqual(await listStore(second), stored);
    assert.equal((await ask('GET', '/v2/kept/manifests/v')).status, 200);
    assert.equal((await ask('GET', `/v2/kept/blobs/${descriptor('{}').digest}`)).status, 200);
    assert.equal((await ask('DELETE', location)).status, writes ? 405 : 204);
  });
}
