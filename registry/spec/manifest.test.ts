import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { isAppError } from './errors.ts';
import { parseManifest } from './manifest.ts';
import { isNonDistributable, mediaTypes } from './media-types.ts';

const digest = `sha256:${'0'.repeat(64)}`;
const part = { mediaType: 'application/octet-stream', digest, size: 3 };
const image = { schemaVersion: 2, mediaType: mediaTypes.ociManifest, config: part, layers: [part] };
const index = { schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests: [part] };

const parsed = (value: unknown, contentType?: string) =>
  parseManifest(typeof value === 'string' ? value : JSON.stringify(value), contentType);

function ruleOf(value: unknown, contentType?: string): string {
  try {
    parsed(value, contentType);
  } catch (error) {
    if (isAppError(error, 'MANIFEST_INVALID')) return error.message;
    throw error;
  }
  return '';
}

const withoutType = (value: { readonly mediaType?: string }) => ({ ...value, mediaType: undefined });

/** With a list of so many lists, each with a comma or none: around them are 12 commas and brackets. */
const wide = (parts: number) => `${JSON.stringify(image).slice(0, -1)},"x":[${'[],'.repeat(parts - 1)}[]]}`;

/** Of annotations, and of an object that nobody reads; `x` is one more. */
const ownKeys = (noted: number, unread: number) => ({
  ...image,
  annotations: Object.fromEntries(Array.from({ length: noted }, (_, at) => [`k${at}`, ''])),
  x: Object.fromEntries(Array.from({ length: unread - 1 }, (_, at) => [`k${at}`, 1])),
});

for (const [what, value, contentType, mediaType] of [
  ['an OCI image', image, mediaTypes.ociManifest, mediaTypes.ociManifest],
  ['an OCI index', index, mediaTypes.ociIndex, mediaTypes.ociIndex],
  [
    'a docker image',
    { ...image, mediaType: mediaTypes.dockerManifest },
    mediaTypes.dockerManifest,
    mediaTypes.dockerManifest,
  ],
  [
    'a docker list',
    { ...index, mediaType: mediaTypes.dockerList },
    mediaTypes.dockerList,
    mediaTypes.dockerList,
  ],
  ['an image without mediaType', withoutType(image), mediaTypes.ociManifest, mediaTypes.ociManifest],
  ['an index without mediaType', withoutType(index), mediaTypes.ociIndex, mediaTypes.ociIndex],
  ['an image without Content-Type', image, undefined, mediaTypes.ociManifest],
  [
    'a Content-Type with parameters',
    image,
    `${mediaTypes.ociManifest}; charset=utf-8`,
    mediaTypes.ociManifest,
  ],
  ['an image without layers', { ...image, layers: [] }, undefined, mediaTypes.ociManifest],
  ['as much as there may be', wide(74_994), undefined, mediaTypes.ociManifest],
  ['as many keys of its own as there may be', ownKeys(20_000, 20_000), undefined, mediaTypes.ociManifest],
  ['null lists', { ...image, layers: null }, undefined, mediaTypes.ociManifest],
  ['unknown fields', { ...image, 'org.example': { a: 1 }, __proto__x: 1 }, undefined, mediaTypes.ociManifest],
  [
    'the same key in an unread object',
    '{"x":{"a":1,"a":2},"schemaVersion":2,"mediaType":"' + mediaTypes.ociIndex + '","manifests":[]}',
    undefined,
    mediaTypes.ociIndex,
  ],
] as const) {
  test(`${what} is accepted`, () => {
    assert.equal(parsed(value, contentType).mediaType, mediaType);
  });
}

const deep = (levels: number) =>
  `${JSON.stringify(image).slice(0, -1)},"x":${'['.repeat(levels)}${']'.repeat(levels)}}`;

