import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { networkInterfaces } from 'node:os';
import { Readable } from 'node:stream';
import { text as collect } from 'node:stream/consumers';
import { after, before, describe, test } from 'node:test';
import { connect as connectTls } from 'node:tls';
import { type Answer, openRaw, request } from '../support/http.ts';
import { startRegistry, type TestRegistry } from '../support/registry.ts';
import {
  digestOf,
  listStore,
  ociManifest,
  openUpload,
  pushImage,
  refusal,
  type Send,
  sender,
} from './support.ts';

let registry: TestRegistry;
let send: Send;

before(async () => {
  registry = await startRegistry();
  send = sender(registry);
  await pushImage(send, 'a/b', 'v');
});
after(() => registry[Symbol.asyncDispose]());

const id = '0a6f4b0e-7d2c-4a51-9c2e-0c7f0e6b9a11';
const routes = [
  ['/', ['GET', 'HEAD']],
  ['/livez', ['GET', 'HEAD']],
  ['/readyz', ['GET', 'HEAD']],
  ['/token', ['GET', 'HEAD', 'POST']],
  ['/v2', ['GET', 'HEAD']],
  ['/v2/', ['GET', 'HEAD']],
  ['/v2/_catalog', ['GET', 'HEAD']],
  ['/v2/a/b/tags/list', ['GET', 'HEAD']],
  [`/v2/a/b/blobs/${digestOf('{}')}`, ['GET', 'HEAD', 'DELETE']],
  ['/v2/a/b/blobs/uploads', ['POST']],
  ['/v2/a/b/blobs/uploads/', ['POST']],
  [`/v2/a/b/blobs/uploads/${id}`, ['GET', 'HEAD', 'PATCH', 'PUT', 'DELETE']],
  ['/v2/a/b/manifests/v', ['GET', 'HEAD', 'PUT', 'DELETE']],
  [`/v2/a/b/referrers/${digestOf('{}')}`, ['GET', 'HEAD']],
] as const;

describe('each route x method', () => {
  for (const [path, allowed] of routes) {
    test(path, async () => {
      for (const method of ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'TRACE', 'PROPFIND']) {
        if ((allowed as readonly string[]).includes(method)) {
          if (method !== 'DELETE') assert.notEqual((await send(method, path)).status, 405, method);
          continue;
        }
        const answer = await send(method, path);
        assert.equal(answer.status, 405, method);
        if (method !== 'HEAD') assert.equal(refusal(answer), '405 UNSUPPORTED', method);
        assert.deepEqual(answer.headers.allow?.split(', '), allowed, method);
      }
      const options = await send('OPTIONS', path);
      assert.deepEqual([options.status, options.body.length], [200, 0]);
      assert.deepEqual(options.headers.allow?.split(', '), [...allowed, 'OPTIONS']);
    });
  }
});

test('paths that are no route are 404, never a redirect', async () => {
  for (const path of [
    '/x',
    '/v1/',
    '/V2/',
    '/v2x',
    '/v2/a',
    '/v2//',
    '/v2/_catalog/',
    '/v2/../v2/',
    '/v2/a/tags/list/',
    '/livez/',
    '/Token',
    '/v2/a/blobs',
    '/%76%32/',
    '/ui/',
    '/api',
  ]) {
    for (const method of ['GET', 'POST', 'DELETE']) {
      assert.equal(refusal(await send(method, path)), '404 UNSUPPORTED', `${method} ${path}`);
    }
    assert.equal((await send('OPTIONS', path)).status, 200);
  }
});

test('the small pages', async () => {
  for (const [path, body] of [
    ['/', ''],
    ['/livez', '{"status":"alive"}'],
    ['/readyz', '{"status":"ready"}'],
    ['/v2', '{}'],
    ['/v2/', '{}'],
    ['/v2/?x=y', '{}'],
  ] as const) {
    const answer = await send('GET', path);
    assert.deepEqual([answer.status, String(answer.body)], [200, body], path);
  }
  assert.equal((await send('GET', '/')).headers['cache-control'], 'no-cache');
});

