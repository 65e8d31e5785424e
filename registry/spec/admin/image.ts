/** The control plane on one image or artifact: what its blobs say, read on demand. */
import { z } from 'zod';
import { parseDigest } from '../digest.ts';
import type { ArtifactKind } from '../kinds.ts';
import { parseTag } from '../names.ts';
import { digest, type DownloadTicket, page, type Page, q, repository } from './arguments.ts';

/** A child of an index. */
export interface ChildRow {
  readonly digest: string;
  readonly mediaType: string;
  /** Of the child's manifest alone. */
  readonly size: number;
  /** Of the child with its config and layers; absent where the registry does not have it. */
  readonly totalBytes?: number;
  /** When it was built, as it says itself. */
  readonly createdAt?: string;
  /** `linux/arm/v7`; absent where the index says none. */
  readonly platform?: string;
  /** For `unknown/unknown`: what a build tool says about another child. */
  readonly isAttestation: boolean;
}

export interface EnvRow {
  readonly name: string;
  readonly value: string;
  /** The name is like those of passwords and keys: a face masks the value until it is asked to show it. */
  readonly isSecretLooking: boolean;
}

export interface HealthcheckRow {
  readonly test: readonly string[];
  readonly intervalMs?: number;
  readonly timeoutMs?: number;
  readonly startPeriodMs?: number;
  readonly retries?: number;
}

/** What runs, and how, as the config of an image says. */
export interface ImageConfig {
  readonly os?: string;
  readonly architecture?: string;
  readonly variant?: string;
  readonly created?: string;
  readonly author?: string;
  readonly user?: string;
  readonly workingDir?: string;
  readonly stopSignal?: string;
  readonly entrypoint: readonly string[];
  readonly cmd: readonly string[];
  readonly env: readonly EnvRow[];
  /** `80/tcp`. */
  readonly ports: readonly string[];
  readonly volumes: readonly string[];
  /** Those of OCI first, then by name. */
  readonly labels: readonly { readonly name: string; readonly value: string }[];
  readonly healthcheck?: HealthcheckRow;
}

/** A step of the build, as the history of the config tells. */
export interface HistoryStep {
  /** As in a Dockerfile; a comment for what was not made by one. */
  readonly command: string;
  readonly created?: string;
  readonly comment?: string;
  /** It changed no file. */
  readonly isEmpty: boolean;
  /** The place in `layers` of what it made; absent where the history does not fit to the layers. */
  readonly layer?: number;
}

export interface LayerRow {
  readonly digest: string;
  readonly mediaType: string;
  /** As stored, which is compressed as a rule. */
  readonly size: number;
  /** Of this layer and those below it. */
  readonly cumulativeBytes: number;
  /** The step that made it. */
  readonly command?: string;
  /** The file name that an artifact gives it; never a path to write to. */
  readonly title?: string;
  /** How many other manifests use it; 100 stands for that many or more. */
  readonly sharedWith: number;
  /** Registries need not have it. */
  readonly isForeign: boolean;
}

export interface ImageDetail {
  readonly repository: string;
  /** What the reference means: an index, or the manifest itself. */
  readonly digest: string;
  readonly mediaType: string;
  readonly kind: ArtifactKind;
  /** The tags of `digest`, each with the rule that protects it. */
  readonly tags: readonly { readonly tag: string; readonly protectedBy?: string }[];
  /** Of an index; empty for everything else. */
  readonly children: readonly ChildRow[];
  /** The manifest that the rest speaks of: `digest`, or the chosen child. Absent when an index has none here. */
  readonly manifest?: {
    readonly digest: string;
    readonly mediaType: string;
    readonly size: number;
    readonly platform?: string;
    readonly artifactType?: string;
    readonly configDigest?: string;
    readonly configMediaType?: string;
    readonly annotations: Readonly<Record<string, string>>;
    readonly subject?: string;
  };
  /** Absent when it is no image, or its config cannot be read. */
  readonly config?: ImageConfig;
  readonly history: readonly HistoryStep[];
  /** Rebuilt from the history; empty without one. */
  readonly dockerfile: string;
  readonly layers: readonly LayerRow[];
  /** Manifest, config and layers of the chosen manifest; then all that the reference means, each blob once. */
  readonly bytes: { readonly manifest: number; readonly total?: number; readonly exclusive?: number };
  /** How many manifests refer to `digest` or the chosen manifest, by kind. */
  readonly referrers: Readonly<Partial<Record<ArtifactKind, number>>>;
  /** Of this kind something is attached, which nobody has verified. */
  readonly hasSignature: boolean;
  readonly hasSbom: boolean;
  readonly hasProvenance: boolean;
  /** What could not be told, as sentences. */
  readonly notes: readonly string[];
}

