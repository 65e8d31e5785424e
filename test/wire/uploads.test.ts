import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { after, before, describe, test } from 'node:test';
import { openRaw } from '../support/http.ts';
import { startRegistry, type TestRegistry } from '../support/registry.ts';
import { digestOf, listStore, openUpload, pushBlob, refusal, type Send, sender } from './support.ts';

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
let registry: TestRegistry;
let send: Send;

before(async () => {
  registry = await startRegistry();
  send = sender(registry);
});
after(() => registry[Symbol.asyncDispose]());

const withDigest = (location: string, digest: string) => `${location}&digest=${digest}`;
const patch = (location: string, body: string, range?: string) =>
  send('PATCH', location, { body, headers: range === undefined ? {} : { 'content-range': range } });
const status = (location: string) => send('GET', location);
const idOf = (location: string) => /uploads\/([^?]+)/.exec(location)?.[1] ?? '';

test('a session opens with a relative Location, an empty Range and its id', async () => {
  for (const path of ['/v2/open/er/blobs/uploads/', '/v2/open/er/blobs/uploads']) {
    const opened = await send('POST', path);

    const { location = '', range, 'docker-upload-uuid': id } = opened.headers;
    assert.deepEqual([opened.status, range, opened.headers['content-length']], [202, '0-0', '0']);
    assert.match(String(id), uuid);
    assert.match(location, new RegExp(`^/v2/open/er/blobs/uploads/${String(id)}\\?_state=[A-Za-z0-9_-]+$`));
    assert.equal(opened.headers['oci-chunk-min-length'], undefined);
  }
});

test('chunks with and without Content-Range add up, each answer tells where the upload stands', async () => {
  const location = await openUpload(send, 'chunks');

  const first = await patch(location, 'hello');
  const second = await patch(location, ' ', '5-5');
  const third = await patch(location, 'wor', 'bytes 6-8/*');
  const fourth = await send('PATCH', location, { body: Readable.from([Buffer.from('l')]) });
  const got = await status(location);
  const head = await send('HEAD', location);
  const put = await send('PUT', withDigest(location, digestOf('hello world')), {
    body: 'd',
    headers: { 'content-range': '10-10' },
  });

  assert.deepEqual(
    [first, second, third, fourth].map(({ status: code, headers }) => [
      code,
      headers.range,
      headers['content-length'],
    ]),
    [
      [202, '0-4', '0'],
      [202, '0-5', '0'],
      [202, '0-8', '0'],
      [202, '0-9', '0'],
    ],
  );
  for (const { headers } of [first, second, third, fourth, got, head]) {
    assert.equal(headers.location, location);
    assert.equal(headers['docker-upload-uuid'], idOf(location));
  }
  assert.deepEqual(
    [got, head].map(({ status: code, headers }) => [code, headers.range]),
    [
      [204, '0-9'],
      [204, '0-9'],
    ],
  );
  assert.deepEqual(
    [put.status, put.headers.location, put.headers['docker-content-digest'], put.headers['content-length']],
    [201, `/v2/chunks/blobs/${digestOf('hello world')}`, digestOf('hello world'), '0'],
  );
  assert.equal(
    String((await send('GET', `/v2/chunks/blobs/${digestOf('hello world')}`)).body),
    'hello world',
  );
  assert.equal(refusal(await status(location)), '404 BLOB_UPLOAD_UNKNOWN');
});

