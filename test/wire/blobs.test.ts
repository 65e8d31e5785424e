import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { type Answer, openRaw } from '../support/http.ts';
import { startRegistry, type TestRegistry } from '../support/registry.ts';
import { digestOf, listStore, pushBlob, pushImage, refusal, type Send, sender } from './support.ts';

const content = Buffer.from(Array.from({ length: 1000 }, (_, at) => at % 251));
let registry: TestRegistry;
let send: Send;
let path: string;

before(async () => {
  registry = await startRegistry();
  send = sender(registry);
  path = `/v2/bl/ob/blobs/${await pushBlob(send, 'bl/ob', content)}`;
});
after(() => registry[Symbol.asyncDispose]());

const names = [
  'content-type',
  'content-length',
  'content-range',
  'docker-content-digest',
  'etag',
  'accept-ranges',
  'cache-control',
  'docker-distribution-api-version',
  'x-content-type-options',
  'content-security-policy',
  'content-encoding',
];
const headersOf = ({ headers }: Answer) =>
  Object.fromEntries(names.flatMap((name) => (headers[name] === undefined ? [] : [[name, headers[name]]])));
const whole = {
  'content-type': 'application/octet-stream',
  'content-length': '1000',
  'docker-content-digest': digestOf(content),
  etag: `"${digestOf(content)}"`,
  'accept-ranges': 'bytes',
  'cache-control': 'private, max-age=31536000, immutable',
  'docker-distribution-api-version': 'registry/2.0',
  'x-content-type-options': 'nosniff',
  'content-security-policy': "default-src 'none'; sandbox",
};

test('a blob is served with every header; HEAD has those of GET, with a Range too', async () => {
  const [got, head, ranged] = [
    await send('GET', path, { headers: { 'accept-encoding': 'gzip' } }),
    await send('HEAD', path),
    // RFC 9110 14.2: a range is defined for GET alone.
    await send('HEAD', path, { headers: { range: 'bytes=0-9' } }),
  ];

  assert.deepEqual([got.status, headersOf(got), got.body.equals(content)], [200, whole, true]);
  assert.deepEqual([head.status, headersOf(head), head.body.length], [200, whole, 0]);
  assert.deepEqual([ranged.status, headersOf(ranged)], [200, whole]);
});

test('an escaped digest names the same blob', async () => {
  assert.equal((await send('GET', path.replace('sha256:', 'sha256%3A'))).status, 200);
});

describe('one range', () => {
  for (const [range, first, last] of [
    ['bytes=0-0', 0, 0],
    ['bytes=0-999', 0, 999],
    ['bytes=10-19', 10, 19],
    ['bytes=990-', 990, 999],
    ['bytes=999-5000', 999, 999],
    ['bytes=-1', 999, 999],
    ['bytes=-5000', 0, 999],
    ['bytes= 5-6 ', 5, 6],
    ['BYTES=5-6', 5, 6],
    ['bytes=5-6,', 5, 6],
    ['bytes=5-6,2000-', 5, 6],
  ] as const) {
    test(range, async () => {
      const got = await send('GET', path, { headers: { range } });

      assert.equal(got.status, 206);
      assert.deepEqual(headersOf(got), {
        ...whole,
        'content-length': String(last - first + 1),
        'content-range': `bytes ${first}-${last}/1000`,
      });
      assert.ok(got.body.equals(content.subarray(first, last + 1)));
    });
  }
});

describe('the whole blob', () => {
  for (const range of [
    'lines=0-1',
    'bytes',
    'bytes=',
    'bytes=-',
    'bytes=a-b',
    'bytes=1-2-3',
    'bytes=0-999,0-0',
    'bytes=0-,0-',
    `bytes=${Array.from({ length: 17 }, (_, at) => `${at * 2}-${at * 2}`).join(',')}`,
    `bytes=${'0-0,'.repeat(3000)}0-0`,
  ]) {
    test(range.slice(0, 40), async () => {
      const got = await send('GET', path, { headers: { range } });
      assert.deepEqual([got.status, headersOf(got), got.body.equals(content)], [200, whole, true]);
    });
  }
});

