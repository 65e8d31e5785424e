/** The control plane's looks before deletes: what goes, what stays, what that frees. The act names the plan. */
import { z } from 'zod';
import { digest, repository, tag } from './arguments.ts';

export interface PlannedTag {
  readonly tag: string;
  readonly digest: string;
  readonly bytes: number;
  /** Other tags that mean the digest and are not in the plan; at most ten. The digest stays with them. */
  readonly staysWith: readonly string[];
  /** The rule that keeps it: it is not deleted. */
  readonly protectedBy?: string;
}

export interface TagsPlan {
  readonly repository: string;
  readonly rows: readonly PlannedTag[];
  /** Manifests that lose their last tag, and those that only they list. */
  readonly manifests: number;
  /** Bytes that nothing else needs: free once they are neither in the trash nor leased. */
  readonly freedBytes: number;
  readonly plan: string;
}

export interface PlannedManifest {
  readonly digest: string;
  /** Of the manifest with all that it lists. */
  readonly bytes: number;
  /** Why it stays: a tag means it, or an index that stays lists it. */
  readonly keptBy?: 'tag' | 'index';
  /** The first of those tags, or the digest of that index. */
  readonly keptFor?: string;
}

export interface ManifestsPlan {
  readonly repository: string;
  readonly rows: readonly PlannedManifest[];
  /** Those that go, and those that only they list. */
  readonly manifests: number;
  /** Bytes that nothing else needs: free once they are neither in the trash nor leased. */
  readonly freedBytes: number;
  readonly plan: string;
}

export interface RepositoryPlan {
  readonly repository: string;
  readonly tags: number;
  readonly manifests: number;
  readonly freedBytes: number;
  /** Protected tags, at most ten: while there is one the repository is not deleted. */
  readonly protected: readonly { readonly tag: string; readonly rule: string }[];
  readonly plan: string;
}

const someTags = z.array(tag).min(1).max(1000);
const someDigests = z.array(digest).min(1).max(1000);

export const plansArguments = {
  /** What deleting these tags would remove, keep and free. */
  'tags.plan': z.strictObject({ repository, tags: someTags }),
  /** Deletes what the plan says, but for the protected ones. */
  'tags.deleteMany': z.strictObject({ repository, tags: someTags, plan: z.string() }),
  /** What deleting manifests without a tag would remove, keep and free. */
  'manifests.plan': z.strictObject({ repository, digests: someDigests }),
  /** Deletes what the plan says goes, with all that only it lists. */
  'manifests.delete': z.strictObject({ repository, digests: someDigests, plan: z.string() }),
  /** The same for a whole repository. */
  'repositories.plan': z.strictObject({ repository }),
} as const;

export interface PlansResults {
  'tags.plan': TagsPlan;
  'tags.deleteMany': {
    readonly deleted: readonly string[];
    /** Protected, or moved since. */
    readonly kept: readonly string[];
    readonly trash: readonly string[];
  };
  'manifests.plan': ManifestsPlan;
  'manifests.delete': {
    readonly deleted: readonly string[];
    /** A tag means it, or an index lists it. */
    readonly kept: readonly string[];
    readonly trash: readonly string[];
  };
  'repositories.plan': RepositoryPlan;
}