/** A part of a text, or of bytes that are none. `next` is the `offset` of the following part; absent for the last. */
export interface TextPart {
  readonly size: number;
  readonly encoding: 'utf8' | 'base64';
  readonly text: string;
  readonly next?: number;
}

export interface RawText extends TextPart {
  readonly mediaType: string;
}

export interface ReferrerRow {
  readonly digest: string;
  readonly mediaType: string;
  readonly artifactType?: string;
  readonly kind: ArtifactKind;
  /** Of the manifest and what it lists. */
  readonly totalBytes: number;
  readonly pushedAt: string;
  /** Empty where they are longer than 2 KiB. */
  readonly annotations: Readonly<Record<string, string>>;
  /** How many refer to this one in turn. */
  readonly referrerCount: number;
}

export const fileTypes = ['file', 'directory', 'symlink', 'hardlink', 'device', 'pipe', 'other'] as const;

/** What a layer has, or takes away, at one path. */
export interface FileRow {
  /** Without a slash at the start; names are separated by `/`, and may be `..` in a hostile layer. */
  readonly path: string;
  /** `other` for what is removed: only its name is known. */
  readonly type: (typeof fileTypes)[number];
  /** Permission bits; absent, as owner and time, for what is removed and for a directory that has no entry of its own. */
  readonly mode?: number;
  readonly uid?: number;
  readonly gid?: number;
  readonly modifiedAt?: string;
  /** Unpacked. */
  readonly size: number;
  /** Where a link points. */
  readonly link?: string;
  /** `added` and `modified` only where the image was named. */
  readonly change?: 'added' | 'modified' | 'removed';
  /** What a modified or removed file takes in the layers below: bytes that are kept for nothing. */
  readonly wastedBytes?: number;
  /** A directory that hides what the layers below have in it. */
  readonly isOpaque: boolean;
}

export interface FilePage extends Page<FileRow> {
  /** Of the whole layer. */
  readonly files: number;
  readonly unpackedBytes: number;
  /** The layer hides all below it. */
  readonly isOpaque: boolean;
}

/** How two images differ in something that has a name. */
export interface Difference {
  readonly name: string;
  /** Absent where only the other has it. */
  readonly a?: string;
  readonly b?: string;
  readonly isSecretLooking: boolean;
}

export interface ImageComparison {
  readonly a: { readonly digest: string; readonly platform?: string; readonly bytes: number };
  readonly b: { readonly digest: string; readonly platform?: string; readonly bytes: number };
  /** In the order of the image that has them; what both have, in the order of `a`. */
  readonly common: readonly LayerRow[];
  readonly onlyA: readonly LayerRow[];
  readonly onlyB: readonly LayerRow[];
  /** How much larger `b` is; negative when it is smaller. */
  readonly grownBytes: number;
  readonly env: readonly Difference[];
  readonly labels: readonly Difference[];
  /** `entrypoint`, `cmd`, `user` and the other single values. */
  readonly config: readonly Difference[];
  readonly notes: readonly string[];
}

export interface ChartDetail {
  readonly name: string;
  readonly version: string;
  readonly appVersion?: string;
  readonly apiVersion?: string;
  readonly type?: string;
  readonly description?: string;
  readonly kubeVersion?: string;
  readonly home?: string;
  readonly isDeprecated: boolean;
  readonly keywords: readonly string[];
  readonly sources: readonly string[];
  readonly maintainers: readonly { readonly name: string; readonly email?: string }[];
  readonly dependencies: readonly {
    readonly name: string;
    readonly version: string;
    readonly repository?: string;
  }[];
}

