import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdir, mkdtempDisposable } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { test } from 'node:test';
import { openClient, openFile } from '../cli/client.ts';
import type { Offer } from '../feed/tickets.ts';
import { createLogger } from '../log/logger.ts';
import { methodsOf } from '../spec/rpc.suite.ts';
import { serve } from '../spec/rpc-server.ts';
import { openAdminSocket } from './socket.ts';

const actor = { user: 'anna', requestId: 'r1' };

/** A socket with one file behind the ticket `here`; the name of the data directory decides where the socket lies. */
async function openPlace(offer: Partial<Offer>, name = 'data') {
  await using opening = new AsyncDisposableStack();
  const directory = opening.use(await mkdtempDisposable(join(tmpdir(), 'berth-file-')));
  const root = join(directory.path, name);
  await mkdir(join(root, 'berth'), { recursive: true, mode: 0o700 });
  const file: Offer = {
    fileName: 'a.log',
    mediaType: 'text/plain',
    actor,
    open: () => textOf('a'),
    ...offer,
  };
  opening.use(
    await openAdminSocket({
      root,
      log: createLogger({ write: () => undefined }),
      findDownload: (ticket) => (ticket === 'here' ? file : undefined),
      onConnection: (channel) =>
        serve(channel, {
          methods: methodsOf({ 'logs.levels': async () => ({ http: 'info' }) }),
          topics: { feed: () => assert.fail(), logs: () => assert.fail(), sessions: () => assert.fail() },
          actor,
          newController: () => new AbortController(),
          onFault: String,
        }),
    }),
  );
  const owned = opening.move();
  return { root, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

async function* textOf(...parts: readonly string[]): AsyncGenerator<Buffer> {
  for (const part of parts) yield Buffer.from(part);
}

const running = new AbortController().signal;

test('a file arrives whole beside a call, through either kind of socket', async () => {
  const parts = ['one', '', 'x'.repeat(3_000_000), '\n'];
  for (const name of ['data', 'd'.repeat(100)]) {
    await using place = await openPlace({ size: 3_000_004, open: () => textOf(...parts) }, name);
    using client = await openClient(place.root);

    const file = await openFile(place.root, 'here');
    const levels = await client.call('logs.levels', {});
    const bytes = await buffer(file?.open(running) ?? textOf());

    assert.deepEqual([file?.fileName, file?.mediaType, file?.size], ['a.log', 'text/plain', 3_000_004]);
    assert.equal(bytes.toString(), parts.join(''));
    assert.deepEqual(levels, { http: 'info' });
  }
});

test('a ticket that stands for nothing is no file', async () => {
  await using place = await openPlace({});

  assert.equal(await openFile(place.root, 'there'), undefined);
});

async function* half(): AsyncGenerator<Buffer> {
  yield Buffer.from('half');
  throw new Error('damaged');
}

test('a file that cannot be read to its end breaks off', async () => {
  await using place = await openPlace({ open: half });

  const file = await openFile(place.root, 'here');

  await assert.rejects(buffer(file?.open(running) ?? textOf()), { code: 'NOT_RUNNING' });
});

test('what nobody takes is not read, and the reading ends with the reader', async () => {
  let read = 0;
  const over = Promise.withResolvers<void>();
  async function* open(signal: AbortSignal) {
    signal.addEventListener('abort', () => over.resolve());
    for (; !signal.aborted; read += 1) yield Buffer.alloc(1024 * 1024);
  }
  await using place = await openPlace({ open });
  const stop = new AbortController();
  const file = await openFile(place.root, 'here');
  const parts = file?.open(stop.signal);
  await parts?.next();

  for (let turn = 0; turn < 200; turn += 1) await new Promise(setImmediate);
  const readEarly = read;
  stop.abort();
  await over.promise;

  // What fits into the buffers of the socket on both sides.
  assert.ok(readEarly < 20, String(readEarly));
});

test('an asker that goes before it reads lets the file go', async () => {
  const over = Promise.withResolvers<void>();
  async function* open(signal: AbortSignal) {
    yield Buffer.from('a');
    await once(signal, 'abort');
    over.resolve();
  }
  await using place = await openPlace({ open });
  const file = await openFile(place.root, 'here');

  file?.open(AbortSignal.abort());

  await over.promise;
});