test('every answer below /v2 carries the common headers and an id of its own', async () => {
  const ids = new Set<unknown>();
  const cases = [
    ['GET', '/v2/'],
    ['GET', '/v2/a/b/manifests/v'],
    ['HEAD', '/v2/a/b/manifests/nothing'],
    ['GET', '/v2/a/b/blobs/x'],
    ['POST', '/v2/a/b/manifests/v'],
    ['GET', '/v2/nothing'],
    ['OPTIONS', '/v2/'],
  ] as const;
  for (const [method, path] of cases) {
    const { headers } = await send(method, path);
    ids.add(headers['x-request-id']);
    assert.deepEqual(
      [
        headers['docker-distribution-api-version'],
        headers['x-content-type-options'],
        headers['content-security-policy'],
      ],
      ['registry/2.0', 'nosniff', "default-src 'none'; sandbox"],
    );
    assert.equal(headers['access-control-allow-origin'], undefined);
  }
  assert.equal(ids.size, cases.length);
  assert.ok(!ids.has(undefined));
});

test('TLS answers as plain HTTP does, by HTTP/1.1', async () => {
  const path = '/v2/a/b/manifests/v';
  const [plain, secure] = [await send('GET', path), await request(registry.url, { path, ca: registry.ca })];
  const without = ({ headers }: Answer) => ({ ...headers, 'x-request-id': '', date: '' });
  assert.deepEqual([secure.status, without(secure), secure.body], [plain.status, without(plain), plain.body]);

  const socket = connectTls({
    host: registry.host,
    port: registry.port,
    ca: registry.ca,
    ALPNProtocols: ['h2', 'http/1.1'],
  });
  await new Promise((resolve) => socket.once('secureConnect', resolve));
  assert.equal(socket.alpnProtocol, 'http/1.1');
  socket.destroy();
});

/** Sends bytes and answers status, code and the header block. */
async function say(bytes: string, at: Pick<TestRegistry, 'host' | 'port'> = registry) {
  await using connection = await openRaw(at.host, at.port);
  connection.send(bytes);
  const text = await connection.receiveAll();
  const code = /"code":"(\w+)"/.exec(text)?.[1];
  return { text, answer: [text.slice(9, 12), ...(code === undefined ? [] : [code])].join(' ') };
}

