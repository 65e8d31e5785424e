import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { decideRange, parseContentRange } from './ranges.ts';

for (const [text, range] of [
  ['0-0', { first: 0, last: 0 }],
  ['5-9', { first: 5, last: 9 }],
  ['bytes 5-9/*', { first: 5, last: 9 }],
  ['bytes 5-9/10', { first: 5, last: 9 }],
  ['9-5', undefined],
  ['-5', undefined],
  ['5-', undefined],
  ['a-b', undefined],
  ['', undefined],
  ['1-2,4-5', undefined],
  ['0-99999999999999999999', undefined],
  ['0x1-0x2', undefined],
] as const) {
  test(`Content-Range ${JSON.stringify(text)} is ${range === undefined ? 'malformed' : 'a range'}`, () => {
    assert.deepEqual(parseContentRange(text), range);
  });
}

const whole = { kind: 'whole' } as const;
const unsatisfiable = { kind: 'unsatisfiable' } as const;
const ranges = (...pairs: readonly (readonly [number, number])[]) => ({
  kind: 'ranges',
  ranges: pairs.map(([first, last]) => ({ first, last })),
});

for (const [header, size, expected] of [
  [undefined, 10, whole],
  ['bytes=0-4', 10, ranges([0, 4])],
  ['bytes=5-', 10, ranges([5, 9])],
  ['bytes=-3', 10, ranges([7, 9])],
  ['bytes=-30', 10, ranges([0, 9])],
  ['bytes=0-99', 10, ranges([0, 9])],
  ['Bytes = 1-2 , 4-5', 10, ranges([1, 2], [4, 5])],
  ['bytes=0-0,20-30', 10, ranges([0, 0])],
  ['bytes=10-', 10, unsatisfiable],
  ['bytes=20-30', 10, unsatisfiable],
  ['bytes=5-4', 10, unsatisfiable],
  ['bytes=-0', 10, unsatisfiable],
  ['bytes=0-', 0, unsatisfiable],
  ['bytes=0-9,0-9', 10, whole],
  [`bytes=${Array.from({ length: 17 }, (_, i) => `${i}-${i}`).join(',')}`, 100, whole],
  [
    `bytes=${Array.from({ length: 16 }, (_, i) => `${i}-${i}`).join(',')}`,
    100,
    ranges(...Array.from({ length: 16 }, (_, i) => [i, i] as const)),
  ],
  ['chunks=0-4', 10, whole],
  ['bytes=a-b', 10, whole],
  ['bytes=', 10, whole],
  ['bytes=-', 10, whole],
  ['0-4', 10, whole],
] as const) {
  test(`Range ${String(header).slice(0, 30)} of ${size} bytes is ${expected.kind}`, () => {
    assert.deepEqual(decideRange(header, size), expected);
  });
}

test('whatever the header says, ranges lie within the blob and do not sum to more than it', () => {
  // Oracle: the bounds themselves.
  const header = fc
    .string({ unit: fc.constantFrom(...'bytes=0123-, '.split('')), maxLength: 30 })
    .map((text) => `bytes=${text}`);
  fc.assert(
    fc.property(header, fc.nat(50), (text, size) => {
      const decision = decideRange(text, size);
      if (decision.kind !== 'ranges') return;
      let total = 0;
      for (const { first, last } of decision.ranges) {
        assert.ok(first >= 0 && first <= last && last < size);
        total += last - first + 1;
      }
      assert.ok(total <= size);
    }),
    { numRuns: 5000 },
  );
});
