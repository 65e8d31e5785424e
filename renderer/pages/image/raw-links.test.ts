import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cutAtDigests, prettyPrint } from './raw-links.ts';

test('JSON gets an indent unless that would say something else', () => {
  const cases: readonly (readonly [text: string, pretty: string])[] = [
    ['{"a":[1]}', '{\n  "a": [\n    1\n  ]\n}'],
    ['no JSON', 'no JSON'],
    // A number that JavaScript rounds, and a name that is there twice.
    ['{"a":12345678901234567890}', '{"a":12345678901234567890}'],
    ['{"a":1,"a":2}', '{"a":1,"a":2}'],
    [String.raw`{"a":"\u003cb\u003e\/"}`, '{\n  "a": "<b>/"\n}'],
    [String.raw`{"a":"\\u0041"}`, '{\n  "a": "\\\\u0041"\n}'],
  ];

  for (const [text, pretty] of cases) assert.equal(prettyPrint(text), pretty);
});

test('known digests lead somewhere, the rest stays text', () => {
  const known = `sha256:${'a'.repeat(64)}`;
  const other = `sha256:${'b'.repeat(64)}`;
  const links = new Map([[known, '#/there']]);

  assert.deepEqual(cutAtDigests(`x ${known} ${other} ${known}0`, links), [
    { text: 'x ' },
    { text: known, href: '#/there' },
    { text: ` ${other} ${known}0` },
  ]);
  assert.deepEqual(cutAtDigests('', links), []);
});