describe('a chunk that does not fit', () => {
  for (const [name, range, body, expected] of [
    ['starts too late', '4-6', 'xyz', '416 BLOB_UPLOAD_INVALID'],
    ['starts too early', '0-2', 'xyz', '416 BLOB_UPLOAD_INVALID'],
    ['starts beyond 2^53', '9007199254740993-9007199254740995', 'xyz', '400 BLOB_UPLOAD_INVALID'],
    ['has the unit twice', 'bytes bytes 3-5', 'xyz', '400 BLOB_UPLOAD_INVALID'],
    ['has another unit', 'lines 3-5', 'xyz', '400 BLOB_UPLOAD_INVALID'],
    ['ends before it starts', '5-3', 'xyz', '400 BLOB_UPLOAD_INVALID'],
    ['has no end', '3-', 'xyz', '400 BLOB_UPLOAD_INVALID'],
    ['is negative', '-3-5', 'xyz', '400 BLOB_UPLOAD_INVALID'],
    ['is no number', '3-0x5', 'xyz', '400 BLOB_UPLOAD_INVALID'],
    ['is empty', '', 'xyz', '400 BLOB_UPLOAD_INVALID'],
    ['has two ranges', '3-5, 6-8', 'xyz', '400 BLOB_UPLOAD_INVALID'],
    ['is longer than it says', '3-4', 'xyz', '400 SIZE_INVALID'],
    ['is shorter than it says', '3-9', 'xyz', '400 SIZE_INVALID'],
  ] as const) {
    test(`${name}: ${expected}, nothing of it is kept`, async () => {
      const location = await openUpload(send, 'unfit');
      await patch(location, 'abc');
      const digest = digestOf('abcxyz');

      for (const stream of [false, true]) {
        for (const [method, path] of [
          ['PATCH', location],
          ['PUT', withDigest(location, digest)],
        ] as const) {
          const answer = await send(method, path, {
            body: stream ? Readable.from([Buffer.from(body)]) : body,
            headers: { 'content-range': range },
          });

          assert.equal(refusal(answer), expected, method);
          if (answer.status === 416) {
            assert.deepEqual([answer.headers.location, answer.headers.range], [location, '0-2']);
          }
          assert.equal((await status(location)).headers.range, '0-2', `${method} kept something`);
        }
      }
      const put = await send('PUT', withDigest(location, digest), {
        body: 'xyz',
        headers: { 'content-range': '3-5' },
      });
      assert.equal(put.status, 201);
    });
  }

  test('a PUT without bytes is held to its Content-Range', async () => {
    const location = await openUpload(send, 'unfit');
    await patch(location, 'abc');

    const answer = await send('PUT', withDigest(location, digestOf('abc')), {
      headers: { 'content-range': '7-9' },
    });

    assert.match(refusal(answer), /^(?:416 BLOB_UPLOAD_INVALID|400 SIZE_INVALID)$/);
  });
});

test('an older Location stays valid', async () => {
  const location = await openUpload(send, 'older');
  const later = (await patch(location, 'one')).headers.location ?? '';
  await patch(later, 'two');

  const answer = await patch(location, 'three', '6-10');

  assert.deepEqual([answer.status, answer.headers.range], [202, '0-10']);
  assert.equal((await send('PUT', withDigest(location, digestOf('onetwothree')))).status, 201);
});

