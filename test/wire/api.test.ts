/** The browser door of a real process: what it lets in, and every way in that it refuses. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempDisposable } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { WebSocket } from 'ws';
import { writeTar } from '../../registry/archive/tar.ts';
import { isAppError } from '../../registry/spec/errors.ts';
import {
  askDoor,
  connectDoor,
  type DoorClient,
  type DoorSession,
  logIn,
  makeToken,
  openSocket,
  postLogin,
} from '../support/door.ts';
import { cli } from '../support/cli.ts';
import { type Answer, openRaw, request } from '../support/http.ts';
import { run } from '../support/process.ts';
import type { TestRegistry } from '../support/registry.ts';
import {
  descriptor,
  digestOf,
  ociManifest,
  pushBlob,
  pushImage,
  putManifest,
  refusal,
  sender,
  startWithUsers,
} from './support.ts';

const users = {
  dev: { role: 'admin' },
  root: { role: 'admin' },
  ci: { role: 'push' },
  reader: { role: 'pull' },
} as const;

/** The headers of http.headers, which open /v2 to every page, must open nothing here. */
const env = {
  BERTH_WEB_ENABLED: 'true',
  REGISTRY_HTTP_HEADERS: '{Access-Control-Allow-Origin: ["*"], Access-Control-Allow-Credentials: ["true"]}',
};

const hardened = {
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
};

/** No page elsewhere can read, frame or keep it. */
function assertHardened({ headers }: Answer): void {
  const found = Object.keys(hardened).map((name) => [name, headers[name]]);
  assert.deepEqual(Object.fromEntries(found), hardened);
  assert.deepEqual(
    Object.keys(headers).filter((name) => name.startsWith('access-control-')),
    [],
  );
}

