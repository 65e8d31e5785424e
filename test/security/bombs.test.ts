/**
 * Requests that cost more than they look: manifests that are huge, deep or wide, endless lists and headers, graphs with
 * more paths than there are atoms. BOMB_ROUNDS: how often each is sent, after a first time.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { writeTar } from '../../registry/archive/tar.ts';
import { openClient } from '../../registry/cli/client.ts';
import { openRaw, request } from '../support/http.ts';
import { startRegistry, type TestRegistry } from '../support/registry.ts';
import { quantile } from '../support/statistics.ts';
import { measurable } from '../support/vitals.ts';
import {
  digestOf,
  imageOf,
  ociIndex,
  ociManifest,
  pushBlob,
  pushImage,
  putManifest,
  sender,
} from '../wire/support.ts';

const rounds = Number(process.env['BOMB_ROUNDS'] ?? 5);
const onLinux = process.platform === 'linux' ? {} : { skip: 'reads /proc' };
const manifestBytes = 4 * 1024 * 1024;
const missing = digestOf('nothing');

/** Text of a length: the head, then units, then the tail. */
function fill(head: string, unit: (at: number) => string, tail: string): string {
  const units: string[] = [];
  let left = manifestBytes - head.length - tail.length;
  for (let at = 0; ; at += 1) {
    const next = unit(at);
    left -= next.length;
    if (left < 0) return head + units.join('') + tail;
    units.push(next);
  }
}

function repeated(length: number, unit: (at: number) => string): string {
  return Array.from({ length }, (_, at) => unit(at)).join(',');
}

const start = `${imageOf().slice(0, -1)},`;
const descriptor = `{"mediaType":"a/b","digest":"${missing}","size":1}`;

/** Manifests of 4 MiB, or what there is of one. */
const manifests: Readonly<Record<string, string>> = {
  deep: start + '"x":' + '['.repeat(manifestBytes - start.length - 4),
  'deep in objects': fill(`${start}"x":`, () => '{"a":', '1'),
  'one object with many keys': fill(start, (at) => `"k${at}":1,`, '"z":1}'),
  'many annotations': fill(`${start}"annotations":{`, (at) => `"k${at}":"",`, '"z":""}}'),
  'as many keys as there may be': `${start}${repeated(39_999, (at) => `"k${at}":1`)},"z":1}`,
  'as many annotations as there may be': `${start}"annotations":{${repeated(40_000, (at) => `"k${at}":""`)}}}`,
  'many layers with titles': fill(
    start.replace('"layers":[],', '"layers":['),
    (at) => `${descriptor.slice(0, -1)},"annotations":{"org.opencontainers.image.title":"file ${at}"}},`,
    `${descriptor}]}`,
  ),
  'many layers': fill(start.replace('"layers":[],', '"layers":['), () => `${descriptor},`, `${descriptor}]}`),
  'keys of the other case': fill(start, (at) => `"MEDIATYP\u0130${at}":1,`, '"z":1}'),
  'the same key': fill(`${start}"x":{`, () => '"a":1,', '"a":1}}'),
  'the same key, read': fill(start, () => '"mediaType":"a",', '"z":1}'),
  'many objects': fill(`${start}"x":[`, () => '{},', '{}]}'),
  'many numbers': fill(`${start}"x":[`, () => '1e9,', '1]}'),
  'one number': fill(`${start}"x":`, () => '9', '}'),
  'one text': fill(`${start}"x":"`, () => 'a', '"}'),
  'a text of escapes': fill(`${start}"x":"`, () => String.raw`\u0000`, '"}'),
  'a text without an end': fill(`${start}"x":"`, () => String.raw`\\`, ''),
  spaces: fill(`${start}"x":`, () => ' ', '1}'),
};