describe('the end of an upload', () => {
  test('without or with a malformed digest is 400 and the session stays', async () => {
    const location = await openUpload(send, 'end');
    await patch(location, 'abc');
    for (const query of [
      '',
      '&digest=',
      '&digest=sha256:00',
      '&digest=md5:900150983cd24fb0d6963f7d28e17f72',
    ]) {
      assert.equal(refusal(await send('PUT', location + query, { body: 'more' })), '400 DIGEST_INVALID');
      assert.equal((await status(location)).headers.range, '0-2');
    }
    const put = await send('PUT', withDigest(location, digestOf('abc')));
    assert.equal(put.status, 201);
  });

  test('with a digest of other bytes is 400 and drops session and bytes', async () => {
    const stored = await listStore(registry);
    const location = await openUpload(send, 'end');
    await patch(location, 'abc');

    const put = await send('PUT', withDigest(location, digestOf('else')), { body: 'more' });

    assert.equal(refusal(put), '400 DIGEST_INVALID');
    assert.equal(refusal(await status(location)), '404 BLOB_UPLOAD_UNKNOWN');
    assert.deepEqual(await listStore(registry), stored);
  });

  test('by an escaped digest is the same', async () => {
    const location = await openUpload(send, 'end');
    await patch(location, 'abc');
    const put = await send('PUT', withDigest(location, digestOf('abc').replace(':', '%3A')));
    assert.equal(put.status, 201);
  });

  test('twice is 404 the second time', async () => {
    const location = await openUpload(send, 'end');
    const body = 'abc';
    const path = withDigest(location, digestOf(body));
    assert.equal((await send('PUT', path, { body })).status, 201);
    assert.equal(refusal(await send('PUT', path, { body })), '404 BLOB_UPLOAD_UNKNOWN');
  });

  for (const [opened, ended] of [
    ['sha256', 'sha512'],
    ['sha512', 'sha256'],
    ['sha512', 'sha512'],
  ] as const) {
    test(`opened for ${opened}, ended by ${ended}`, async () => {
      const location = await openUpload(send, 'algorithm', `?digest-algorithm=${opened}`);
      await patch(location, 'abc');
      const digest = digestOf('abcd', ended);

      const put = await send('PUT', withDigest(location, digest), { body: 'd' });

      assert.deepEqual([put.status, put.headers['docker-content-digest']], [201, digest]);
      assert.equal(String((await send('GET', `/v2/algorithm/blobs/${digest}`)).body), 'abcd');
    });
  }

  test('an upload without bytes is the empty blob', async () => {
    const location = await openUpload(send, 'end');
    const put = await send('PUT', withDigest(location, digestOf('')));
    const got = await send('GET', `/v2/end/blobs/${digestOf('')}`);
    assert.deepEqual([put.status, got.status, got.headers['content-length']], [201, 200, '0']);
  });
});

test('the status of an upload ignores a digest beside it', async () => {
  const location = await openUpload(send, 'stray');
  for (const digest of [digestOf('x'), 'nonsense']) {
    assert.equal((await status(withDigest(location, digest))).status, 204);
  }
});

test('a cancelled upload is gone with its bytes', async () => {
  const stored = await listStore(registry);
  const location = await openUpload(send, 'cancelled');
  await patch(location, 'abc');

  const cancelled = await send('DELETE', location);

  assert.deepEqual([cancelled.status, cancelled.body.length], [204, 0]);
  assert.deepEqual(await listStore(registry), stored);
  for (const method of ['GET', 'PATCH', 'PUT', 'DELETE']) {
    const again = await send(method, method === 'PUT' ? withDigest(location, digestOf('abc')) : location);
    assert.equal(refusal(again), '404 BLOB_UPLOAD_UNKNOWN', method);
  }
});

test('an id, a repository or a state that does not belong to the session is unknown', async () => {
  const [location, other] = [await openUpload(send, 'mine'), await openUpload(send, 'mine')];
  const [path = '', state = ''] = location.split('?_state=');
  const flipped = state.slice(0, -6) + (state.at(-6) === 'A' ? 'B' : 'A') + state.slice(-5);
  const stored = await listStore(registry);
  for (const wrong of [
    path,
    `${path}?_state=`,
    `${path}?_state=nonsense`,
    `${path}?_state=${flipped}`,
    `${path}?_state=${state.slice(0, 40)}`,
    `${path}?_state=${'A'.repeat(4000)}`,
    `${other.split('?')[0] ?? ''}?_state=${state}`,
    location.replace('/v2/mine/', '/v2/yours/'),
    `/v2/mine/blobs/uploads/${'0'.repeat(36)}?_state=${state}`,
    `/v2/mine/blobs/uploads/..%2F..%2F_layers?_state=${state}`,
    `/v2/mine/blobs/uploads/%ff?_state=${state}`,
    `/v2/mine/blobs/uploads/${idOf(location).toUpperCase()}?_state=${state}`,
  ]) {
    for (const method of ['GET', 'PATCH', 'PUT', 'DELETE']) {
      const body = method === 'PATCH' || method === 'PUT' ? 'abc' : '';
      const query = method === 'PUT' ? `${wrong.includes('?') ? '&' : '?'}digest=${digestOf('abc')}` : '';
      const answer = await send(method, wrong + query, { body });
      assert.equal(refusal(answer), '404 BLOB_UPLOAD_UNKNOWN', `${method} ${wrong}`);
    }
  }
  assert.deepEqual(await listStore(registry), stored);
});

