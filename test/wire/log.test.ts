import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { openRaw } from '../support/http.ts';
import type { TestRegistry } from '../support/registry.ts';
import { digestOf, openUpload, pushBlob, pushImage, type Send, sender, startWithUsers } from './support.ts';

const users = { 'canary-name': { role: 'admin' }, other: { role: 'pull', repositories: ['x'] } } as const;
let registry: TestRegistry;
let json: TestRegistry;

before(async () => {
  [registry, json] = await Promise.all([
    startWithUsers(users, { args: ['--log-level', 'trace'] }),
    startWithUsers(users, {
      args: ['--log-level', 'debug'],
      env: { REGISTRY_LOG_FORMATTER: 'json', BERTH_LOG_ACCESS: 'json' },
    }),
  ]);
});
after(() => Promise.all([registry[Symbol.asyncDispose](), json[Symbol.asyncDispose]()]));

/** Waits for the first line that the test admits. */
async function lineOf(from: TestRegistry, isIt: (line: string) => boolean): Promise<string> {
  for (const deadline = Date.now() + 5000; Date.now() < deadline; await new Promise(setImmediate)) {
    const line = from.log().split('\n').find(isIt);
    if (line !== undefined) return line;
  }
  return assert.fail(`no such line in:\n${from.log().slice(-3000)}`);
}

const asUser = (at: TestRegistry): Send => sender(at, 'canary-name:canary-name');
const time = String.raw`\[\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d \+0000\]`;

test('the access log has Apache’s combined format', async () => {
  const digest = await pushBlob(asUser(registry), 'log', 'twelve bytes');
  const headers = { 'user-agent': 'agent/1 "q" \\', referer: 'http://from.example/' };
  for (const [send, method, path, ending] of [
    [asUser(registry), 'GET', `/v2/log/blobs/${digest}?first`, '200 12'],
    [asUser(registry), 'HEAD', `/v2/log/blobs/${digest}?second`, '200 0'],
    [asUser(registry), 'GET', '/v2/log/manifests/nothing?third', undefined],
    [sender(registry), 'GET', '/?fourth', '200 0'],
  ] as const) {
    const answer = await send(method, path, { headers });

    const line = await lineOf(
      registry,
      (each) => each.startsWith('127.0.0.1') && each.includes(`${path} HTTP`),
    );
    const user = path.startsWith('/v2') ? 'canary-name' : '-';
    const match = new RegExp(`^127\\.0\\.0\\.1 - ${user} ${time} "(.*)" (\\d+ \\d+) "(.*)" "(.*)"$`).exec(
      line,
    );
    assert.deepEqual(
      match?.slice(1),
      [
        `${method} ${path} HTTP/1.1`,
        ending ?? `404 ${answer.body.length}`,
        'http://from.example/',
        String.raw`agent/1 \"q\" \\`,
      ],
      line,
    );
  }
});

test('an answer without Content-Length is logged with the bytes that went', async () => {
  await pushImage(asUser(registry), 'log', 'v');
  const answer = await asUser(registry)('GET', '/v2/log/tags/list?chunked');
  const line = await lineOf(registry, (each) => each.startsWith('127.0.0.1') && each.includes('?chunked'));
  assert.match(line, new RegExp(`" 200 ${answer.body.length} "`));
});

test('the id in the answer is the id in the log, with the fields of the request', async () => {
  const refused = await asUser(registry)('GET', `/v2/log/blobs/${digestOf('nothing')}`, {
    headers: { 'user-agent': 'ids/1' },
  });
  const id = String(refused.headers['x-request-id']);

  const line = await lineOf(
    registry,
    (each) => each.startsWith('time=') && each.includes(id) && each.includes('response completed'),
  );

  assert.match(
    line,
    /^time="\d{4}-\d\d-\d\dT[\d:.]+Z" level=debug msg="response completed with error" auth\.user\.name=canary-name /,
  );
  for (const part of [
    'err.code="blob unknown"',
    'http.request.method=GET',
    'http.request.remoteaddr=127.0.0.1',
    `http.request.id=${id}`,
    'http.request.useragent=ids/1',
    'http.response.status=404',
    'vars.name=log',
    `vars.digest="${digestOf('nothing')}"`,
    'service=registry',
  ]) {
    const found = part.startsWith('err.code')
      ? /err\.code="?blob[_ ]unknown/.test(line)
      : line.includes(part);
    assert.ok(found, `${part} in ${line}`);
  }
});

test('what the store did has the id of the request', async () => {
  const pushed = await asUser(registry)('POST', `/v2/log/blobs/uploads/?digest=${digestOf('with id')}`, {
    body: 'with id',
  });
  const id = String(pushed.headers['x-request-id']);
  await lineOf(
    registry,
    (line) => line.includes('event=blobStored') && line.includes(`http.request.id=${id}`),
  );
});

