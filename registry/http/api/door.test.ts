import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempDisposable } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { hashSync } from 'bcryptjs';
import { request } from '../../../test/support/http.ts';
import { accountFiles, addAccount } from '../../auth/accounts.ts';
import { createAuth } from '../../auth/auth.ts';
import { createTickets, type Offer } from '../../feed/tickets.ts';
import { createLogger } from '../../log/logger.ts';
import { sendError } from '../errors.ts';
import { openExchange } from '../exchange.ts';
import { createDoor } from './door.ts';
import { harden } from './judge.ts';

const origin = 'https://localhost:5443';

/** The door with the administrators dev and root, both logged in, behind a server that stands for TLS. */
async function start() {
  await using stack = new AsyncDisposableStack();
  const { path: root } = stack.use(await mkdtempDisposable(join(tmpdir(), 'berth-door-')));
  const files = accountFiles(root);
  for (const name of ['dev', 'root'])
    await addAccount(files, { name, role: 'admin', hash: hashSync(name, 4) });
  const log = createLogger({ write: () => undefined });
  const auth = stack.use(await createAuth({ mode: 'htpasswd', root, log, bcryptThreads: 1 }));
  const tickets = createTickets();
  const door = stack.use(
    createDoor({
      auth,
      tickets,
      connect: assert.fail,
      answerFirst: assert.fail,
      stoppedBy: () => undefined,
      receive: assert.fail,
      idleMs: () => 60_000,
      log,
    }),
  );
  const streamed: number[] = [];
  const server = createServer((req, res) => {
    const exchange = openExchange(req, res, {
      path: req.url ?? '',
      query: new URLSearchParams(),
      address: '127.0.0.1',
      origin,
      host: new URL(origin).host,
      prefix: '',
      log,
      idle: { uploadMs: 60_000, downloadMs: 60_000 },
      anonymous: auth.anonymous,
      head: undefined,
    });
    res.once('close', () => streamed.push(exchange.streamedBytes));
    harden(exchange);
    door.answer(exchange).catch((error: unknown) => sendError(exchange, error));
  }).listen(0, '127.0.0.1');
  stack.defer(() => void server.close());
  await once(server, 'listening');
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const logIn = async (user: string): Promise<{ readonly cookie: string; readonly csrf: string }> => {
    const answer = await request(base, {
      method: 'POST',
      path: '/api/login',
      headers: { origin, 'content-type': 'application/json' },
      body: JSON.stringify({ user, password: user }),
    });
    const { csrf } = answer.json() as { readonly csrf: string };
    return { cookie: answer.headers['set-cookie']?.[0]?.split(';', 1)[0] ?? '', csrf };
  };
  const [{ cookie, csrf }, { cookie: other }] = [await logIn('dev'), await logIn('root')];
  const rest = stack.move();
  return {
    tickets,
    streamed,
    other,
    logOut: () =>
      request(base, {
        method: 'POST',
        path: '/api/logout',
        headers: { origin, cookie, 'x-berth-csrf': csrf },
      }),
    fetch: (ticket: string, as = cookie, signal?: AbortSignal) =>
      request(base, {
        path: `/api/download/${ticket}`,
        headers: { cookie: as },
        ...(signal === undefined ? {} : { signal }),
      }),
    [Symbol.asyncDispose]: () => rest.disposeAsync(),
  };
}

const actor = { user: 'dev', requestId: 'r1' };

function offerOf(text: string, more: Partial<Offer> = {}): Offer {
  return {
    fileName: 'berth.log',
    mediaType: 'application/x-ndjson',
    async *open() {
      yield Buffer.from(text);
    },
    actor,
    ...more,
  };
}

test('a ticket is a file that no page can run, once, for its user', async () => {
  await using one = await start();
  const ticket = one.tickets.give(offerOf('{"a":1}\n'));

  const foreign = await one.fetch(ticket, one.other);
  const first = await one.fetch(ticket);
  const second = await one.fetch(ticket);

  const { headers } = first;
  assert.deepEqual([foreign.status, first.status, second.status], [404, 200, 404]);
  assert.equal(String(first.body), '{"a":1}\n');
  assert.deepEqual(
    {
      type: headers['content-type'],
      disposition: headers['content-disposition'],
      policy: headers['content-security-policy'],
      sniff: headers['x-content-type-options'],
      cache: headers['cache-control'],
    },
    {
      type: 'application/x-ndjson',
      disposition: `attachment; filename="berth.log"; filename*=UTF-8''berth.log`,
      policy: "default-src 'none'; frame-ancestors 'none'; sandbox",
      sniff: 'nosniff',
      cache: 'no-store',
    },
  );
  assert.equal(one.streamed.at(-2), 8);
});

for (const [fileName, disposition] of [
  ['a b.txt', `attachment; filename="a_b.txt"; filename*=UTF-8''a%20b.txt`],
  ['"; x="', `attachment; filename="___x__"; filename*=UTF-8''%22%3B%20x%3D%22`],
  [
    'a\r\nSet-Cookie: b',
    `attachment; filename="a__Set-Cookie__b"; filename*=UTF-8''a%0D%0ASet-Cookie%3A%20b`,
  ],
  ['../../etc/passwd', `attachment; filename=".._.._etc_passwd"; filename*=UTF-8''..%2F..%2Fetc%2Fpasswd`],
  ["grün*(1)'.tar", `attachment; filename="gr_n__1__.tar"; filename*=UTF-8''gr%C3%BCn%2A%281%29%27.tar`],
  ['\ud800', `attachment; filename="_"; filename*=UTF-8''%EF%BF%BD`],
] as const) {
  test(`a file named ${JSON.stringify(fileName)} keeps its name and its header`, async () => {
    await using one = await start();

    const { headers } = await one.fetch(one.tickets.give(offerOf('x', { fileName })));

    assert.equal(headers['content-disposition'], disposition);
    assert.equal(headers['set-cookie'], undefined);
  });
}

test('a browser that goes ends what it was sent', async () => {
  await using one = await start();
  const ended = Promise.withResolvers<void>();
  const leave = new AbortController();
  const ticket = one.tickets.give(
    offerOf('', {
      async *open(signal) {
        yield Buffer.alloc(100_000);
        leave.abort();
        await once(signal, 'abort');
        ended.resolve();
      },
    }),
  );

  await assert.rejects(one.fetch(ticket, undefined, leave.signal), { name: 'AbortError' });

  await ended.promise;
});

test('the end of the session ends what it was sent', { timeout: 10_000 }, async () => {
  await using one = await start();
  const ticket = one.tickets.give(
    offerOf('', {
      async *open(signal) {
        yield Buffer.alloc(100_000);
        await one.logOut();
        await once(signal, 'abort');
      },
    }),
  );

  await assert.rejects(one.fetch(ticket), { code: 'ECONNRESET' });
});

test('what cannot be opened is an error, and what breaks off is no whole file', async () => {
  await using one = await start();
  const closed = one.tickets.give(
    offerOf('', {
      open() {
        throw new Error('secret');
      },
    }),
  );
  const broken = one.tickets.give(
    offerOf('', {
      async *open() {
        yield Buffer.from('half');
        throw new Error('secret');
      },
    }),
  );

  const answer = await one.fetch(closed);

  assert.equal(answer.status, 500);
  assert.equal(answer.headers['content-disposition'], undefined);
  assert.doesNotMatch(String(answer.body), /secret/);
  await assert.rejects(one.fetch(broken), { code: 'ECONNRESET' });
});
