import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { digestParts, parseAlgorithm, parseDigest } from './digest.ts';
import { parseRepoName, parseTag, parseUploadId } from './names.ts';

/** The expressions of OCI distribution-spec 1.1, "Pulling manifests": the oracle for what is accepted. */
const specName = /^[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(\/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*$/;
const specTag = /^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$/;

for (const [text, isName] of [
  ['app', true],
  ['team/api', true],
  ['a/b/c/d', true],
  ['a__b', true],
  ['a--b', true],
  ['1.2', true],
  ['a'.repeat(255), true],
  ['a'.repeat(256), false],
  ['a___b', false],
  ['a..b', false],
  ['a._b', false],
  ['-a', false],
  ['a-', false],
  ['A', false],
  ['', false],
  ['/a', false],
  ['a/', false],
  ['a//b', false],
  ['..', false],
  ['a\n', false],
  ['a\u0000', false],
  ['é', false],
] as const) {
  test(`${JSON.stringify(text.slice(0, 20))} (${text.length}) is ${isName ? 'a' : 'no'} repository name`, () => {
    assert.equal(parseRepoName(text) !== undefined, isName);
  });
}

test('names and tags are those of the expressions of the specification', () => {
  // Oracle: the expressions as the specification prints them.
  const text = fc.string({ unit: fc.constantFrom(...'ab09._-/A\n'.split('')), maxLength: 12 });
  fc.assert(
    fc.property(text, (name) => {
      assert.equal(parseRepoName(name) !== undefined, specName.test(name));
      assert.equal(parseTag(name) !== undefined, specTag.test(name));
    }),
    { numRuns: 20_000 },
  );
});

for (const [text, isTag] of [
  ['latest', true],
  ['_x', true],
  ['1.0-rc.1', true],
  ['a'.repeat(128), true],
  ['a'.repeat(129), false],
  ['.x', false],
  ['-x', false],
  ['a:b', false],
  ['', false],
  ['a/b', false],
  ['a\n', false],
] as const) {
  test(`${JSON.stringify(text.slice(0, 20))} (${text.length}) is ${isTag ? 'a' : 'no'} tag`, () => {
    assert.equal(parseTag(text) !== undefined, isTag);
  });
}

const hex = 'a1'.repeat(32);
for (const [text, isDigest] of [
  [`sha256:${hex}`, true],
  [`sha512:${hex}${hex}`, true],
  [`sha256:${hex.toUpperCase()}`, false],
  [`sha256:${hex}0`, false],
  [`sha256:${hex.slice(1)}`, false],
  [`sha512:${hex}`, false],
  [`sha384:${hex}`, false],
  [`SHA256:${hex}`, false],
  [` sha256:${hex}`, false],
  [`sha256:${hex}\n`, false],
  ['sha256:', false],
  ['../../etc/passwd', false],
  ['', false],
] as const) {
  test(`${JSON.stringify(text.slice(0, 30))} (${text.length}) is ${isDigest ? 'a' : 'no'} digest`, () => {
    assert.equal(parseDigest(text) !== undefined, isDigest);
  });
}

test('a digest is split into its algorithm and hexadecimal part', () => {
  const digest = parseDigest(`sha512:${hex}${hex}`);

  assert.deepEqual(digest && digestParts(digest), { algorithm: 'sha512', hex: `${hex}${hex}` });
  assert.deepEqual(['sha256', 'sha512', 'md5', ''].map(parseAlgorithm), [
    'sha256',
    'sha512',
    undefined,
    undefined,
  ]);
});

test('an upload id is a lower-case UUID', () => {
  const id = '0a6f4b0e-7d2c-4a51-9c2e-0c7f0e6b9a11';

  assert.equal(parseUploadId(id), id);
  for (const bad of [id.toUpperCase(), `${id}0`, '../x', '', id.replace('-', '_')]) {
    assert.equal(parseUploadId(bad), undefined);
  }
});
