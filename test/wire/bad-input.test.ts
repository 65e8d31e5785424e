import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { startRegistry, type TestRegistry } from '../support/registry.ts';
import {
  digestOf,
  imageOf,
  listStore,
  ociManifest,
  openUpload,
  pushBlob,
  pushImage,
  refusal,
  type Send,
  sender,
} from './support.ts';

let registry: TestRegistry;
let send: Send;

before(async () => {
  registry = await startRegistry();
  send = sender(registry);
  await pushImage(send, 'a/b', 'v');
});
after(async () => {
  assert.equal((await send('GET', '/v2/a/b/manifests/v')).status, 200, 'alive after all of it');
  assert.doesNotMatch(registry.log(), /unexpected error|http\.response\.status=5/);
  await registry[Symbol.asyncDispose]();
});

const digest = digestOf('{}');

/** Every way to name a repository. */
const routesOf = (name: string) =>
  [
    ['GET', `/v2/${name}/tags/list`],
    ['GET', `/v2/${name}/manifests/v`],
    ['PUT', `/v2/${name}/manifests/v`],
    ['DELETE', `/v2/${name}/manifests/v`],
    ['GET', `/v2/${name}/blobs/${digest}`],
    ['DELETE', `/v2/${name}/blobs/${digest}`],
    ['POST', `/v2/${name}/blobs/uploads/`],
    ['POST', `/v2/${name}/blobs/uploads/?mount=${digest}&from=a/b`],
    ['PATCH', `/v2/${name}/blobs/uploads/0a6f4b0e-7d2c-4a51-9c2e-0c7f0e6b9a11`],
    ['GET', `/v2/${name}/referrers/${digest}`],
  ] as const;

describe('names that are none: 400 NAME_INVALID', () => {
  for (const name of [
    'A',
    'a/B',
    'a//b',
    '/a',
    'a/',
    '.',
    '..',
    'a/..',
    'a/../b',
    'a/./b',
    '-a',
    'a-',
    '.a',
    'a.',
    'a..b',
    'a___b',
    '_a',
    'a._b',
    'a%20b',
    'a%2Fb',
    'a%2fb',
    '%2e%2e',
    '%2E%2E/%2E%2E/etc',
    'a%00b',
    'a%0ab',
    'a%7fb',
    'a%ff',
    'a%c3%28',
    '%',
    'a%zz',
    'a%252Fb',
    '%C3%A9',
    '%EF%BD%81',
    'a:b',
    'a@b',
    'a\\b',
    'a;b',
    'a=b',
    '<script>',
    `${'a/'.repeat(127)}ab`,
    'a'.repeat(256),
    `${'a/'.repeat(4000)}a`,
    'a-'.repeat(4000),
    '_manifests',
    'a/_layers',
    'a/_uploads/b',
  ]) {
    test(name.length > 60 ? `${name.slice(0, 20)}… of ${name.length} characters` : name, async () => {
      const stored = await listStore(registry);
      for (const [method, path] of routesOf(name)) {
        const answer = await send(method, path, {
          body: method === 'PUT' || method === 'PATCH' ? 'body' : '',
        });
        assert.equal(refusal(answer), '400 NAME_INVALID', `${method} ${path}`);
        assert.equal(answer.headers.location, undefined);
        const raw = decodeURIComponent(/^%?$|%(?![0-9a-f]{2})|%ff|%c3%28/i.test(name) ? 'a' : name);
        if (raw.length > 3) assert.ok(!String(answer.body).includes(raw), 'the name is not echoed');
      }
      assert.deepEqual(await listStore(registry), stored);
    });
  }
});

describe('names at the edge are stored', () => {
  for (const name of [
    'a',
    '0',
    'a'.repeat(255),
    'a/'.repeat(127) + 'a',
    'a.b_c__d-e---f/0',
    'tags/list',
    'manifests/manifests',
    'blobs/uploads',
    '%61%2D%62',
  ]) {
    test(name.slice(0, 40), async () => {
      const pushed = await pushImage(send, name, 'v');
      const got = await send('GET', `/v2/${name}/manifests/v`);
      assert.deepEqual([got.status, got.headers['docker-content-digest']], [200, pushed]);
      assert.equal((await send('GET', `/v2/${name}/tags/list`)).status, 200);
      assert.equal((await send('GET', `/v2/${name}/blobs/${digest}`)).status, 200);
    });
  }

  test('host and name over 255 characters bring a Warning', async () => {
    await pushBlob(send, 'a'.repeat(250), '{}');
    const pushed = await send('PUT', `/v2/${'a'.repeat(250)}/manifests/v`, {
      body: imageOf(),
      headers: { 'content-type': ociManifest },
    });
    assert.equal(pushed.status, 201);
    assert.match(String(pushed.headers.warning), /^299 - ".*255.*"$/);
  });
});

