import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SessionRow } from '../../../registry/spec/admin/activity.ts';
import { elapsedOf, layersOf, movedBytes, percentOf, recentOf } from './transfer.ts';

const at = '2026-03-01T10:00:00.000Z';
const now = Date.parse(at) + 64_000;
const push: SessionRow = {
  id: 1,
  kind: 'push',
  user: 'dev',
  client: 'docker 28.2',
  userAgent: '',
  address: '::1',
  repository: 'team/api',
  startedAt: at,
  lastAt: '2026-03-01T10:00:04.000Z',
  state: 'active',
  bytesIn: 143,
  bytesOut: 1,
  bytesPerSecond: 0,
  layers: { done: 6, reused: 3, open: 1, total: 10 },
  isCancellable: true,
};
const pull: SessionRow = { ...push, kind: 'pull', bytesOut: 70, totalBytes: 100 };

test('a push tells what is done, and a pull how much of what', () => {
  assert.deepEqual(
    [push, pull].map((row) => [layersOf(row), movedBytes(row), percentOf(row)]),
    [
      ['6 done, 3 reused, 1 uploading', 143, undefined],
      ['6 of 10 done, 3 reused, 1 downloading', 70, 70],
    ],
  );
  assert.equal(percentOf({ ...pull, totalBytes: 0 }), undefined);
});

test('time goes on while it runs, and what has ended is shown for a minute', () => {
  const ended: SessionRow = { ...push, state: 'done' };

  assert.deepEqual([elapsedOf(push, now), elapsedOf(ended, now)], ['1:04', '0:04']);
  assert.deepEqual(recentOf([push, ended], now), [push]);
  assert.deepEqual(recentOf([push, ended], now - 10_000), [push, ended]);
});
