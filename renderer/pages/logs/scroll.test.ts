import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createHeights } from './scroll.ts';

const usual = 24;

/** Rows whose numbers are even, the first of them `from`. */
function rowsOf(from: number, size: number) {
  return {
    size,
    placeOf: (number: number) => Math.max(0, Math.min(size, Math.ceil((number - from) / 2))),
    numberAt: (place: number) => (place >= 0 && place < size ? from + place * 2 : undefined),
  };
}

test('rows lie one below the other, whatever heights are known and whichever rows have gone', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.integer({ min: 0, max: 60 }), fc.constantFrom(undefined, 60, 200.5))),
      fc.integer({ min: 0, max: 10 }).map((half) => half * 2),
      fc.integer({ min: 1, max: 20 }),
      (found, from, size) => {
        const heights = createHeights();
        heights.layOut(rowsOf(0, 0), usual, 'same');
        heights.note(found);
        const known = new Map(found);

        const layout = heights.layOut(rowsOf(from, size), usual, 'same');

        // The oracle: one row after the other.
        let top = 0;
        for (let place = 0; place < size; place += 1) {
          assert.equal(layout.topOf(place), top);
          assert.equal(layout.placeAt(top), place);
          top += known.get(from + place * 2) ?? usual;
          assert.equal(layout.placeAt(top - 1), place);
        }
        assert.equal(layout.height, top);
      },
    ),
  );
});

test('who listens hears of another height once, and another look forgets all', () => {
  const heights = createHeights();
  heights.layOut(rowsOf(0, 0), usual, 'narrow');
  let heard = 0;
  heights.subscribe(() => (heard += 1));

  const isOther = [
    heights.note([
      [0, 60],
      [2, 48],
    ]),
    heights.note([[0, 60]]),
    heights.note([[4, undefined]]),
  ];

  assert.deepEqual([isOther, heard], [[true, false, false], 1]);
  assert.equal(heights.layOut(rowsOf(0, 3), usual, 'narrow').height, usual + 60 + 48);
  assert.equal(heights.layOut(rowsOf(0, 3), usual, 'wide').height, 3 * usual);
});

test('no more than some thousand heights are remembered', () => {
  const heights = createHeights();
  heights.layOut(rowsOf(0, 0), usual, 'same');

  heights.note(Array.from({ length: 10_000 }, (_, index) => [index * 2, usual + 1] as const));

  const { height } = heights.layOut(rowsOf(0, 10_000), usual, 'same');
  assert.ok(height - 10_000 * usual <= 2000, String(height));
});
