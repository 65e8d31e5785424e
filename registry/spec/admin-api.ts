/**
 * The control plane's contract: what the window, the command line and the browser may ask of a running registry.
 * Arguments are checked by these schemas on arrival; values and rows are JSON (times are RFC 3339, sizes are bytes).
 */
import { z } from 'zod';
import { parseDigest } from './digest.ts';
import { levels, subsystems } from './log-record.ts';
import { parseRepoName, parseTag } from './names.ts';

/** One page of a list. `next` is the `after` of the following page; absent on the last. */
export interface Page<Row> {
  readonly rows: readonly Row[];
  /** All rows that match, over all pages. */
  readonly total: number;
  readonly next?: string;
}

export interface RepositoryRow {
  readonly name: string;
  readonly tagCount: number;
  readonly untaggedCount: number;
  /** Bytes that no other repository uses: what deleting it would free. */
  readonly exclusiveBytes: number;
  readonly sharedBytes: number;
  readonly pushedAt?: string;
  readonly lastPulledAt?: string;
  /** Pulls of the last 30 days by day, the oldest first. */
  readonly pulls30d: readonly number[];
}

export interface TagRow {
  readonly repository: string;
  readonly tag: string;
  readonly digest: string;
  readonly mediaType: string;
  /** `linux/amd64`, `linux/arm/v7`. */
  readonly platforms: readonly string[];
  /** Of the manifest, its children, configs and layers together. */
  readonly totalBytes: number;
  readonly pushedAt: string;
  readonly pushedBy?: string;
  readonly lastPulledAt?: string;
  readonly pullCount: number;
}

export interface ManifestRow {
  readonly digest: string;
  readonly mediaType: string;
  readonly artifactType?: string;
  readonly totalBytes: number;
  /** Bytes that no other manifest uses. */
  readonly exclusiveBytes: number;
  readonly platforms: readonly string[];
  /** Manifests that an index lists. */
  readonly children: readonly string[];
  readonly subject?: string;
  /** How many manifests refer to this one, by artifact type. */
  readonly referrers: Readonly<Record<string, number>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly tags: readonly string[];
}

/**
 * One move of a tag. `from` is absent for a new tag, `to` for a deleted one; they are equal where the same manifest was
 * pushed again.
 */
export interface MoveRow {
  readonly at: string;
  readonly repository: string;
  readonly tag: string;
  readonly kind: 'move' | 'delete' | 'restore';
  readonly from?: string;
  readonly to?: string;
  /** The user; absent where nobody knows, as for the history that distribution left. */
  readonly by?: string;
}

export interface TrashRow {
  readonly id: string;
  readonly deletedAt: string;
  readonly expiresAt: string;
  readonly by: string;
  readonly repository: string;
  readonly digest: string;
  /** The tags that a restore sets again. */
  readonly tags: readonly string[];
}

/** What a collection has freed; of a plan, everything that nobody needs, the kept part included. */
export interface CollectResult {
  readonly blobs: number;
  readonly bytes: number;
  readonly manifests: number;
  /** Unreferenced, and kept for now: in use within the grace time, or seen for the first time. */
  readonly keptBlobs: number;
  readonly keptBytes: number;
}

export interface UsageRow {
  readonly repositories: readonly {
    readonly name: string;
    readonly exclusiveBytes: number;
    readonly sharedBytes: number;
  }[];
  readonly totalBytes: number;
  readonly trashBytes: number;
  readonly reclaimableBytes: number;
  readonly freeBytes?: number;
}

export interface StatusRow {
  readonly version: string;
  readonly urls: readonly string[];
  readonly startedAt: string;
  readonly isReadOnly: boolean;
  /** `building` while lists are still read from the disk. */
  readonly index: 'building' | 'ready';
}

const repository = parsed(parseRepoName, 'not a repository name');
const tag = parsed(parseTag, 'not a tag');
const digest = parsed(parseDigest, 'not a digest');
const page = { after: z.string().optional(), limit: z.int().min(1).max(1000).default(100) };
const q = z.string().max(200).optional();

