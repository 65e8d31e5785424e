import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatBytes, formatTime } from './format.ts';

test('bytes have three digits and decimal units', () => {
  const table = [
    [0, '0B'],
    [999, '999B'],
    [1000, '1.00kB'],
    [1234, '1.23kB'],
    [12_345, '12.3kB'],
    [123_456, '123kB'],
    [999_499, '999kB'],
    [999_500, '1.00MB'],
    [1_500_000_000, '1.50GB'],
    [2 ** 53, '9.01PB'],
  ] as const;

  for (const [bytes, text] of table) assert.equal(formatBytes(bytes), text);
});

test('a time is said by its distance within a week, and by its date beyond', () => {
  const now = Date.parse('2026-07-15T12:00:00.000Z');
  const rows = [
    ['2026-07-15T12:00:00.000Z', '0 seconds ago'],
    ['2026-07-15T11:59:59.000Z', '1 second ago'],
    ['2026-07-15T11:58:01.000Z', '1 minute ago'],
    ['2026-07-15T09:30:00.000Z', '2 hours ago'],
    ['2026-07-13T12:00:00.000Z', '2 days ago'],
    ['2026-07-08T12:00:00.000Z', '2026-07-08 12:00'],
    ['2026-07-15T12:01:00.000Z', 'in 1 minute'],
    ['2026-07-21T12:00:00.000Z', 'in 6 days'],
    ['2026-08-15T12:34:56.000Z', '2026-08-15 12:34'],
  ] as const;

  assert.deepEqual(
    rows.map(([time]) => formatTime(time, now)),
    rows.map(([, said]) => said),
  );
});
