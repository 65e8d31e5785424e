import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatBytes } from './format.ts';

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
