import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { ArtifactKind } from '../spec/kinds.ts';
import { textPart } from './blob-text.ts';
import { viewManifest } from './manifest-view.ts';

const digest = `sha256:${'a'.repeat(64)}`;
const viewOf = (manifest: unknown) => viewManifest(Buffer.from(JSON.stringify(manifest)));
const part = (mediaType: string) => ({ mediaType, digest, size: 1 });

test('what a manifest is, is told by the types that tools use', () => {
  const ociConfig = 'application/vnd.oci.image.config.v1+json';
  const empty = 'application/vnd.oci.empty.v1+json';
  const cases: readonly (readonly [kind: ArtifactKind, manifest: object])[] = [
    ['image', { config: part(ociConfig), layers: [part('application/vnd.oci.image.layer.v1.tar+gzip')] }],
    ['image', { config: part('application/vnd.docker.container.image.v1+json') }],
    ['helm', { config: part('application/vnd.cncf.helm.config.v1+json') }],
    ['wasm', { config: part('application/vnd.wasm.config.v0+json') }],
    [
      'wasm',
      { config: part(ociConfig), layers: [part('application/vnd.module.wasm.content.layer.v1+wasm')] },
    ],
    ['model', { artifactType: 'application/vnd.cncf.model.manifest.v1+json', config: part(empty) }],
    [
      'model',
      {
        config: part('application/vnd.docker.container.image.v1+json'),
        layers: [part('application/vnd.ollama.image.model')],
      },
    ],
    [
      'signature',
      { config: part(ociConfig), layers: [part('application/vnd.dev.cosign.simplesigning.v1+json')] },
    ],
    ['signature', { artifactType: 'application/vnd.cncf.notary.signature', config: part(empty) }],
    ['signature', { artifactType: 'application/vnd.dev.sigstore.bundle.v0.3+json', config: part(empty) }],
    ['sbom', { artifactType: 'application/spdx+json', config: part(empty) }],
    ['sbom', { artifactType: 'application/vnd.cyclonedx+json', config: part(empty) }],
    [
      'sbom',
      {
        artifactType: 'application/vnd.dev.sigstore.bundle.v0.3+json',
        annotations: { 'dev.sigstore.bundle.predicateType': 'https://spdx.dev/Document' },
      },
    ],
    ['provenance', { config: part(ociConfig), layers: [part('application/vnd.in-toto+json')] }],
    ['other', { artifactType: 'application/vnd.example', config: part(ociConfig) }],
    ['other', { config: part('application/vnd.example') }],
    ['other', {}],
  ];

  for (const [kind, manifest] of cases) assert.equal(viewOf(manifest).kind, kind, JSON.stringify(manifest));
});

test('what cannot be read of a manifest is left out', () => {
  const view = viewOf({
    artifactType: 7,
    config: { digest: '../../etc/passwd' },
    layers: [
      part('a'),
      null,
      { digest: 'no digest' },
      { digest, size: -1, annotations: [], urls: 'x', platform: 'y' },
    ],
    manifests: { length: 3 },
    subject: 'text',
    annotations: { a: 1, b: 'text' },
  });

  assert.deepEqual(
    [view.artifactType, view.config, view.manifests, view.subject, view.annotations],
    [undefined, undefined, [], undefined, { a: '', b: 'text' }],
  );
  assert.deepEqual(
    view.layers.map(({ mediaType, size, annotations, platform, isForeign }) => [
      mediaType,
      size,
      annotations,
      platform,
      isForeign,
    ]),
    [
      ['a', 1, {}, undefined, false],
      ['', 0, {}, undefined, false],
    ],
  );
});

test('any bytes are a manifest, if an empty one', () => {
  fc.assert(
    fc.property(fc.oneof(fc.json(), fc.string(), fc.constant('null')), (text) => {
      assert.ok(Array.isArray(viewManifest(Buffer.from(text)).layers));
    }),
  );
});

test('the parts of a text are the text, and no letter is cut', () => {
  const text = fc.string({ unit: 'binary', maxLength: 60 });

  fc.assert(
    fc.property(
      fc.oneof(text, fc.uint8Array({ maxLength: 100 })),
      fc.integer({ min: 4, max: 30 }),
      (said, length) => {
        const bytes = Buffer.from(said as Uint8Array);
        const found: Buffer[] = [];
        for (let offset: number | undefined = 0; offset !== undefined;) {
          const { size, encoding, text: each, next } = textPart(bytes, offset, length);
          assert.equal(size, bytes.length);
          found.push(Buffer.from(each, encoding));
          if (typeof said === 'string' && !said.includes('\0') && said.isWellFormed())
            assert.equal(encoding, 'utf8');
          offset = next;
        }
        assert.deepEqual(Buffer.concat(found), bytes);
      },
    ),
  );
});

test('a text that would be too large for a message goes as base64', () => {
  const part128 = textPart(Buffer.alloc(128 * 1024, 0x01), 0, 128 * 1024);

  assert.equal(part128.encoding, 'base64');
});