export const repositorySorts = ['name', 'pushed', 'size', 'pulls'] as const;
export const tagOrders = ['name', 'pushed', 'semver', 'size', 'pulls'] as const;

/** Text that a parser of this folder makes a branded value of. */
function parsed<T extends string>(parse: (text: string) => T | undefined, message: string) {
  return z.string().transform((text, context) => {
    const value = parse(text);
    if (value !== undefined) return value;
    context.addIssue({ code: 'custom', message });
    return z.NEVER;
  });
}

/** The arguments of each method. */
export const adminArguments = {
  'status.get': z.strictObject({}),
  'repositories.list': z.strictObject({ ...page, q, sort: z.enum(repositorySorts).default('name') }),
  'tags.list': z.strictObject({ ...page, repository, q, sort: z.enum(tagOrders).default('pushed') }),
  'manifests.get': z.strictObject({ repository, digest }),
  'history.list': z.strictObject({ ...page, repository, tag: tag.optional() }),
  'usage.get': z.strictObject({}),
  /** Points a tag at a manifest that the repository has: a rollback. */
  'tags.set': z.strictObject({ repository, tag, digest }),
  'tags.delete': z.strictObject({ repository, tag }),
  'repositories.delete': z.strictObject({ repository }),
  'trash.list': z.strictObject({ ...page }),
  'trash.restore': z.strictObject({ id: z.string() }),
  'trash.empty': z.strictObject({}),
  'collect.plan': z.strictObject({}),
  'collect.run': z.strictObject({}),
  'index.rebuild': z.strictObject({}),
  'logs.levels': z.strictObject({}),
  'logs.setLevel': z.strictObject({ sys: z.enum([...subsystems, 'all']), level: z.enum(levels) }),
} as const;

export type AdminMethod = keyof typeof adminArguments;
export type AdminArguments<Method extends AdminMethod> = z.output<(typeof adminArguments)[Method]>;
/** What a caller passes: defaults may be left out. */
export type AdminInput<Method extends AdminMethod> = z.input<(typeof adminArguments)[Method]>;

/** The answer of each method. */
export interface AdminResults {
  'status.get': StatusRow;
  'repositories.list': Page<RepositoryRow>;
  'tags.list': Page<TagRow>;
  'manifests.get': ManifestRow;
  'history.list': Page<MoveRow>;
  'usage.get': UsageRow;
  'tags.set': { readonly from?: string };
  'tags.delete': { readonly trash: string };
  'repositories.delete': { readonly trash: readonly string[] };
  'trash.list': Page<TrashRow>;
  'trash.restore': TrashRow;
  'trash.empty': { readonly entries: number };
  'collect.plan': CollectResult;
  'collect.run': CollectResult;
  'index.rebuild': { readonly repositories: number; readonly manifests: number };
  'logs.levels': Readonly<Record<string, string>>;
  'logs.setLevel': Readonly<Record<string, string>>;
}

/** What can be subscribed to, and its items. */
export const topicArguments = {
  /** Everything that happens from now on, or since a sequence number that is still kept. */
  feed: z.strictObject({ since: z.int().min(0).optional() }),
  /** Log records: those in the ring first, then live. */
  logs: z.strictObject({ level: z.enum(levels).default('info') }),
} as const;

export type Topic = keyof typeof topicArguments;

/** One thing that happened. Names are in the past tense, as in `spec/events.ts`. */
export interface FeedItem {
  /** Grows by one; a gap means that items were dropped. */
  readonly seq: number;
  readonly at: string;
  readonly kind:
    | 'tagMoved'
    | 'tagDeleted'
    | 'manifestPushed'
    | 'manifestDeleted'
    | 'blobStored'
    | 'restored'
    | 'collected'
    | 'indexReady'
    | 'levelsChanged'
    /** The reader missed items, or the process is another: read everything anew. */
    | 'reset';
  readonly repository?: string;
  readonly tag?: string;
  readonly digest?: string;
  readonly user?: string;
  readonly bytes?: number;
}
