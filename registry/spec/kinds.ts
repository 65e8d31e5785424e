/** What a manifest is, by its media types and its artifact type: those of the tools that push such things. */

export const artifactKinds = [
  'image',
  'helm',
  'wasm',
  'model',
  'sbom',
  'signature',
  'provenance',
  'other',
] as const;
export type ArtifactKind = (typeof artifactKinds)[number];

/** What is attached to an image. */
export const attachmentKinds = ['signature', 'sbom', 'provenance'] as const satisfies ArtifactKind[];
export type AttachmentKind = (typeof attachmentKinds)[number];

/** What is known of a manifest. Texts may be empty. */
export interface TypedThing {
  readonly artifactType: string | undefined;
  readonly configType: string | undefined;
  readonly layerTypes: readonly string[];
  readonly annotations: Readonly<Record<string, string>>;
}

/** By the start of the artifact type, the config's type, or that of a layer. The first that fits counts. */
const byType: readonly (readonly [start: string, kind: ArtifactKind])[] = [
  ['application/vnd.cncf.helm.', 'helm'],
  ['application/vnd.wasm.', 'wasm'],
  ['application/wasm', 'wasm'],
  ['application/vnd.module.wasm.', 'wasm'],
  ['application/vnd.ollama.image.model', 'model'],
  ['application/vnd.docker.ai.', 'model'],
  ['application/vnd.cncf.model.', 'model'],
  ['application/vnd.kitops.modelkit.', 'model'],
  ['application/vnd.dev.cosign.artifact.sig.', 'signature'],
  ['application/vnd.dev.cosign.simplesigning.', 'signature'],
  ['application/vnd.cncf.notary.', 'signature'],
  ['application/vnd.dev.cosign.artifact.sbom.', 'sbom'],
  ['application/spdx', 'sbom'],
  ['text/spdx', 'sbom'],
  ['application/vnd.cyclonedx', 'sbom'],
  ['application/vnd.syft', 'sbom'],
  ['application/vnd.in-toto', 'provenance'],
  ['application/vnd.dsse.envelope.', 'provenance'],
  ['application/vnd.dev.cosign.artifact.att.', 'provenance'],
  // A bundle holds either; where no annotation tells, it stands inside.
  ['application/vnd.dev.sigstore.bundle', 'signature'],
];
const imageConfigs = [
  'application/vnd.oci.image.config.v1+json',
  'application/vnd.docker.container.image.v1+json',
  'application/vnd.docker.plugin.v1+json',
];

/** What it is. */
export function kindOf({ artifactType, configType, layerTypes, annotations }: TypedThing): ArtifactKind {
  const predicate = annotations['dev.sigstore.bundle.predicateType'];
  if (predicate !== undefined) return kindOfPredicate(predicate);
  for (const type of [artifactType, configType, ...layerTypes]) {
    const found = byType.find(([start]) => type?.startsWith(start) === true);
    if (found !== undefined) return found[1];
  }
  const isImage = isImageConfig(configType) && (artifactType === undefined || artifactType === configType);
  return isImage ? 'image' : 'other';
}

export function isImageConfig(type: string | undefined): boolean {
  return imageConfigs.includes(type ?? '');
}

/** What an attestation says (in-toto's `predicateType`), as far as it matters here. */
export function kindOfPredicate(predicateType: string): AttachmentKind {
  if (/spdx|cyclonedx/i.test(predicateType)) return 'sbom';
  return predicateType.includes('/cosign/sign/') ? 'signature' : 'provenance';
}

/**
 * What a manifest is to the image that it belongs to. BuildKit puts several attestations into one manifest, a layer each,
 * and cosign one: the layers' annotations say what they are.
 */
export function attachmentsOf(
  thing: TypedThing & { readonly predicateTypes: readonly string[] },
): readonly AttachmentKind[] {
  const kind = kindOf(thing);
  const own = attachmentKinds.find((each) => each === kind);
  if (own === undefined) return [];
  // What is in a DSSE envelope or an in-toto statement is told by its predicate alone.
  const isStatement = own === 'provenance' && thing.predicateTypes.length > 0;
  return [...new Set(isStatement ? thing.predicateTypes.map(kindOfPredicate) : [own])];
}

const fallback = /^(sha256|sha512)-([0-9a-f]{64})(?:\.(?:sig|att|sbom))?$/;

/**
 * The digest whose signatures and other attachments hang on a tag: the tags of cosign (`sha256-….sig`), and those of OCI
 * distribution-spec, "Referrers Tag Schema" (`sha256-…`), which cuts digests of SHA-512: those lead nowhere. `undefined`
 * for every other tag.
 */
export function subjectOfTag(tag: string): string | undefined {
  const [, algorithm, hex] = fallback.exec(tag) ?? [];
  return algorithm === undefined ? undefined : `${algorithm}:${hex ?? ''}`;
}
