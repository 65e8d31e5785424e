import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeName, matchRoute } from './route.ts';

const id = '0a6f4b0e-7d2c-4a51-9c2e-0c7f0e6b9a11';

for (const [path, endpoint, name, reference] of [
  ['/v2', 'base', '', ''],
  ['/v2/', 'base', '', ''],
  ['/v2/_catalog', 'catalog', '', ''],
  ['/v2/a/tags/list', 'tags', 'a', ''],
  ['/v2/a/b/c/tags/list', 'tags', 'a/b/c', ''],
  ['/v2/tags/list/tags/list', 'tags', 'tags/list', ''],
  ['/v2/a/blobs/uploads', 'uploads', 'a', ''],
  ['/v2/a/blobs/uploads/', 'uploads', 'a', ''],
  [`/v2/a/blobs/uploads/${id}`, 'upload', 'a', id],
  ['/v2/a/blobs/uploads/x', 'upload', 'a', 'x'],
  ['/v2/blobs/uploads/blobs/uploads/', 'uploads', 'blobs/uploads', ''],
  ['/v2/a/blobs/sha256:00', 'blob', 'a', 'sha256:00'],
  ['/v2/a/b/manifests/latest', 'manifest', 'a/b', 'latest'],
  ['/v2/manifests/manifests/manifests', 'manifest', 'manifests', 'manifests'],
  ['/v2/a/referrers/sha256:00', 'referrers', 'a', 'sha256:00'],
  ['/v2/A%20b/tags/list', 'tags', 'A%20b', ''],
] as const) {
  test(`${path} is the endpoint ${endpoint} of ${JSON.stringify(name)}`, () => {
    assert.deepEqual(matchRoute(path), { endpoint, name, reference });
  });
}

for (const path of [
  '/',
  '/v1/',
  '/v2x',
  '/v2/a',
  '/v2/a/b',
  '/v2/tags/list',
  '/v2/manifests/x',
  '/v2/a/tags/list/',
  '/v2//',
]) {
  test(`${path} is no endpoint`, () => {
    assert.equal(matchRoute(path), undefined);
  });
}

test('a name is decoded once; an encoded slash or bad UTF-8 is refused', () => {
  assert.equal(decodeName('a%2Db'), 'a-b');
  assert.equal(decodeName('a%252Fb'), 'a%2Fb');
  for (const raw of ['a%2Fb', 'a%2fb', '%ff', '%'])
    assert.throws(() => decodeName(raw), { code: 'NAME_INVALID' });
});
