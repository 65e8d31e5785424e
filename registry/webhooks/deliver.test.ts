import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import { mkdtempDisposable } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { type ReceiverOptions, startReceiver } from '../../test/support/receiver.ts';
import { createLogger } from '../log/logger.ts';
import { createRing } from '../log/ring.ts';
import { startDelivery, waitAfter } from './deliver.ts';
import type { Endpoint } from './endpoints.ts';
import { openQueue } from './queue.ts';
import { targetTest } from './targets.ts';

const plain: Endpoint = {
  name: 'ci',
  url: '',
  isDisabled: false,
  isLocked: false,
  headers: {},
  secret: undefined,
  ca: undefined,
  timeoutMs: 5000,
  threshold: 100,
  backoffMs: 5,
  ignoredActions: [],
  ignoredMediaTypes: [],
};

function eventOf(n: number, timestamp = new Date().toISOString()): string {
  return JSON.stringify({ id: String(n), timestamp, action: 'push', target: {} });
}

/** A delivery with its queue, and what it logs. */
async function start(endpoint: Partial<Endpoint>, { allowed = ['127.0.0.1'], keepMs = 60_000 } = {}) {
  await using owned = new AsyncDisposableStack();
  const { path } = owned.use(await mkdtempDisposable(join(tmpdir(), 'berth-deliver-')));
  const ring = createRing();
  const log = createLogger({ write: () => undefined, ring, levels: { all: 'debug' } }).for('jobs');
  const queue = owned.use(await openQueue({ directory: path, limit: () => 1000, log }));
  let changes = 0;
  const delivery = owned.use(
    startDelivery({
      endpoint: { ...plain, ...endpoint },
      queue,
      userAgent: 'berth/test',
      isAllowed: targetTest(allowed),
      keepMs: () => keepMs,
      onChange: () => void (changes += 1),
      log,
    }),
  );
  const moved = owned.move();
  return {
    queue,
    delivery,
    changes: () => changes,
    logged: () => ring.snapshot(),
    [Symbol.asyncDispose]: () => moved.disposeAsync(),
  };
}

/** Waits for a change of the delivery that nothing tells. */
async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setImmediate(resolve));
}

test('events go out in order, one at a time, in the form and with the headers asked for', async () => {
  let open = 0;
  let most = 0;
  await using receiver = await startReceiver({
    instead: (res) => {
      open += 1;
      most = Math.max(most, open);
      res.once('finish', () => (open -= 1));
      return false;
    },
  });
  await using place = await start({
    url: `${receiver.url}?key=1`,
    headers: { Authorization: ['Bearer x'], 'X-Two': ['a', 'b'] },
    secret: 'k3y',
  });

  for (let n = 0; n < 20; n += 1) await place.queue.append(eventOf(n));
  await receiver.until(({ length }) => length === 20);

  const [first] = receiver.received;
  assert.deepEqual(
    receiver.received.map(({ event }) => event.id),
    Array.from({ length: 20 }, (_, n) => String(n)),
  );
  assert.equal(most, 1);
  assert.deepEqual(
    {
      type: first?.headers['content-type'],
      authorization: first?.headers.authorization,
      two: first?.headers['x-two'],
      agent: first?.headers['user-agent'],
      signature: first?.headers['x-berth-signature-256'],
    },
    {
      type: 'application/vnd.docker.distribution.events.v1+json',
      authorization: 'Bearer x',
      two: 'a, b',
      agent: 'berth/test',
      signature: `sha256=${createHmac('sha256', 'k3y')
        .update(first?.body ?? '')
        .digest('hex')}`,
    },
  );
});

/** How a receiver may misbehave twice before it takes an event. */
const troubles: Readonly<
  Record<string, { readonly instead: NonNullable<ReceiverOptions['instead']>; readonly error: RegExp }>
> = {
  'answers 500': {
    instead: (res, _, count) => count < 3 && Boolean(res.writeHead(500).end()),
    error: /answered 500\.$/,
  },
  'answers 404': {
    instead: (res, _, count) => count < 3 && Boolean(res.writeHead(404).end()),
    error: /answered 404\.$/,
  },
  'points elsewhere': {
    instead: (res, _, count) => count < 3 && Boolean(res.writeHead(307, { Location: '/elsewhere' }).end()),
    error: /answered 307 and points elsewhere; redirects are not followed\.$/,
  },
  'closes without an answer': {
    instead: (res, _, count) => count < 3 && Boolean(res.destroy()),
    error: /closed without an answer\.$/,
  },
  'sends no headers in time': {
    instead: (_res, _req, count) => count < 3,
    error: /did not answer within 200ms\.$/,
  },
};

