/**
 * Manifests by a generator and a mutator of JSON: what is accepted is kept to the byte under its digest, and means to
 * skopeo what it means here. FUZZ_MANIFESTS: how many; FUZZ_SKOPEO: how many of those skopeo reads; FUZZ_SEED.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import { type Manifest, parseManifest } from '../../registry/spec/manifest.ts';
import { mediaTypes } from '../../registry/spec/media-types.ts';
import { isAppError } from '../../registry/spec/errors.ts';
import { forEachOf } from '../support/parallel.ts';
import { run } from '../support/process.ts';
import { startRegistry } from '../support/registry.ts';
import { needs } from '../support/tools.ts';
import { digestOf, pushBlob, putManifest, sender } from '../wire/support.ts';
import { createRandom, type Random } from './random.ts';

const count = Number(process.env['FUZZ_MANIFESTS'] ?? 1500);
const sampled = Number(process.env['FUZZ_SKOPEO'] ?? 8);
const seed = Number(process.env['FUZZ_SEED'] ?? Date.now() % 1_000_000);

const types = Object.values(mediaTypes);
const blobs = ['{}', 'layer', ''];
const strings = [
  '',
  'a',
  '\u0000',
  '\u202e',
  '\u{1f600}',
  '\\"',
  'application/json',
  '__proto__',
  'x'.repeat(300),
  'K',
  '\u017f',
];
const fieldNames = [
  'schemaVersion',
  'mediaType',
  'MediaType',
  'media\u212aType',
  'config',
  'layers',
  'manifests',
  'subject',
  'annotations',
  'artifactType',
  'digest',
  'size',
  'urls',
  'data',
  'platform',
  '__proto__',
  'constructor',
  'toString',
  '',
];

type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

function descriptorOf(random: Random): Json {
  const bytes = random.of(blobs);
  return {
    mediaType: random.of([
      'application/vnd.oci.image.config.v1+json',
      'application/vnd.oci.image.layer.v1.tar',
      'a/b',
    ]),
    digest: digestOf(bytes, random.of(['sha256', 'sha256', 'sha512'])),
    size: Buffer.byteLength(bytes),
    ...(random.below(6) === 0 ? { annotations: { a: random.of(strings) } } : {}),
    ...(random.below(6) === 0 ? { urls: ['https://example.test/x'] } : {}),
    ...(random.below(6) === 0 ? { platform: { os: 'linux', architecture: 'amd64' } } : {}),
  };
}

/** A manifest that is right, but for blobs under SHA-512, which are not there. */
function manifestOf(random: Random): { readonly [key: string]: Json } {
  const mediaType = random.of(types);
  const many = (): readonly Json[] => Array.from({ length: random.below(4) }, () => descriptorOf(random));
  const isIndex = mediaType === mediaTypes.ociIndex || mediaType === mediaTypes.dockerList;
  return {
    schemaVersion: 2,
    mediaType,
    ...(isIndex ? { manifests: many() } : { config: descriptorOf(random), layers: many() }),
    ...(random.below(4) === 0 ? { subject: descriptorOf(random) } : {}),
    ...(random.below(4) === 0 ? { annotations: { [random.of(strings)]: random.of(strings) } } : {}),
    ...(random.below(4) === 0 ? { artifactType: 'application/vnd.example' } : {}),
  };
}

function anyJson(random: Random, depth: number): Json {
  switch (random.below(depth > 2 ? 5 : 7)) {
    case 0:
      return null;
    case 1:
      return random.of([0, 1, 2, -1, 1e21, 1.5, Number.MAX_SAFE_INTEGER]);
    case 2:
      return random.below(2) === 0;
    case 3:
    case 4:
      return random.of(strings);
    case 5:
      return Array.from({ length: random.below(3) }, () => anyJson(random, depth + 1));
    default:
      return Object.fromEntries(
        Array.from({ length: random.below(3) }, () => [random.of(fieldNames), anyJson(random, depth + 1)]),
      );
  }
}

/** The value with something in it taken out, put in, renamed or replaced. */
function mutate(value: Json, random: Random): Json {
  if (typeof value !== 'object' || value === null || random.below(6) === 0) return anyJson(random, 0);
  if (Array.isArray(value)) {
    const list = [...(value as readonly Json[])];
    if (list.length === 0 || random.below(4) === 0) return [...list, anyJson(random, 1)];
    const at = random.below(list.length);
    return random.below(4) === 0 ? list.toSpliced(at, 1) : list.with(at, mutate(list[at] ?? null, random));
  }
  const entries = Object.entries(value);
  const at = random.below(entries.length + 1);
  const [key = random.of(fieldNames), inner = null] = entries[at] ?? [];
  const changed: readonly [string, Json][][] = [
    [],
    [[key, anyJson(random, 1)]],
    [[random.of(fieldNames), inner]],
    [[key, mutate(inner, random)]],
    [[key, mutate(inner, random)]],
    [
      [key, inner],
      [random.of(fieldNames), anyJson(random, 1)],
    ],
  ];
  return Object.fromEntries(entries.toSpliced(at, 1, ...random.of(changed)));
}

