import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempDisposable, writeFile } from 'node:fs/promises';
import { Agent, request as plainRequest } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Agent as SecureAgent, request as secureRequest } from 'node:https';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { text as readText } from 'node:stream/consumers';
import { test } from 'node:test';
import { needs } from '../../test/support/tools.ts';
import { connect as connectTls } from 'node:tls';
import type { ConnectionOptions, TLSSocket } from 'node:tls';
import { promisify } from 'node:util';
import { errorEntry } from '../spec/errors.ts';
import { keepLog } from '../spec/kept-log.suite.ts';
import { makeAuthority } from '../tls/authority.ts';
import type { Authority } from '../tls/authority.ts';
import { issueLeaf } from '../tls/leaf.ts';
import { errorBody } from './errors.ts';
import { createFront, framingProblem } from './front.ts';
import type { Front, FrontOptions, TlsMaterial } from './front.ts';

const run = promisify(execFile);
const authority = makeAuthority({ hostname: 'dock', names: [], now: Date.now() });
const ca = authority.certificate;
const lanAddress = Object.values(networkInterfaces())
  .flatMap((entries = []) => entries)
  .find(({ family, internal }) => family === 'IPv4' && !internal)?.address;

function issue(): TlsMaterial {
  const signer: Authority = {
    pem: ca,
    certificate: new X509Certificate(ca),
    name: 'Berth CA dock',
    scope: { names: [], networks: [] },
  };
  const names = { names: ['localhost'], addresses: ['127.0.0.1', '::1'] };
  return issueLeaf({
    authority: signer,
    authorityKey: createPrivateKey(authority.key),
    names,
    now: Date.now(),
  });
}

/** Answers what came, or the framing problem, as the application does. */
function echo(req: IncomingMessage, res: ServerResponse): void {
  const problem = framingProblem(req);
  const body =
    problem === undefined
      ? `${req.method ?? ''} ${req.url ?? ''} ${'encrypted' in req.socket ? 'tls' : 'plain'}`
      : errorBody(problem);
  res.statusCode = problem === undefined ? 200 : (errorEntry(problem.code).status ?? 500);
  res.setHeader('Content-Length', Buffer.byteLength(body));
  res.end(body);
}

async function openFront(more: Partial<FrontOptions> = {}, host = 'localhost') {
  const { log, lines } = keepLog();
  let listener: ((material: TlsMaterial) => void) | undefined;
  const material = issue();
  const front = createFront({
    onRequest: echo,
    identity: {
      material: () => material,
      onChange: (callback) => {
        listener = callback;
        return () => (listener = undefined);
      },
    },
    plain: () => 'loopback',
    isProxy: () => false,
    log,
    ...more,
    limits: { lingerMs: 300, ...more.limits },
  });
  const [bound] = await front.listen({ host, port: 0, asked: true });
  return {
    front,
    lines,
    port: bound?.port ?? 0,
    swap: (next: TlsMaterial) => listener?.(next),
    [Symbol.asyncDispose]: () => front[Symbol.asyncDispose](),
  };
}

/** Sends bytes on a plain connection and answers all that came back until the server closed it. */
function talk(port: number, bytes: string, host = '127.0.0.1'): Promise<string> {
  const socket = connect(port, host);
  socket.write(bytes);
  return listen(socket);
}

/** What comes until the end, even if that is a reset. */
async function listen(socket: Socket): Promise<string> {
  let heard = '';
  socket.setEncoding('latin1').on('data', (text: string) => (heard += text));
  socket.on('error', () => undefined);
  await new Promise((resolve) => socket.once('close', resolve));
  return heard;
}

/** The server learns of an end a little later than the client. */
async function untilNoConnection(front: Front): Promise<void> {
  while (front.connections() > 0) await new Promise((resolve) => setImmediate(resolve));
}

async function openTls(port: number, more: ConnectionOptions = {}): Promise<TLSSocket> {
  const socket = connectTls({ host: '127.0.0.1', port, ca, servername: 'localhost', ...more });
  await once(socket, 'secureConnect');
  return socket;
}

