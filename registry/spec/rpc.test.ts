import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createPair, testNoise, testRpc } from './rpc.suite.ts';
import { createClient } from './rpc.ts';

async function open() {
  return createPair();
}

testRpc('memory', open, {
  'an answer that is too large becomes USAGE, and the connection stays': 'nothing measures the values',
  'a batch that is too large arrives in parts': 'nothing measures the values',
});
testNoise('memory', open);

test('an error code of a newer registry keeps its words', async () => {
  await using pair = createPair();
  const client = createClient(pair.client);
  pair.server.onMessage(() => {
    const error = { code: 'MOON_PHASE', message: 'The moon is wrong.', hint: 'Wait.' };
    pair.server.send({ kind: 'error', id: 1, error });
  });

  const call = client.call('status.get', {});

  await assert.rejects(call, { code: 'UNKNOWN', message: 'The moon is wrong.', hint: 'Wait.' });
});

test('nothing stays on a signal that outlives its calls', async (t) => {
  await using pair = createPair();
  const client = createClient(pair.client);
  pair.server.onMessage((message) => {
    const { id, kind } = message as { id: number; kind: string };
    pair.server.send(kind === 'call' ? { kind: 'ok', id, value: 1 } : { kind: 'end', id });
  });
  const { signal } = new AbortController();
  const added = t.mock.method(signal, 'addEventListener');
  const removed = t.mock.method(signal, 'removeEventListener');

  await client.call('status.get', {}, { signal });
  await Array.fromAsync(client.subscribe('feed', {}, { signal }));

  const listeners = (calls: typeof added.mock.calls) => calls.map(({ arguments: [, listener] }) => listener);
  assert.equal(added.mock.callCount(), 2);
  assert.deepEqual(listeners(removed.mock.calls), listeners(added.mock.calls));
});
