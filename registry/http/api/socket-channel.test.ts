import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempDisposable } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { WebSocket, WebSocketServer } from 'ws';
import { maxMessageBytes } from '../../spec/rpc.ts';
import type { Reply, Request } from '../../spec/rpc.ts';
import { testNoise, testRpc, until } from '../../spec/rpc.suite.ts';
import type { Pair } from '../../spec/rpc.suite.ts';
import { createSocketChannel } from './socket-channel.ts';

/** A WebSocket over a socket in the file system, which holds less on its way than TCP does. */
async function openSockets() {
  await using opening = new AsyncDisposableStack();
  const directory = opening.use(await mkdtempDisposable(join(tmpdir(), 'berth-ws-')));
  const path = join(directory.path, 'socket');
  const http = createServer().listen(path);
  await once(http, 'listening');
  opening.defer(() => void http.close());
  const server = new WebSocketServer({ server: http, perMessageDeflate: false, maxPayload: maxMessageBytes });
  const connected = once(server, 'connection');
  const client = new WebSocket(`ws+unix:${path}:/`, { perMessageDeflate: false });
  opening.defer(() => client.terminate());
  const [[accepted]] = (await Promise.all([connected, once(client, 'open')])) as [[WebSocket], unknown];
  opening.defer(() => accepted.terminate());
  const stack = opening.move();
  return { client, server: accepted, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

async function openPair(): Promise<Pair> {
  const { client, server, [Symbol.asyncDispose]: dispose } = await openSockets();
  return {
    client: createSocketChannel(client),
    server: createSocketChannel(server),
    stall: () => client.pause(),
    resume: () => client.resume(),
    [Symbol.asyncDispose]: dispose,
  };
}

testRpc('WebSocket', openPair);
testNoise('WebSocket', openPair);

const big: Reply = { kind: 'ok', id: 1, value: 'x'.repeat(200_000) };

test('what is no text of JSON arrives as nothing that can be read', async () => {
  await using sockets = await openSockets();
  const seen: unknown[] = [];
  createSocketChannel(sockets.server).onMessage((message) => seen.push(message));

  for (const text of ['{"a":1}', '', '{', Buffer.from('{"a":1}')]) sockets.client.send(text);

  await until(() => seen.length === 4);
  assert.deepEqual(seen, [{ a: 1 }, undefined, undefined, undefined]);
});

test('a message of exactly 1 MiB arrives, and a larger one closes with 1009', async () => {
  await using sockets = await openSockets();
  const sizes: number[] = [];
  const channel = createSocketChannel(sockets.server);
  channel.onMessage((message) => sizes.push(String(message).length));
  const closed = Promise.withResolvers<void>();
  channel.onClose(closed.resolve);

  sockets.client.send(JSON.stringify('x'.repeat(maxMessageBytes - 2)));
  sockets.client.send(JSON.stringify('x'.repeat(maxMessageBytes - 1)));

  const [code] = (await once(sockets.client, 'close')) as [number];
  await closed.promise;
  assert.deepEqual([sizes, code], [[maxMessageBytes - 2], 1009]);
});

test('a side that does not take its answers is not read, until it does', async () => {
  await using sockets = await openSockets();
  const channel = createSocketChannel(sockets.server);
  let asked = 0;
  channel.onMessage(() => {
    asked += 1;
    channel.send(big);
  });
  sockets.client.pause();
  // So long that they come in many pieces, since one that is there is read whole; each has an answer of 200 kB.
  for (let each = 0; each < 50; each += 1) sockets.client.send('{}'.padStart(20_000));

  await until(() => sockets.server.isPaused);
  const before = asked;
  const answered = Promise.withResolvers<void>();
  let answers = 0;
  sockets.client.on('message', () => {
    answers += 1;
    if (answers === 50) answered.resolve();
  });
  sockets.client.resume();
  await answered.promise;

  assert.ok(before < 50, `${before} were read`);
  assert.equal(asked, 50);
});

test('ready waits for a slow side, and no longer once the channel is closed', async () => {
  await using sockets = await openSockets();
  const channel = createSocketChannel(sockets.server);
  await channel.ready?.();
  sockets.client.pause();
  for (let each = 0; each < 20; each += 1) channel.send(big);
  let isReady = false;
  const ready = channel.ready?.().then(() => (isReady = true));
  await new Promise(setImmediate);
  const before = isReady;

  channel.close();
  await ready;

  assert.deepEqual([before, isReady], [false, true]);
});

test('a side that answers pings stays, and one that is silent is cut', async () => {
  await using sockets = await openSockets();
  const closed = Promise.withResolvers<void>();
  const channel = createSocketChannel(sockets.server, { pingMs: 30 });
  channel.onMessage(() => undefined);
  channel.onClose(closed.resolve);
  let pings = 0;
  sockets.client.on('ping', () => (pings += 1));
  await until(async () => {
    await new Promise((resolve) => setTimeout(resolve, 1));
    return pings >= 4;
  });
  const stayed = sockets.server.readyState === WebSocket.OPEN;

  sockets.client.pause();
  await closed.promise;

  assert.ok(stayed);
});

test('after an end with a code nothing arrives any more, and nothing is sent', async () => {
  await using sockets = await openSockets();
  const seen: unknown[] = [];
  const got: string[] = [];
  const channel = createSocketChannel(sockets.server);
  channel.onMessage((message) => seen.push(message));
  sockets.client.on('message', (data: Buffer) => got.push(String(data)));
  let closes = 0;
  channel.onClose(() => (closes += 1));
  const closed = Promise.all([once(sockets.client, 'close'), once(sockets.server, 'close')]);

  channel.end(4401, 'logout');
  channel.end(1001, 'again');
  channel.send({ kind: 'end', id: 1 });
  sockets.client.send('{"kind":"cancel","id":1}');
  channel.onClose(() => (closes += 1));

  const [[code, reason]] = (await closed) as unknown as [[number, Buffer]];
  assert.deepEqual([code, String(reason), seen, got, closes], [4401, 'logout', [], [], 2]);
});

test('what was sent before the first listener is not lost', async () => {
  await using sockets = await openSockets();
  const channel = createSocketChannel(sockets.server);
  const request: Request = { kind: 'cancel', id: 7 };
  sockets.client.send(JSON.stringify(request));
  await new Promise(setImmediate);

  const got = await new Promise((resolve) => channel.onMessage(resolve));

  assert.deepEqual(got, request);
});