suite('the browser door', () => {
  const resources = new AsyncDisposableStack();
  let registry: TestRegistry;
  let session: DoorSession;
  let other: DoorSession;
  before(async () => {
    registry = resources.use(await startWithUsers(users, { env }));
    session = await logIn(registry, 'dev', 'dev');
    other = await logIn(registry, 'root', 'root');
  });
  after(() => resources.disposeAsync());

  test('a login answers name and token, and sets a cookie for this host alone', async () => {
    const answer = await postLogin(registry, 'dev', 'dev');

    const { user, csrf } = answer.json() as { user: string; csrf: string };
    assert.equal(answer.status, 200);
    assert.equal(user, 'dev');
    assert.match(csrf, /^[\w-]{43}$/);
    assert.equal(answer.headers['set-cookie']?.length, 1);
    assert.match(
      answer.headers['set-cookie']?.[0] ?? '',
      /^__Host-berth=[\w-]{43}; Path=\/; Secure; HttpOnly; SameSite=Strict$/,
    );
    assertHardened(answer);
  });

  test('the session comes with what is asked first, of what only reads', async () => {
    const own = await logIn(registry, 'dev', 'dev');
    const pathOf = (first: string) => `/api/session?first=${encodeURIComponent(first)}`;
    const list = ['repositories.list', { limit: 1 }];
    const asked = [
      ['tasks.list', {}],
      ['repositories.get', { repository: 'no/such' }],
      ['tags.list', {}],
      list,
    ];
    const wrong = ['', '{}', '[["process.stop",{}]]', JSON.stringify(Array.from({ length: 11 }, () => list))];

    const answer = await askDoor(registry, 'GET', pathOf(JSON.stringify(asked)), { session: own });
    const refused = await Promise.all(
      wrong.map(async (first) => refusal(await askDoor(registry, 'GET', pathOf(first), { session: own }))),
    );
    const foreign = await askDoor(registry, 'GET', pathOf(JSON.stringify(asked)));

    const { user, csrf, first } = answer.json() as {
      readonly user: string;
      readonly csrf: string;
      readonly first: { readonly seq: number; readonly values: readonly unknown[] };
    };
    assert.deepEqual([answer.status, user, csrf], [200, 'dev', own.csrf]);
    assert.ok(Number.isSafeInteger(first.seq) && first.seq > 0);
    assert.deepEqual(first.values.slice(0, 3), [[], null, null]);
    assert.ok('rows' in (first.values[3] as object));
    assert.deepEqual(
      refused,
      wrong.map(() => '400 UNSUPPORTED'),
    );
    assert.equal(refusal(foreign), '401 UNAUTHORIZED');
    assertHardened(answer);
    await askDoor(registry, 'POST', '/api/logout', { session: own });
  });

  test('the session says who it is, until it is logged out', async () => {
    const own = await logIn(registry, 'dev', 'dev');

    const inside = await askDoor(registry, 'GET', '/api/session', { session: own });
    const out = await askDoor(registry, 'POST', '/api/logout', { session: own });
    const afterwards = await askDoor(registry, 'GET', '/api/session', { session: own });

    assert.deepEqual([inside.status, inside.json()], [200, { user: 'dev', csrf: own.csrf }]);
    assert.equal(out.status, 204);
    assert.deepEqual(out.headers['set-cookie'], [
      '__Host-berth=; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=0',
    ]);
    assert.equal(refusal(afterwards), '401 UNAUTHORIZED');
    for (const answer of [inside, out, afterwards]) assertHardened(answer);
  });

  test('methods answer over the socket, and a push from outside arrives within a second', async () => {
    await using door = await connectDoor(registry, session);
    const status = await door.client.call('status.get', {});
    const none = await door.client.call('repositories.list', { q: 'feed/app' });
    const stop = new AbortController();
    const seen = Promise.withResolvers<{ readonly user: string | undefined; readonly at: number }>();
    const reading = (async () => {
      for await (const items of door.client.subscribe('feed', {}, { signal: stop.signal })) {
        const moved = items.find(({ kind, repository }) => kind === 'tagMoved' && repository === 'feed/app');
        if (moved !== undefined) seen.resolve({ user: moved.user, at: performance.now() });
      }
    })();
    await door.client.call('status.get', {});

    await pushImage(sender(registry, 'ci:ci'), 'feed/app', '1');
    const pushedAt = performance.now();

    const { user, at } = await seen.promise;
    stop.abort();
    await reading;
    const some = await door.client.call('repositories.list', { q: 'feed/app' });
    assert.deepEqual(status.urls, [registry.url]);
    assert.deepEqual([none.total, some.total, user], [0, 1, 'ci']);
    assert.ok(at - pushedAt < 1000, `${at - pushedAt} ms`);
  });

  test('what is done through the door is noted under the name of the administrator', async () => {
    await using door = await connectDoor(registry, session);
    await pushImage(sender(registry, 'ci:ci'), 'door/app', '1');

    await door.client.call('tags.delete', { repository: 'door/app', tag: '1' });

    const { rows } = await door.client.call('history.list', { repository: 'door/app' });
    assert.deepEqual(
      rows.map(({ kind, by }) => [kind, by]),
      [
        ['delete', 'dev'],
        ['move', 'ci'],
      ],
    );
  });

  const refusals: readonly {
    readonly name: string;
    readonly ask?: readonly [method: string, path: string];
    readonly headers?: () => Readonly<Record<string, string | undefined>>;
    readonly as?: () => DoorSession | undefined;
    readonly body?: string;
    readonly wanted: string;
  }[] = [
    { name: 'a foreign Origin', headers: () => ({ origin: 'https://evil.example' }), wanted: '403 DENIED' },
    { name: 'the Origin null', headers: () => ({ origin: 'null' }), wanted: '403 DENIED' },
    { name: 'no Origin', headers: () => ({ origin: undefined }), wanted: '403 DENIED' },
    {
      name: 'an Origin on another port',
      headers: () => ({ origin: 'https://127.0.0.1:1' }),
      wanted: '403 DENIED',
    },
    { name: 'an Origin without TLS', headers: () => ({ origin: registry.plainUrl }), wanted: '403 DENIED' },
    {
      name: 'an Origin that begins like ours',
      headers: () => ({ origin: `${registry.url}.evil.example` }),
      wanted: '403 DENIED',
    },
    {
      name: 'another name of this host as Origin',
      headers: () => ({ origin: `https://localhost:${registry.port}` }),
      wanted: '403 DENIED',
    },
    { name: 'a Host on another port', headers: () => ({ host: '127.0.0.1:1' }), wanted: '403 DENIED' },
    { name: 'another site', headers: () => ({ 'sec-fetch-site': 'cross-site' }), wanted: '403 DENIED' },
    {
      name: 'another port of this site',
      headers: () => ({ 'sec-fetch-site': 'same-site' }),
      wanted: '403 DENIED',
    },
    {
      name: 'a read by another site',
      ask: ['GET', '/api/session'],
      headers: () => ({ 'sec-fetch-site': 'cross-site' }),
      wanted: '403 DENIED',
    },
    {
      name: 'a read with a foreign Origin',
      ask: ['GET', '/api/session'],
      headers: () => ({ origin: 'https://evil.example' }),
      wanted: '403 DENIED',
    },
    {
      name: 'a write without the token',
      headers: () => ({ 'x-berth-csrf': undefined }),
      wanted: '403 DENIED',
    },
    { name: 'an empty token', headers: () => ({ 'x-berth-csrf': '' }), wanted: '403 DENIED' },
    {
      name: 'the token of another session',
      headers: () => ({ 'x-berth-csrf': other.csrf }),
      wanted: '403 DENIED',
    },
    {
      name: 'the cookie of another session',
      headers: () => ({ cookie: other.cookie }),
      wanted: '403 DENIED',
    },
    {
      name: 'the token in the path alone',
      ask: ['POST', '/api/logout?csrf=TOKEN'],
      headers: () => ({ 'x-berth-csrf': undefined }),
      wanted: '403 DENIED',
    },
    { name: 'no cookie', headers: () => ({ cookie: undefined }), wanted: '401 UNAUTHORIZED' },
    {
      name: 'two cookies',
      headers: () => ({ cookie: `${session.cookie}; ${other.cookie}` }),
      wanted: '401 UNAUTHORIZED',
    },
    {
      name: 'a cookie without its prefix',
      headers: () => ({ cookie: session.cookie.replace('__Host-', '') }),
      wanted: '401 UNAUTHORIZED',
    },
    {
      name: 'the password of an administrator as Basic',
      ask: ['GET', '/api/session'],
      headers: () => ({ cookie: undefined, authorization: `Basic ${btoa('dev:dev')}` }),
      wanted: '401 UNAUTHORIZED',
    },
    ...[
      'text/plain',
      'application/x-www-form-urlencoded',
      'multipart/form-data; boundary=x',
      'text/json',
      '',
    ].map((type) => ({
      name: `a login as ${type === '' ? 'nothing' : type}`,
      ask: ['POST', '/api/login'] as const,
      headers: () => ({ 'content-type': type === '' ? undefined : type }),
      body: '{"user":"dev","password":"dev"}',
      wanted: '403 DENIED',
    })),
    ...[
      '',
      '{',
      '[]',
      'null',
      '{"user":"dev"}',
      '{"user":"dev","password":7}',
      '{"user":"dev","password":"dev","x":1}',
    ].map((body) => ({
      name: `a login with the body ${body}`,
      ask: ['POST', '/api/login'] as const,
      body,
      wanted: '400 UNSUPPORTED',
    })),
    {
      name: 'a login of 5,000 bytes',
      ask: ['POST', '/api/login'],
      body: JSON.stringify({ user: 'dev', password: 'x'.repeat(5000) }),
      wanted: '400 UNSUPPORTED',
    },
    { name: 'a login by GET', ask: ['GET', '/api/login?user=dev&password=dev'], wanted: '405 UNSUPPORTED' },
    {
      name: 'a method in a header',
      ask: ['GET', '/api/logout'],
      headers: () => ({ 'x-http-method-override': 'POST', 'x-berth-csrf': session.csrf }),
      wanted: '405 UNSUPPORTED',
    },
    { name: 'a method in the query', ask: ['GET', '/api/logout?_method=POST'], wanted: '405 UNSUPPORTED' },
    {
      name: 'a read made of a write',
      ask: ['POST', '/api/session'],
      headers: () => ({ 'x-http-method-override': 'GET' }),
      wanted: '405 UNSUPPORTED',
    },
    { name: 'PUT', ask: ['PUT', '/api/session'], wanted: '405 UNSUPPORTED' },
    {
      name: 'what a browser asks before a foreign write',
      ask: ['OPTIONS', '/api/login'],
      headers: () => ({ origin: 'https://evil.example', 'access-control-request-method': 'POST' }),
      wanted: '403 DENIED',
    },
    { name: 'OPTIONS', ask: ['OPTIONS', '/api/login'], wanted: '405 UNSUPPORTED' },
    ...[
      '/api',
      '/api/',
      '/api/x',
      '/api/session/',
      '/api//session',
      '/api/%73ession',
      '/api/Session',
      '/api/download',
    ].map((path) => ({ name: path, ask: ['GET', path] as const, wanted: '404 UNSUPPORTED' })),
    {
      name: 'a ticket that nobody gave',
      ask: ['GET', `/api/download/${'A'.repeat(43)}`],
      wanted: '404 UNSUPPORTED',
    },
    {
      name: 'a ticket without a session',
      ask: ['GET', `/api/download/${'A'.repeat(43)}`],
      headers: () => ({ cookie: undefined }),
      wanted: '401 UNAUTHORIZED',
    },
  ];
  for (const {
    name,
    ask: [method, path] = ['POST', '/api/logout'],
    headers,
    body = '',
    wanted,
  } of refusals) {
    test(`${name} gets ${wanted}, and changes nothing`, async () => {
      const answer = await askDoor(registry, method, path.replace('TOKEN', session.csrf), {
        session,
        headers: headers?.() ?? {},
        body,
      });

      assert.equal(refusal(answer), wanted);
      assert.equal(answer.headers['set-cookie'], undefined);
      assertHardened(answer);
      const still = await askDoor(registry, 'GET', '/api/session', { session });
      assert.equal(still.status, 200);
    });
  }

  test('a Host that was rebound is refused before anything is looked at', async () => {
    await using raw = await openRaw(registry.host, registry.port, { ca: registry.ca });
    const host = `evil.example:${registry.port}`;
    raw.send(
      `GET /api/session HTTP/1.1\r\nHost: ${host}\r\nOrigin: https://${host}\r\nCookie: ${session.cookie}\r\n\r\n`,
    );

    const answer = await raw.receiveAll();

    assert.match(answer, /^HTTP\/1\.1 421 /);
    assert.match(answer, /\r\nCache-Control: no-store\r\n/);
    assert.doesNotMatch(answer, /Access-Control|csrf"/i);
  });

  test('plain HTTP is told to use HTTPS, whatever it asks', async () => {
    const headers = { origin: registry.plainUrl, 'content-type': 'application/json', cookie: session.cookie };
    const answers = [
      await request(registry.plainUrl, { path: '/api/session', headers }),
      await request(registry.plainUrl, {
        method: 'POST',
        path: '/api/login',
        headers,
        body: '{"user":"dev","password":"dev"}',
      }),
    ];

    for (const answer of answers) {
      assert.equal(refusal(answer), '426 DENIED');
      assert.equal(answer.headers.upgrade, 'TLS/1.2, HTTP/1.1');
      assert.equal(answer.headers['set-cookie'], undefined);
      assertHardened(answer);
    }
  });

  test('a right password of somebody who is no administrator opens nothing, and neither does a token', async () => {
    const token = await makeToken(registry, 'dev');

    const answers = [
      await postLogin(registry, 'ci', 'ci'),
      await postLogin(registry, 'reader', 'reader'),
      await postLogin(registry, 'dev', token),
    ];

    const messages = answers.map((answer) => {
      assert.equal(answer.headers['set-cookie'], undefined);
      const { errors } = answer.json() as { errors: readonly { message: string }[] };
      return `${refusal(answer)} ${errors[0]?.message ?? ''}`;
    });
    assert.deepEqual(messages, [
      '403 DENIED The user ci is no administrator, and only administrators may use the control plane.',
      '403 DENIED The user reader is no administrator, and only administrators may use the control plane.',
      '403 DENIED A token does not open the control plane. Log in with the password of an administrator.',
    ]);
  });

  test('wrong passwords, unknown users and impossible names are answered alike', async () => {
    const answers = [
      await postLogin(registry, 'dev', 'wrong'),
      await postLogin(registry, 'nobody', 'wrong'),
      await postLogin(registry, 'a:b', 'wrong'),
      await postLogin(registry, '', ''),
      await postLogin(registry, 'dev', 'x'.repeat(73)),
      await postLogin(registry, 'dev\r\nforged: line', 'x'),
    ];

    assert.deepEqual(new Set(answers.map(refusal)), new Set(['401 UNAUTHORIZED']));
    assert.equal(new Set(answers.map(({ body }) => String(body))).size, 1);
  });

  test('a login never takes over the id that came with it, and ends the session of that id', async () => {
    const planted = `__Host-berth=${'A'.repeat(43)}`;
    const fixed = await postLogin(registry, 'dev', 'dev', { cookie: planted });
    const own = await logIn(registry, 'dev', 'dev');
    const again = await postLogin(registry, 'dev', 'dev', { cookie: own.cookie });

    const cookies = [fixed, again].map(({ headers }) => headers['set-cookie']?.[0]?.split(';', 1)[0] ?? '');
    const states = [];
    for (const cookie of [planted, own.cookie, ...cookies]) {
      const { status } = await askDoor(registry, 'GET', '/api/session', { session: { cookie, csrf: '' } });
      states.push(status);
    }

    assert.deepEqual(states, [401, 401, 200, 200]);
  });

  test('a login whose body dribbles in is cut off after 10 seconds', { timeout: 20_000 }, async () => {
    await using raw = await openRaw(registry.host, registry.port, { ca: registry.ca });
    const startedAt = performance.now();
    raw.send(
      `POST /api/login HTTP/1.1\r\nHost: ${registry.address}\r\nOrigin: ${registry.url}\r\n` +
        'Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n',
    );
    using _ = every(500, () => raw.send(' '));

    const answer = await raw.receive(/"message":"[^"]*"/);

    assert.match(answer, /^HTTP\/1\.1 408 /);
    assert.ok(performance.now() - startedAt < 13_000);
  });

  const sockets: readonly {
    readonly name: string;
    readonly wanted: number;
    readonly options: () => Parameters<typeof openSocket>[1];
  }[] = [
    { name: 'no cookie', wanted: 401, options: () => ({ protocols: ['berth.1', `csrf.${session.csrf}`] }) },
    {
      name: 'a foreign Origin',
      wanted: 403,
      options: () => ({ session, headers: { origin: 'https://evil.example' } }),
    },
    { name: 'the Origin null', wanted: 403, options: () => ({ session, headers: { origin: 'null' } }) },
    { name: 'no Origin', wanted: 403, options: () => ({ session, headers: { origin: undefined } }) },
    {
      name: 'another port',
      wanted: 403,
      options: () => ({ session, headers: { origin: 'https://127.0.0.1:1' } }),
    },
    {
      name: 'a Host that was rebound',
      wanted: 421,
      options: () => ({ session, headers: { host: 'evil.example', origin: 'https://evil.example' } }),
    },
    {
      name: 'a Host on another port',
      wanted: 403,
      options: () => ({ session, headers: { host: '127.0.0.1:1' } }),
    },
    {
      name: 'another site',
      wanted: 403,
      options: () => ({ session, headers: { 'sec-fetch-site': 'same-site' } }),
    },
    { name: 'no token', wanted: 403, options: () => ({ session, protocols: ['berth.1'] }) },
    {
      name: 'the token of another session',
      wanted: 403,
      options: () => ({ session, protocols: ['berth.1', `csrf.${other.csrf}`] }),
    },
    {
      name: 'the token in the path',
      wanted: 403,
      options: () => ({ session, protocols: ['berth.1'], path: `/api/rpc?csrf=${session.csrf}` }),
    },
    {
      name: 'the token without the protocol',
      wanted: 400,
      options: () => ({ session, protocols: ['berth.2', `csrf.${session.csrf}`] }),
    },
    { name: 'plain HTTP', wanted: 426, options: () => ({ session, base: registry.plainUrl }) },
    { name: 'another path', wanted: 404, options: () => ({ session, path: '/api/x/api/rpc' }) },
    {
      name: 'the login of /v2',
      wanted: 401,
      options: () => ({ headers: { authorization: `Basic ${btoa('dev:dev')}` }, protocols: ['berth.1'] }),
    },
  ];
  for (const { name, wanted, options } of sockets) {
    test(`a WebSocket with ${name} is refused with ${wanted}`, async () => {
      assert.equal(await openSocket(registry, options()), wanted);
    });
  }

  /** A handshake by hand, and what the server says to it. */
  async function shake(more: string, lines: Readonly<Record<string, string>> = {}) {
    const raw = await openRaw(registry.host, registry.port, { ca: registry.ca });
    const fields = {
      Host: registry.address,
      Origin: registry.url,
      Cookie: session.cookie,
      Connection: 'Upgrade',
      Upgrade: 'websocket',
      'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
      'Sec-WebSocket-Version': '13',
      'Sec-WebSocket-Protocol': `berth.1, csrf.${session.csrf}`,
      ...lines,
    };
    const head = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`);
    raw.send(`GET /api/rpc HTTP/1.1\r\n${head.join('')}\r\n`);
    if (more !== '') raw.send(more);
    return { raw, answer: await raw.receive(/\r\n\r\n/) };
  }

  test('the handshake names one protocol and no extension, and never the token', async () => {
    const { raw, answer } = await shake('', { 'Sec-WebSocket-Extensions': 'permessage-deflate' });
    await using _ = raw;

    assert.match(answer, /^HTTP\/1\.1 101 /);
    assert.match(answer, /\r\nSec-WebSocket-Protocol: berth\.1\r\n/);
    assert.doesNotMatch(answer, /Extensions/i);
    assert.ok(!answer.includes(session.csrf));
  });

  for (const [name, lines] of Object.entries({
    'no key': { 'Sec-WebSocket-Key': 'x' },
    'an old version': { 'Sec-WebSocket-Version': '7' },
    'a broken list of protocols': { 'Sec-WebSocket-Protocol': 'berth.1,, berth.1, csrf.TOKEN' },
    'a body': { 'Content-Length': '3' },
  })) {
    test(`a handshake with ${name} gets 400`, async () => {
      const real = Object.entries(lines).map(([key, value]) => [key, value.replace('TOKEN', session.csrf)]);
      const { raw, answer } = await shake('', Object.fromEntries(real));
      await using _ = raw;

      assert.match(answer, /^HTTP\/1\.1 400 /);
      assert.match(answer, /\r\nConnection: close\r\n/);
    });
  }

  const ask = '{"kind":"call","id":1,"method":"status.get","args":{}}';
  const frames: readonly { readonly name: string; readonly bytes: () => Buffer; readonly code: number }[] = [
    { name: 'a message of more than 1 MiB', bytes: () => frameHead({ length: 1_048_577 }), code: 1009 },
    {
      name: 'more than 1 MiB in parts',
      bytes: () =>
        Buffer.concat([
          frame('x'.repeat(600_000), { fin: false }),
          frameHead({ opcode: 0, length: 600_000 }),
        ]),
      code: 1009,
    },
    {
      name: 'a message in 257 parts',
      bytes: () =>
        Buffer.concat([
          frame('"', { fin: false }),
          ...Array.from({ length: 256 }, () => frame('', { opcode: 0, fin: false })),
        ]),
      code: 1008,
    },
    { name: 'a compressed frame', bytes: () => frame(ask, { rsv1: true }), code: 1002 },
    { name: 'a frame without a mask', bytes: () => Buffer.from([0x81, 0x02, 0x7b, 0x7d]), code: 1002 },
    { name: 'text that is no UTF-8', bytes: () => frame(Buffer.from([0xff, 0xfe])), code: 1007 },
    { name: 'a binary frame', bytes: () => frame(ask, { opcode: 2 }), code: 1000 },
    { name: 'no JSON', bytes: () => frame('hello'), code: 1000 },
    { name: 'no message of the protocol', bytes: () => frame('{"kind":"shout","id":1}'), code: 1000 },
  ];
  for (const { name, bytes, code } of frames) {
    test(`${name} closes the socket with ${code}, and no other`, async () => {
      await using door = await connectDoor(registry, session);
      const { raw } = await shake('');
      await using _ = raw;

      raw.send(bytes());

      const text = Buffer.from(await raw.receive(/\x88[^][^]{2}/), 'latin1');
      assert.equal(text.readUInt16BE(text.length - 2), code, String(text));
      await door.client.call('status.get', {});
    });
  }

  test('bytes that come with the handshake are not lost', async () => {
    const { raw } = await shake(frame(ask).toString('latin1'));
    await using _ = raw;

    assert.match(await raw.receive(/"isReadOnly"/), /"kind":"ok","id":1/);
  });

  test('a handshake behind a request that is being answered closes the connection', async () => {
    await using raw = await openRaw(registry.host, registry.port, { ca: registry.ca });
    const common = `Host: ${registry.address}\r\nOrigin: ${registry.url}\r\n`;
    const body = '{"user":"dev","password":"slow"}';
    raw.send(
      `POST /api/login HTTP/1.1\r\n${common}Content-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}` +
        `GET /api/rpc HTTP/1.1\r\n${common}Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n`,
    );

    assert.equal(await raw.receiveAll(), '');
    assert.equal((await request(registry.url, { path: '/livez', ca: registry.ca })).status, 200);
  });

  test('the 21st socket of a session is refused until one is closed', async () => {
    const own = await logIn(registry, 'dev', 'dev');
    const open = [];
    for (let each = 0; each < 20; each += 1) open.push(await openSocket(registry, { session: own }));
    const refused = await openSocket(registry, { session: own });
    const elsewhere = await openSocket(registry, { session });
    const [first] = open;
    assert.ok(first instanceof WebSocket && elsewhere instanceof WebSocket);
    first.close();
    await once(first, 'close');

    const next = await openSocket(registry, { session: own });

    assert.equal(refused, 503);
    assert.ok(next instanceof WebSocket);
    for (const socket of [...open, elsewhere, next]) if (socket instanceof WebSocket) socket.terminate();
  });

  test('logging out closes the sockets of the session, and of no other', async () => {
    const own = await logIn(registry, 'dev', 'dev');
    await using door = await connectDoor(registry, own);
    await using neighbour = await connectDoor(registry, session);

    await askDoor(registry, 'POST', '/api/logout', { session: own });

    assert.equal(await door.closed, '4401 logout');
    assert.equal(await openSocket(registry, { session: own }), 401);
    await neighbour.client.call('status.get', {});
  });

  test('no cookie, token or password is in the log, and each login and end is', async () => {
    const own = await logIn(registry, 'root', 'root');
    await postLogin(registry, 'root', 'Canary7Zq');
    await askDoor(registry, 'POST', '/api/logout', { session: own });

    const log = registry.log();
    for (const event of ['loginSucceeded', 'loginFailed', 'sessionEnded'])
      assert.ok(log.includes(event), event);
    const secrets = [session, other, own].flatMap(({ cookie, csrf }) => [cookie.split('=')[1] ?? '', csrf]);
    assert.deepEqual(
      [...secrets, 'Canary7Zq'].filter((secret) => log.includes(secret)),
      [],
    );
  });
});

suite('downloads', () => {
  const large = randomBytes(3 * 1024 * 1024);
  const text = 'welcome';
  const layer = gzipSync(
    writeTar([
      { name: 'usr/bin/tool', bytes: large },
      { name: 'etc/motd', bytes: Buffer.from(text) },
    ]),
  );
  const report = `${JSON.stringify({ packages: 'x'.repeat(300_000) })}\n`;
  const resources = new AsyncDisposableStack();
  let registry: TestRegistry;
  let session: DoorSession;
  let other: DoorSession;
  let door: DoorClient;
  let image: string;
  before(async () => {
    registry = resources.use(await startWithUsers(users, { env }));
    session = await logIn(registry, 'dev', 'dev');
    other = await logIn(registry, 'root', 'root');
    door = resources.use(await connectDoor(registry, session));
    const send = sender(registry, 'ci:ci');
    for (const bytes of ['{}', layer, report]) await pushBlob(send, 'down/app', bytes);
    const body = JSON.stringify({
      schemaVersion: 2,
      mediaType: ociManifest,
      config: descriptor('{}', 'application/vnd.oci.image.config.v1+json'),
      layers: [
        descriptor(layer, 'application/vnd.oci.image.layer.v1.tar+gzip'),
        {
          ...descriptor(report, 'text/html'),
          annotations: { 'org.opencontainers.image.title': '../..\\re\u202eport\r\n.json' },
        },
      ],
    });
    const pushed = await putManifest(send, 'down/app', '1', body);
    assert.equal(pushed.status, 201, String(pushed.body));
    image = digestOf(body);
  });
  after(() => resources.disposeAsync());

  const pathOf = (ticket: string): string => `/api/download/${ticket}`;
  const fetchTicket = (ticket: string, how: Parameters<typeof askDoor>[3] = { session }): Promise<Answer> =>
    askDoor(registry, 'GET', pathOf(ticket), how);

  const motd = async (): Promise<string> => {
    const query = { repository: 'down/app', digest: digestOf(layer), path: 'etc/motd' };
    return (await door.client.call('layers.download', query)).ticket;
  };

  test('a file of a layer, however large, comes whole', async () => {
    const query = { repository: 'down/app', digest: digestOf(layer), path: 'usr/bin/tool' };
    const { ticket, fileName } = await door.client.call('layers.download', query);

    const answer = await fetchTicket(ticket);

    const { headers } = answer;
    assert.deepEqual([answer.status, fileName, answer.body.equals(large)], [200, 'tool', true]);
    assert.equal(headers['content-length'], String(large.length));
    assert.equal(headers['content-type'], 'application/octet-stream');
    assert.equal(headers['content-disposition'], `attachment; filename="tool"; filename*=UTF-8''tool`);
    assert.equal(headers['content-security-policy'], "default-src 'none'; frame-ancestors 'none'; sandbox");
    assert.equal(headers['x-content-type-options'], 'nosniff');
    assert.equal(headers['cache-control'], 'no-store');
  });

  test('a blob comes whole, by the title that its manifest gives it, or by its digest and what kind of archive it is', async () => {
    const whole = { repository: 'down/app', digest: digestOf(layer) };
    const titled = { repository: 'down/app', digest: digestOf(report), image };
    const plain = await door.client.call('blobs.download', whole);
    const named = await door.client.call('blobs.download', titled);
    const untitled = await door.client.call('blobs.download', { ...whole, image });

    const answers = [await fetchTicket(plain.ticket), await fetchTicket(named.ticket)];

    assert.deepEqual(
      [plain.fileName, named.fileName, untitled.fileName],
      [digestOf(layer).replace(':', '-'), 'report.json', `${digestOf(layer).replace(':', '-')}.tar.gz`],
    );
    assert.ok(answers[0]?.body.equals(layer) && String(answers[1]?.body) === report);
    assert.equal(answers[1]?.headers['content-type'], 'application/octet-stream');
    assert.equal(
      answers[1]?.headers['content-disposition'],
      `attachment; filename="report.json"; filename*=UTF-8''report.json`,
    );
  });

  test('the log and the audit come as files of all pages', async () => {
    for (let each = 0; each < 600; each += 1) await sender(registry)('GET', '/livez');
    await door.client.call('logs.setLevel', { sys: 'jobs', level: 'debug' });
    const log = await door.client.call('logs.download', { level: 'info', format: 'json', grep: 'livez' });
    const lines = await door.client.call('logs.download', { level: 'info', grep: 'listening on' });
    const table = await door.client.call('audit.download', { format: 'csv', kind: 'levelChanged' });
    const rows = await door.client.call('audit.download', { format: 'ndjson', kind: 'levelChanged' });

    const [json, plain, csv, ndjson] = await Promise.all(
      [log, lines, table, rows].map(async ({ ticket }) => await fetchTicket(ticket)),
    );

    const records = String(json?.body).trimEnd().split('\n');
    assert.ok(records.length >= 600, String(records.length));
    for (const record of records)
      assert.match((JSON.parse(record) as { 'http.request.uri': string })['http.request.uri'], /livez/);
    assert.match(String(plain?.body), /^time=.*listening on .*\n$/);
    assert.match(String(csv?.body), /^at,kind,[^\n]*\r\n[^\n]*levelChanged[^\n]*jobs[^\n]*\r\n$/);
    assert.equal((JSON.parse(String(ndjson?.body)) as { readonly user: string }).user, 'dev');
    assert.deepEqual(
      [json, plain, csv, ndjson].map((answer) => answer?.headers['content-type']),
      [
        'application/x-ndjson',
        'text/plain; charset=utf-8',
        'text/csv; charset=utf-8',
        'application/x-ndjson',
      ],
    );
    assert.match(log.fileName, /^berth-\d{4}-\d\d-\d\d\.ndjson$/);
    assert.match(table.fileName, /^berth-audit-\d{4}-\d\d-\d\d\.csv$/);
  });

  test('what is not there has no ticket', async () => {
    const digest = digestOf(layer);
    const asks = [
      door.client.call('layers.download', { repository: 'down/app', digest, path: 'none' }),
      door.client.call('layers.download', { repository: 'down/app', digest: digestOf('none'), path: 'x' }),
      door.client.call('blobs.download', { repository: 'down/app', digest: digestOf('none') }),
      door.client.call('blobs.download', { repository: 'down/none', digest }),
      door.client.call('blobs.download', { repository: 'down/app', digest, image: digestOf('none') }),
      door.client.call('logs.download', { grep: '/(/' }),
    ];

    const codes = (await Promise.allSettled(asks)).map((each) =>
      each.status === 'rejected' && isAppError(each.reason) ? each.reason.code : each.status,
    );

    assert.deepEqual(codes, [
      'FILE_UNKNOWN',
      'BLOB_UNKNOWN',
      'BLOB_UNKNOWN',
      'NAME_UNKNOWN',
      'MANIFEST_UNKNOWN',
      'USAGE',
    ]);
  });

  const attacks: readonly {
    readonly name: string;
    readonly method?: string;
    readonly path?: (ticket: string) => string;
    readonly how: () => Parameters<typeof askDoor>[3];
    readonly wanted: string;
  }[] = [
    { name: 'another administrator', how: () => ({ session: other }), wanted: '404 UNSUPPORTED' },
    { name: 'nobody', how: () => ({}), wanted: '401 UNAUTHORIZED' },
    {
      name: 'a login instead of a session',
      how: () => ({ headers: { authorization: `Basic ${btoa('dev:dev')}` } }),
      wanted: '401 UNAUTHORIZED',
    },
    {
      name: 'a link of another site',
      how: () => ({ session, headers: { 'sec-fetch-site': 'cross-site' } }),
      wanted: '403 DENIED',
    },
    {
      name: 'another port of this host',
      how: () => ({ session, headers: { 'sec-fetch-site': 'same-site' } }),
      wanted: '403 DENIED',
    },
    {
      name: 'a foreign page',
      how: () => ({ session, headers: { origin: 'https://evil.example' } }),
      wanted: '403 DENIED',
    },
    { name: 'POST', method: 'POST', how: () => ({ session }), wanted: '405 UNSUPPORTED' },
    { name: 'PUT', method: 'PUT', how: () => ({ session }), wanted: '405 UNSUPPORTED' },
    { name: 'DELETE', method: 'DELETE', how: () => ({ session }), wanted: '405 UNSUPPORTED' },
    ...['/', '%00', '.txt', '/../x', '%2f'].map((end) => ({
      name: `something behind it: ${end}`,
      path: (ticket: string) => `/api/download/${ticket}${end}`,
      how: () => ({ session }),
      wanted: '404 UNSUPPORTED',
    })),
    {
      name: 'its first half',
      path: (ticket) => `/api/download/${ticket.slice(0, 20)}`,
      how: () => ({ session }),
      wanted: '404 UNSUPPORTED',
    },
    {
      name: 'it in lower case',
      path: (ticket) => `/api/download/${ticket.toLowerCase()}`,
      how: () => ({ session }),
      wanted: '404 UNSUPPORTED',
    },
    {
      name: 'it in the query',
      path: (ticket) => `/api/download?ticket=${ticket}`,
      how: () => ({ session }),
      wanted: '404 UNSUPPORTED',
    },
  ];
  for (const { name, method = 'GET', path = pathOf, how, wanted } of attacks) {
    test(`a ticket with ${name} gets ${wanted}, and is still good`, async () => {
      const ticket = await motd();

      const refused = await askDoor(registry, method, path(ticket), how());

      assert.equal(refusal(refused), wanted);
      assert.equal(refused.headers['content-disposition'], undefined);
      assert.equal(String((await fetchTicket(ticket)).body), text);
      assert.equal(refusal(await fetchTicket(ticket)), '404 UNSUPPORTED');
    });
  }

  test('HEAD is refused and uses nothing up', async () => {
    const ticket = await motd();

    const head = await askDoor(registry, 'HEAD', pathOf(ticket), { session });

    assert.equal(head.status, 405);
    assert.equal(String((await fetchTicket(ticket)).body), text);
  });

  test('of two who come at once, one gets it', async () => {
    const ticket = await motd();

    const answers = await Promise.all([fetchTicket(ticket), fetchTicket(ticket)]);

    assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([200, 404]));
  });

  test('another session of the same user may fetch it, and one that was logged out may not', async () => {
    const [second, ended] = [await logIn(registry, 'dev', 'dev'), await logIn(registry, 'dev', 'dev')];
    await askDoor(registry, 'POST', '/api/logout', { session: ended });
    const ticket = await motd();

    const refused = await fetchTicket(ticket, { session: ended });
    const answer = await fetchTicket(ticket, { session: second });

    assert.equal(refusal(refused), '401 UNAUTHORIZED');
    assert.equal(String(answer.body), text);
  });
});

suite('changes of users end their sessions', () => {
  const changes: readonly (readonly [args: readonly string[], reason: string])[] = [
    [['user', 'role', 'a', 'push'], 'demoted'],
    [['user', 'disable', 'b'], 'revoked'],
    [['user', 'rm', 'c'], 'revoked'],
    [['user', 'passwd', 'd', '--password-stdin'], 'revoked'],
  ];
  const resources = new AsyncDisposableStack();
  let registry: TestRegistry;
  before(async () => {
    const names = ['a', 'b', 'c', 'd', 'keeper'];
    const admins = Object.fromEntries(names.map((name) => [name, { role: 'admin' }] as const));
    registry = resources.use(await startWithUsers(admins, { env }));
  });
  after(() => resources.disposeAsync());

  for (const [args, reason] of changes) {
    test(`berth ${args.slice(0, 2).join(' ')} closes the socket`, async () => {
      const name = args[2] ?? '';
      const session = await logIn(registry, name, name);
      const keeper = await logIn(registry, 'keeper', 'keeper');
      await using door = await connectDoor(registry, session);
      await using kept = await connectDoor(registry, keeper);

      const changed = await run(process.execPath, [cli, ...args, '--data', registry.dataDir], {
        input: 'another password',
      });

      assert.equal(changed.code, 0, changed.stderr);
      assert.equal(await door.closed, `4401 ${reason}`);
      assert.equal((await askDoor(registry, 'GET', '/api/session', { session })).status, 401);
      assert.notEqual((await postLogin(registry, name, name)).status, 200);
      await kept.client.call('status.get', {});
    });
  }
});

test('a session that is not used ends, while one that is used goes on', async () => {
  await using registry = await startWithUsers(
    { dev: { role: 'admin' } },
    { env: { ...env, BERTH_WEB_SESSION: '2s' } },
  );
  const idle = await logIn(registry, 'dev', 'dev');
  const used = await logIn(registry, 'dev', 'dev');
  await using quiet = await connectDoor(registry, idle);
  await using busy = await connectDoor(registry, used);
  using _ = every(200, () => void busy.client.call('status.get', {}).catch(() => undefined));

  const reason = await quiet.closed;
  await busy.client.call('status.get', {});

  assert.equal(reason, '4401 idle');
  assert.equal((await askDoor(registry, 'GET', '/api/session', { session: idle })).status, 401);
});

test('guessing is slowed down, here and on /v2 alike, and Retry-After is right', async () => {
  await using registry = await startWithUsers({ dev: { role: 'admin' }, eve: { role: 'admin' } }, { env });
  const statuses = [];
  for (let tries = 0; tries < 10; tries += 1) {
    statuses.push((await postLogin(registry, 'eve', `wrong ${tries}`)).status);
  }

  const refused = await postLogin(registry, 'eve', 'eve');
  const elsewhere = await request(registry.plainUrl, { path: '/v2/', user: 'eve:wrong' });
  const neighbour = await postLogin(registry, 'dev', 'dev');

  const seconds = Number(refused.headers['retry-after']);
  assert.deepEqual(new Set(statuses), new Set([401]));
  assert.equal(refusal(refused), '429 TOOMANYREQUESTS');
  assert.ok(seconds >= 1 && seconds <= 10, String(seconds));
  assert.deepEqual([elsewhere.status, neighbour.status], [429, 200]);
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
  assert.equal((await postLogin(registry, 'eve', 'eve')).status, 200);
});

test('a registry that stops closes the sockets with 1001, and ends soon', async () => {
  await using registry = await startWithUsers({ dev: { role: 'admin' } }, { env });
  await using door = await connectDoor(registry, await logIn(registry, 'dev', 'dev'));
  const startedAt = performance.now();

  const [exit, closed] = await Promise.all([registry.stop(), door.closed]);

  assert.equal(closed, '1001 the registry stops');
  assert.equal(exit.code, 0);
  assert.ok(performance.now() - startedAt < 5_000);
});

test('one that was asked to stop says by whom', async () => {
  await using registry = await startWithUsers({ dev: { role: 'admin' }, anna: { role: 'admin' } }, { env });
  await using door = await connectDoor(registry, await logIn(registry, 'dev', 'dev'));
  await using other = await connectDoor(registry, await logIn(registry, 'anna', 'anna'));

  await other.client.call('process.stop', {}).catch(() => undefined);

  assert.deepEqual(
    [await door.closed, await other.closed],
    ['1001 the registry stops: anna', '1001 the registry stops: anna'],
  );
});

test('switched off, the door is not there', async () => {
  await using registry = await startWithUsers({ dev: { role: 'admin' } });

  const answers = [
    await postLogin(registry, 'dev', 'dev'),
    await askDoor(registry, 'GET', '/api/session'),
    await request(registry.plainUrl, { path: '/api/session' }),
    await askDoor(registry, 'GET', '/api/x'),
  ];

  assert.deepEqual(
    answers.map(refusal),
    Array.from({ length: 4 }, () => '404 UNSUPPORTED'),
  );
  assert.equal(await openSocket(registry, { protocols: ['berth.1'] }), 404);
});

test('without a login there is nobody to let in: the start is refused', async () => {
  await using directory = await mkdtempDisposable(join(tmpdir(), 'berth-door-'));

  const { code, stderr } = await run(
    process.execPath,
    [cli, 'serve', '--auth', 'none', '--listen', '127.0.0.1:0', '--data', directory.path],
    { env, timeoutMs: 20_000 },
  );

  assert.equal(code, 2);
  assert.match(stderr, /CONFIG_INVALID: .*berth\.web\.enabled cannot be true with auth: none/);
});

function every(ms: number, act: () => void): Disposable {
  const timer = setInterval(act, ms);
  return { [Symbol.dispose]: () => clearInterval(timer) };
}

/** The head of a frame from a client (RFC 6455 5.2), masked with zeros. */
function frameHead({
  opcode = 1,
  fin = true,
  rsv1 = false,
  length,
}: {
  readonly opcode?: number;
  readonly fin?: boolean;
  readonly rsv1?: boolean;
  readonly length: number;
}): Buffer {
  const first = (fin ? 0x80 : 0) | (rsv1 ? 0x40 : 0) | opcode;
  if (length < 126) return Buffer.from([first, 0x80 | length, 0, 0, 0, 0]);
  const head = Buffer.alloc(14);
  head[0] = first;
  head[1] = 0xff;
  head.writeBigUInt64BE(BigInt(length), 2);
  return head;
}

function frame(
  payload: string | Buffer,
  options: { readonly opcode?: number; readonly fin?: boolean; readonly rsv1?: boolean } = {},
): Buffer {
  const bytes = Buffer.from(payload as string);
  return Buffer.concat([frameHead({ ...options, length: bytes.length }), bytes]);
}
