import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sharesOf } from './usage-shares.ts';

test('shared bytes count once, and the parts make up the whole', () => {
  const shares = sharesOf(
    {
      repositories: [
        { name: 'a', exclusiveBytes: 100, sharedBytes: 50 },
        { name: 'b', exclusiveBytes: 200, sharedBytes: 50 },
      ],
      totalBytes: 400,
      trashBytes: 20,
      reclaimableBytes: 30,
      quarantinedBytes: 7,
      quotas: [],
    },
    5,
  );

  assert.deepEqual(
    shares.map(({ value, text }) => [value, text]),
    [
      [300, '300B'],
      [50, '50B'],
      [20, '20B'],
      [30, '30B'],
      [5, '5B'],
      [7, '7B'],
    ],
  );
});