describe('Host', () => {
  for (const [host, expected] of [
    ['localhost', '200'],
    ['LocalHost:5443', '200'],
    ['localhost.', '200'],
    ['127.0.0.1:1', '200'],
    ['127.3.2.1', '200'],
    ['[::1]:5443', '200'],
    ['evil.example', '421 DENIED'],
    ['localhost.evil.example', '421 DENIED'],
    ['127.0.0.1.evil.example', '421 DENIED'],
    ['0.0.0.0', '421 DENIED'],
    ['0x7f.1', '421 DENIED'],
    ['2130706433', '421 DENIED'],
    ['user@localhost', '421 DENIED'],
    ['localhost/x', '421 DENIED'],
    ['localhost?x', '421 DENIED'],
    ['localhost x', '421 DENIED'],
    ['localhost:x', '421 DENIED'],
    ['localhost:99999999', '421 DENIED'],
    ['[::1', '421 DENIED'],
    ['evil.example:99999', '421 DENIED'],
    ['a b', '421 DENIED'],
    ['', '400 UNSUPPORTED'],
    ['localhost\r\nHost: localhost', '400 UNSUPPORTED'],
  ] as const) {
    test(`${JSON.stringify(host)}: ${expected}`, async () => {
      for (const path of ['/v2/', '/', '/livez', '/v2/nothing']) {
        const { text, answer } = await say(
          `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: ${expected === '200' ? 'close' : 'keep-alive'}\r\n\r\n`,
        );
        if (path !== '/v2/nothing' || expected !== '200') assert.equal(answer, expected, path);
        if (expected !== '200') assert.match(text, /\r\nconnection: close\r\n/i);
      }
    });
  }

  test('a foreign one is refused before OPTIONS, too', async () => {
    const { answer } = await say('OPTIONS /v2/ HTTP/1.1\r\nHost: evil.example\r\n\r\n');
    assert.equal(answer, '421 DENIED');
  });

  test('none is refused', async () => {
    assert.equal((await say('GET /v2/ HTTP/1.1\r\n\r\n')).answer, '400 UNSUPPORTED');
    assert.equal((await say('GET /v2/ HTTP/1.0\r\n\r\n')).answer, '421 DENIED');
    assert.equal((await say('GET /v2/ HTTP/1.0\r\nHost: localhost\r\n\r\n')).answer, '200');
  });

  test('configured ones are answered; a star is for /v2 only', async () => {
    await using named = await startRegistry({
      env: {
        REGISTRY_HTTP_HOST: 'https://reg.example:5000',
        BERTH_HTTP_HOSTS: '[lan.example]',
        BERTH_TLS_NAMES: '[cert.example]',
      },
    });
    for (const [host, expected] of [
      ['reg.example', '200'],
      ['REG.example:1', '200'],
      ['lan.example:5443', '200'],
      ['cert.example', '200'],
      ['other.example', '421 DENIED'],
    ] as const) {
      assert.equal(
        (await say(`GET / HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`, named)).answer,
        expected,
        host,
      );
    }
    await using star = await startRegistry({ env: { BERTH_HTTP_HOSTS: '["*"]' } });
    for (const [path, host, expected] of [
      ['/v2/', 'any.example', '200'],
      ['/v2', 'any.example', '200'],
      ['/', 'any.example', '421 DENIED'],
      ['/token', 'any.example', '421 DENIED'],
      ['/v2x', 'any.example', '421 DENIED'],
      ['/v2/', 'any@any.example', '421 DENIED'],
    ] as const) {
      assert.equal(
        (await say(`GET ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`, star)).answer,
        expected,
        path,
      );
    }
  });
});

describe('framing', () => {
  const post = 'POST /v2/a/b/blobs/uploads/ HTTP/1.1\r\nHost: localhost\r\n';
  for (const [name, bytes] of [
    ['length and chunked', `${post}Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`],
    ['two lengths', `${post}Content-Length: 3\r\nContent-Length: 4\r\n\r\nabc`],
    ['a negative length', `${post}Content-Length: -3\r\n\r\nabc`],
    ['another coding', `${post}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n`],
    ['bare line feeds', 'GET /v2/ HTTP/1.1\nHost: localhost\n\n'],
    ['absolute form elsewhere', 'GET http://evil.example/v2/ HTTP/1.1\r\nHost: localhost\r\n\r\n'],
    ['a space before the colon', 'GET /v2/ HTTP/1.1\r\nHost : localhost\r\n\r\n'],
  ] as const) {
    test(`${name}: 400, closed`, async () => {
      const { text, answer } = await say(bytes);
      assert.equal(answer, '400 UNSUPPORTED');
      assert.match(text, /\r\nconnection: close\r\n/i);
    });
  }

  for (const [name, bytes, expected] of [
    [
      'a request line over 16 KiB',
      `GET /v2/${'a'.repeat(17_000)} HTTP/1.1\r\nHost: localhost\r\n\r\n`,
      '414 UNSUPPORTED',
    ],
    [
      'headers over 32 KiB',
      `GET /v2/ HTTP/1.1\r\nHost: localhost\r\nX: ${'a'.repeat(40_000)}\r\n\r\n`,
      '431 UNSUPPORTED',
    ],
    [
      'over 100 fields',
      `GET /v2/ HTTP/1.1\r\nHost: localhost\r\n${'X: a\r\n'.repeat(101)}\r\n`,
      '431 UNSUPPORTED',
    ],
  ] as const) {
    test(`${name}: ${expected}`, async () => assert.equal((await say(bytes)).answer, expected));
  }

  test('neither TLS nor HTTP is closed without an answer', async () => {
    assert.equal((await say('\0\0\0')).text, '');
  });

  test('requests in one packet are answered in order on one connection, refusals without a body among them', async () => {
    await using connection = await openRaw(registry.host, registry.port);
    const paths = ['/v2/', '/v2/a/b/manifests/nothing', '/v2/nothing', '/livez'];
    connection.send(paths.map((path) => `GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`).join(''));
    for (const status of [200, 404, 404, 200])
      assert.match(await connection.receive(/HTTP\/1\.1 \d+/), new RegExp(`${status}$`));
  });
});

