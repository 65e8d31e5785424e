import type { Descriptor, Manifest } from '../spec/manifest.ts';
import { isNonDistributable } from '../spec/media-types.ts';

/** What a pushed manifest is held to (`validation` of the configuration). */
export interface ValidationRules {
  /** False: nothing about the presence of content is checked. */
  readonly enabled: boolean;
  /** Accept image manifests whose config or layers are missing. */
  readonly sparse: boolean;
  /** Which children of an index must be present: all, none, or those of the listed platforms (`os/arch`). */
  readonly indexPlatforms: 'all' | 'none' | readonly string[];
  /** Patterns that `urls` must match (any of `allow`) and must not match (`deny`). */
  readonly urls: { readonly allow: readonly RegExp[]; readonly deny: readonly RegExp[] };
}

/** What must be in the repository of a manifest by the rules, each digest once. */
export function neededContent(
  { isIndex, config, layers, manifests }: Manifest,
  { enabled, sparse, indexPlatforms }: ValidationRules,
): readonly Descriptor[] {
  if (!enabled) return [];
  const needed = isIndex ? manifests.filter(isChildNeeded) : [config, ...layers].filter(isBlobNeeded);
  return [...new Map(needed.map((each) => [each.digest, each])).values()];

  function isChildNeeded({ platform }: Descriptor): boolean {
    if (typeof indexPlatforms === 'string') return indexPlatforms === 'all';
    return (
      platform !== undefined &&
      indexPlatforms.some((each) => platform === each || platform.startsWith(`${each}/`))
    );
  }

  function isBlobNeeded(part: Descriptor | undefined): part is Descriptor {
    return part !== undefined && !sparse && !part.hasUrls && !isNonDistributable(part.mediaType);
  }
}
