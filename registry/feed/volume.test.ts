import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createVolume } from './volume.ts';

test('bytes are summed by hour for 24 hours, and older ones are forgotten', () => {
  let at = Date.UTC(2026, 6, 1, 10, 59);
  const volume = createVolume(() => at);

  volume.add({ bytesIn: 5, bytesOut: 0 });
  volume.add({ bytesIn: 2, bytesOut: 7 });
  at = Date.UTC(2026, 6, 1, 12, 1);
  volume.add({ bytesIn: 0, bytesOut: 100 });
  const first = volume.hours();
  at = Date.UTC(2026, 6, 2, 11, 0);
  volume.add({ bytesIn: 1, bytesOut: 0 });
  const second = volume.hours();

  const filled = (rows: typeof first): unknown =>
    rows
      .map(({ at: hour, bytesIn, bytesOut }) => [hour.slice(0, 13), bytesIn, bytesOut] as const)
      .filter(([, bytesIn, bytesOut]) => bytesIn + bytesOut > 0);
  assert.deepEqual(
    [first.length, first[0]?.at, first.at(-1)?.at],
    [24, '2026-06-30T13:00:00.000Z', '2026-07-01T12:00:00.000Z'],
  );
  assert.deepEqual(filled(first), [
    ['2026-07-01T10', 7, 7],
    ['2026-07-01T12', 0, 100],
  ]);
  assert.deepEqual(filled(second), [
    ['2026-07-01T12', 0, 100],
    ['2026-07-02T11', 1, 0],
  ]);
});