for (const [name, { instead, error }] of Object.entries(troubles)) {
  test(`a receiver that ${name} gets the event again, and only once`, async () => {
    await using receiver = await startReceiver({ instead });
    await using place = await start({ url: receiver.url, timeoutMs: 200 });

    await place.queue.append(eventOf(0));
    await until(() => place.delivery.row().state === 'failing');
    const row = place.delivery.row();
    await until(() => place.queue.pending === 0);

    assert.match(row.error ?? '', error);
    assert.equal(receiver.requests(), 3);
    assert.deepEqual(
      receiver.received.map(({ event }) => event.id),
      ['0'],
    );
    assert.deepEqual([place.queue.delivered, place.delivery.row().state, place.changes()], [1, 'ok', 2]);
  });
}

test('of an endless answer little is read, and its status counts', async () => {
  let sent = 0;
  const closed = Promise.withResolvers<void>();
  await using receiver = await startReceiver({
    instead: (res) => {
      res.writeHead(200);
      const more = (): void => {
        while (!res.destroyed && res.write(Buffer.alloc(64 * 1024))) sent += 64 * 1024;
        if (!res.destroyed) res.once('drain', more);
      };
      res.once('close', closed.resolve);
      more();
      return true;
    },
  });
  await using place = await start({ url: receiver.url, timeoutMs: 60_000 });

  await place.queue.append(eventOf(0));
  await until(() => place.queue.pending === 0);
  await closed.promise;

  assert.equal(place.queue.delivered, 1);
  // What fits into the buffers of the system, and no more.
  assert.ok(sent < 64 * 2 ** 20, String(sent));
});

test('what is too old is given up, and what cannot be read as well', async () => {
  await using receiver = await startReceiver();
  await using place = await start({ url: receiver.url });

  await place.queue.append(eventOf(0, new Date(Date.now() - 120_000).toISOString()));
  await place.queue.append('{"id":');
  await place.queue.append(eventOf(1));
  await receiver.until(({ length }) => length === 1);

  assert.equal(receiver.received[0]?.event.id, '1');
  assert.equal(place.queue.dropped, 2);
});

test('a private address is not connected, and the reason says what to do', async () => {
  await using receiver = await startReceiver();
  await using place = await start({ url: receiver.url }, { allowed: [] });

  await place.queue.append(eventOf(0));
  await until(() => place.delivery.row().state === 'failing');
  const { error } = await place.delivery.test(eventOf(1), { signal: AbortSignal.timeout(5000) });

  assert.match(error ?? '', /^127\.0\.0\.1 is a private address.*privatetargets: \[127\.0\.0\.1\]$/);
  assert.equal(receiver.requests(), 0);
});

test('a test goes besides the queue, and a retry does not wait', async () => {
  await using receiver = await startReceiver({
    instead: (res, _, count) => count === 1 && Boolean(res.writeHead(503).end()),
  });
  await using place = await start({ url: receiver.url, backoffMs: 3_600_000 });
  await place.queue.append(eventOf(0));
  await until(() => place.delivery.row().state === 'failing');

  const result = await place.delivery.test(eventOf(7), { signal: AbortSignal.timeout(5000) });
  const before = place.delivery.row();
  place.delivery.retry();
  await receiver.until(({ length }) => length === 2);

  assert.equal(result.status, 200);
  assert.deepEqual([before.state, before.pending], ['failing', 1]);
  assert.deepEqual(
    receiver.received.map(({ event }) => event.id),
    ['7', '0'],
  );
});

test('a receiver that never takes a connection does not keep the registry from stopping', async () => {
  const sockets: { destroy(): void }[] = [];
  const server: Server = createServer((socket) => void sockets.push(socket)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' ? (address?.port ?? 0) : 0;
  try {
    const place = await start({ url: `http://127.0.0.1:${port}/`, timeoutMs: 300_000 });
    await place.queue.append(eventOf(0));
    await until(() => sockets.length === 1);

    await place[Symbol.asyncDispose]();

    assert.equal(place.queue.delivered, 0);
  } finally {
    for (const socket of sockets) socket.destroy();
    server.close();
  }
});

test('an event of a disabled endpoint stays', async () => {
  await using receiver = await startReceiver();
  await using place = await start({ url: receiver.url, isDisabled: true });

  await place.queue.append(eventOf(0));

  assert.deepEqual([place.delivery.row().state, place.queue.pending], ['disabled', 1]);
});

const waits: readonly (readonly [number, number])[] = [
  [1, 1000],
  [10, 1000],
  [11, 2000],
  [12, 4000],
  [18, 256_000],
  [19, 300_000],
  [10_000, 300_000],
];

for (const [failures, milliseconds] of waits) {
  test(`after ${failures} failures the wait is about ${milliseconds} ms`, () => {
    const rule = { threshold: 10, backoffMs: 1000 };

    assert.deepEqual(
      [0, 0.5, 1].map((random) => waitAfter(failures, rule, () => random)),
      [0.8, 1, 1.2].map((factor) => Math.round(milliseconds * factor)),
    );
  });
}
