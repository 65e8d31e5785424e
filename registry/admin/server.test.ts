import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createFeed } from '../feed/feed.ts';
import { createSessions } from '../feed/sessions.ts';
import { createLogger } from '../log/logger.ts';
import { createRing } from '../log/ring.ts';
import { createPair, methodsOf } from '../spec/rpc.suite.ts';
import { createClient } from '../spec/rpc.ts';
import type { Client, TopicItems } from '../spec/rpc.ts';
import type { Topic } from '../spec/admin-api.ts';
import type { LogRecord } from '../spec/log-record.ts';
import { createAdminServer } from './server.ts';
import type { AdminMethods } from './server.ts';

const actor = { user: 'anna', requestId: 'r1' };

function serverOf(some: Partial<AdminMethods> = {}) {
  const ring = createRing();
  const lines: string[] = [];
  const log = createLogger({
    write: (line) => lines.push(line),
    ring,
    levels: { all: 'debug' },
    now: () => 1,
  });
  const feed = createFeed();
  const server = createAdminServer({ methods: methodsOf(some), feed, ring, sessions: createSessions(), log });
  return { server, ring, log, feed, lines };
}

/** The first so many items of a subscription. */
async function take<T extends Topic>(
  batches: AsyncIterable<readonly TopicItems[T][]>,
  count: number,
): Promise<TopicItems[T][]> {
  const items: TopicItems[T][] = [];
  for await (const batch of batches) {
    items.push(...batch);
    if (items.length >= count) break;
  }
  return items;
}

/** Resolves when everything sent before has arrived. */
async function settle(client: Client): Promise<void> {
  await client.call('logs.levels', {});
}

const levelsMethod: Partial<AdminMethods> = { 'logs.levels': async () => ({}) };

test('the log comes from the ring, then live, at the level asked for', async () => {
  await using pair = createPair();
  const { server, log } = serverOf(levelsMethod);
  server.connect(pair.server, actor);
  const client = createClient(pair.client);
  log.warn('first', 'before');
  log.debug('second', 'too quiet');
  const batches = client.subscribe('logs', {});
  await settle(client);
  log.debug('third', 'too quiet');
  log.for('store').error('fourth', 'after', { size: 3 });

  const items = await take(batches, 2);

  assert.deepEqual(items, [
    { at: 1, level: 'warn', sys: 'admin', event: 'first', msg: 'before', fields: {} },
    { at: 1, level: 'error', sys: 'store', event: 'fourth', msg: 'after', fields: { size: 3 } },
  ] satisfies LogRecord[]);
});

test('the feed is the feed of the process, for every channel', async () => {
  await using one = createPair();
  await using two = createPair();
  const { server, feed } = serverOf(levelsMethod);
  feed.publish({ kind: 'collected' });
  server.connect(one.server, actor);
  server.connect(two.server, actor);
  const [first, second] = [createClient(one.client), createClient(two.client)];
  const [live, resumed] = [first.subscribe('feed', {}), second.subscribe('feed', { since: 0 })];
  await Promise.all([settle(first), settle(second)]);

  feed.publish({ kind: 'tagDeleted', repository: 'app', tag: 'old' });

  const items = await Promise.all([take<'feed'>(live, 1), take<'feed'>(resumed, 2)]);
  assert.deepEqual(
    items.map((each) => each.map(({ kind, tag }) => [kind, tag])),
    [
      [['tagDeleted', 'old']],
      [
        ['reset', undefined],
        ['tagDeleted', 'old'],
      ],
    ],
  );
});

test('a fault is in the log with its stack, under the request id that the caller gets', async () => {
  await using pair = createPair();
  const { server, ring } = serverOf({ 'usage.get': () => Promise.reject(new TypeError('x is not y')) });
  server.connect(pair.server, actor);
  const client = createClient(pair.client);

  const error = await client.call('usage.get', {}).catch((each) => each);

  const [record] = ring.snapshot();
  assert.match(error.detail.requestId, /^[0-9a-f-]{36}$/);
  assert.doesNotMatch(JSON.stringify(error), /x is not y/);
  assert.equal(record?.level, 'error');
  assert.equal(record?.msg, 'a call failed: usage.get');
  assert.equal(record?.fields['http.request.id'], error.detail.requestId);
  assert.match(String(record?.fields['err.detail']), /TypeError: x is not y\n +at /);
});

test('a client that left costs the log nothing', async () => {
  await using pair = createPair();
  const { server, ring } = serverOf(levelsMethod);
  let subscribed = 0;
  const subscribe = ring.subscribe.bind(ring);
  ring.subscribe = (listen) => {
    const subscription = subscribe(listen);
    subscribed += 1;
    return {
      [Symbol.dispose]() {
        subscribed -= 1;
        subscription[Symbol.dispose]();
      },
    };
  };
  server.connect(pair.server, actor);
  const client = createClient(pair.client);
  const lost = assert.rejects(take(client.subscribe('logs', {}), 1), { code: 'NOT_RUNNING' });
  await settle(client);
  const during = subscribed;

  client.close();
  await lost;
  await new Promise(setImmediate);

  assert.deepEqual([during, subscribed], [1, 0]);
});