describe('Origin', () => {
  const origin = 'https://page.example';
  test('a write from a foreign page is 403 and does nothing, a read is answered', async () => {
    const stored = await listStore(registry);
    for (const [method, path] of [
      ['POST', '/v2/a/b/blobs/uploads/'],
      ['PUT', '/v2/a/b/manifests/v'],
      ['PATCH', `/v2/a/b/blobs/uploads/${id}`],
      ['DELETE', '/v2/a/b/manifests/v'],
      ['POST', '/token'],
    ] as const) {
      for (const from of [origin, 'null', 'http://localhost', `https://${registry.address}.evil.example`]) {
        assert.equal(
          refusal(await send(method, path, { headers: { origin: from } })),
          '403 DENIED',
          `${method} ${path}`,
        );
      }
    }
    assert.deepEqual(await listStore(registry), stored);
    assert.equal((await send('GET', '/v2/a/b/manifests/v', { headers: { origin } })).status, 200);
    assert.equal(
      (await send('POST', '/v2/a/b/blobs/uploads/', { headers: { origin: registry.plainUrl } })).status,
      202,
    );
  });

  test('the connection is kept when there is no body', async () => {
    await using connection = await openRaw(registry.host, registry.port);
    connection.send(`DELETE /v2/a/b/manifests/v HTTP/1.1\r\nHost: localhost\r\nOrigin: ${origin}\r\n\r\n`);
    assert.match(await connection.receive(/\}\]\}/), /^HTTP\/1\.1 403 /);
    connection.send('GET /v2/ HTTP/1.1\r\nHost: localhost\r\n\r\n');
    assert.match(await connection.receive(/\{\}/), /^HTTP\/1\.1 200 /);
  });

  test('http.headers are on every answer and admit their origin', async () => {
    const env = {
      REGISTRY_HTTP_HEADERS: `{X-Mine: [one, two], Access-Control-Allow-Origin: ["${origin}"], Access-Control-Allow-Methods: [DELETE]}`,
    };
    await using open = await startRegistry({
      auth: 'htpasswd',
      users: { u: { role: 'admin', password: 'password' } },
      env,
    });
    const ask = sender(open, 'u:password');

    const preflight = await sender(open)('OPTIONS', '/v2/a/manifests/v', { headers: { origin } });
    const allowed = await ask('POST', '/v2/a/blobs/uploads/', { headers: { origin } });
    const foreign = await ask('POST', '/v2/a/blobs/uploads/', {
      headers: { origin: 'https://other.example' },
    });
    const anonymous = await sender(open)('GET', '/v2/', { headers: { origin } });

    assert.deepEqual(
      [preflight.status, allowed.status, foreign.status, anonymous.status],
      [200, 202, 403, 401],
    );
    for (const { headers } of [preflight, allowed, foreign, anonymous]) {
      assert.deepEqual([headers['access-control-allow-origin'], headers['x-mine']], [origin, 'one, two']);
    }
  });
});