test('uploads, tags and digests have fields of their own', async () => {
  const location = await openUpload(asUser(registry), 'log');
  const uuid = /uploads\/([^?]+)/.exec(location)?.[1] ?? '';
  await asUser(registry)('GET', location);
  await asUser(registry)('GET', '/v2/log/manifests/some-tag');

  await lineOf(registry, (line) => line.includes('response completed') && line.includes(`vars.uuid=${uuid}`));
  await lineOf(
    registry,
    (line) => line.includes('response completed') && line.includes('vars.reference=some-tag'),
  );
});

test('the first 401 of a client is a challenge at debug', async () => {
  const answer = await sender(registry)('GET', '/v2/?challenge');
  const id = String(answer.headers['x-request-id']);
  const line = await lineOf(registry, (each) => each.includes(id) && each.includes('response completed'));
  assert.match(line, /level=debug .*event=challenge/);
});

test('json: one object a line, in both logs', async () => {
  const answer = await asUser(json)('GET', '/v2/?json');
  const id = String(answer.headers['x-request-id']);
  const lines = [
    await lineOf(json, (line) => line.includes(id) && line.includes('response completed')),
    await lineOf(json, (line) => line.includes(id) && !line.includes('"msg"')),
  ].map((line) => JSON.parse(line) as Record<string, unknown>);

  for (const line of lines) {
    assert.deepEqual(
      [
        line['http.request.id'],
        line['http.request.uri'],
        line['http.response.status'],
        line['auth.user.name'],
      ],
      [id, '/v2/?json', 200, 'canary-name'],
    );
  }
});

describe('no secret is in any log', () => {
  test('at level trace', async () => {
    const canaries = new Set<string>();
    const canary = (): string => {
      const text = `zq${digestOf(String(canaries.size)).slice(7, 27)}`;
      canaries.add(text);
      return text;
    };
    const base64 = (text: string): string => {
      const value = Buffer.from(text).toString('base64');
      canaries.add(value);
      return value;
    };
    const send = asUser(registry);
    const anonymous = sender(registry);
    await anonymous('GET', '/v2/', {
      headers: { authorization: `Basic ${base64(`canary-name:${canary()}`)}` },
    });
    await anonymous('GET', '/v2/', {
      headers: { authorization: `Bearer ${canary()}.${canary()}.${canary()}` },
    });
    await anonymous('GET', '/v2/', { headers: { authorization: `Digest ${canary()}` } });
    await send('GET', '/v2/', { headers: { cookie: `session=${canary()}` } });
    await anonymous('GET', `/token?account=${canary()}&password=${canary()}&service=${canary()}`);
    await anonymous('POST', '/token', { body: `grant_type=password&username=other&password=${canary()}` });
    await send('GET', `/v2/?access_token=${canary()}&password=${canary()}&X-Amz-Signature=${canary()}`);
    await send('GET', `/v2/x/tags/list?%70assword=${canary()}`);
    await send('GET', '/v2/', {
      headers: { referer: `https://user:${canary()}@page.example/?token=${canary()}` },
    });
    await send('GET', '/v2/', {
      headers: { 'user-agent': `x Authorization: Basic ${base64(`a:${canary()}`)}` },
    });
    const { token } = (await send('GET', '/token?scope=repository:log:pull')).json() as { token: string };
    canaries.add(token).add(token.split('.')[2] ?? token);
    await anonymous('GET', '/v2/log/tags/list', { headers: { authorization: `Bearer ${token}` } });
    const location = await openUpload(send, 'log');
    const state = location.split('_state=')[1] ?? '';
    canaries.add(state).add(state.slice(0, 40));
    await send('PATCH', location, { body: 'x' });
    await anonymous('PATCH', location, { body: 'x' });
    await send('DELETE', location.replace('_state', '%5fstate'));
    await send('GET', '/v2/?last-of-canaries');
    await lineOf(registry, (line) => line.startsWith('127.0.0.1') && line.includes('last-of-canaries'));

    const log = registry.log();
    for (const text of canaries)
      assert.ok(!log.includes(text), `${text} is in: ${log.split('\n').find((line) => line.includes(text))}`);
    assert.ok(canaries.size > 15);
  });

  test('nor can a request forge a line', async () => {
    await using connection = await openRaw(registry.host, registry.port);
    const forged = '\x1b[2J\x7f\x85time=forged';
    connection.send(
      `GET /v2/?forge HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nUser-Agent: ${forged}\r\nReferer: ${forged}\r\nAuthorization: Basic ${Buffer.from('a\nforged - - ["]:b').toString('base64')}\r\n\r\n`,
    );
    await connection.receiveAll();
    await asUser(registry)('GET', '/v2/%0aforged%0d/tags/list', { headers: { 'user-agent': 'é\tx' } });
    await lineOf(registry, (line) => line.startsWith('127.0.0.1') && line.includes('forged%0d'));

    const lines = registry.log().split('\n');
    assert.ok(!lines.some((line) => line.startsWith('forged') || line.startsWith('time=forged')));
    assert.doesNotMatch(registry.log().replaceAll(/[\t\n]/g, ''), /\p{Cc}/u);
  });
});
