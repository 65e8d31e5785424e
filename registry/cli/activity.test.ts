import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SessionRow } from '../spec/admin/activity.ts';
import { sessionLine } from './activity.ts';

const row: SessionRow = {
  id: 3,
  kind: 'push',
  user: 'dev',
  client: 'docker 28.2',
  userAgent: 'docker/28.2.1',
  address: '127.0.0.1',
  repository: 'team/api',
  startedAt: '2026-07-01T00:00:00.000Z',
  lastAt: '2026-07-01T00:00:04.000Z',
  state: 'active',
  bytesIn: 143_000_000,
  bytesOut: 0,
  bytesPerSecond: 82_000_000,
  layers: { done: 6, reused: 3, open: 1 },
  isCancellable: true,
};

const cases: readonly { readonly name: string; readonly row: Partial<SessionRow>; readonly line: string }[] =
  [
    {
      name: 'a push has no total',
      row: {},
      line: '#3  dev  docker 28.2  push  team/api  6 done, 3 reused, 1 under way  143MB  82.0MB/s',
    },
    {
      name: 'a pull has one',
      row: {
        kind: 'pull',
        tag: '1.4',
        bytesOut: 10_000_000,
        totalBytes: 40_000_000,
        layers: { done: 1, reused: 0, open: 2, total: 5 },
      },
      line: '#3  dev  docker 28.2  pull  team/api:1.4  1 of 5 done, 2 under way  10.0MB of 40.0MB  82.0MB/s',
    },
    {
      name: 'a failed one says why, and nothing of it reaches the terminal raw',
      row: {
        user: '',
        state: 'failed',
        bytesPerSecond: 0,
        error: 'no \u001b[31mspace',
        layers: { done: 0, reused: 0, open: 0 },
      },
      line: String.raw`#3  anonymous  docker 28.2  push  team/api  0 done  143MB  failed  no \x1b[31mspace`,
    },
  ];

for (const { name, row: more, line } of cases) {
  test(`the line of a transfer: ${name}`, () => {
    assert.equal(sessionLine({ ...row, ...more }), line);
  });
}