describe('where answers lead', { concurrency: true }, () => {
  const seen = async (ask: Send, headers: Readonly<Record<string, string>> = {}, prefix = '') => {
    const opened = await ask('POST', `${prefix}/v2/a/blobs/uploads/`, { headers });
    const blob = await ask('POST', `${prefix}/v2/a/blobs/uploads/?digest=${digestOf('{}')}`, {
      headers,
      body: '{}',
    });
    const body = JSON.stringify({
      schemaVersion: 2,
      mediaType: ociManifest,
      config: { mediaType: 'a/b', digest: digestOf('{}'), size: 2 },
    });
    const manifest = await ask('PUT', `${prefix}/v2/a/manifests/${digestOf(body)}?tag=v&tag=w`, {
      headers,
      body,
    });
    const page = await ask('GET', `${prefix}/v2/a/tags/list?n=1`, { headers });
    assert.deepEqual(
      [opened, blob, manifest, page].map(({ status }) => status),
      [202, 201, 201, 200],
    );
    return {
      starts: [opened, blob, manifest].map(({ headers: { location = '' } }) =>
        location.slice(0, location.indexOf('/v2/a/')),
      ),
      link: page.headers['link'],
      upload: opened.headers.location ?? '',
    };
  };
  const link = (start: string) => `<${start}/v2/a/tags/list?n=1&last=v>; rel="next"`;
  const three = (start: string) => [start, start, start];

  for (const [name, env, start, linkStart, prefix] of [
    ['http.relativeurls: false', { REGISTRY_HTTP_RELATIVEURLS: 'false' }, 'http://HOST', '', ''],
    ['http.host', { REGISTRY_HTTP_HOST: 'https://reg.example:5000' }, 'https://reg.example:5000', '', ''],
    ['http.prefix', { REGISTRY_HTTP_PREFIX: '/one/two/' }, '/one/two', '/one/two', '/one/two'],
    [
      'http.host and prefix',
      { REGISTRY_HTTP_HOST: 'https://reg.example', REGISTRY_HTTP_PREFIX: '/one/' },
      'https://reg.example/one',
      '/one',
      '/one',
    ],
  ] as const) {
    test(name, async () => {
      await using other = await startRegistry({ env });
      const ask = sender(other);

      const found = await seen(ask, {}, prefix);

      assert.deepEqual(found.starts, three(start.replace('HOST', other.address)));
      assert.equal(found.link, link(linkStart));
      const { pathname, search } = new URL(found.upload, other.plainUrl);
      assert.equal((await ask('DELETE', pathname + search)).status, 204);
      assert.equal((await ask('GET', `${prefix}/v2/`)).status, 200);
      if (prefix !== '') assert.equal((await ask('GET', `${prefix}x/v2/`)).status, 404);
    });
  }

  test('relative by default', async () => {
    const found = await seen(send);
    assert.deepEqual([found.starts, found.link], [three(''), link('')]);
    assert.equal((await send('DELETE', found.upload)).status, 204);
  });

  const forwarded = {
    'x-forwarded-proto': 'https',
    'x-forwarded-host': 'proxy.example',
    'x-forwarded-prefix': '/sub',
  };
  test('headers of proxies count from trusted ones only', async () => {
    const env = { REGISTRY_HTTP_RELATIVEURLS: 'false', BERTH_HTTP_HOSTS: '[proxy.example]' };
    await using trusting = await startRegistry({ env: { ...env, BERTH_HTTP_TRUSTEDPROXIES: '[127.0.0.1]' } });
    await using strict = await startRegistry({ env });

    const through = await seen(sender(trusting), forwarded);
    const rfc = await seen(sender(trusting), { forwarded: 'for=192.0.2.7;proto=https;host="proxy.example"' });
    const direct = await seen(sender(strict), forwarded);
    const foreign = await sender(trusting)('GET', '/v2/', {
      headers: { 'x-forwarded-host': 'evil.example' },
    });
    const broken = await sender(trusting)('GET', '/v2/', {
      headers: { 'x-forwarded-host': 'evil@localhost' },
    });

    assert.deepEqual([through.starts, through.link], [three('https://proxy.example/sub'), link('/sub')]);
    assert.deepEqual([rfc.starts, rfc.link], [three('https://proxy.example'), link('')]);
    assert.deepEqual([direct.starts, direct.link], [three(strict.plainUrl), link('')]);
    assert.equal(refusal(foreign), '421 DENIED');
    assert.equal(refusal(broken), '421 DENIED');
  });

  test('the client is the hop next to the trusted proxies, whatever stands before it', async () => {
    await using trusting = await startRegistry({
      env: { BERTH_HTTP_TRUSTEDPROXIES: '[127.0.0.1, 10.0.0.0/8]' },
    });
    for (const [headers, address] of [
      [{ 'x-forwarded-for': '192.0.2.1' }, '192.0.2.1'],
      [{ 'x-forwarded-for': '1.1.1.1, 192.0.2.2, 10.1.2.3' }, '192.0.2.2'],
      [{ 'x-forwarded-for': '192.0.2.3:4711' }, '192.0.2.3'],
      [{ 'x-forwarded-for': '[2001:db8::4]:80' }, '2001:db8::4'],
      [{ 'x-forwarded-for': 'nonsense' }, '127.0.0.1'],
      [{ forwarded: 'for=1.1.1.1, for="[2001:db8::5]:80", for=10.9.9.9' }, '2001:db8::5'],
      [{ forwarded: 'for=unknown' }, '127.0.0.1'],
      [{}, '127.0.0.1'],
    ] as const) {
      const path = `/v2/?case=${encodeURIComponent(JSON.stringify(headers))}`;
      await sender(trusting)('GET', path, { headers });
      assert.ok(await logged(trusting, `${address} - - [`, `"GET ${path} `), JSON.stringify(headers));
    }
  });
});