async function talkTls(port: number, bytes: string): Promise<string> {
  const socket = await openTls(port);
  socket.write(bytes);
  return listen(socket);
}

function statusesOf(answer: string): readonly number[] {
  return [...answer.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => Number(status));
}

function errorOf(answer: string): { readonly code: string; readonly message: string } | undefined {
  const body = answer.slice(answer.indexOf('\r\n\r\n') + 4);
  return JSON.parse(body).errors[0];
}

const last = 'Host: localhost\r\nConnection: close\r\n\r\n';

test('one port speaks TLS and plain HTTP on both loopback addresses', async () => {
  await using made = await openFront();
  const hosts = made.front.addresses().map(({ host }) => host);

  const answers: string[] = [];
  for (const host of hosts) {
    answers.push((await talk(made.port, get('/a'), host)).split('\r\n\r\n')[1] ?? '');
    const req = secureRequest({ host, port: made.port, ca, path: '/b', agent: false }).end();
    const [res] = (await once(req, 'response')) as [IncomingMessage];
    answers.push(await readText(res));
  }

  assert.ok(hosts.includes('127.0.0.1'));
  assert.deepEqual(
    answers,
    hosts.flatMap(() => ['GET /a plain', 'GET /b tls']),
  );
});

test('a first byte of neither protocol, or none in time, closes without an answer', async (t) => {
  await using made = await openFront({ limits: { firstByteMs: 150 } });
  for (const bytes of ['', '\0', '\r\nGET / HTTP/1.1\r\n\r\n', '\x80\x80', '{"a":1}', '\x15\x03\x01']) {
    await t.test(JSON.stringify(bytes), async () => {
      assert.equal(await talk(made.port, bytes), '');
    });
  }
  await untilNoConnection(made.front);
});

test('headers that do not come in time get 408, on TLS as well', async (t) => {
  await using made = await openFront({ limits: { headersMs: 200 } });
  const talks = { plain: talk, tls: talkTls };
  for (const [name, say] of Object.entries(talks)) {
    await t.test(name, async () => {
      const startedAt = performance.now();

      const answer = await say(made.port, 'GET / HTTP/1.1\r\nHost: localhost\r\n');

      assert.deepEqual(statusesOf(answer), [408]);
      assert.equal(errorOf(answer)?.code, 'UNSUPPORTED');
      assert.ok(performance.now() - startedAt < 5_000);
    });
  }
});

test('a handshake that stops half way is cut', async () => {
  await using made = await openFront({ limits: { handshakeMs: 200 } });

  const answer = await talk(made.port, '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03');

  assert.equal(answer, '');
  await untilNoConnection(made.front);
});

test('plain HTTP is for loopback ends; others get 426 with the address to use', async (t) => {
  const skip = lanAddress === undefined ? 'this machine has no other address than loopback' : false;
  const cases: readonly (readonly [string, Partial<FrontOptions>, string | undefined, number])[] = [
    ['loopback on loopback', { plain: () => 'loopback' }, '127.0.0.1', 200],
    ['off on loopback', { plain: () => 'off' }, '127.0.0.1', 426],
    ['loopback from afar', { plain: () => 'loopback' }, lanAddress, 426],
    ['off from afar', { plain: () => 'off' }, lanAddress, 426],
    ['any from afar', { plain: () => 'any' }, lanAddress, 200],
    ['proxies from a stranger', { plain: () => 'proxies' }, lanAddress, 426],
    [
      'proxies from a proxy',
      { plain: () => 'proxies', isProxy: (address) => address === lanAddress },
      lanAddress,
      200,
    ],
  ];
  for (const [name, options, host, status] of cases) {
    await t.test(name, { skip: host === '127.0.0.1' ? false : skip }, async () => {
      let seen = 0;
      await using made = await openFront(
        {
          ...options,
          onRequest: (req, res) => {
            seen += 1;
            echo(req, res);
          },
        },
        '0.0.0.0',
      );

      const answer = await talk(
        made.port,
        `GET /v2/ HTTP/1.1\r\nHost: dock.lan:5443\r\nConnection: close\r\n\r\n`,
        host,
      );

      assert.deepEqual(statusesOf(answer), [status]);
      assert.equal(seen, status === 200 ? 1 : 0);
      if (status === 426) {
        assert.match(answer, /\r\nUpgrade: TLS\/1\.2, HTTP\/1\.1\r\n/);
        assert.match(answer, /\r\nConnection: close\r\n/);
        assert.deepEqual(errorOf(answer), {
          code: 'DENIED',
          message: 'This registry speaks HTTPS. Use https://dock.lan:5443.',
        });
      }
    });
  }
});

