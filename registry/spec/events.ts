/**
 * What happens in the store, named in the past tense. `feed/events.ts` turns each into a log line, a line of the journal,
 * the change of the index and an item of the feed. What answers a promise is waited for before the store answers.
 */
import type { Digest } from './digest.ts';
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
  }): void;
  blobMounted(event: { repository: RepoName; digest: Digest; size: number; actor: Actor }): void;
  blobDeleted(event: { repository: RepoName; digest: Digest; actor: Actor }): void;
  blobDamaged(event: { digest: Digest; found: string; size: number }): void;
  manifestPushed(event: {
    repository: RepoName;
    digest: Digest;
    mediaType: string;
    size: number;
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
}