/** Waits for a line of the log that holds both texts. */
async function logged(from: TestRegistry, start: string, text: string): Promise<boolean> {
  for (const deadline = Date.now() + 5000; Date.now() < deadline; await new Promise(setImmediate)) {
    if (
      from
        .log()
        .split('\n')
        .some((line) => line.startsWith(start) && line.includes(text))
    )
      return true;
  }
  return false;
}

describe('Expect: 100-continue', () => {
  const expect = 'Expect: 100-continue\r\n';
  const ask = (method: string, path: string, ...headers: readonly string[]) =>
    `${method} ${path} HTTP/1.1\r\nHost: localhost\r\n${headers.map((line) => `${line}\r\n`).join('')}${expect}\r\n`;

  test('100 comes first for a body that is wanted', async () => {
    await using connection = await openRaw(registry.host, registry.port);
    connection.send(ask('POST', `/v2/e/blobs/uploads/?digest=${digestOf('hello')}`, 'Content-Length: 5'));
    assert.equal(await connection.receive(/\r\n\r\n/), 'HTTP/1.1 100 Continue\r\n\r\n');
    connection.send('hello');
    assert.match(await connection.receive(/\r\n\r\n/), /^HTTP\/1\.1 201 /);
    connection.send('GET /v2/ HTTP/1.1\r\nHost: localhost\r\n\r\n');
    assert.match(await connection.receive(/\{\}/), /^HTTP\/1\.1 200 /);
  });

  for (const [name, make, expected] of [
    [
      'a foreign origin',
      () => ask('POST', '/v2/e/blobs/uploads/', 'Content-Length: 5', 'Origin: https://evil.example'),
      '403',
    ],
    [
      'a bad name',
      () => ask('POST', `/v2/E/blobs/uploads/?digest=${digestOf('x')}`, 'Content-Length: 5'),
      '400',
    ],
    ['a bad digest', () => ask('POST', '/v2/e/blobs/uploads/?digest=sha256:x', 'Content-Length: 5'), '400'],
    ['an unknown upload', () => ask('PATCH', `/v2/e/blobs/uploads/${id}`, 'Content-Length: 5'), '404'],
    [
      'a bad Content-Range',
      (location: string) => ask('PATCH', location, 'Content-Length: 5', 'Content-Range: x'),
      '400',
    ],
    [
      'a wrong offset',
      (location: string) => ask('PATCH', location, 'Content-Length: 5', 'Content-Range: 7-11'),
      '416',
    ],
    [
      'a wrong offset of a PUT',
      (location: string) =>
        ask('PUT', `${location}&digest=${digestOf('x')}`, 'Content-Length: 5', 'Content-Range: 7-11'),
      '416',
    ],
    [
      'a wrong length',
      (location: string) => ask('PATCH', location, 'Content-Length: 5', 'Content-Range: 0-9'),
      '400',
    ],
    ['a PUT without digest', (location: string) => ask('PUT', location, 'Content-Length: 5'), '400'],
    ['a manifest that is too large', () => ask('PUT', '/v2/e/manifests/v', 'Content-Length: 5000000'), '413'],
    ['a bad tag', () => ask('PUT', '/v2/e/manifests/.v', 'Content-Length: 5'), '400'],
    ['a method that is none', () => ask('POST', '/v2/e/manifests/v', 'Content-Length: 5'), '405'],
  ] as const) {
    test(`${name} is ${expected} without 100`, async () => {
      const { text } = await say(make(await openUpload(send, 'e')));
      assert.match(text, new RegExp(`^HTTP/1\\.1 ${expected} `));
      assert.ok(!text.includes('100 Continue'));
      if (expected === '416')
        assert.match(text, /\r\nLocation: \/v2\/e\/blobs\/uploads\/.*\r\nRange: 0-0\r\n/);
    });
  }
});