test('a strange Host is not echoed in the 426', async () => {
  await using made = await openFront({ plain: () => 'off' });

  const answer = await talk(made.port, 'GET / HTTP/1.1\r\nHost: <b>"evil\r\n\r\n');

  assert.equal(errorOf(answer)?.message, `This registry speaks HTTPS. Use https://127.0.0.1:${made.port}.`);
});

test('a client that first writes a large body and then reads gets its 426', async () => {
  await using made = await openFront({ plain: () => 'off', limits: { lingerMs: 5_000 } });
  const socket = connect(made.port, '127.0.0.1');
  const head = 'POST /v2/a/blobs/uploads/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: 8388608\r\n\r\n';

  await new Promise((resolve) =>
    socket.write(Buffer.concat([Buffer.from(head), Buffer.alloc(8_388_608)]), resolve),
  );
  const answer = await listen(socket);

  assert.deepEqual(statusesOf(answer), [426]);
  assert.match(answer, /speaks HTTPS/);
});

function fields(count: number): string {
  return Array.from({ length: count }, (_, i) => `X-${String(i)}: 1\r\n`).join('');
}

function get(target: string, more = ''): string {
  return `GET ${target} HTTP/1.1\r\n${more}${last}`;
}

test('limits of the header block are exact to the field and answered by name', async (t) => {
  await using made = await openFront();
  const cases: readonly (readonly [string, string, number])[] = [
    ['100 fields', get('/', fields(98)), 200],
    ['101 fields', get('/', fields(99)), 431],
    ['31 KiB in a field', get('/', `X: ${'x'.repeat(31 * 1024)}\r\n`), 200],
    ['33 KiB in a field', get('/', `X: ${'x'.repeat(33 * 1024)}\r\n`), 431],
    ['33 KiB in many fields', get('/', fields(90).replaceAll(': 1', `: ${'x'.repeat(400)}`)), 431],
    ['a target of 16 KiB', get(`/${'x'.repeat(16 * 1024 - 1)}`), 200],
    ['a target of 16 KiB and a byte', get(`/${'x'.repeat(16 * 1024)}`), 414],
    ['a target of 40 KiB', get(`/${'x'.repeat(40 * 1024)}`), 414],
  ];
  for (const [name, bytes, status] of cases) {
    await t.test(name, async () => {
      const answer = await talk(made.port, bytes);

      assert.deepEqual(statusesOf(answer), [status]);
      if (status !== 200) assert.equal(errorOf(answer)?.code, 'UNSUPPORTED');
    });
  }
});

