import assert from 'node:assert/strict';
import { type PerformanceEntry, PerformanceObserver } from 'node:perf_hooks';
import { test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { growthPercent, holdHeapRoom } from './heap-room.ts';

const mib = 1024 * 1024;

for (const [usedMib, percent] of [
  [5, 300],
  [20, 120],
  [33, 73],
  [100, 50],
  [2000, 50],
] as const) {
  test(`${usedMib} MiB in use may grow by ${percent} %`, () => {
    assert.equal(growthPercent(usedMib * mib), percent);
  });
}

test('a large heap grows by no more than a small one', async () => {
  setFlagsFromString('--expose-gc');
  const collectGarbage = runInNewContext('gc') as () => void;
  using _ = holdHeapRoom();
  const inUse = Array.from({ length: 128 }, mebibyte);
  // The first is followed by the factor of this heap, the second by its limit.
  collectGarbage();
  await nextTurn();
  collectGarbage();
  await nextTurn();
  let collections = 0;
  const observer = new PerformanceObserver(
    (list) => (collections += list.getEntries().filter(isOfAll).length),
  );
  observer.observe({ entryTypes: ['gc'] });

  // Garbage that has outlived the small collections.
  const lately: unknown[] = [];
  for (let made = 0; made < 600; made++) {
    lately[made % 32] = mebibyte();
    await nextTurn();
  }

  observer.disconnect();
  assert.equal(inUse.length, 128);
  assert.ok(collections >= 4, `${collections} collections of all in 600 MiB`);
});

/** A MiB of the heap itself. */
function mebibyte(): readonly number[] {
  return Array<number>(mib / 8).fill(0.5);
}

function isOfAll(entry: PerformanceEntry): boolean {
  return (entry as { readonly detail?: { readonly kind?: number } }).detail?.kind === 4;
}
