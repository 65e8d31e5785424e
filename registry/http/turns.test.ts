import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { createTurns } from './turns.ts';

const { signal } = new AbortController();
const tooMany = { code: 'TOO_MANY_MANIFESTS', retryAfterSeconds: 2 };

test('as many as may have a turn, the others in their order, and one too many is refused', async () => {
  const turns = createTurns({ atOnce: 2, mostWaiting: 2, fairMs: 1000 });
  const came: string[] = [];
  const take = async (name: string) => {
    const turn = await turns.take(signal);
    came.push(name);
    return turn;
  };
  const [a, b] = [await take('a'), await take('b')];
  const [c, d] = [take('c'), take('d')];

  await assert.rejects(turns.take(signal), tooMany);
  await nextTurn();
  const before = [...came];
  b[Symbol.dispose]();
  await c;
  const between = [...came];
  a[Symbol.dispose]();
  await d;

  assert.deepEqual(
    [before, between, came],
    [
      ['a', 'b'],
      ['a', 'b', 'c'],
      ['a', 'b', 'c', 'd'],
    ],
  );
});

test('who goes away while it waits takes no turn, and a free turn is there again', async () => {
  const turns = createTurns({ atOnce: 1, mostWaiting: 2, fairMs: 1000 });
  const gone = new AbortController();
  const first = await turns.take(signal);
  const leaves = turns.take(gone.signal);
  const stays = turns.take(signal);

  gone.abort(new Error('gone'));
  first[Symbol.dispose]();

  await assert.rejects(leaves, /gone/);
  (await stays)[Symbol.dispose]();
  (await turns.take(signal))[Symbol.dispose]();
});

test('a turn that lasts is taken away when somebody waits, and not before', async () => {
  const turns = createTurns({ atOnce: 1, mostWaiting: 2, fairMs: -1 });
  const slow = await turns.take(signal);

  slow.check();
  const next = turns.take(signal);
  assert.throws(() => slow.check(), tooMany);
  slow[Symbol.dispose]();

  (await next).check();
});
