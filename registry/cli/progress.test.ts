import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TaskRow } from '../spec/admin/process.ts';
import { createAdminServer } from '../admin/server.ts';
import { createFeed } from '../feed/feed.ts';
import { createSessions } from '../feed/sessions.ts';
import { createTasks } from '../feed/tasks.ts';
import { createLogger } from '../log/logger.ts';
import { createRing } from '../log/ring.ts';
import { createPair, methodsOf } from '../spec/rpc.suite.ts';
import { createClient } from '../spec/rpc.ts';
import { createLine, withProgress } from './progress.ts';

const row = { id: 1, kind: 'export', startedAt: '', state: 'running' } as const;

function linesOf(rows: readonly (Partial<TaskRow> & { readonly at: number })[]): readonly string[] {
  const clock = { now: 0 };
  const line = createLine(() => clock.now);
  return rows.map(({ at, ...some }) => {
    clock.now = at;
    return line({ ...row, unit: 'bytes', done: 0, ...some });
  });
}

test('a line says how much is done, how fast, and how long it still takes', () => {
  const total = 2_000_000_000;

  const lines = linesOf([
    { at: 10, done: 0 },
    { at: 1000, done: 500_000_000, total },
    { at: 2000, done: 600_000_000, total },
    { at: 100_000, done: 700_000_000, total },
    { at: 100_000_000, done: 1_900_000_000, total },
    { at: 100_000_000, done: total, total },
  ]);

  assert.deepEqual(lines, [
    'export  0B',
    'export  25%  500MB of 2.00GB  500MB/s  3s left',
    'export  30%  600MB of 2.00GB  300MB/s  5s left',
    'export  35%  700MB of 2.00GB  7.00MB/s  3m06s left',
    'export  95%  1.90GB of 2.00GB  19.0kB/s  1h27m left',
    'export  100%  2.00GB of 2.00GB  20.0kB/s  0s left',
  ]);
});

test('items are counted as they are, and nothing is promised before anything was done', () => {
  const lines = linesOf([
    { at: 5, unit: 'items', done: 2, total: 8 },
    { at: 1000, unit: 'items', done: 4, total: 8 },
    { at: 1000, unit: 'items', done: 0, total: 0 },
  ]);

  assert.deepEqual(lines, ['export  25%  2 of 8', 'export  50%  4 of 8  2s left', 'export  0']);
});

/** Runs a task of a registry by the command line of a person, and answers what standard error shows. */
async function shownBy(options: {
  readonly canAsk: boolean;
  readonly json?: boolean;
  readonly quiet?: boolean;
}) {
  await using pair = createPair();
  const feed = createFeed();
  const tasks = createTasks(feed, () => (clock += 300));
  let clock = 0;
  const seen = Promise.withResolvers<void>();
  const methods = methodsOf({
    'index.rebuild': (_, { signal }) =>
      tasks.run({ kind: 'rebuild', unit: 'items', signal }, async (task) => {
        task.progress(3, 12);
        if (options.canAsk && options.json !== true && options.quiet !== true) await seen.promise;
        return { repositories: 1, manifests: 2 };
      }),
  });
  const ring = createRing();
  const log = createLogger({ write: () => undefined, ring });
  createAdminServer({ methods, feed, ring, sessions: createSessions(), log }).connect(pair.server, {
    user: 'anna',
    requestId: 'r1',
  });
  const client = { ...createClient(pair.client), [Symbol.dispose]: () => undefined };
  let text = '';
  const io = {
    out: () => undefined,
    err: (more: string) => {
      text += more;
      if (text.includes('25%')) seen.resolve();
    },
    stdin: process.stdin,
    isTTY: false,
    canAsk: options.canAsk,
    env: {},
  };

  const answer = await withProgress(io, client, { kind: 'rebuild', ...options }, (signal) =>
    client.call('index.rebuild', {}, { signal }),
  );

  assert.deepEqual(answer, { repositories: 1, manifests: 2 });
  return text;
}

test('a person sees the line, and it is gone at the end', async () => {
  const text = await shownBy({ canAsk: true });

  assert.match(text, /\rrebuild {2}25% {2}3 of 12/);
  assert.ok(text.endsWith('\r\u001B[K'), JSON.stringify(text));
});

test('nothing is shown to a program, or to who wants quiet', async () => {
  assert.equal(await shownBy({ canAsk: false }), '');
  assert.equal(await shownBy({ canAsk: true, json: true }), '');
  assert.equal(await shownBy({ canAsk: true, quiet: true }), '');
});