test('requests that can be read in two ways get one 400, and nothing behind them is looked at', async (t) => {
  const body = 'Host: localhost\r\n';
  const chunked = 'Transfer-Encoding: chunked\r\n';
  const shapes: Readonly<Record<string, string>> = {
    'two Host lines': 'GET / HTTP/1.1\r\nHost: localhost\r\nHost: evil\r\n\r\n',
    'no Host line': 'GET / HTTP/1.1\r\n\r\n',
    'empty Host': 'GET / HTTP/1.1\r\nHost:\r\n\r\n',
    'absolute form elsewhere': 'GET http://evil/ HTTP/1.1\r\nHost: localhost\r\n\r\n',
    'absolute form of another scheme': 'GET ftp://localhost/ HTTP/1.1\r\nHost: localhost\r\n\r\n',
    'a star with GET': 'GET * HTTP/1.1\r\nHost: localhost\r\n\r\n',
    'a fragment': 'GET /v2/#x HTTP/1.1\r\nHost: localhost\r\n\r\n',
    'gzip, chunked': `POST / HTTP/1.1\r\n${body}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n`,
    'chunked twice': `POST / HTTP/1.1\r\n${body}${chunked}${chunked}\r\n0\r\n\r\n`,
    identity: `POST / HTTP/1.1\r\n${body}Transfer-Encoding: identity\r\n\r\n`,
    'chunked in HTTP/1.0': `POST / HTTP/1.0\r\n${body}${chunked}\r\n0\r\n\r\n`,
    'an upgrade with a body': `POST / HTTP/1.1\r\n${body}Connection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: 5\r\n\r\nhello`,
    'length and chunked': `POST / HTTP/1.1\r\n${body}Content-Length: 5\r\n${chunked}\r\n0\r\n\r\n`,
    'two lengths': `POST / HTTP/1.1\r\n${body}Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello`,
    'a list of lengths': `POST / HTTP/1.1\r\n${body}Content-Length: 5, 5\r\n\r\nhello`,
    'a negative length': `POST / HTTP/1.1\r\n${body}Content-Length: -5\r\n\r\nhello`,
    'a signed length': `POST / HTTP/1.1\r\n${body}Content-Length: +5\r\n\r\nhello`,
    'bare line feeds': 'GET / HTTP/1.1\nHost: localhost\n\n',
    'a space before the colon': 'GET / HTTP/1.1\r\nHost : localhost\r\n\r\n',
    'a folded line': 'GET / HTTP/1.1\r\nHost: localhost\r\nX: a\r\n b\r\n\r\n',
    'a NUL in a value': 'GET / HTTP/1.1\r\nHost: localhost\r\nX: a\0b\r\n\r\n',
    'HTTP/0.9': 'GET /\r\n\r\n',
    'HTTP/2.0': 'GET / HTTP/2.0\r\nHost: localhost\r\n\r\n',
    'the preface of HTTP/2': 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
    'an unknown method': 'BREW / HTTP/1.1\r\nHost: localhost\r\n\r\n',
    noise: 'hello, is there anybody?\r\n\r\n',
  };
  for (const [name, bytes] of Object.entries(shapes)) {
    await t.test(name, async () => {
      const seen: string[] = [];
      await using made = await openFront({
        onRequest: (req, res) => {
          seen.push(req.url ?? '');
          echo(req, res);
        },
      });

      const answer = await talk(made.port, `${bytes}DELETE /smuggled HTTP/1.1\r\n${last}`);

      assert.deepEqual(statusesOf(answer), [400]);
      assert.equal(errorOf(answer)?.code, 'UNSUPPORTED');
      assert.match(answer, /\r\nConnection: close\r\n/);
      assert.ok(!seen.includes('/smuggled'));
    });
  }
});

test('shapes that look odd and are fine are served', async (t) => {
  await using made = await openFront();
  const shapes: Readonly<Record<string, string>> = {
    'HTTP/1.0 without Host': 'GET /a HTTP/1.0\r\n\r\n',
    'absolute form of the own host':
      'GET http://LOCALHOST:5443/a HTTP/1.1\r\nHost: localhost:5443\r\nConnection: close\r\n\r\n',
    'OPTIONS of the server': `OPTIONS * HTTP/1.1\r\n${last}`,
    'chunked in capitals': `POST /a HTTP/1.1\r\nTransfer-Encoding: Chunked\r\n${last}0\r\n\r\n`,
    'an offer to upgrade':
      'GET /a HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n',
    'an unknown expectation': `GET /a HTTP/1.1\r\nExpect: wonders\r\n${last}`,
  };
  for (const [name, bytes] of Object.entries(shapes)) {
    await t.test(name, async () => {
      assert.deepEqual(statusesOf(await talk(made.port, bytes)), [200]);
    });
  }
});

const handshake = 'GET /rpc HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n';