describe('no such range', () => {
  for (const range of [
    'bytes=1000-',
    'bytes=1000-1001',
    'bytes=9-8',
    'bytes=-0',
    'bytes=2000-,3000-',
    'bytes=0-1,9-8',
  ]) {
    test(range, async () => {
      const got = await send('GET', path, { headers: { range } });
      assert.equal(refusal(got), '416 SIZE_INVALID');
      assert.equal(got.headers['content-range'], 'bytes */1000');
    });
  }

  test('any range of the empty blob', async () => {
    const empty = await pushBlob(send, 'bl/ob', '');
    for (const [range, code] of [
      ['bytes=0-', 416],
      ['bytes=-1', 416],
      ['x=1', 200],
    ] as const) {
      assert.equal((await send('GET', `/v2/bl/ob/blobs/${empty}`, { headers: { range } })).status, code);
    }
  });
});

describe('several ranges', () => {
  for (const ranges of [
    [
      [0, 0],
      [999, 999],
    ],
    [
      [10, 19],
      [5, 6],
      [0, 99],
    ],
    Array.from({ length: 16 }, (_, at) => [at * 2, at * 2]),
  ]) {
    test(`${ranges.length} of them`, async () => {
      const range = `bytes=${ranges.map(([first, last]) => `${first}-${last}`).join(', ')}`;

      const got = await send('GET', path, { headers: { range } });

      const boundary = /^multipart\/byteranges; boundary=([0-9a-f]{20,70})$/.exec(
        got.headers['content-type'] ?? '',
      )?.[1];
      const parts = ranges.map(
        ([first = 0, last = 0]) =>
          `\r\n--${boundary}\r\nContent-Type: application/octet-stream\r\nContent-Range: bytes ${first}-${last}/1000\r\n\r\n${content.toString('latin1', first, last + 1)}`,
      );
      assert.equal(got.status, 206);
      assert.equal(got.body.toString('latin1'), `${parts.join('')}\r\n--${boundary}--\r\n`);
      assert.equal(got.headers['content-length'], String(got.body.length));
      assert.equal(got.headers['content-range'], undefined);
    });
  }
});

describe('conditions', () => {
  const tag = `"${digestOf(content)}"`;
  for (const [name, headers, status] of [
    ['If-None-Match quoted', { 'if-none-match': tag }, 304],
    ['If-None-Match bare', { 'if-none-match': digestOf(content) }, 304],
    ['If-None-Match in a list', { 'if-none-match': `"a", W/${tag}` }, 304],
    ['If-None-Match star', { 'if-none-match': '*' }, 304],
    ['If-None-Match before Range', { 'if-none-match': tag, range: 'bytes=0-0' }, 304],
    ['If-None-Match of another', { 'if-none-match': '"a"' }, 200],
    ['If-Range of this tag', { 'if-range': tag, range: 'bytes=0-0' }, 206],
    ['If-Range of another tag', { 'if-range': '"a"', range: 'bytes=0-0' }, 200],
    ['If-Range of a weak tag', { 'if-range': `W/${tag}`, range: 'bytes=0-0' }, 200],
    ['If-Range of a date', { 'if-range': 'Wed, 21 Oct 2015 07:28:00 GMT', range: 'bytes=0-0' }, 200],
    ['If-Range saves from 416', { 'if-range': '"a"', range: 'bytes=5000-' }, 200],
  ] as const) {
    test(`${name}: ${status}`, async () => {
      const got = await send('GET', path, { headers });
      assert.equal(got.status, status);
      assert.equal(got.headers.etag, tag);
      if (status === 304) {
        assert.deepEqual(
          [got.body.length, got.headers['content-type'], got.headers['docker-content-digest']],
          [0, undefined, digestOf(content)],
        );
      }
    });
  }
});

