/** The control plane on moving images without an engine: inside of the registry, into a file, out of a file. */
import { z } from 'zod';
import { parseDigest } from '../digest.ts';
import { parseImageReference } from '../image-reference.ts';
import { parseTag } from '../names.ts';
import { type DownloadTicket, parsed, repository, tag } from './arguments.ts';

export interface CopyResult {
  readonly repository: string;
  readonly tag: string;
  readonly digest: string;
  /** What the tag meant before. */
  readonly from?: string;
  readonly manifests: number;
  readonly blobs: number;
}

export interface ExportResult {
  readonly path: string;
  /** Of the file. */
  readonly bytes: number;
  readonly images: number;
  readonly manifests: number;
  readonly blobs: number;
  /** Left out, because what the bundle builds on has them. */
  readonly leftOutBlobs: number;
  readonly leftOutBytes: number;
}

/** The image that shows that the registry works. */
export interface SampleResult {
  readonly repository: string;
  readonly tag: string;
  readonly digest: string;
}

/** A file or directory that holds images. */
export interface BundleRow {
  readonly kind: 'oci-archive' | 'oci-directory' | 'docker-archive';
  readonly isCompressed: boolean;
  /** What must be here already, `repository@digest`: the bundle is a difference to it. */
  readonly since: readonly string[];
  /** The first thousand. */
  readonly images: readonly ImageRow[];
  /** How many images there are. */
  readonly total: number;
  /** Configs and layers that the images have, each counted once. */
  readonly blobs: number;
  readonly bytes: number;
  /** Those of them that the registry does not have. */
  readonly newBlobs: number;
  readonly newBytes: number;
}

export interface ImageRow {
  /** As the bundle says it; absent for an image without a name. */
  readonly name?: string;
  /** Where an import puts it; absent where the name says nothing of use. */
  readonly repository?: string;
  readonly tag?: string;
  readonly digest: string;
  readonly mediaType: string;
  /** Of its manifests, configs and layers. */
  readonly bytes: number;
  /** The registry has the tag, and it means this image. */
  readonly isHere: boolean;
}

const reference = parsed(parseImageReference, 'not repository:tag, repository@digest or repository');
/** On the registry's machine; absolute. */
const path = z.string().min(1).max(4096);
/** What an export takes. */
const selection = {
  /** A repository alone means all of its tags. */
  references: z.array(reference).min(1).max(1000),
  /** `linux/arm64`: of an index only the image of this platform. */
  platform: z
    .string()
    .regex(/^[a-z0-9]+\/[a-z0-9_]+(?:\/[a-z0-9.]+)?$/)
    .optional(),
  /** Leaves out configs and layers that these have. */
  since: z.array(reference).max(1000).default([]),
};
/** What is read: a file or directory by its path, which is for the owner alone, or what a browser has sent. */
const source = { path: path.optional(), upload: z.string().max(100).optional() };
const oneSource = (given: {
  readonly path?: string | undefined;
  readonly upload?: string | undefined;
}): boolean => (given.path === undefined) !== (given.upload === undefined);
const twoSources = 'one of path and upload is needed';

export const transferArguments = {
  /** Copies an image inside the registry, all platforms of it, without moving bytes. */
  'images.copy': z.strictObject({
    from: z.strictObject({
      repository,
      reference: parsed((text) => parseDigest(text) ?? parseTag(text), 'neither a tag nor a digest'),
    }),
    to: z.strictObject({ repository, tag }),
    /** Signatures and the like, too. */
    withReferrers: z.boolean().default(true),
  }),
  /** Stores a tiny image as `sample/hello:latest`, as a push would: no engine is needed. */
  'samples.push': z.strictObject({}),
  /** Writes images into one file on the computer of the registry. For its owner alone. */
  'bundles.export': z.strictObject({
    ...selection,
    path,
    /** Replace a file that is there. */
    overwrite: z.boolean().default(false),
  }),
  /** The same file, to be fetched with a ticket instead of written. */
  'bundles.download': z.strictObject(selection),
  /** Says what a file holds, and what of it the registry has: a `path` for the owner alone, or an `upload` of `POST /api/upload`. */
  'bundles.inspect': z.strictObject(source).refine(oneSource, twoSources),
  /** Forgets what a browser has sent; it is forgotten an hour after it was used last in any case. */
  'bundles.discard': z.strictObject({ upload: z.string().max(100) }),
  /** Brings the images of such a file in. */
  'bundles.import': z
    .strictObject({
      ...source,
      /** Put before the name of each repository, with a slash. */
      prefix: repository.optional(),
      /** `from` is a name or digest of the bundle. */
      renames: z
        .array(z.strictObject({ from: z.string().max(500), to: reference }))
        .max(1000)
        .default([]),
      /** Answer what would be done, and do nothing. */
      dryRun: z.boolean().default(false),
    })
    .refine(oneSource, twoSources),
} as const;

export interface TransferResults {
  'images.copy': CopyResult;
  'samples.push': SampleResult;
  'bundles.export': ExportResult;
  'bundles.download': DownloadTicket;
  'bundles.inspect': BundleRow;
  'bundles.discard': { readonly upload: string };
  'bundles.import': BundleRow;
}