test('a connection is taken over where that is offered and taken, on TLS as well', async () => {
  await using made = await openFront({
    mayUpgrade: ({ url }) => url === '/rpc',
    onRequest: (req, res, head) => {
      if (head === undefined) {
        res.end('served');
        return;
      }
      req.socket.write(`HTTP/1.1 101 Switching Protocols\r\n\r\n${String(head)}`);
      req.socket.once('data', (more: Buffer) => req.socket.end(`${String(more)}!`));
    },
  });
  const answers: string[] = [];
  for (const socket of [connect(made.port, '127.0.0.1'), await openTls(made.port)]) {
    socket.write(`${handshake}first`);
    let heard = '';
    socket.setEncoding('latin1').on('data', (text: string) => {
      if (heard === '') socket.write('second');
      heard += text;
    });
    await once(socket, 'end');
    socket.destroy();
    answers.push(heard);
  }
  answers.push((await talk(made.port, handshake.replace('/rpc', '/other'))).split('\r\n\r\n')[1] ?? '');

  const whole = 'HTTP/1.1 101 Switching Protocols\r\n\r\nfirstsecond!';
  assert.deepEqual(answers, [whole, whole, 'served']);
  await untilNoConnection(made.front);
});

test('what is not taken over after all is answered like any request, and closed', async () => {
  await using made = await openFront({ mayUpgrade: () => true });

  const answers = [await talk(made.port, handshake), await talkTls(made.port, handshake)];

  for (const answer of answers) {
    assert.deepEqual(statusesOf(answer), [200]);
    assert.match(answer, /\r\nConnection: close\r\n/);
  }
  await untilNoConnection(made.front);
});

test('a handshake behind a request that is being answered closes the connection', async () => {
  const closed = Promise.withResolvers<void>();
  const seen: string[] = [];
  await using made = await openFront({
    mayUpgrade: () => true,
    onRequest: (req, res) => {
      seen.push(req.url ?? '');
      res.once('close', closed.resolve);
    },
  });

  const answer = await talk(made.port, `GET /slow HTTP/1.1\r\nHost: localhost\r\n\r\n${handshake}`);

  await closed.promise;
  assert.deepEqual([answer, seen], ['', ['/slow']]);
});

test('a connection that was taken over is waited for at the end, and cut', async () => {
  const open = Promise.withResolvers<void>();
  await using made = await openFront({
    mayUpgrade: () => true,
    onRequest: (req) => {
      req.socket.write('HTTP/1.1 101 Switching Protocols\r\n\r\n');
      open.resolve();
    },
  });
  const heard = talk(made.port, handshake);
  await open.promise;

  await made.front.close({ drainMs: 100 });

  assert.match(await heard, /^HTTP\/1\.1 101 /);
  assert.ok(made.lines.some((line) => line.startsWith('connectionsCut')));
});

test('CONNECT gets 405', async () => {
  await using made = await openFront();

  const answer = await talk(
    made.port,
    'CONNECT hub.docker.com:443 HTTP/1.1\r\nHost: hub.docker.com:443\r\n\r\n',
  );

  assert.deepEqual(statusesOf(answer), [405]);
});

test('pipelined requests are answered in order on one connection', async () => {
  const lastOne = Promise.withResolvers<undefined>();
  await using made = await openFront({
    onRequest: async (req, res) => {
      if (req.url === '/19') lastOne.resolve(undefined);
      // The first answer is the slowest: only the server keeps the order.
      if (req.url === '/0') await lastOne.promise;
      res.end(`nonce-${req.url ?? ''}`);
    },
  });
  const requests = Array.from({ length: 20 }, (_, i) => `GET /${String(i)} HTTP/1.1\r\nHost: localhost\r\n`);

  const bytes = requests.map((lines, i) => `${lines}${i === 19 ? 'Connection: close\r\n' : ''}\r\n`).join('');
  const answer = await talk(made.port, bytes);

  const nonces = [...answer.matchAll(/nonce-\/(\d+)/g)].map(([, nonce]) => Number(nonce));
  assert.deepEqual(
    nonces,
    Array.from({ length: 20 }, (_, i) => i),
  );
});

test('a broken request behind a running one lets the first answer end and adds nothing to it', async () => {
  const release = Promise.withResolvers<undefined>();
  await using made = await openFront({
    onRequest: async (_, res) => {
      res.write('first half, ');
      await release.promise;
      res.end('second half');
    },
    onRawError: () => assert.fail('an answer in the midst of another'),
  });
  const socket = connect(made.port, '127.0.0.1');

  socket.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\nnoise noise\r\n\r\n');
  await once(socket, 'readable');
  release.resolve(undefined);
  const answer = await listen(socket);

  assert.deepEqual(statusesOf(answer), [200]);
  assert.match(answer, /second half/);
});

