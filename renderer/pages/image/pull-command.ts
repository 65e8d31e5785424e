import type { ArtifactKind } from '../../../registry/spec/kinds.ts';

/** How the usual client of that kind gets it. */
export function pullCommand(kind: ArtifactKind, name: string): string {
  switch (kind) {
    case 'image':
      return `docker pull ${name}`;
    case 'helm':
      return `helm pull oci://${withVersion(name, '--version ')}`;
    case 'wasm':
    case 'model':
    case 'sbom':
    case 'signature':
    case 'provenance':
    case 'other':
      return `oras pull ${name}`;
    default:
      return kind satisfies never;
  }
}

/** `HOST/web:1.0.0` with the tag as an option; helm takes a digest as a part of the name. */
export function withVersion(name: string, option: string): string {
  return name.includes('@') ? name : name.replace(/:([^:/]+)$/, ` ${option}$1`);
}
