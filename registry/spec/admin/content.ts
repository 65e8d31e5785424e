/** The control plane on repositories, tags, manifests and the trash. */
import { z } from 'zod';
import type { ArtifactKind } from '../kinds.ts';
import { digest, page, type Page, q, repository, tag } from './arguments.ts';

/** What people have set for a repository. */
export const repositoryNote = z.strictObject({
  /** What it is for, one line; empty takes it away. */
  description: z
    .string()
    .max(300)
    .regex(/^[^\p{Cc}]*$/u, 'not one line')
    .optional(),
  /** Pushes, moves and deletes are refused, those of rules included; pulls go on. */
  isReadOnly: z.boolean().optional(),
});
export type RepositoryNote = Readonly<z.output<typeof repositoryNote>>;

export interface RepositoryRow extends RepositoryNote {
  readonly name: string;
  /** What its tags are; absent without a tag. Tags that only hold attachments do not count. */
  readonly kind?: ArtifactKind | 'mixed';
  /** A tag of it is for several platforms. */
  readonly isMultiPlatform: boolean;
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
  readonly kind: ArtifactKind;
  /** How many tags of the repository mean the same digest, this one among them. */
  readonly digestTags: number;
  /** It holds what is attached to another manifest: `sha256-….sig` of cosign, or `sha256-…` of OCI's tag schema. */
  readonly isFallback: boolean;
  /** Something of the kind is attached; nobody has verified it. */
  readonly hasSignature: boolean;
  readonly hasSbom: boolean;
  readonly hasProvenance: boolean;
  /** `linux/amd64`, `linux/arm/v7`. */
  readonly platforms: readonly string[];
  /** Of the manifest, its children, configs and layers together. */
  readonly totalBytes: number;
  readonly pushedAt: string;
  /** When the image, or the newest one of an index, was built, as it says itself. */
  readonly createdAt?: string;
  readonly pushedBy?: string;
  /** The client that pushed, `docker 28.2`; absent where nobody knows. */
  readonly client?: string;
  readonly lastPulledAt?: string;
  readonly pullCount: number;
  /** Pulls of the last 30 days by day, the oldest first. */
  readonly pulls30d: readonly number[];
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

/** A manifest in the list of a repository. */
export interface ManifestListRow {
  readonly digest: string;
  readonly mediaType: string;
  readonly artifactType?: string;
  readonly kind: ArtifactKind;
  readonly platforms: readonly string[];
  /** Of the manifest, its children, configs and layers together. */
  readonly totalBytes: number;
  readonly pushedAt: string;
  readonly createdAt?: string;
  readonly subject?: string;
  readonly tagCount: number;
  /**
   * Why it is there: it has a tag, an index lists it, it refers to another manifest, or it was pushed or asked for a short
   * while ago. An `untagged` one nothing needs: a collection of untagged manifests removes it.
   */
  readonly keptBy: 'tag' | 'index' | 'referrer' | 'grace' | 'untagged';
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
  /** `docker 28.2`. */
  readonly client?: string;
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
  /** Its repository is read-only, so that nothing comes back. */
  readonly isReadOnly?: boolean;
}

/** An entry that was put back. `tags` are those that were set; `kept` mean something else by now, and were left so. */
export interface RestoredRow extends TrashRow {
  readonly kept: readonly { readonly tag: string; readonly digest: string }[];
}

export const repositorySorts = ['name', 'pushed', 'pulled', 'size', 'pulls', 'tags'] as const;
export const tagOrders = ['name', 'pushed', 'pulled', 'semver', 'size', 'pulls'] as const;
export const manifestSorts = ['pushed', 'size'] as const;

/** Where it is left out names go up and everything else down: the newest and the largest first. */
const descending = z.boolean().optional();

export const contentArguments = {
  /** The repositories that hold a manifest, those that a query finds. */
  'repositories.list': z.strictObject({
    ...page,
    q,
    sort: z.enum(repositorySorts).default('name'),
    descending,
  }),
  /** One repository, as it is in the list. */
  'repositories.get': z.strictObject({ repository }),
  /** Sets what is given, and answers the repository as it is then. */
  'repositories.set': z.strictObject({ repository, ...repositoryNote.shape }),
  /** The tags of a repository, those that a query finds. */
  'tags.list': z.strictObject({
    ...page,
    repository,
    q,
    sort: z.enum(tagOrders).default('pushed'),
    descending,
  }),
  /** The tags of all repositories that were pushed last, the newest first; without those that only hold attachments. */
  'tags.recent': z.strictObject({ limit: z.int().min(1).max(100).default(8) }),
  /** The manifests of a repository, or those without a tag only, and why each is kept. */
  'manifests.list': z.strictObject({
    ...page,
    repository,
    untagged: z.boolean().default(false),
    sort: z.enum(manifestSorts).default('pushed'),
    descending,
  }),
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
  'repositories.get': RepositoryRow;
  'repositories.set': RepositoryRow;
  'tags.list': Page<TagRow>;
  'tags.recent': readonly TagRow[];
  'manifests.list': Page<ManifestListRow>;
  'manifests.get': ManifestRow;
  'history.list': Page<MoveRow>;
  'tags.set': { readonly from?: string };
  'tags.delete': { readonly trash: string };
  'repositories.delete': { readonly trash: readonly string[] };
  'trash.list': Page<TrashRow>;
  'trash.restore': RestoredRow;
  'trash.empty': { readonly entries: number };
}