test('a body that breaks off in bad framing gets 400 before the answer began, the end of the line after', async (t) => {
  for (const [name, begins, statuses] of [
    ['before', false, [400]],
    ['after', true, [200]],
  ] as const) {
    await t.test(name, async () => {
      const begun = Promise.withResolvers<undefined>();
      await using made = await openFront({
        onRequest: (req, res) => {
          req.on('error', () => undefined).resume();
          if (begins) res.write('begun', () => begun.resolve(undefined));
          else begun.resolve(undefined);
        },
      });
      const socket = connect(made.port, '127.0.0.1');
      const heard = listen(socket);

      socket.write('POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n');
      await begun.promise;
      socket.write('noise\r\n');

      assert.deepEqual(statusesOf(await heard), statuses);
      await untilNoConnection(made.front);
    });
  }
});

test('connections stay open between requests', async () => {
  await using made = await openFront();
  const agents = [
    new Agent({ keepAlive: true, maxSockets: 1 }),
    new SecureAgent({ keepAlive: true, maxSockets: 1, ca }),
  ];
  const reused: boolean[] = [];

  for (const agent of agents) {
    const request = agent instanceof SecureAgent ? secureRequest : plainRequest;
    for (let i = 0; i < 3; i += 1) {
      const req = request({ host: '127.0.0.1', port: made.port, agent }).end();
      const [res] = (await once(req, 'response')) as [IncomingMessage];
      await readText(res);
      reused.push(req.reusedSocket);
    }
    agent.destroy();
  }

  assert.deepEqual(reused, [false, true, true, false, true, true]);
});

test('100 Continue is sent when the handler asks for it and not before', async () => {
  await using made = await openFront({
    onRequest: async (req, res) => {
      if (req.url === '/refused') {
        res.writeHead(401).end();
        return;
      }
      res.writeContinue();
      res.end(`got ${await readText(req)}`);
    },
  });
  const ask = async (path: string) => {
    const headers = { Expect: '100-continue', 'Content-Length': 5 };
    const req = plainRequest({
      host: '127.0.0.1',
      port: made.port,
      method: 'PUT',
      path,
      headers,
      agent: false,
    });
    let continued = false;
    req.once('continue', () => {
      continued = true;
      req.end('hello');
    });
    req.flushHeaders();
    const [res] = (await once(req, 'response')) as [IncomingMessage];
    const body = await readText(res);
    req.destroy();
    return [continued, res.statusCode, body];
  };

  assert.deepEqual(await ask('/taken'), [true, 200, 'got hello']);
  assert.deepEqual(await ask('/refused'), [false, 401, '']);
});

test('a new certificate is shown to new connections while a download on the old one runs on', async () => {
  const release = Promise.withResolvers<undefined>();
  await using made = await openFront({
    onRequest: async (_, res) => {
      res.write('x'.repeat(1_000_000));
      await release.promise;
      res.end('the end');
    },
  });
  const running = await openTls(made.port);
  running.write(`GET / HTTP/1.1\r\n${last}`);
  await once(running, 'readable');
  const next = issue();

  made.swap(next);
  const fresh = await openTls(made.port);
  const shown = fresh.getPeerX509Certificate()?.fingerprint256;
  fresh.destroy();
  release.resolve(undefined);
  const body = await listen(running);

  assert.equal(shown, new X509Certificate(next.cert).fingerprint256);
  assert.match(body, /the end/);
});

test('a certificate that TLS refuses leaves the old one in service', async () => {
  await using made = await openFront();

  made.swap({ ...issue(), key: issue().key });
  const socket = await openTls(made.port);
  socket.destroy();

  assert.match(made.lines.join(), /certificateKept/);
});