describe('a blob in one POST', () => {
  for (const [name, body, type] of [
    ['sized', 'single', 'application/octet-stream'],
    ['chunked', Readable.from([Buffer.from('sin'), Buffer.from('gle')]), 'text/html'],
  ] as const) {
    test(name, async () => {
      const digest = digestOf('single');
      const pushed = await send('POST', `/v2/single/${name}/blobs/uploads/?digest=${digest}`, {
        body,
        headers: { 'content-type': type },
      });
      assert.deepEqual(
        [pushed.status, pushed.headers.location, pushed.headers['docker-content-digest']],
        [201, `/v2/single/${name}/blobs/${digest}`, digest],
      );
      assert.equal(String((await send('GET', `/v2/single/${name}/blobs/${digest}`)).body), 'single');
    });
  }

  test('the empty one needs no body', async () => {
    for (const algorithm of ['sha256', 'sha512']) {
      const digest = digestOf('', algorithm);
      assert.equal((await send('POST', `/v2/empty/blobs/uploads/?digest=${digest}`)).status, 201);
      assert.equal((await send('HEAD', `/v2/empty/blobs/${digest}`)).headers['content-length'], '0');
    }
  });

  test('sha512', async () => {
    await pushBlob(send, 'single', 'by sha512', 'sha512');
  });

  test('a digest without a body opens a session', async () => {
    const opened = await send('POST', `/v2/single/blobs/uploads/?digest=${digestOf('later')}`);
    assert.equal(opened.status, 202);
    const put = await send('PUT', withDigest(opened.headers.location ?? '', digestOf('later')), {
      body: 'later',
    });
    assert.equal(put.status, 201);
  });

  for (const [name, query] of [
    ['a digest of other bytes', `digest=${digestOf('else')}`],
    ['a malformed digest', 'digest=sha256:zz'],
    ['another algorithm', `digest=md5:${'0'.repeat(32)}`],
    ['an unknown digest-algorithm', 'digest-algorithm=md5'],
    ['an empty digest-algorithm', 'digest-algorithm='],
    ['a malformed mount', 'mount=sha256:zz&from=a'],
  ] as const) {
    test(`${name} is 400 and leaves nothing`, async () => {
      const stored = await listStore(registry);
      const answer = await send('POST', `/v2/single/blobs/uploads/?${query}`, { body: 'body' });
      assert.equal(refusal(answer), '400 DIGEST_INVALID');
      assert.deepEqual(await listStore(registry), stored);
    });
  }
});

describe('mount', () => {
  before(() => pushBlob(send, 'source/of', 'shared'));
  const digest = digestOf('shared');
  for (const [name, query, code] of [
    ['from the repository that has it', `mount=${digest}&from=source/of`, 201],
    ['with crane’s origin', `mount=${digest}&from=source/of&origin=host&x=y`, 201],
    ['without from', `mount=${digest}`, 201],
    ['from another one', `mount=${digest}&from=wrong`, 201],
    ['from an impossible name', `mount=${digest}&from=..%2F..`, 201],
    ['of an unknown blob', `mount=${digestOf('nowhere')}&from=source/of`, 202],
    ['of an unknown blob with a digest beside it', `mount=${digestOf('nowhere')}&digest=nonsense`, 202],
  ] as const) {
    test(`${name}: ${code}`, async () => {
      const target = `mounted/${digestOf(name).slice(7, 15)}`;
      const answer = await send('POST', `/v2/${target}/blobs/uploads/?${query}`);
      assert.equal(answer.status, code);
      if (code === 202) {
        assert.match(answer.headers.location ?? '', /uploads/);
        return;
      }
      assert.deepEqual(
        [answer.headers.location, answer.headers['docker-content-digest'], answer.headers['content-length']],
        [`/v2/${target}/blobs/${digest}`, digest, '0'],
      );
      assert.equal(String((await send('GET', `/v2/${target}/blobs/${digest}`)).body), 'shared');
    });
  }

  test('of what the repository has already is 201', async () => {
    assert.equal((await send('POST', `/v2/source/of/blobs/uploads/?mount=${digest}`)).status, 201);
  });
});