describe('tags', () => {
  for (const tag of [
    '.a',
    '-a',
    'a%20b',
    'a%2Fb',
    'a%00',
    '%ff',
    '%C3%A9',
    'a!',
    'a@b',
    '%2e%2e',
    '..',
    '.',
    't'.repeat(129),
    'a,b',
    '%0d%0aX=%20y',
    '',
  ]) {
    test(`${JSON.stringify(tag.slice(0, 20))} is 400 MANIFEST_INVALID`, async () => {
      const stored = await listStore(registry);
      for (const method of ['GET', 'PUT', 'DELETE']) {
        const path = `/v2/a/b/manifests/${tag}`;
        const answer = await send(
          method,
          path,
          method === 'PUT' ? { body: imageOf(), headers: { 'content-type': ociManifest } } : {},
        );
        assert.equal(refusal(answer), '400 MANIFEST_INVALID', `${method} ${path}`);
      }
      assert.deepEqual(await listStore(registry), stored);
    });
  }

  for (const tag of ['a', '_', '0', 'T'.repeat(128), '_.-', 'v1..2', 'CON', 'a.', 'sha256-abc', '%76%31']) {
    test(`${tag.slice(0, 20)} is stored`, async () => {
      await pushImage(send, 'a/b', tag);
      const { tags } = (await send('GET', '/v2/a/b/tags/list')).json() as { tags: string[] };
      assert.ok(tags.includes(decodeURIComponent(tag)));
    });
  }
});

describe('digests: 400 DIGEST_INVALID in path and query', () => {
  const hex = digest.slice(7);
  for (const bad of [
    `sha256:${hex.toUpperCase()}`,
    `SHA256:${hex}`,
    `sha256:${hex.slice(1)}`,
    `sha256:${hex}0`,
    `sha512:${hex}`,
    `sha384:${'0'.repeat(96)}`,
    `md5:${'0'.repeat(32)}`,
    `blake3:${hex}`,
    `sha256+b64:${hex}`,
    `sha256:${hex.slice(2)}..`,
    `sha256:..%2F..%2F..%2F..%2Fetc%2Fpasswd`,
    `sha256:${hex}%00`,
    `sha256:${hex}%0a`,
    `%20sha256:${hex}`,
    'sha256:',
    ':',
    'sha256::',
  ]) {
    test(bad.slice(0, 50), async () => {
      const stored = await listStore(registry);
      const location = await openUpload(send, 'a/b');
      for (const [method, path] of [
        ['GET', `/v2/a/b/blobs/${bad}`],
        ['DELETE', `/v2/a/b/blobs/${bad}`],
        ['GET', `/v2/a/b/manifests/${bad}`],
        ['PUT', `/v2/a/b/manifests/${bad}`],
        ['DELETE', `/v2/a/b/manifests/${bad}`],
        ['GET', `/v2/a/b/referrers/${bad}`],
        ['POST', `/v2/a/b/blobs/uploads/?digest=${bad.replace('+', '%2B')}`],
        ['POST', `/v2/a/b/blobs/uploads/?mount=${bad.replace('+', '%2B')}`],
        ['PUT', `${location}&digest=${bad.replace('+', '%2B')}`],
      ] as const) {
        const body = method === 'PUT' || method === 'POST' ? '{}' : '';
        assert.equal(
          refusal(await send(method, path, { body, headers: { 'content-type': ociManifest } })),
          '400 DIGEST_INVALID',
          `${method} ${path}`,
        );
      }
      assert.equal((await send('DELETE', location)).status, 204);
      assert.deepEqual(await listStore(registry), stored);
    });
  }
});

test('odd queries are answered as if they were not there', async () => {
  for (const query of [
    '?',
    '?&&',
    '?=',
    '?%',
    '?%ff=%ff',
    '?a[]=1',
    '?__proto__=1',
    `?${'x=1&'.repeat(3000)}`,
    '?n=5&n=x',
  ]) {
    assert.equal((await send('GET', `/v2/a/b/tags/list${query}`)).status, 200, query.slice(0, 30));
  }
});

test('content of other types is never sent as a page', async () => {
  const html = '<html><script>alert(1)</script>';
  const pushed = await send('POST', `/v2/a/b/blobs/uploads/?digest=${digestOf(html)}`, {
    body: html,
    headers: { 'content-type': 'text/html' },
  });
  assert.equal(pushed.status, 201);
  const got = await send('GET', `/v2/a/b/blobs/${digestOf(html)}`, { headers: { accept: 'text/html' } });
  assert.deepEqual(
    [
      got.headers['content-type'],
      got.headers['x-content-type-options'],
      got.headers['content-security-policy'],
    ],
    ['application/octet-stream', 'nosniff', "default-src 'none'; sandbox"],
  );
});