test('TLS offers 1.2 and 1.3, http/1.1 only, and resumes sessions', async () => {
  await using made = await openFront();

  const old = connectTls({
    host: '127.0.0.1',
    port: made.port,
    ca,
    minVersion: 'TLSv1',
    maxVersion: 'TLSv1.1',
    ciphers: 'ALL:@SECLEVEL=0',
  });
  await assert.rejects(once(old, 'secureConnect'), /alert protocol version|unsupported protocol/);
  const protocols: unknown[] = [];
  for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
    const offer = { maxVersion, ALPNProtocols: ['h2', 'http/1.1'] };
    const first = connectTls({ host: '127.0.0.1', port: made.port, ca, servername: 'localhost', ...offer });
    const [[ticket]] = (await Promise.all([once(first, 'session'), once(first, 'secureConnect')])) as [
      [Buffer],
      [],
    ];
    const second = await openTls(made.port, { maxVersion, session: ticket });
    protocols.push([first.getProtocol(), first.alpnProtocol, second.isSessionReused()]);
    first.destroy();
    second.destroy();
  }

  assert.deepEqual(protocols, [
    ['TLSv1.2', 'http/1.1', true],
    ['TLSv1.3', 'http/1.1', true],
  ]);
});

test('TLS 1.2 can be switched off', async () => {
  await using made = await openFront({ minVersion: 'TLSv1.3' });
  const old = connectTls({
    host: '127.0.0.1',
    port: made.port,
    ca,
    servername: 'localhost',
    maxVersion: 'TLSv1.2',
  });

  await assert.rejects(once(old, 'secureConnect'), /alert protocol version/);
});

test('a list of ciphers chooses those of TLS 1.2 and leaves TLS 1.3 on', async (t) => {
  const cases = [
    ['', 'TLSv1.3', 'TLSv1.3'],
    ['', 'TLSv1.2', 'TLSv1.2'],
    ['ECDHE-ECDSA-CHACHA20-POLY1305', 'TLSv1.3', 'TLSv1.3'],
    ['ECDHE-ECDSA-CHACHA20-POLY1305', 'TLSv1.2', 'TLSv1.2 ECDHE-ECDSA-CHACHA20-POLY1305'],
  ] as const;
  for (const [ciphers, maxVersion, expected] of cases) {
    await t.test(`"${ciphers}" at ${maxVersion}`, async () => {
      await using made = await openFront({ ciphers });

      const socket = await openTls(made.port, { maxVersion });
      const used = `${socket.getProtocol() ?? ''} ${socket.getCipher().name}`;
      socket.destroy();

      assert.ok(used.startsWith(expected), used);
    });
  }
});

test(
  'a client that does not trust the authority is logged once, with what to do',
  needs('openssl'),
  async () => {
    await using made = await openFront();
    const to = `127.0.0.1:${String(made.port)}`;

    // Without -CAfile the roots of the system count, and none of them signed this.
    for (let i = 0; i < 2; i += 1) {
      await run('openssl', ['s_client', '-connect', to, '-verify_return_error']).catch(() => undefined);
    }

    const told = made.lines.filter((line) => line.startsWith('handshakeFailed'));
    assert.equal(told.length, 1);
    assert.match(told.join(), /does not trust the certificate authority/);
  },
);

test('curl and openssl trust the leaf by the authority alone', needs('curl', 'openssl'), async () => {
  await using made = await openFront();
  await using dir = await mkdtempDisposable(join(tmpdir(), 'berth-front-'));
  const file = join(dir.path, 'ca.crt');
  await writeFile(file, ca);

  const answer = await run('curl', [
    '-sS',
    '--noproxy',
    '*',
    '--cacert',
    file,
    `https://localhost:${String(made.port)}/a`,
  ]);
  const connection = ['-connect', `127.0.0.1:${String(made.port)}`, '-verify_ip', '127.0.0.1'];
  const shown = run('openssl', ['s_client', ...connection, '-CAfile', file, '-verify_return_error']);
  shown.child.stdin?.end();

  assert.equal(answer.stdout, 'GET /a tls');
  assert.match((await shown).stdout, /Verify return code: 0 \(ok\)/);
});

