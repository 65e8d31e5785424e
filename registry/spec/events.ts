/**
 * What happens in the store, and what somebody changes of the registry, named in the past tense. `feed/events.ts` turns each into a log line, a line of the journal,
 * the change of the index and an item of the feed. What answers a promise is waited for before the store answers.
 */
import type { DiskRow } from './admin/process.ts';
import type { CollectRunRow } from './admin/upkeep.ts';
import type { AuditRow } from './audit.ts';
import type { Digest } from './digest.ts';
import type { Manifest } from './manifest.ts';
import type { RepoName, Tag, UploadId } from './names.ts';

/** Who did it, for every event that a request caused. */
export interface Actor {
  /** The user's name; empty for anonymous. */
  readonly user: string;
  readonly requestId: string;
  /** Where the request came from; absent where no network was between. */
  readonly address?: string | undefined;
  /** The User-Agent of the client, as it was sent. */
  readonly client?: string | undefined;
  /** The method of the request, and its Host header. */
  readonly method?: string | undefined;
  readonly host?: string | undefined;
  /** Scheme, host and prefix as the client sees them: what links for it begin with. */
  readonly origin?: string | undefined;
}

/** A manifest as it is stored. */
export interface ManifestContent {
  readonly mediaType: string;
  readonly bytes: Uint8Array;
}

/** What clients read. Nothing waits for it. */
export interface PullEvents {
  manifestPulled(event: {
    repository: RepoName;
    /** What it was asked for by, if that was a tag. */
    tag: Tag | undefined;
    digest: Digest;
    manifest: ManifestContent;
    actor: Actor;
  }): void;
  /** Bytes of a blob, all or a range, were sent. */
  blobPulled(event: { repository: RepoName; digest: Digest; size: number; actor: Actor }): void;
}

/** What somebody changed of the registry itself. Nothing here holds a password, a token or a value of a setting. */
export interface AdminEvents {
  userChanged(event: {
    name: string;
    change: 'added' | 'removed' | 'password' | 'role' | 'disabled' | 'enabled';
    actor: Actor;
  }): Promise<void>;
  /** Users were taken from a file; both lists hold names. */
  usersImported(event: { added: readonly string[]; changed: readonly string[]; actor: Actor }): Promise<void>;
  tokenChanged(event: {
    id: string;
    change: 'created' | 'revoked';
    owner?: string;
    /** It is good for the checks of the doctor alone. */
    isOfCheck?: boolean;
    actor: Actor;
  }): Promise<void>;
  /** `pending` are those that wait for a restart. */
  settingsChanged(event: {
    paths: readonly string[];
    pending: readonly string[];
    actor?: Actor;
  }): Promise<void>;
  certificateRenewed(event: { fingerprint: string; actor: Actor }): Promise<void>;
  authoritySealed(event: { fingerprint: string; actor: Actor }): Promise<void>;
}

export interface StoreEvents {
  uploadStarted(event: { repository: RepoName; id: UploadId; actor: Actor }): void;
  uploadCancelled(event: { repository: RepoName; id: UploadId; actor: Actor }): void;
  uploadPurged(event: {
    repository: string;
    id: string;
    bytes: number;
    ageMs: number;
    isDryRun: boolean;
  }): void;
  blobStored(event: {
    repository: RepoName;
    digest: Digest;
    size: number;
    isNew: boolean;
    actor: Actor;
  }): Promise<void> | void;
  blobMounted(event: {
    repository: RepoName;
    digest: Digest;
    size: number;
    /** The repository that the client named, where it was found there. */
    from: RepoName | undefined;
    actor: Actor;
  }): Promise<void> | void;
  blobDeleted(event: { repository: RepoName; digest: Digest; actor: Actor }): Promise<void> | void;
  /** Other bytes than those of the digest were found, and put aside. */
  blobDamaged(event: { digest: Digest; found: string; size: number }): void;
  /** Needed and not there, not linked where it is needed, or not to be read: found by the check of everything. */
  blobLost(event: {
    digest: Digest;
    state: 'missing' | 'unlinked' | 'unreadable';
    repositories: readonly RepoName[];
  }): void;
  /** What was damaged was pushed again. */
  blobHealed(event: { digest: Digest; size: number }): void;
  manifestPushed(event: {
    repository: RepoName;
    digest: Digest;
    mediaType: string;
    size: number;
    bytes: Uint8Array;
    manifest: Manifest;
    /** Those that are pointed at it next, each with an event of its own. */
    tags: readonly Tag[];
    actor: Actor;
  }): Promise<void> | void;
  manifestDeleted(event: {
    repository: RepoName;
    digest: Digest;
    tags: readonly Tag[];
    actor: Actor;
  }): Promise<void> | void;
  tagMoved(event: {
    repository: RepoName;
    tag: Tag;
    from: Digest | undefined;
    to: Digest;
    /** What it means now; absent where that was not read. */
    manifest?: ManifestContent | undefined;
    actor: Actor;
  }): Promise<void> | void;
  tagDeleted(event: { repository: RepoName; tag: Tag; from: Digest; actor: Actor }): Promise<void> | void;
  /** A manifest came back from the trash, with those that it lists; `tags` are those that it got back. */
  restored(event: {
    repository: RepoName;
    digest: Digest;
    tags: readonly Tag[];
    actor: Actor;
  }): Promise<void> | void;
  /** The collector has removed a blob for good. */
  blobCollected(event: { digest: Digest; size: number }): void;
  /** A collection has ended. `expired` entries of the trash went before it. */
  collected(event: CollectRunRow & { readonly expired: number }): Promise<void> | void;
  /** The room on the disk became another of `ok`, `low` and `full`. */
  diskChanged(event: DiskRow): void;
}

/** What rules do, beside the deletes that they cause in the store. */
export interface RuleEvents {
  rulesChanged(event: { actor: Actor }): Promise<void> | void;
  /** A run has ended. */
  ruleRan(event: { tags: number; manifests: number; spared: number; actor: Actor }): Promise<void> | void;
  /** Told after the delete of the tag. */
  tagExpired(event: { repository: string; tag: string; digest: string; rule: string }): void;
}

/** What is noted in the audit besides what the store tells; see `AuditRow`. */
export interface AuditEvent extends Partial<
  Pick<AuditRow, 'outcome' | 'repository' | 'tag' | 'digest' | 'subject' | 'detail' | 'count'>
> {
  readonly kind: AuditRow['kind'];
  readonly actor: Actor;
}

/**
 * What administrators, the registry by itself, and those who are refused do. Noted in the audit and told by the feed; in
 * the file when it resolves. Never rejects: what cannot be noted is in the log.
 */
export interface AuditEvents {
  readonly audited: (event: AuditEvent) => Promise<void>;
}