describe('a refused body of 20 MiB', () => {
  const size = 20 * 1024 * 1024;
  const piece = Buffer.alloc(64 * 1024, 'x');
  for (const [name, method, path, headers, expected] of [
    ['sized, of an unknown upload', 'PATCH', `/v2/r/blobs/uploads/${id}`, {}, '404 BLOB_UPLOAD_UNKNOWN'],
    ['chunked, of an unknown upload', 'PATCH', `/v2/r/blobs/uploads/${id}`, {}, '404 BLOB_UPLOAD_UNKNOWN'],
    [
      'sized, as a manifest',
      'PUT',
      '/v2/r/manifests/v',
      { 'content-type': ociManifest },
      '413 MANIFEST_INVALID',
    ],
    [
      'chunked, as a manifest',
      'PUT',
      '/v2/r/manifests/v',
      { 'content-type': ociManifest },
      '413 MANIFEST_INVALID',
    ],
    ['sized, to a bad name', 'POST', '/v2/R/blobs/uploads/', {}, '400 NAME_INVALID'],
    [
      'chunked, from a foreign page',
      'POST',
      '/v2/r/blobs/uploads/',
      { origin: 'https://evil.example' },
      '403 DENIED',
    ],
    [
      'sized, with a Host that is not ours',
      'POST',
      '/v2/r/blobs/uploads/',
      { host: 'evil.example' },
      '421 DENIED',
    ],
  ] as const) {
    test(`${name}: the answer arrives, then the connection closes`, async () => {
      await using connection = await openRaw(registry.host, registry.port);
      const isSized = name.startsWith('sized');
      const lines = Object.entries({ host: 'localhost', ...headers }).map(
        ([key, value]) => `${key}: ${value}\r\n`,
      );
      connection.send(
        `${method} ${path} HTTP/1.1\r\n${lines.join('')}${isSized ? `Content-Length: ${size}` : 'Transfer-Encoding: chunked'}\r\n\r\n`,
      );
      for (let sent = 0; sent < size; sent += piece.length) {
        if (!isSized) connection.send(`${piece.length.toString(16)}\r\n`);
        connection.send(piece);
        if (!isSized) connection.send('\r\n');
      }
      if (!isSized) connection.send('0\r\n\r\n');

      const text = await connection.receiveAll();

      assert.equal(`${text.slice(9, 12)} ${/"code":"(\w+)"/.exec(text)?.[1]}`, expected);
      assert.match(text, /\r\nconnection: close\r\n/i);
      assert.match(text, /\}\]\}$/);
      assert.equal(text.split('HTTP/1.1').length, 2, 'one answer');
    });
  }

  test('a body without an end is read in part, and its connection stays for 5 s', async () => {
    const { host, port } = registry;
    const socket = connect({ host, port }).on('error', () => undefined);
    using _ = { [Symbol.dispose]: () => void socket.destroy() };
    const answered = once(socket, 'data');
    const ended = Promise.race([once(socket, 'end'), once(socket, 'close')]);
    const chunk = Buffer.from(`10000\r\n${'x'.repeat(65_536)}\r\n`);
    const fill = (): void => {
      while (socket.writable && socket.write(chunk));
    };
    socket.on('drain', fill);
    socket.write(
      `PATCH /v2/r/blobs/uploads/${id} HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n`,
    );
    fill();

    const [answer] = (await answered) as [Buffer];
    const answeredAt = performance.now();
    await ended;

    assert.match(String(answer), /^HTTP\/1\.1 404 /);
    const lastedMs = performance.now() - answeredAt;
    assert.ok(lastedMs > 4000 && lastedMs < 15_000, `${lastedMs} ms`);
    // The system keeps some of it for each of the two ends.
    const takenMiB = (socket.bytesWritten - socket.writableLength) / 1024 / 1024;
    assert.ok(takenMiB > 19 && takenMiB < 48, `${takenMiB} MiB`);
  });

  test('an ordinary client reads it too', async () => {
    const body = Readable.from(Array.from({ length: size / piece.length }, () => piece));
    assert.equal(
      refusal(await send('PATCH', `/v2/r/blobs/uploads/${id}`, { body })),
      '404 BLOB_UPLOAD_UNKNOWN',
    );
  });
});