test('connections over the cap are closed, and places come free again', async () => {
  await using made = await openFront({ limits: { connections: 2 } });
  const held = [await openTls(made.port), await openTls(made.port)];

  const refused = await talk(made.port, `GET / HTTP/1.1\r\n${last}`);
  const freed = held.map(async (socket) => {
    socket.destroy();
    await once(socket, 'close');
  });
  await Promise.all(freed);
  await untilNoConnection(made.front);
  const served = await talk(made.port, `GET / HTTP/1.1\r\n${last}`);

  assert.equal(refused, '');
  assert.deepEqual(statusesOf(served), [200]);
  assert.match(made.lines.join(), /connectionRefused/);
});

test('closing lets a running request end, cuts what waits and begins nothing new', async (t) => {
  for (const kind of ['plain', 'tls']) {
    await t.test(kind, async () => {
      const begun = Promise.withResolvers<undefined>();
      const lateSent = Promise.withResolvers<undefined>();
      const seen: string[] = [];
      await using made = await openFront({
        onRequest: async (req, res) => {
          seen.push(req.url ?? '');
          if (req.url !== '/running') {
            res.end();
            return;
          }
          const { bytesRead } = req.socket;
          begun.resolve(undefined);
          await lateSent.promise;
          while (req.socket.bytesRead === bytesRead) await new Promise((resolve) => setImmediate(resolve));
          res.end('done');
        },
      });
      const open = () =>
        kind === 'tls' ? openTls(made.port) : Promise.resolve(connect(made.port, '127.0.0.1'));
      const [running, idle, silent] = [await open(), await open(), connect(made.port, '127.0.0.1')];
      idle.write('GET /idle HTTP/1.1\r\nHost: localhost\r\n\r\n');
      await once(idle, 'readable');
      running.write('GET /running HTTP/1.1\r\nHost: localhost\r\n\r\n');
      await begun.promise;
      const waiting = [listen(idle), listen(silent)];

      const closed = made.front.close({ drainMs: 10_000 });
      await Promise.all(waiting);
      const [error] = (await once(connect(made.port, '127.0.0.1'), 'error')) as [NodeJS.ErrnoException];
      running.write('GET /late HTTP/1.1\r\nHost: localhost\r\n\r\n');
      lateSent.resolve(undefined);
      const answer = await listen(running);
      await closed;

      assert.equal(error.code, 'ECONNREFUSED');
      assert.deepEqual(seen, ['/idle', '/running']);
      assert.deepEqual(statusesOf(answer), [200]);
      assert.match(answer, /\r\nConnection: close\r\n/);
      assert.match(answer, /done$/);
      assert.equal(made.front.connections(), 0);
    });
  }
});

test('what does not end within the drain time is cut', async () => {
  const begun = Promise.withResolvers<undefined>();
  await using made = await openFront({
    onRequest: (_, res) => {
      res.write('begun');
      begun.resolve(undefined);
    },
  });
  const answer = talkTls(made.port, `GET / HTTP/1.1\r\n${last}`);
  await begun.promise;

  await made.front.close({ drainMs: 50 });

  assert.doesNotMatch(await answer, /\r\n0\r\n/);
  assert.match(made.lines.join(), /connectionsCut \{"count":1\}/);
});

test('a handler that throws answers 500 without inner text, and the next request is served', async () => {
  await using made = await openFront({
    onRequest: (req, res) => {
      if (req.url === '/bug') throw new Error('inner text');
      echo(req, res);
    },
  });

  const answer = await talk(made.port, `GET /bug HTTP/1.1\r\n${last}`);
  const next = await talk(made.port, `GET / HTTP/1.1\r\n${last}`);

  assert.deepEqual(statusesOf(answer), [500]);
  assert.doesNotMatch(answer, /inner text/);
  assert.match(made.lines.join(), /inner text/);
  assert.deepEqual(statusesOf(next), [200]);
});

test('every answer given without the handler is told', async () => {
  const told: unknown[] = [];
  await using made = await openFront({
    onRawError: ({ status, error, address }) => told.push([status, error.code, address]),
  });

  await talk(made.port, 'noise noise\r\n\r\n');

  assert.deepEqual(told, [[400, 'HTTP_INVALID', '127.0.0.1']]);
});
