import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type AttachmentKind, attachmentsOf, kindOf, subjectOfTag } from './kinds.ts';

const image = 'application/vnd.oci.image.config.v1+json';
const empty = 'application/vnd.oci.empty.v1+json';
const layer = 'application/vnd.oci.image.layer.v1.tar+gzip';
const inToto = 'application/vnd.in-toto+json';
const dsse = 'application/vnd.dsse.envelope.v1+json';
const simple = 'application/vnd.dev.cosign.simplesigning.v1+json';
const bundle = 'application/vnd.dev.sigstore.bundle.v0.3+json';
const slsa = 'https://slsa.dev/provenance/v1';
const spdx = 'https://spdx.dev/Document';

interface Case {
  readonly what: string;
  readonly config?: string;
  readonly artifact?: string;
  readonly layers?: readonly string[];
  readonly predicates?: readonly string[];
  readonly annotations?: Readonly<Record<string, string>>;
  readonly kind: ReturnType<typeof kindOf>;
  readonly attachments?: readonly AttachmentKind[];
}

const cases: readonly Case[] = [
  { what: 'an image', config: image, artifact: image, layers: [layer], kind: 'image' },
  { what: 'a chart', config: 'application/vnd.cncf.helm.config.v1+json', kind: 'helm' },
  {
    what: 'a wasm module',
    config: 'application/vnd.wasm.config.v0+json',
    layers: ['application/wasm'],
    kind: 'wasm',
  },
  { what: 'a model of docker', config: 'application/vnd.docker.ai.model.config.v0.1+json', kind: 'model' },
  { what: 'something else', config: empty, artifact: 'application/vnd.acme', kind: 'other' },
  {
    what: 'a signature of cosign',
    config: image,
    artifact: image,
    layers: [simple],
    kind: 'signature',
    attachments: ['signature'],
  },
  {
    what: 'a signature of notation',
    config: empty,
    artifact: 'application/vnd.cncf.notary.signature',
    kind: 'signature',
    attachments: ['signature'],
  },
  { what: 'SPDX', config: empty, artifact: 'application/spdx+json', kind: 'sbom', attachments: ['sbom'] },
  {
    what: 'CycloneDX',
    config: empty,
    artifact: 'application/vnd.cyclonedx+json',
    kind: 'sbom',
    attachments: ['sbom'],
  },
  {
    what: 'what BuildKit says',
    config: image,
    artifact: image,
    layers: [inToto, inToto],
    predicates: [spdx, slsa],
    kind: 'provenance',
    attachments: ['sbom', 'provenance'],
  },
  {
    what: 'an SBOM that cosign attests',
    config: image,
    layers: [dsse],
    predicates: ['https://cyclonedx.org/bom'],
    kind: 'provenance',
    attachments: ['sbom'],
  },
  {
    what: 'a statement without a predicate',
    artifact: inToto,
    kind: 'provenance',
    attachments: ['provenance'],
  },
  {
    what: 'a bundle of provenance',
    artifact: bundle,
    annotations: { 'dev.sigstore.bundle.predicateType': slsa },
    kind: 'provenance',
    attachments: ['provenance'],
  },
  {
    what: 'a bundle that signs',
    artifact: bundle,
    annotations: { 'dev.sigstore.bundle.predicateType': 'https://sigstore.dev/cosign/sign/v1' },
    kind: 'signature',
    attachments: ['signature'],
  },
];

for (const {
  what,
  config,
  artifact,
  layers = [],
  predicates = [],
  annotations = {},
  kind,
  attachments = [],
} of cases) {
  test(`${what} is of the kind ${kind}, and attaches ${attachments.join(', ') || 'nothing'}`, () => {
    const thing = { artifactType: artifact, configType: config, layerTypes: layers, annotations };

    assert.equal(kindOf(thing), kind);
    assert.deepEqual(attachmentsOf({ ...thing, predicateTypes: predicates }), attachments);
  });
}

test('tags of cosign and of the referrers tag schema lead to the digest they hang on, others to none', () => {
  const hex = 'ab'.repeat(32);

  for (const end of ['', '.sig', '.att', '.sbom'])
    assert.equal(subjectOfTag(`sha256-${hex}${end}`), `sha256:${hex}`);
  for (const tag of [
    'latest',
    `sha256-${hex}.txt`,
    `sha256-${hex.slice(2)}`,
    `x-sha256-${hex}`,
    `sha256-${hex}.sig.sig`,
  ])
    assert.equal(subjectOfTag(tag), undefined, tag);
});
