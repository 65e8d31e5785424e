import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { regexPattern, textPattern } from './pattern.ts';

const word = fc.string({ unit: fc.constantFrom('a', 'b', 'C', '1', '-', ' ', '_'), maxLength: 12 });
const part = fc.constantFrom(
  'a',
  'B',
  '.',
  '[ab]',
  '[^a]',
  '[A-C]',
  '[-a]',
  '_',
  '^',
  '$',
  '(a|b)',
  '(?:ab|)',
  String.raw`[\d-]`,
  String.raw`\d`,
  String.raw`\W`,
  String.raw`\s`,
  String.raw`\b`,
  String.raw`\B`,
);
const sign = fc.constantFrom('', '*', '+', '?', '{2}', '{1,}', '{0,2}', '*?');
/** Conditions cannot be repeated. */
const source = fc
  .array(fc.tuple(part, sign), { minLength: 1, maxLength: 5 })
  .map((parts) => parts.map(([one, times]) => one + (/^(?:[$^]|\\b)$/i.test(one) ? '' : times)))
  .chain((parts) => fc.constantFrom(parts.join(''), parts.join('|')));

test('a pattern finds what the engine of the language finds', () => {
  // The oracle is RegExp.
  fc.assert(
    fc.property(source, word, (pattern, text) => {
      assert.equal(regexPattern(pattern).test(text), new RegExp(pattern, 'i').test(text));
    }),
    { numRuns: 3000 },
  );
});

test('a pattern that would try for years takes no time', () => {
  const startedAt = performance.now();
  const text = `${'a'.repeat(2000)}!`;

  for (const pattern of ['(a+)+$', '^(a|aa)*$', '.*.*.*.*x', '(a*)*b']) {
    assert.equal(regexPattern(pattern).test(text), false);
    regexPattern(pattern).ranges(text);
  }

  assert.ok(performance.now() - startedAt < 1000);
});

test('ranges are where the pattern is found, the longest each', () => {
  assert.deepEqual(regexPattern('a+|b').ranges('xaaAyb'), [
    [1, 4],
    [5, 6],
  ]);
  assert.deepEqual(regexPattern('x*').ranges('ab'), []);
  assert.deepEqual(textPattern('AB').ranges('abxaB'), [
    [0, 2],
    [3, 5],
  ]);
  assert.deepEqual(textPattern('').ranges('ab'), []);
});

for (const [pattern, reason] of [
  ['(', /[Uu]nterminated group/],
  [String.raw`(a)\1`, /Back references/],
  ['a(?=b)', /Looking around/],
  ['a(?<!b)', /Looking around/],
  ['(a{100}){100}', /too long/],
] as const) {
  test(`the pattern ${pattern} is refused with the reason`, () => {
    assert.throws(() => regexPattern(pattern), { name: 'SyntaxError', message: reason });
  });
}
