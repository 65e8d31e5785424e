/** The control plane on repositories, tags, manifests and the trash. */
import { z } from 'zod';
import { digest, page, type Page, q, repository, tag } from './arguments.ts';

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
  /** The rule that keeps it from being moved and deleted. */
  readonly protectedBy?: string;
  /** When a rule deletes it, unless it is pushed again. */
  readonly expiresAt?: string;
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

export const repositorySorts = ['name', 'pushed', 'size', 'pulls'] as const;
export const tagOrders = ['name', 'pushed', 'semver', 'size', 'pulls'] as const;

export const contentArguments = {
  /** The repositories that hold a manifest. */
  'repositories.list': z.strictObject({ ...page, q, sort: z.enum(repositorySorts).default('name') }),
  /** The tags of a repository. */
  'tags.list': z.strictObject({ ...page, repository, q, sort: z.enum(tagOrders).default('pushed') }),
  /** What the index knows of a manifest. */
  'manifests.get': z.strictObject({ repository, digest }),
  /** The moves of the tags of a repository, or of one tag, the newest first. */
  'history.list': z.strictObject({ ...page, repository, tag: tag.optional() }),
  /** Points a tag at a manifest that the repository has: a rollback. */
  'tags.set': z.strictObject({ repository, tag, digest }),
  /** Deletes a tag; answers the entry of the trash. */
  'tags.delete': z.strictObject({ repository, tag }),
  /** Deletes every manifest of a repository; answers the entries of the trash. With a plan, only if that is the present one. */
  'repositories.delete': z.strictObject({ repository, plan: z.string().optional() }),
  /** What can be restored, the newest first. */
  'trash.list': z.strictObject({ ...page }),
  /** Puts an entry back. Tags that mean something else by now keep their meaning. */
  'trash.restore': z.strictObject({ id: z.string() }),
  /** Forgets every entry. */
  'trash.empty': z.strictObject({}),
} as const;

export interface ContentResults {
  'repositories.list': Page<RepositoryRow>;
  'tags.list': Page<TagRow>;
  'manifests.get': ManifestRow;
  'history.list': Page<MoveRow>;
  'tags.set': { readonly from?: string };
  'tags.delete': { readonly trash: string };
  'repositories.delete': { readonly trash: readonly string[] };
  'trash.list': Page<TrashRow>;
  'trash.restore': TrashRow;
  'trash.empty': { readonly entries: number };
}