const head = (method: string, path: string, ...lines: readonly string[]) =>
  `${method} ${path} HTTP/1.1\r\nHost: localhost\r\n${lines.map((line) => `${line}\r\n`).join('')}\r\n`;

/** Asks until the upload stands there: what was sent on another connection takes its time. */
async function standsAt(location: string, range: string): Promise<void> {
  for (const deadline = Date.now() + 10_000; Date.now() < deadline;) {
    if ((await status(location)).headers.range === range) return;
  }
  assert.fail(`the upload never stood at ${range}`);
}

test('of two writers the newer wins; what the older sent counts', async () => {
  const location = await openUpload(send, 'writers');
  await using older = await openRaw(registry.host, registry.port);
  older.send(head('PATCH', location, 'Transfer-Encoding: chunked'));
  older.send(`40000\r\n${'a'.repeat(0x40000)}\r\n`);
  await standsAt(location, '0-262143');

  // Without the cut it would wait until the older one is silent for too long.
  const newer = await send('PATCH', location, { body: 'b', signal: AbortSignal.timeout(10_000) });
  const rest = await older.receiveAll();

  assert.deepEqual([newer.status, newer.headers.range, rest], [202, '0-262144', '']);
  const digest = digestOf(`${'a'.repeat(0x40000)}b`);
  assert.equal((await send('PUT', withDigest(location, digest))).status, 201);
});

test('a cut connection keeps the bytes that came, and the upload goes on from there', async () => {
  const location = await openUpload(send, 'cut');
  {
    await using connection = await openRaw(registry.host, registry.port);
    connection.send(head('PATCH', location, 'Content-Length: 1000000'));
    connection.send('a'.repeat(0x40000));
    await standsAt(location, '0-262143');
  }

  const next = await patch(location, 'rest', '262144-262147');

  assert.equal(next.status, 202);
  const digest = digestOf(`${'a'.repeat(0x40000)}rest`);
  assert.equal((await send('PUT', withDigest(location, digest))).status, 201);
});

test('a cut PUT keeps its bytes and commits nothing', async () => {
  const location = await openUpload(send, 'cut');
  const whole = 'a'.repeat(0x40000);
  const digest = digestOf(whole);
  {
    await using connection = await openRaw(registry.host, registry.port);
    connection.send(head('PUT', withDigest(location, digest), 'Content-Length: 1000000'));
    connection.send(whole);
    await standsAt(location, `0-${whole.length - 1}`);
  }
  assert.equal((await send('HEAD', `/v2/cut/blobs/${digest}`)).status, 404);
  assert.equal((await send('PUT', withDigest(location, digest))).status, 201);
});

test('an upload goes on after a kill and a new start', async () => {
  await using cleanup = new AsyncDisposableStack();
  const dataDir = await mkdtemp(join(tmpdir(), 'berth-wire-'));
  cleanup.defer(() => rm(dataDir, { recursive: true, force: true }));
  let location = '';
  {
    await using first = await startRegistry({ dataDir });
    const ask = sender(first);
    location = await openUpload(ask, 'kept', '?digest-algorithm=sha512');
    await ask('PATCH', location, { body: 'before ' });
    await first.kill('SIGKILL');
  }
  await using second = await startRegistry({ dataDir });
  const ask = sender(second);

  const stands = await ask('GET', location);
  const more = await ask('PATCH', location, { body: 'after', headers: { 'content-range': '7-11' } });
  const put = await ask('PUT', withDigest(location, digestOf('before after', 'sha512')));

  assert.deepEqual(
    [stands.status, stands.headers.range, more.status, more.headers.range, put.status],
    [204, '0-6', 202, '0-11', 201],
  );
});

