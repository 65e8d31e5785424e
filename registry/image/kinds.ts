/** What a manifest is, by its media types and its artifact type: those of the tools that push such things. */
import type { ArtifactKind } from '../spec/admin/image.ts';

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
export function kindOfPredicate(predicateType: string): ArtifactKind {
  if (/spdx|cyclonedx/i.test(predicateType)) return 'sbom';
  return predicateType.includes('/cosign/sign/') ? 'signature' : 'provenance';
}