const [outside] = Object.values(networkInterfaces())
  .flatMap((each) => each ?? [])
  .filter(({ family, internal }) => family === 'IPv4' && !internal);

describe(
  'from another machine',
  outside === undefined ? { skip: 'needs an address that is not loopback' } : {},
  () => {
    const host = outside?.address ?? '';
    for (const [plain, expected] of [
      ['loopback', '426 DENIED'],
      ['any', '200'],
    ] as const) {
      test(`plain HTTP with listen.plain: ${plain} is ${expected}`, async () => {
        const env = { BERTH_LISTEN_PLAIN: plain, BERTH_HTTP_HOSTS: `[${host}]` };
        await using wide = await startRegistry({ listen: '0.0.0.0:0', env });

        const { text, answer } = await say(
          `GET /v2/ HTTP/1.1\r\nHost: ${host}:${wide.port}\r\nAuthorization: Basic dTpw\r\nConnection: close\r\n\r\n`,
          { host, port: wide.port },
        );

        assert.equal(answer, expected);
        assert.equal((await sender(wide)('GET', '/v2/')).status, 200);
        assert.match(await overTls(host, wide), /^HTTP\/1\.1 200 /);
        if (expected === '200') return;
        assert.match(text, /\r\nUpgrade: TLS\/1\.2, HTTP\/1\.1\r\n/);
        assert.match(text, /\r\nConnection: close\r\n/);
        assert.ok(text.includes(`This registry speaks HTTPS. Use https://${host}:${wide.port}`));
        assert.doesNotMatch(text, /\r\n(?:Location|WWW-Authenticate):/i);
      });
    }
  },
);

/** Asks by TLS at an address that need not be in the certificate. */
async function overTls(host: string, { port, ca }: TestRegistry): Promise<string> {
  const socket = connectTls({ host, port, ca, servername: 'localhost' });
  socket.end('GET /v2/ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n');
  return await collect(socket);
}