test('a blob is readable only where it is linked', async () => {
  const digest = digestOf(content);
  for (const [asked, expected] of [
    [`/v2/other/blobs/${digest}`, '404 BLOB_UNKNOWN'],
    [`/v2/bl/blobs/${digest}`, '404 BLOB_UNKNOWN'],
    [`/v2/bl/ob/blobs/${digestOf('nothing')}`, '404 BLOB_UNKNOWN'],
    [`/v2/bl/ob/blobs/${digest.toUpperCase()}`, '400 DIGEST_INVALID'],
    [`/v2/bl/ob/blobs/${digest}0`, '400 DIGEST_INVALID'],
    ['/v2/bl/ob/blobs/latest', '400 DIGEST_INVALID'],
    ['/v2/bl/ob/blobs/%ff', '400 DIGEST_INVALID'],
    ['/v2/bl/ob/blobs/sha256:..%2F..%2Fx', '400 DIGEST_INVALID'],
  ] as const) {
    assert.equal(refusal(await send('GET', asked)), expected, asked);
    assert.equal(String((await send('HEAD', asked)).status), expected.slice(0, 3));
  }
});

test('a blob is not a manifest, a manifest is not a blob', async () => {
  const manifest = await pushImage(send, 'kinds', 'v');

  assert.equal(refusal(await send('GET', `/v2/kinds/blobs/${manifest}`)), '404 BLOB_UNKNOWN');
  assert.equal(refusal(await send('GET', `/v2/kinds/manifests/${digestOf('{}')}`)), '404 MANIFEST_UNKNOWN');
});

for (const [name, size, flipped] of [
  ['small', 100, 50],
  ['large', 5_000_000, 4_999_999],
] as const) {
  test(`a ${name} blob that is damaged on disk is never served whole; pushing it again heals it`, async () => {
    const bytes = Buffer.alloc(size, name);
    const digest = await pushBlob(send, 'damaged', bytes);
    const hex = digest.slice(7);
    const file = join(registry.dataDir, `docker/registry/v2/blobs/sha256/${hex.slice(0, 2)}/${hex}/data`);
    const stored = await readFile(file);
    stored[flipped] = (stored[flipped] ?? 0) ^ 1;
    await writeFile(file, stored);
    await using connection = await openRaw(registry.host, registry.port);

    connection.send(
      `GET /v2/damaged/blobs/${digest} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`,
    );
    const received = await connection.receiveAll();
    const then = await send('GET', `/v2/damaged/blobs/${digest}`);
    const quarantined = (await listStore(registry)).filter((each) => each.startsWith('/berth/quarantine/'));
    await pushBlob(send, 'damaged', bytes);
    const healed = await send('GET', `/v2/damaged/blobs/${digest}`);

    const body = received.slice(received.indexOf('\r\n\r\n') + 4);
    const status = received.slice(9, 12);
    assert.ok(!received.includes(stored.toString('latin1')), 'not all of it came');
    // Damage that is found before the first byte can still be told.
    assert.ok(status === '503' || body.length < size, `${status}, ${body.length} of ${size} bytes`);
    assert.equal(refusal(then), '404 BLOB_UNKNOWN');
    assert.ok(quarantined.includes(`/berth/quarantine/sha256/${hex} ${size}`));
    assert.ok(healed.body.equals(bytes));
    assert.match(registry.log(), /blob is damaged/);
  });
}

test('a manifest that is damaged on disk is not served', async () => {
  const digest = await pushImage(send, 'torn', 'v', { more: { annotations: { of: 'torn' } } });
  const hex = digest.slice(7);
  await writeFile(
    join(registry.dataDir, `docker/registry/v2/blobs/sha256/${hex.slice(0, 2)}/${hex}/data`),
    '{"torn"',
  );

  const got = await send('GET', '/v2/torn/manifests/v');

  assert.equal(got.status, 503);
  assert.ok(!String(got.body).includes('"torn"'));
});
