import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ImageRow } from '../../../registry/spec/admin/transfer.ts';
import { importLine, isName, isPrefix, nameOf, renamesOf } from './import-names.ts';

const digest = `sha256:${'a'.repeat(64)}`;
const fields = { digest, mediaType: 'application/vnd.oci.image.manifest.v1+json', bytes: 1, isHere: false };
const named: ImageRow = { ...fields, name: 'localhost:5443/app:1', repository: 'app', tag: '1' };
const nameless: ImageRow = { ...fields };
const byDigest: ImageRow = { ...fields, name: `app@${digest}`, repository: 'app' };

test('an image keeps its name below the prefix', () => {
  assert.deepEqual(
    [nameOf(named, ''), nameOf(named, 'mirror/x'), nameOf(byDigest, 'm'), nameOf(nameless, 'm')],
    ['app:1', 'mirror/x/app:1', `m/app@${digest}`, ''],
  );
});

test('only what was named otherwise is a rename, by the name or digest of the file', () => {
  const images = [named, nameless, byDigest, nameless];
  const names = { 0: 'team/app:2', 1: 'team/x:1', 2: `m/app@${digest}`, 3: '' };

  assert.deepEqual(renamesOf(images, { prefix: 'm', names }), [
    { from: 'localhost:5443/app:1', to: 'team/app:2' },
    { from: digest, to: 'team/x:1' },
  ]);
  assert.equal(
    importLine("it's.tar", [named], { prefix: 'm', names }),
    String.raw`berth import 'it'\''s.tar' --into m --rename 'localhost:5443/app:1=team/app:2'`,
  );
  assert.equal(importLine('/a/b.tar', [named], { prefix: '', names: {} }), 'berth import /a/b.tar');
});

const texts = [
  { text: '', isPrefix: true, isName: false },
  { text: 'team', isPrefix: true, isName: false },
  { text: 'Team', isPrefix: false, isName: false },
  { text: 'team/', isPrefix: false, isName: false },
  { text: 'team/app:1', isPrefix: false, isName: true },
  { text: `team/app@${digest}`, isPrefix: false, isName: true },
  { text: 'team/app:', isPrefix: false, isName: false },
];

for (const { text, ...wanted } of texts) {
  test(`"${text}" ${wanted.isPrefix ? 'can' : 'cannot'} be a prefix, ${wanted.isName ? 'and' : 'not'} a name`, () => {
    assert.deepEqual({ isPrefix: isPrefix(text), isName: isName(text) }, wanted);
  });
}