describe('limits', () => {
  let limited: TestRegistry;
  let ask: Send;
  before(async () => {
    const env = { BERTH_LIMITS_BODYIDLE: '300ms', BERTH_LIMITS_UPLOADSPERUSER: '100' };
    limited = await startRegistry({ env });
    ask = sender(limited);
  });
  after(() => limited[Symbol.asyncDispose]());

  test('a hundred uploads may be open, the next is 429 until one ends', async () => {
    const locations: string[] = [];
    for (let count = 0; count < 100; count++) locations.push(await openUpload(ask, 'hundred'));

    const tooMany = await ask('POST', '/v2/hundred/blobs/uploads/');
    const single = await ask('POST', `/v2/hundred/blobs/uploads/?digest=${digestOf('x')}`, { body: 'x' });
    await ask('DELETE', locations.pop() ?? '');
    const one = await ask('POST', '/v2/hundred/blobs/uploads/');

    for (const answer of [tooMany, single]) {
      assert.equal(refusal(answer), '429 TOOMANYREQUESTS');
      assert.match(answer.headers['retry-after'] ?? '', /^\d+$/);
    }
    assert.equal(one.status, 202);
    for (const location of [...locations, one.headers.location ?? '']) await ask('DELETE', location);
    assert.deepEqual(
      await readdir(join(limited.dataDir, 'docker/registry/v2/repositories/hundred/_uploads')).catch(
        () => [],
      ),
      [],
    );
  });

  for (const secure of [false, true]) {
    test(`a silent body is cut and its bytes stay, a slow one is not (${secure ? 'TLS' : 'plain'})`, async () => {
      const [idle, slow] = [await openUpload(ask, 'idle'), await openUpload(ask, 'idle')];
      const options = secure ? { ca: limited.ca } : {};
      await using silent = await openRaw(limited.host, limited.port, options);
      await using steady = await openRaw(limited.host, limited.port, options);
      silent.send(head('PATCH', idle, 'Content-Length: 10'));
      silent.send('abc');
      steady.send(head('PATCH', slow, 'Content-Length: 10', 'Connection: close'));
      let sent = 0;
      const timer = setInterval(() => {
        steady.send('x');
        sent += 1;
        if (sent === 10) clearInterval(timer);
      }, 100);

      const cut = await silent.receiveAll();
      const done = await steady.receiveAll();

      clearInterval(timer);
      assert.equal(cut, '');
      assert.match(done, /^HTTP\/1\.1 202 /);
      assert.equal((await ask('GET', idle)).headers.range, '0-2');
      assert.equal((await ask('GET', slow)).headers.range, '0-9');
    });
  }
});

test('a disk below the reserve refuses uploads before their bytes, and pulls go on', async () => {
  await using cleanup = new AsyncDisposableStack();
  const dataDir = await mkdtemp(join(tmpdir(), 'berth-wire-'));
  cleanup.defer(() => rm(dataDir, { recursive: true, force: true }));
  let digest = '';
  {
    await using first = await startRegistry({ dataDir });
    digest = await pushBlob(sender(first), 'full', 'kept');
  }
  await using full = await startRegistry({
    dataDir,
    env: { BERTH_STORAGE_RESERVE_BYTES: '1000000000000000' },
  });
  const ask = sender(full);

  const opened = await ask('POST', '/v2/full/blobs/uploads/');
  const single = await ask('POST', `/v2/full/blobs/uploads/?digest=${digestOf('x')}`, { body: 'x' });
  const base = await ask('GET', '/v2/');

  assert.equal(refusal(opened), '403 DENIED');
  assert.match(String(opened.body), /disk/);
  assert.equal(refusal(single), '403 DENIED');
  assert.equal((await ask('POST', `/v2/other/blobs/uploads/?mount=${digest}`)).status, 201);
  assert.equal(String((await ask('GET', `/v2/full/blobs/${digest}`)).body), 'kept');
  assert.match(String(base.headers.warning), /^299 - ".*disk.*"$/);
});
