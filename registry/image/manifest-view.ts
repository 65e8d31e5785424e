/**
 * A stored manifest with all that a reader may want of it, read as tolerantly as can be: other registries store what
 * Berth would refuse. What is checked at a push is in spec/manifest.ts.
 */
import { z } from 'zod';
import type { ArtifactKind } from '../spec/kinds.ts';
import { type Digest, parseDigest } from '../spec/digest.ts';
import { isNonDistributable } from '../spec/media-types.ts';
import { kindOf } from '../spec/kinds.ts';

export interface PartView {
  readonly digest: Digest;
  readonly mediaType: string;
  readonly size: number;
  readonly annotations: Readonly<Record<string, string>>;
  /** `linux/arm/v7`. */
  readonly platform: string | undefined;
  readonly isForeign: boolean;
}

export interface ManifestView {
  readonly kind: ArtifactKind;
  readonly artifactType: string | undefined;
  readonly config: PartView | undefined;
  readonly layers: readonly PartView[];
  readonly manifests: readonly PartView[];
  readonly subject: string | undefined;
  readonly annotations: Readonly<Record<string, string>>;
}

/** Types and names of platforms are short; a manifest may say anything. */
const text = z
  .string()
  .transform((said) => said.slice(0, 255))
  .catch('');
const annotations = z.record(z.string(), z.union([z.string(), z.unknown().transform(() => '')])).catch({});
const part = z
  .object({
    digest: z.string(),
    mediaType: text,
    size: z.number().min(0).catch(0),
    annotations: annotations.optional(),
    urls: z.array(z.unknown()).catch([]),
    platform: z.object({ os: text, architecture: text, variant: text }).partial().catch({}).optional(),
  })
  .partial()
  .transform((said): PartView | undefined => {
    const digest = parseDigest(said.digest ?? '');
    if (digest === undefined) return undefined;
    const { os, architecture, variant } = said.platform ?? {};
    const platform = [os, architecture, variant]
      .filter((each) => each !== undefined && each !== '')
      .join('/');
    const mediaType = said.mediaType ?? '';
    return {
      digest,
      mediaType,
      size: said.size ?? 0,
      annotations: said.annotations ?? {},
      platform: platform === '' ? undefined : platform,
      isForeign: isNonDistributable(mediaType) || (said.urls ?? []).length > 0,
    };
  })
  .optional()
  .catch(undefined);
const parts = z
  .array(part)
  .transform((list) => list.filter((each) => each !== undefined))
  .catch([]);
const manifest = z
  .object({
    artifactType: text,
    config: part,
    layers: parts,
    manifests: parts,
    subject: part,
    annotations,
  })
  .partial()
  .catch({});

/** Answers an empty one for what is no JSON object. */
export function viewManifest(bytes: Uint8Array): ManifestView {
  const said = manifest.parse(jsonOf(bytes));
  const { config, layers = [], manifests = [], annotations: notes = {} } = said;
  const artifactType = said.artifactType === '' ? undefined : said.artifactType;
  return {
    kind: kindOf({
      artifactType,
      configType: config?.mediaType,
      layerTypes: layers.map(({ mediaType }) => mediaType),
      annotations: notes,
    }),
    artifactType,
    config,
    layers,
    manifests,
    subject: said.subject?.digest,
    annotations: notes,
  };
}

function jsonOf(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return undefined;
  }
}
