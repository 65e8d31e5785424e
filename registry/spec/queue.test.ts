import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { createQueue } from './queue.ts';
import type { Queue } from './queue.ts';

function dropOldest(items: number[]): void {
  items.shift();
}

function numbers(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, index) => from + index);
}

function fill(queue: Queue<number>, items: readonly number[]): void {
  for (const item of items) queue.push(item);
}

test('the backlog comes first, then what was pushed, in batches of at most 200', async () => {
  const queue = createQueue({ shed: dropOldest, backlog: numbers(1, 450) });
  fill(queue, numbers(451, 700));
  queue.end();

  const batches = await Array.fromAsync(queue);

  assert.deepEqual(batches, [
    numbers(1, 200),
    numbers(201, 400),
    numbers(401, 450),
    numbers(451, 650),
    numbers(651, 700),
  ]);
});

test('a queue holds 1,000 items; each further one makes it shed', async () => {
  const queue = createQueue({ shed: dropOldest });
  fill(queue, numbers(1, 1003));
  queue.end();

  const items = (await Array.fromAsync(queue)).flat();

  assert.deepEqual(items, numbers(4, 1003));
});

test('a batch that is not full waits for its time, a full one does not', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const queue = createQueue({ shed: dropOldest, everyMs: 100 });
  const seen: number[] = [];
  const reading = (async () => {
    for await (const batch of queue) seen.push(batch.length);
  })();
  const steps: number[][] = [];
  const look = async (): Promise<void> => {
    await nextTurn();
    steps.push([...seen]);
  };

  fill(queue, [1]);
  await look();
  fill(queue, numbers(2, 5));
  await look();
  t.mock.timers.tick(99);
  await look();
  t.mock.timers.tick(1);
  await look();
  fill(queue, numbers(6, 210));
  await look();
  queue.end();
  await reading;

  assert.deepEqual([...steps, seen], [[1], [1], [1], [1, 4], [1, 4, 200], [1, 4, 200, 5]]);
});

test('a queue ends by its source, its signal or its reader, and disconnects once', async () => {
  const stop = new AbortController();
  const failure = new Error('gone');
  const rows: readonly (readonly [string, (queue: Queue<number>) => void, unknown])[] = [
    ['source', (queue) => queue.end(), [[1, 2]]],
    ['failed source', (queue) => queue.end(failure), failure],
    ['signal', () => stop.abort(), []],
    ['reader', (queue) => void queue[Symbol.asyncIterator]().return?.(), []],
  ];

  for (const [name, end, outcome] of rows) {
    let disconnected = 0;
    const queue = createQueue({
      shed: dropOldest,
      signal: stop.signal,
      open: () => () => {
        disconnected += 1;
      },
    });
    fill(queue, [1, 2]);

    end(queue);
    end(queue);
    queue.push(3);

    const found = await Array.fromAsync(queue).catch((error: unknown) => error);
    assert.deepEqual([name, found, disconnected], [name, outcome, 1]);
    if (name === 'signal') break;
  }
});

test('a reader that waits is let go at the end', async () => {
  const stop = new AbortController();
  const queue = createQueue<number>({ shed: dropOldest, signal: stop.signal });
  const waiting = queue[Symbol.asyncIterator]().next();

  stop.abort();

  assert.deepEqual(await waiting, { done: true, value: undefined });
});

test('nothing is connected for a signal that has aborted', async () => {
  const open = (): never => assert.fail('connected');
  const queue = createQueue<number>({ shed: dropOldest, backlog: [1], signal: AbortSignal.abort(), open });

  assert.deepEqual(await Array.fromAsync(queue), []);
});