for (const [rule, value, contentType] of [
  ['It is not JSON.', '{', mediaTypes.ociManifest],
  ['It is not JSON.', '', mediaTypes.ociManifest],
  ['It is not JSON.', `\uFEFF${JSON.stringify(image)}`, mediaTypes.ociManifest],
  ['It is not a JSON object.', '[]', mediaTypes.ociManifest],
  ['It is not a JSON object.', 'null', mediaTypes.ociManifest],
  ['It is nested deeper than 64 levels.', deep(64), mediaTypes.ociManifest],
  ['It has more than 150000 commas and opening brackets.', wide(74_995), mediaTypes.ociManifest],
  ['It has more than 40000 keys that are no fields.', ownKeys(20_001, 20_000), undefined],
  ['It has more than 40000 keys that are no fields.', ownKeys(20_000, 20_001), undefined],
  ['schemaVersion must be 2.', { ...image, schemaVersion: 1 }, undefined],
  ['schemaVersion must be 2.', { ...image, schemaVersion: '2' }, undefined],
  ['Content-Type and mediaType differ.', image, mediaTypes.ociIndex],
  ['Neither Content-Type nor mediaType tells its media type.', withoutType(image), undefined],
  ['Docker manifests must carry mediaType.', withoutType(image), mediaTypes.dockerManifest],
  [
    'Without mediaType, an index must have manifests and an image must not.',
    withoutType(image),
    mediaTypes.ociIndex,
  ],
  ['A manifest has layers or manifests, not both.', { ...image, manifests: [] }, undefined],
  ['An index has no config.', { ...index, config: part }, undefined],
  // As containerd refuses it, whatever they are.
  ['An index has no layers.', { ...index, manifests: undefined, layers: 2 }, undefined],
  ['config must be a descriptor.', { ...image, config: undefined }, undefined],
  ['layers must be a list.', { ...image, layers: {} }, undefined],
  ['layers[0] has no mediaType.', { ...image, layers: [{ digest, size: 1 }] }, undefined],
  [
    'layers[0] has no valid sha256 or sha512 digest.',
    { ...image, layers: [{ ...part, digest: 'md5:0' }] },
    undefined,
  ],
  ['layers[0] has no valid size.', { ...image, layers: [{ ...part, size: -1 }] }, undefined],
  ['layers[0] has no valid size.', { ...image, layers: [{ ...part, size: 1.5 }] }, undefined],
  ['layers[0] has no valid size.', { ...image, layers: [{ ...part, size: 2 ** 53 }] }, undefined],
  ['annotations must hold strings only.', { ...image, annotations: { a: 1 } }, undefined],
  [
    'layers[0].annotations must be an object.',
    { ...image, layers: [{ ...part, annotations: [] }] },
    undefined,
  ],
  ['layers[0].urls must be a list of strings.', { ...image, layers: [{ ...part, urls: 'x' }] }, undefined],
  ['artifactType must be a string.', { ...image, artifactType: 1 }, undefined],
  ['subject has no mediaType.', { ...image, subject: {} }, undefined],
  ['An object has the same key twice.', JSON.stringify(image).replace('{', '{"schemaVersion":2,'), undefined],
  ['An object has the same key twice.', JSON.stringify(image).replace('{', '{"\\u0063onfig":1,'), undefined],
  ['A key differs from layers only in letter case.', { ...image, Layers: [] }, undefined],
  [
    'A key differs from digest only in letter case.',
    { ...image, config: { ...part, DIGEST: digest } },
    undefined,
  ],
  [
    'A key differs from schemaVersion only in letter case.',
    { ...image, ['\u017FchemaVersion']: 2 },
    undefined,
  ],
] as const) {
  test(`${typeof value === 'string' ? value.slice(0, 24) : (contentType ?? '')} is refused: ${rule}`, () => {
    assert.equal(ruleOf(value, contentType), `The manifest is not valid. ${rule}`);
  });
}

test('a foreign media type is refused, the four accepted ones are named', () => {
  const rule = ruleOf(image, 'application/vnd.docker.distribution.manifest.v1+prettyjws');

  for (const type of Object.values(mediaTypes)) assert.ok(rule.includes(type));
});

test('a refusal keeps nothing of the text', () => {
  setFlagsFromString('--expose-gc');
  const collectGarbage = runInNewContext('gc') as () => void;
  const heldMiB = (): number => {
    collectGarbage();
    const { heapUsed, external } = process.memoryUsage();
    return (heapUsed + external) / 1024 / 1024;
  };
  const refusal = (at: number): unknown => {
    try {
      return parsed(`{"${at}":"${'x'.repeat(1024 * 1024)}`);
    } catch (error) {
      return error;
    }
  };
  const before = heldMiB();

  const refusals = Array.from({ length: 16 }, (_, at) => refusal(at));

  const grown = heldMiB() - before;
  assert.ok(grown < 4, `${grown} MiB more for ${refusals.length} refusals`);
});

test('sixty-four levels are accepted', () => {
  assert.equal(parsed(deep(63)).mediaType, mediaTypes.ociManifest);
});

test('what lists of referrers say comes from the manifest', () => {
  const artifact = { ...image, artifactType: 'a/b', subject: part, annotations: { k: 'v' } };
  const { artifactType, subject, annotations } = parsed(artifact);

  assert.deepEqual(
    { artifactType, subject: subject?.digest, annotations },
    { artifactType: 'a/b', subject: digest, annotations: { k: 'v' } },
  );
  assert.equal(parsed({ ...artifact, artifactType: '' }).artifactType, part.mediaType);
  assert.equal(parsed({ ...index, artifactType: undefined }).artifactType, undefined);
});

test('layers that clients may keep to themselves are known', () => {
  const types = [
    'application/vnd.oci.image.layer.nondistributable.v1.tar+gzip',
    'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip',
    'application/vnd.oci.image.layer.v1.tar+gzip',
  ];

  assert.deepEqual(types.map(isNonDistributable), [true, true, false]);
});

test('any text is either a manifest or refused as one, never another failure', () => {
  // Oracle: the only failure that parseManifest documents.
  const text = fc.oneof(
    fc.json(),
    fc.string(),
    fc
      .record({
        schemaVersion: fc.anything(),
        config: fc.anything(),
        layers: fc.anything(),
        manifests: fc.anything(),
      })
      .map((v) => JSON.stringify({ mediaType: mediaTypes.ociManifest, ...v })),
  );
  fc.assert(
    fc.property(text, (value) => {
      try {
        parseManifest(value, mediaTypes.ociManifest);
      } catch (error) {
        assert.ok(isAppError(error, 'MANIFEST_INVALID'), String(error));
      }
    }),
    { numRuns: 5000 },
  );
});