/** As text: laid out in some way, and at times with bytes that are changed. */
function textOf(value: Json, random: Random): string {
  let text = (JSON.stringify(value, undefined, random.of([0, 0, 1, '\t'])) as string | undefined) ?? 'null';
  const at = random.below(text.length + 1);
  const put = (inserted: string): string => text.slice(0, at) + inserted + text.slice(at);
  text = random.of([
    () => text,
    () => text,
    () => text,
    () => text,
    () => `\n${text}\n`,
    () => put(random.of([' ', ',', '"', '{', '\\u0000', '\u0000', '\ufeff', '}', 'e9', '//'])),
    () => text.slice(0, at),
    () =>
      text.replace(
        /"size":\d+/,
        random.of(['"size":1e2', '"size":02', '"size":-0', '"size":2.0', '"size":9007199254740993']),
      ),
    () => text.replace('{', '{"schemaVersion":2,'),
    () => text.replace(/"(\w)/, (_, letter: string) => `"\\u00${letter.charCodeAt(0).toString(16)}`),
  ])();
  // It is sent as UTF-8, which has no half of a surrogate pair.
  return text.toWellFormed();
}

function makeText(random: Random): string {
  let value: Json = manifestOf(random);
  for (let left = random.of([0, 0, 1, 1, 2, 4]); left > 0; left -= 1) value = mutate(value, random);
  return textOf(value, random);
}

/** The media type here, or why it is refused. */
function judge(text: string, contentType: string | undefined): string {
  try {
    return parseManifest(text, contentType).mediaType;
  } catch (error) {
    if (isAppError(error, 'MANIFEST_INVALID')) return '';
    throw error;
  }
}

/** What skopeo was given or understood differently. */
function differenceOf(text: string, { layers, manifests }: Manifest, given: string): string | undefined {
  if (given !== text) return 'other bytes';
  const told = JSON.parse(given) as {
    readonly layers?: readonly { readonly digest: string }[];
    readonly manifests?: readonly { readonly digest: string }[];
  };
  const digests = (parts: readonly { readonly digest: string }[]) => parts.map(({ digest }) => digest);
  const isAlike = isDeepStrictEqual(
    digests([...layers, ...manifests]),
    digests(told.layers ?? told.manifests ?? []),
  );
  return isAlike ? undefined : 'other parts';
}

test('a manifest is kept to the byte or refused, whatever it is', async (t) => {
  await using registry = await startRegistry();
  const send = sender(registry);
  for (const bytes of blobs) await pushBlob(send, 'team/app', bytes);
  const problems: string[] = [];
  const accepted: { readonly text: string; readonly type: string }[] = [];
  const refusals = new Map<number, number>();

  await forEachOf(Array.from({ length: count }).keys(), 4, async (at) => {
    const random = createRandom(seed + at);
    // White space makes each another one, with a digest that only it has.
    const text = makeText(random) + at.toString(2).replaceAll('0', ' ').replaceAll('1', '\t');
    const contentType = random.of([...types, ...types, undefined, `${random.of(types)}; charset=utf-8`]);
    const said = /"mediaType"\s*:\s*"([^"\\]+)"/.exec(text)?.[1];
    // Most are sent as what they say they are.
    const type = random.below(3) > 0 && types.some((known) => known === said) ? said : contentType;
    const note = (problem: string): void =>
      void problems.push(
        `FUZZ_SEED=${seed + at} FUZZ_MANIFESTS=1: ${problem}: ${type}: ${text.slice(0, 600)}`,
      );
    const digest = digestOf(text);

    const put = await putManifest(send, 'team/app', digest, text, type ?? '');
    const got = await send('GET', `/v2/team/app/manifests/${digest}`);

    const judged = judge(text, type);
    if (put.status !== 201) {
      refusals.set(put.status, (refusals.get(put.status) ?? 0) + 1);
      if (put.status !== 400) note(`refused with ${put.status}`);
      // What is well formed may lack its blobs.
      else if (judged !== '' && !String(put.body).includes('MANIFEST_BLOB_UNKNOWN')) note(String(put.body));
      if (got.status !== 404) note(`refused, and ${got.status}`);
      return;
    }
    accepted.push({ text, type: judged });
    if (judged === '') note('accepted, though it is not one');
    if (put.headers['docker-content-digest'] !== digest) note('another digest');
    if (got.status !== 200 || String(got.body) !== text) note('other bytes');
    if (got.headers['content-type'] !== judged) note(`read as ${got.headers['content-type']}`);
  });

  assert.deepEqual(problems.slice(0, 5), []);
  t.diagnostic(
    `${count} manifests from seed ${seed}: ${accepted.length} kept to the byte, ${[...refusals].map(([status, times]) => `${times} x ${status}`).join(', ')}`,
  );
  assert.ok(accepted.length > count / 20, `only ${accepted.length} accepted`);
  await t.test('what is accepted is read alike by skopeo', needs('skopeo'), async (t2) => {
    const step = Math.max(1, Math.floor(accepted.length / sampled));
    const sample = accepted.filter((_, at) => at % step === 0).slice(0, sampled);
    for (const { text, type } of sample) {
      const reference = `docker://${registry.address}/team/app@${digestOf(text)}`;
      const read = await run('skopeo', ['inspect', '--raw', '--tls-verify=false', reference], {
        env: { HOME: registry.dataDir },
      });
      assert.equal(read.code, 0, `${type}: ${read.stderr}`);
      assert.equal(differenceOf(text, parseManifest(text, type), read.stdout), undefined, text);
    }
    t2.diagnostic(`${sample.length} of ${accepted.length} read by skopeo: 0 differences`);
  });
});

test('what is compared can differ: bytes, and what they are taken for', () => {
  const layer = { mediaType: 'a/b', digest: digestOf('layer'), size: 5 };
  const body = { schemaVersion: 2, mediaType: mediaTypes.ociManifest, config: layer, layers: [layer, layer] };
  const text = JSON.stringify(body);
  const meant = parseManifest(text, undefined);

  const found = [
    differenceOf(text, meant, text),
    differenceOf(text, meant, `${text} `),
    differenceOf(text, { ...meant, layers: meant.layers.slice(1) }, text),
  ];

  assert.deepEqual(found, [undefined, 'other bytes', 'other parts']);
});
