import assert from 'node:assert/strict';
import { test } from 'node:test';
import { versionOrderKey } from './version-order.ts';

test('latest, then versions from the newest on, then the others in natural order', () => {
  const ordered = [
    'latest',
    'v2.0',
    '1.10.0',
    '1.9.0',
    'v1.9.0-rc.2',
    '1.9.0-rc.1',
    '0.1',
    'LATEST',
    'build-2',
    'build-10',
    'build-10-arm64',
    'build-1700000000',
    'edge',
    'pr-7',
    'pr-12',
    'pr_1',
    'z',
  ];

  const sorted = ordered.toSorted().toSorted((a, b) => (versionOrderKey(a) > versionOrderKey(b) ? -1 : 1));

  assert.deepEqual(sorted, ordered);
});
