import assert from 'node:assert/strict';
import { test } from 'node:test';
import { trendOf } from './trend-points.ts';

const sample = (day: string, totalBytes: number, trashBytes = 0) => ({
  day,
  totalBytes,
  exclusiveBytes: 0,
  sharedBytes: 0,
  trashBytes,
});

test('samples lie where their day is, days without one included', () => {
  const { points, mostBytes } = trendOf([
    sample('2026-01-01', 50, 10),
    sample('2026-01-02', 100),
    sample('2026-01-05', 25, 30),
  ]);

  assert.equal(mostBytes, 100);
  assert.deepEqual(points, [
    { x: 0, total: 0.5, trash: 0.1 },
    { x: 0.25, total: 1, trash: 0 },
    { x: 1, total: 0.25, trash: 0.25 },
  ]);
});

test('only the last thirty days count, and nothing is no trend', () => {
  const days = Array.from({ length: 31 }, (_, index) =>
    sample(new Date(Date.UTC(2026, 0, 1 + index)).toISOString().slice(0, 10), index),
  );

  assert.equal(trendOf(days).samples[0]?.day, '2026-01-02');
  assert.deepEqual(trendOf([]), { samples: [], points: [], mostBytes: 1 });
});
