import assert from 'node:assert/strict';
import { PassThrough, Readable } from 'node:stream';
import { test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { arrivals } from './arrivals.ts';

test('what comes in one turn is one list, in its order and not joined', async () => {
  const stream = new PassThrough({ highWaterMark: 1024 });
  const lists = arrivals(stream);
  const first = lists.next();
  await nextTurn();

  for (const text of ['a', 'bc', 'd']) stream.write(text);

  assert.deepEqual(textsOf((await first).value), ['a', 'bc', 'd']);
  const second = lists.next();
  stream.end('e');
  assert.deepEqual(textsOf((await second).value), ['e']);
  assert.deepEqual(await lists.next(), { done: true, value: undefined });
});

test('a stream waits while its bytes are not taken', async () => {
  const block = Buffer.alloc(64 * 1024);
  let given = 0;
  const endless = new Readable({
    highWaterMark: block.length,
    read() {
      given += block.length;
      setImmediate(() => this.push(block));
    },
  });
  const lists = arrivals(endless);
  await lists.next();

  for (let turn = 0; turn < 200; turn++) await nextTurn();

  assert.ok(given <= 1024 * 1024, `${given} bytes were given to somebody who takes none`);
  const before = given;
  await lists.next();
  await lists.next();
  assert.ok(given > before);
  await lists.return();
  endless.destroy();
});

test('a failure and a close before the end are thrown, after what came before', async () => {
  for (const error of [new Error('the sender left'), undefined]) {
    const stream = new PassThrough();
    const lists = arrivals(stream);
    stream.write('abc');
    assert.deepEqual(textsOf((await lists.next()).value), ['abc']);
    const last = lists.next();
    stream.destroy(error);

    await assert.rejects(last, error === undefined ? { code: 'ERR_STREAM_PREMATURE_CLOSE' } : error);
  }
});

test('a stream that ended or was destroyed before is known as such', async () => {
  const ended = Readable.from([]);
  ended.resume();
  await nextTurn();
  await nextTurn();
  assert.deepEqual(await arrivals(ended).next(), { done: true, value: undefined });
  const destroyed = new PassThrough();
  destroyed.destroy(new Error('gone'));
  destroyed.on('error', () => undefined);
  await nextTurn();

  await assert.rejects(arrivals(destroyed).next(), /gone/);
});

test('a stream that is left early stays open, and goes on for whoever reads it next', async () => {
  const stream = new PassThrough();
  stream.write('abc');
  const lists = arrivals(stream);
  assert.deepEqual(textsOf((await lists.next()).value), ['abc']);

  await lists.return();
  stream.end('def');

  assert.equal(stream.destroyed, false);
  assert.equal(stream.listenerCount('data'), 0);
  assert.deepEqual(textsOf(await stream.toArray()), ['def']);
});

function textsOf(chunks: unknown): readonly string[] {
  assert.ok(Array.isArray(chunks));
  return chunks.map(String);
}
