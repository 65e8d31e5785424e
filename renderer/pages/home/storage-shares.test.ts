import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sharesOf } from './storage-shares.ts';

test('the parts have nothing in common, and their sum is what is stored', () => {
  const repositories = [
    { name: 'a', exclusiveBytes: 40, sharedBytes: 30 },
    { name: 'b', exclusiveBytes: 10, sharedBytes: 30 },
  ];
  const usage = { repositories, totalBytes: 100, trashBytes: 15, reclaimableBytes: 5 };

  const values = (shares: ReturnType<typeof sharesOf>): unknown =>
    shares.map(({ label, value }) => [label, value]);

  assert.deepEqual(values(sharesOf({ ...usage, freeBytes: 900 })), [
    ['images', 50],
    ['shared layers', 30],
    ['trash', 15],
    ['reclaimable', 5],
    ['free', 900],
  ]);
  // Figures are of different moments: none may be below zero.
  assert.deepEqual(values(sharesOf({ ...usage, totalBytes: 60 })), [
    ['images', 50],
    ['shared layers', 0],
    ['trash', 10],
    ['reclaimable', 0],
  ]);
});