export interface ArtifactDetail {
  readonly digest: string;
  readonly kind: ArtifactKind;
  readonly artifactType?: string;
  readonly files: readonly {
    readonly digest: string;
    readonly mediaType: string;
    readonly size: number;
    readonly title?: string;
  }[];
  /** Of a Helm chart. */
  readonly chart?: ChartDetail;
  /** Texts at the top of the chart, as far as it has them: untrusted, as everything here. */
  readonly chartYaml?: string;
  readonly values?: string;
  readonly readme?: string;
  readonly notes: readonly string[];
}

export interface PackageRow {
  readonly name: string;
  readonly version?: string;
  /** `library`, or the type of a package URL: `npm`, `deb`. */
  readonly type?: string;
  readonly license?: string;
}

export interface PackagePage extends Page<PackageRow> {
  readonly format: 'spdx' | 'cyclonedx';
}

/** A tag or a digest. */
const reference = z.string().transform((text, context) => {
  const asDigest = parseDigest(text);
  if (asDigest !== undefined) return { kind: 'digest' as const, digest: asDigest };
  const asTag = parseTag(text);
  if (asTag !== undefined) return { kind: 'tag' as const, tag: asTag };
  context.addIssue({ code: 'custom', message: 'neither a tag nor a digest' });
  return z.NEVER;
});
const platform = z.string().max(100).optional();
const path = z.string().max(4096);

export const imageArguments = {
  /**
   * Everything that an image or artifact says of itself, and what the registry knows of it. Of an index: the child of
   * that platform; without one that of this machine, or the first.
   */
  'images.get': z.strictObject({ repository, reference, platform }),
  /** A manifest, or a blob of up to 4 MiB such as a config. */
  'images.raw': z.strictObject({ repository, digest, offset: z.int().min(0).default(0) }),
  /** What two images share, and what only one of them has. */
  'images.compare': z.strictObject({ repository, a: reference, b: reference, platform }),
  /** The manifests that refer to one: signatures, SBOMs and the like. */
  'referrers.list': z.strictObject({
    repository,
    digest,
    artifactType: z.string().optional(),
    after: page.after,
    limit: z.int().min(1).max(200).default(100),
  }),
  /**
   * The files of a layer in the order of the tree. With `path` (empty for the top) what is directly in that directory;
   * with `q` what holds that text in its path, below `path`. With `image`, a manifest that has the layer, each row says
   * what it changes there: the layers below are read, too.
   */
  'layers.files': z.strictObject({
    repository,
    digest,
    image: digest.optional(),
    path: path.optional(),
    q,
    ...page,
  }),
  /** What a layer of an image takes away from the layers below: all of these are read. */
  'layers.wasted': z.strictObject({ repository, digest, image: digest }),
  /** A file of up to 256 KiB. */
  'layers.file': z.strictObject({ repository, digest, path }),
  /** A ticket for a file of any size. */
  'layers.download': z.strictObject({ repository, digest, path }),
  /** A ticket for a whole blob. With `image`, a manifest that names it, the file is called by its title there. */
  'blobs.download': z.strictObject({ repository, digest, image: digest.optional() }),
  /** What a Helm chart or another artifact holds. */
  'artifacts.get': z.strictObject({ repository, digest }),
  /** The packages that a blob of SPDX or CycloneDX JSON names, also within an attestation, by name and version. */
  'packages.list': z.strictObject({ repository, digest, q, ...page }),
} as const;

export interface ImageResults {
  'images.get': ImageDetail;
  'images.raw': RawText;
  'images.compare': ImageComparison;
  'referrers.list': Page<ReferrerRow>;
  'layers.files': FilePage;
  /** Bytes of the layers below that are replaced, removed or hidden: kept for nothing. */
  'layers.wasted': { readonly wastedBytes: number };
  'layers.file': TextPart;
  'layers.download': DownloadTicket;
  'blobs.download': DownloadTicket;
  'artifacts.get': ArtifactDetail;
  'packages.list': PackagePage;
}
