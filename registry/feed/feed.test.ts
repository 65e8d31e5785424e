import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { FeedItem } from '../spec/admin-api.ts';
import { createFeed } from './feed.ts';
import type { Feed } from './feed.ts';

const startedAt = Date.parse('2026-01-02T03:04:05.678Z');
/** The first number of a feed of that start. */
const first = startedAt * 1000 + 1;

function feedOf(count: number, { ring = 5 }: { readonly ring?: number } = {}): Feed {
  const feed = createFeed({ ring, now: () => startedAt });
  for (let index = 0; index < count; index += 1) feed.publish({ kind: 'blobStored', bytes: index });
  return feed;
}

/** What a subscriber gets until it has seen a `collected`, which is published at the end. */
async function read(feed: Feed, since: number | undefined): Promise<FeedItem[]> {
  const items: FeedItem[] = [];
  const batches = feed.subscribe({ since, signal: new AbortController().signal });
  feed.publish({ kind: 'collected' });
  for await (const batch of batches) {
    items.push(...batch);
    if (batch.at(-1)?.kind === 'collected') break;
  }
  return items;
}

test('an item has a number, a time and what was published', async () => {
  const feed = feedOf(0);
  const signal = AbortSignal.timeout(5000);
  const batches = feed.subscribe({ signal });

  feed.publish({ kind: 'tagMoved', repository: 'app', tag: 'latest', digest: 'sha256:1', user: 'ada' });

  const { value } = await batches[Symbol.asyncIterator]().next();
  assert.deepEqual(value, [
    {
      seq: first,
      at: '2026-01-02T03:04:05.678Z',
      kind: 'tagMoved',
      repository: 'app',
      tag: 'latest',
      digest: 'sha256:1',
      user: 'ada',
    },
  ]);
});

test('a reader resumes after a number that is still kept, and is reset after any other', async () => {
  const live = ['collected'];
  const reset = ['reset', 'collected'];
  const rows: readonly (readonly [string, number, number | undefined, readonly string[]])[] = [
    ['from now on', 3, undefined, live],
    ['nothing happened yet', 0, first - 1, live],
    ['nothing missed', 3, first + 2, live],
    ['one missed', 3, first + 1, ['2', ...live]],
    ['all since the start', 3, first - 1, ['0', '1', '2', ...live]],
    ['all that is kept', 9, first + 3, ['4', '5', '6', '7', '8', ...live]],
    ['one more than is kept', 9, first + 2, reset],
    ['an earlier process', 3, first - 2, reset],
    ['long ago', 3, 0, reset],
    ['a process whose clock was ahead', 3, first + 3, reset],
    ['far ahead', 3, Number.MAX_SAFE_INTEGER, reset],
  ];

  for (const [name, count, since, wanted] of rows) {
    const items = await read(feedOf(count), since);

    assert.deepEqual([name, items.map(({ kind, bytes }) => (bytes ?? kind).toString())], [name, wanted]);
    assert.equal(items.at(-1)?.seq, first + count);
  }
});

test('after a reset the reader can resume from its number', async () => {
  const feed = feedOf(3);
  const [reset] = await read(feed, 0);

  const [next] = await read(feed, reset?.seq);

  assert.deepEqual([reset?.kind, next?.kind, next?.seq], ['reset', 'collected', (reset?.seq ?? 0) + 1]);
});

test('numbers of a later process are greater', async () => {
  const [early, late] = [startedAt, startedAt + 1].map((start) => createFeed({ now: () => start }));
  const signal = AbortSignal.timeout(5000);
  const seqs = [early, late].map(async (feed) => {
    const batches = feed?.subscribe({ signal })[Symbol.asyncIterator]();
    for (let index = 0; index < 999; index += 1) feed?.publish({ kind: 'collected' });
    const items: FeedItem[] = [];
    while (items.length < 999) items.push(...((await batches?.next())?.value ?? []));
    return items.map(({ seq }) => seq);
  });

  const [a = [], b = []] = await Promise.all(seqs);

  assert.ok(Math.max(...a) < Math.min(...b));
});

test('a reader that does not read gets one reset and what came after it', async () => {
  const feed = feedOf(0, { ring: 1 });
  const batches = feed.subscribe({ signal: new AbortController().signal });
  for (let index = 0; index < 2503; index += 1) feed.publish({ kind: 'blobStored' });

  const items: FeedItem[] = [];
  for await (const batch of batches) {
    items.push(...batch);
    if (batch.at(-1)?.seq === first + 2502) break;
  }

  // Of 1,001 items in the queue one is left, so the second time it is full 1,000 later.
  const expected = [2000, ...Array.from({ length: 502 }, (_, index) => 2001 + index)];
  assert.deepEqual(
    items.map(({ seq, kind }) => [seq - first, kind]),
    expected.map((seq, index) => [seq, index === 0 ? 'reset' : 'blobStored']),
  );
});

test('a subscription ends with its signal, and others go on', async () => {
  const feed = feedOf(0);
  const stop = new AbortController();
  const ended = Array.fromAsync(feed.subscribe({ signal: stop.signal }));
  const batches = feed.subscribe({ signal: new AbortController().signal })[Symbol.asyncIterator]();

  stop.abort();
  await nextTurn();
  feed.publish({ kind: 'indexReady' });

  assert.deepEqual(await ended, []);
  assert.equal((await batches.next()).value?.[0]?.kind, 'indexReady');
});

test('nothing is kept of a subscription that ended', async () => {
  setFlagsFromString('--expose-gc');
  const collectGarbage = runInNewContext('gc') as () => void;
  const feed = feedOf(0);
  const stop = new AbortController();
  const batches = new WeakRef(feed.subscribe({ signal: stop.signal }));

  stop.abort();
  await nextTurn();
  collectGarbage();

  assert.equal(batches.deref(), undefined);
  feed.publish({ kind: 'collected' });
});