interface Bomb {
  readonly name: string;
  readonly method?: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

const long = (length: number): string => 'a'.repeat(length);

const bombs: readonly Bomb[] = [
  ...Object.entries(manifests).map(([name, body]) => ({
    name,
    method: 'PUT',
    path: '/v2/team/app/manifests/bomb',
    headers: { 'content-type': ociManifest },
    body,
  })),
  {
    name: 'a manifest over the limit',
    method: 'PUT',
    path: '/v2/team/app/manifests/b',
    body: long(manifestBytes + 1),
  },
  {
    name: 'a manifest of 32 MiB',
    method: 'PUT',
    path: '/v2/team/app/manifests/b',
    body: long(8 * manifestBytes),
  },
  ...['100000000', '9'.repeat(30), '9'.repeat(10_000), '-1', '1e9', 'Infinity'].flatMap((n) =>
    ['_catalog', 'team/app/tags/list', `team/app/referrers/${missing}`].map((list) => ({
      name: `n=${n.slice(0, 10)} of ${list.slice(0, 20)}`,
      path: `/v2/${list}?n=${n}`,
    })),
  ),
  { name: 'a long last', path: `/v2/_catalog?last=${long(15_000)}` },
  { name: 'many parameters', path: `/v2/_catalog?${'a=1&'.repeat(4000)}` },
  {
    name: 'many types of artifacts',
    path: `/v2/team/app/referrers/${missing}?${'artifactType=a&'.repeat(1000)}`,
  },
  {
    name: 'a sorted list from a long place',
    path: `/v2/team/app/tags/list?sort=pushed&last=${long(15_000)}`,
  },
  {
    name: 'many tags in one push',
    method: 'PUT',
    path: `/v2/team/app/manifests/${digestOf(imageOf())}?${Array.from({ length: 1500 }, (_, at) => `tag=t${at}`).join('&')}`,
    headers: { 'content-type': ociManifest },
    body: imageOf(),
  },
  { name: 'a long name', path: `/v2/${long(15_000)}/tags/list` },
  { name: 'a name of many parts', path: `/v2/${'a/'.repeat(7000)}tags/list` },
  { name: 'a long tag', path: `/v2/team/app/manifests/${long(15_000)}` },
  { name: 'percent signs', path: `/v2/${'%61'.repeat(5000)}/tags/list` },
  { name: 'a long line', path: `/${long(40_000)}` },
  { name: 'a long field', path: '/v2/', headers: { 'x-long': long(40_000) } },
  { name: 'a long login', path: '/v2/', headers: { authorization: `Basic ${long(30_000)}` } },
  {
    name: 'a long token',
    path: '/v2/',
    headers: { authorization: `Bearer ${long(10_000)}.${long(10_000)}.${long(10_000)}` },
  },
  { name: 'a long cookie', path: '/v2/', headers: { cookie: 'a=b; '.repeat(6000) } },
  {
    name: 'many fields',
    path: '/v2/',
    headers: Object.fromEntries(Array.from({ length: 2000 }, (_, at) => [`x-${at}`, '1'])),
  },
  {
    name: 'many ranges',
    path: `/v2/team/app/blobs/${digestOf('{}')}`,
    headers: { range: `bytes=${'0-0,'.repeat(7000)}0-0` },
  },
  {
    name: 'many tags of versions',
    path: `/v2/team/app/blobs/${digestOf('{}')}`,
    headers: { 'if-none-match': '"a", '.repeat(6000) },
  },
  {
    name: 'many types',
    path: '/v2/team/app/manifests/v',
    headers: { accept: `${'a/b;q=0.1, '.repeat(2500)}a/b` },
  },
  {
    name: 'many hops',
    path: '/v2/',
    headers: { 'x-forwarded-for': '10.0.0.1, '.repeat(2500), forwarded: 'for=10.0.0.1, '.repeat(100) },
  },
  { name: 'many scopes', path: `/token?${'scope=repository:a:pull&'.repeat(600)}` },
  {
    name: 'a form of 1 MiB',
    method: 'POST',
    path: '/token',
    body: 'a=b&'.repeat(262_144),
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
  },
  {
    name: 'a long range of an upload',
    method: 'PATCH',
    path: '/v2/team/app/blobs/uploads/0a6f4b0e-7d2c-4a51-9c2e-0c7f0e6b9a11',
    headers: { 'content-range': `${'9'.repeat(20_000)}-1` },
    body: 'x',
  },
  {
    name: 'a long state of an upload',
    method: 'PATCH',
    path: `/v2/team/app/blobs/uploads/0a6f4b0e-7d2c-4a51-9c2e-0c7f0e6b9a11?_state=${long(15_000)}`,
    body: 'x',
  },
];

/** Sends it and answers the status; 0 where the connection was closed without an answer. */
async function explode({ plainUrl }: Pick<TestRegistry, 'plainUrl'>, bomb: Bomb): Promise<number> {
  const { name: _, ...options } = bomb;
  return (await request(plainUrl, options).catch(() => ({ status: 0 }))).status;
}

test('no request takes the memory or the time of the others, and each gets an answer', onLinux, async (t) => {
  const { env, watch } = await measurable();
  await using registry = await startRegistry({ env });
  await pushImage(sender(registry), 'team/app', 'v');
  using vitals = await watch(registry);
  const statuses = new Map<number, number>();
  const wrong: string[] = [];
  const heldUpMs: number[] = [];
  const heaps: number[] = [];
  const loopMs: number[] = [];

  for (let round = 0; round <= rounds; round += 1) {
    for (const bomb of bombs) {
      const before = await vitals.mainThreadMs();
      const status = await explode(registry, bomb);
      heldUpMs.push((await vitals.mainThreadMs()) - before);
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
      if (status === 0 || status >= 500) wrong.push(`${bomb.name}: ${status}`);
      const { status: honest } = await sender(registry)('GET', '/v2/team/app/manifests/v');
      if (honest !== 200) wrong.push(`a pull after ${bomb.name}: ${honest}`);
    }
    // What is compiled and cached in the first round is not what a bomb leaves behind.
    const { heapMiB, p99Ms } = await vitals.read();
    heaps.push(heapMiB);
    loopMs.push(p99Ms);
    if (round === 0) heldUpMs.length = 0;
  }

  const busiest = quantile(heldUpMs, 0.99);
  const [first = 0] = heaps;
  const left = Math.max(0, (heaps.at(-1) ?? 0) - first);
  t.diagnostic(
    `${bombs.length} kinds, ${statuses.values().reduce((sum, count) => sum + count)} requests: answers ${[...statuses].map(([status, count]) => `${count} x ${status}`).join(', ')}`,
  );
  t.diagnostic(
    `memory ${vitals.grownMiB()} MiB more at most, heap ${left} MiB more at the end; one request holds the others up for ${busiest.toFixed(0)} ms of processor time (p99), the event loop was late by ${quantile(loopMs, 0.5)} ms (p99 of a round)`,
  );
  assert.deepEqual(wrong, []);
  assert.ok(busiest < 200, `${busiest} ms`);
  assert.ok(vitals.grownMiB() < 200 && left < 16, `${vitals.grownMiB()} MiB, heap ${heaps.join(' ')}`);
});

test(
  'manifests of 4 MiB from many clients at once are taken in turns, and small ones pass them',
  onLinux,
  async (t) => {
    const { env, watch } = await measurable();
    await using registry = await startRegistry({ env });
    await pushImage(sender(registry), 'team/app', 'v');
    using vitals = await watch(registry);
    const bomb = bombs.find(({ name }) => name === 'many layers');
    assert.ok(bomb !== undefined);
    const atOnce = 80;
    const over = new AbortController();

    const exploding = Promise.all(Array.from({ length: atOnce }, () => explode(registry, bomb))).finally(() =>
      over.abort(),
    );
    const beside: number[] = [];
    while (!over.signal.aborted) {
      const { status } = await putManifest(sender(registry), 'team/app', 'small', imageOf());
      beside.push(status);
    }
    const statuses = await exploding;

    const refused = statuses.filter((status) => status === 429).length;
    t.diagnostic(
      `${atOnce} manifests of 4 MiB at once: ${refused} told to come again, ${vitals.grownMiB()} MiB more at most; ${beside.length} small pushes beside them`,
    );
    assert.deepEqual(new Set(statuses), new Set([400, 429]));
    assert.deepEqual([...new Set(beside)], [201]);
    assert.ok(vitals.grownMiB() < 300, `${vitals.grownMiB()} MiB`);
  },
);

test('a body without an end is refused at the limit, and not kept', onLinux, async (t) => {
  const { env, watch } = await measurable();
  await using registry = await startRegistry({ env });
  using vitals = await watch(registry);
  const piece = `10000\r\n${long(65_536)}\r\n`;

  for (let round = 0; round < rounds; round += 1) {
    await using connection = await openRaw(registry.host, registry.port);
    connection.send(
      `PUT /v2/team/app/manifests/v HTTP/1.1\r\nHost: localhost\r\nContent-Type: ${ociManifest}\r\nTransfer-Encoding: chunked\r\n\r\n`,
    );
    for (let sent = 0; sent < 32 * 16; sent += 1) connection.send(piece);
    assert.match(await connection.receiveAll(), /^HTTP\/1\.1 413 /);
  }

  t.diagnostic(`${rounds} bodies without an end: ${vitals.grownMiB()} MiB more at most`);
  assert.ok(vitals.grownMiB() < 64, `${vitals.grownMiB()} MiB`);
});

test('a graph of images with 2 to the power of 40 paths is walked once', onLinux, async (t) => {
  const { env, watch } = await measurable();
  await using registry = await startRegistry({ env });
  const send = sender(registry);
  let child = {
    mediaType: ociManifest,
    digest: await pushImage(send, 'team/app', 'leaf'),
    size: imageOf().length,
  };
  for (let level = 0; level < 40; level += 1) {
    // Two descriptors of one index, that differ in their platform.
    const children = ['amd64', 'arm64'].map((architecture) => ({
      ...child,
      platform: { os: 'linux', architecture },
    }));
    const body = JSON.stringify({
      schemaVersion: 2,
      mediaType: ociIndex,
      manifests: children,
      annotations: { level: String(level) },
    });
    const pushed = await putManifest(send, 'team/app', `level-${level}`, body, ociIndex);
    assert.equal(pushed.status, 201, String(pushed.body));
    child = { mediaType: ociIndex, digest: digestOf(body), size: body.length };
  }
  const bomb = gzipSync(writeTar([{ name: 'zeros', bytes: Buffer.alloc(128 * 1024 * 1024) }]));
  await pushBlob(send, 'team/app', bomb);
  using client = await openClient(registry.dataDir);
  const image = { repository: 'team/app', reference: 'level-39' };
  await client.call('images.get', image);
  using vitals = await watch(registry);

  for (let round = 0; round < rounds; round += 1) {
    const detail = await client.call('images.get', image);
    assert.equal(detail.digest, child.digest);
    await client.call('images.compare', { repository: 'team/app', a: 'level-39', b: 'level-38' });
    await client.call('collect.plan', {});
    await client.call('scrub.run', {});
    const zeros = { repository: 'team/app', digest: digestOf(bomb), path: '' };
    assert.equal((await client.call('layers.files', zeros)).rows.length, 1);
  }

  const { p99Ms } = await vitals.read();
  t.diagnostic(
    `graph and compressed layer: ${vitals.grownMiB()} MiB more at most, event loop p99 ${p99Ms} ms`,
  );
  assert.ok(vitals.grownMiB() < 128, `${vitals.grownMiB()} MiB`);
});

test('what is measured is seen: a limit that is higher lets a manifest take more', onLinux, async () => {
  const { env, watch } = await measurable();
  await using registry = await startRegistry({ env: { ...env, BERTH_LIMITS_MANIFESTBYTES: '64MiB' } });
  using vitals = await watch(registry);
  const body = `${start}"x":"${long(60 * 1024 * 1024)}"}`;

  await explode(registry, { name: 'a manifest of 60 MiB', method: 'PUT', path: '/v2/a/manifests/v', body });

  assert.ok(vitals.grownMiB() >= 64, `${vitals.grownMiB()} MiB`);
});
