/** The media types of manifests that are stored, and what is known of descriptors' types. */
export const mediaTypes = {
  ociManifest: 'application/vnd.oci.image.manifest.v1+json',
  ociIndex: 'application/vnd.oci.image.index.v1+json',
  dockerManifest: 'application/vnd.docker.distribution.manifest.v2+json',
  dockerList: 'application/vnd.docker.distribution.manifest.list.v2+json',
} as const;

export type ManifestMediaType = (typeof mediaTypes)[keyof typeof mediaTypes];

/** The four accepted manifest types, for messages and documentation. */
export const manifestMediaTypes: readonly ManifestMediaType[] = Object.values(mediaTypes);

/** Answers the manifest type that a Content-Type names, its parameters and letter case ignored. */
export function parseManifestMediaType(text: string): ManifestMediaType | undefined {
  const bare = bareMediaType(text);
  return manifestMediaTypes.find((known) => known === bare);
}

/** A media type without parameters, in lower case (RFC 9110 8.3.1). */
export function bareMediaType(text: string): string {
  return (text.split(';', 1)[0] ?? '').trim().toLowerCase();
}

/** True for an index (OCI) or a manifest list (docker). */
export function isIndexType(type: ManifestMediaType): boolean {
  return type === mediaTypes.ociIndex || type === mediaTypes.dockerList;
}

/** True for the OCI types: docker's know no `subject`. */
export function isOciType(type: ManifestMediaType): boolean {
  return type === mediaTypes.ociManifest || type === mediaTypes.ociIndex;
}

/**
 * True for a layer that clients may keep out of registries, so that its absence is no error: OCI image-spec
 * "Non-distributable Layers", docker's `foreign` layers.
 */
export function isNonDistributable(mediaType: string): boolean {
  return mediaType.includes('.nondistributable.') || mediaType.includes('.foreign.diff.');
}
