import type { Writable } from 'node:stream';
import type { Driver, Part } from '../driver/driver.ts';
import { createRunningHash } from '../driver/running-hash.ts';
import { type Digest, digestParts, emptyDigests } from '../spec/digest.ts';
import { AppError } from '../spec/errors.ts';
import type { Actor, StoreEvents } from '../spec/events.ts';
import type { RepoName } from '../spec/names.ts';
import { blocksOf, type Content } from './content.ts';
import type { Leases } from './leases.ts';
import { hasLink, keptLink } from './links.ts';
import type { ManifestCache } from './manifest-cache.ts';
import { blobData, layerLink, layerTree } from './paths.ts';
import type { Locks } from './locks.ts';
import { growing } from './growing.ts';
import type { Repositories } from './repositories.ts';
import { sendBytes, type SendRange, sendWhole } from './send.ts';
import { createSharedBlobs } from './shared-blobs.ts';
import type { Verified } from './verified.ts';

/** A stored blob: its digest and its size in bytes. */
export interface Blob {
  readonly digest: Digest;
  readonly size: number;
}

export interface Blobs {
  /**
   * Answers the blob if it is linked in the repository and stored, and keeps it from the collector for the grace time:
   * clients leave out of a push what they found.
   */
  find(repository: RepoName, digest: Digest): Promise<Blob | undefined>;
  /** The size of a stored blob, in bytes, whatever repository has it. */
  sizeOf(digest: Digest): Promise<number | undefined>;
  /**
   * Writes the bytes of a blob, or a range of them, to a sink, which stays open. A whole blob is checked, on the way or
   * before, for all who send it: if the bytes are not those of the digest it fails before the last of them, and the blob
   * goes to quarantine.
   * @throws AppError STORAGE_FAILED
   */
  send(
    blob: Blob,
    sink: Writable,
    options: { readonly range?: SendRange | undefined; readonly signal: AbortSignal },
  ): Promise<void>;
  /**
   * The bytes of a whole blob, in parts that the next one overwrites. They are checked on the way: who has read to the end
   * without a failure has read the bytes of the digest, else the blob goes to quarantine.
   * @throws AppError STORAGE_FAILED
   */
  read(blob: Blob, options: { readonly signal: AbortSignal }): AsyncIterable<Uint8Array>;
  /**
   * Stores a part whose digest was verified and makes it readable in a repository, durably, removes what lies below
   * `clear` and answers true. Answers false when the blob was stored already; the part is left to the caller then.
   */
  store(
    repository: RepoName,
    digest: Digest,
    options: { readonly part: Part; readonly clear: string },
  ): Promise<boolean>;
  /** Makes a stored blob readable in a repository, durably. */
  link(repository: RepoName, digest: Digest): Promise<void>;
  /**
   * Links a blob that another repository has. `from` is tried first; then every repository that `mayPull` admits.
   * Answers `undefined` if none has it, in the same time whether the blob is unknown or hidden.
   */
  mount(
    repository: RepoName,
    digest: Digest,
    options: {
      readonly from: RepoName | undefined;
      readonly mayPull: (repository: RepoName) => boolean;
      readonly mayPullAll: boolean;
      readonly actor: Actor;
    },
  ): Promise<Blob | undefined>;
  /**
   * Takes the blob out of the repository. Answers false when it was not there.
   * @throws AppError BLOB_IN_USE when a manifest of the repository uses it
   */
  remove(repository: RepoName, digest: Digest, actor: Actor): Promise<boolean>;
}

const neverAborted = new AbortController().signal;

export function createBlobs({
  driver,
  events,
  locks,
  leases,
  content,
  verified,
  repositories,
  manifests,
}: {
  readonly driver: Driver;
  readonly events: StoreEvents;
  readonly locks: Locks;
  readonly leases: Leases;
  readonly content: Content;
  readonly verified: Verified;
  readonly repositories: Repositories;
  readonly manifests: ManifestCache;
}): Blobs {
  const shared = createSharedBlobs();

  function find(repository: RepoName, digest: Digest): Promise<Blob | undefined> {
    return leases.lookUp(digest, () => look(repository, digest));
  }

  async function look(repository: RepoName, digest: Digest): Promise<Blob | undefined> {
    const [linked, info] = await Promise.all([
      hasLink(driver, layerLink(repository, digest)),
      driver.stat(blobData(digest)),
    ]);
    return linked && info !== undefined ? { digest, size: info.size } : undefined;
  }

  async function send(
    { digest, size }: Blob,
    sink: Writable,
    {
      range = { start: 0, end: size },
      signal,
    }: { readonly range?: SendRange | undefined; readonly signal: AbortSignal },
  ): Promise<void> {
    using sent = await shared.join({ digest, size }, () => readWhole({ digest, size }));
    if (sent.bytes !== undefined) {
      await sendWhole(sent.bytes.subarray(range.start, range.end), sink, { signal });
      return;
    }
    await using reader = await driver.open(blobData(digest));
    if (reader?.size !== size) throw await content.putAside(digest);
    const isWhole = range.start === 0 && range.end === size;
    await sendBytes(reader, sink, range, { signal, ...(isWhole ? { check: checkOf(digest) } : {}) });
  }

  async function* read({ digest, size }: Blob, { signal }: { readonly signal: AbortSignal }) {
    await using reader = await driver.open(blobData(digest));
    if (reader?.size !== size) throw await content.putAside(digest);
    const { hash, accept } = checkOf(digest);
    for await (const block of blocksOf(reader)) {
      signal.throwIfAborted();
      hash.update([block]);
      yield block;
    }
    await accept();
  }

  /** For all who wait for it, so nobody can stop it. */
  async function readWhole(blob: Blob): Promise<Uint8Array> {
    const bytes = Buffer.allocUnsafeSlow(blob.size);
    let size = 0;
    for await (const block of read(blob, { signal: neverAborted })) {
      bytes.set(block, size);
      size += block.length;
    }
    return bytes;
  }

  /** By the code of its bytes where that is known, else by the digest. */
  function checkOf(digest: Digest) {
    const { algorithm, hex } = digestParts(digest);
    const { macKey } = verified;
    const known = verified.macOf(digest);
    const hash = createRunningHash(known === undefined ? { algorithm, macKey } : { macKey });
    const accept = async (): Promise<void> => {
      const { digest: found, mac } = (await hash.take()) ?? {};
      const isRight = mac !== undefined && (known === undefined ? found === hex : mac === known);
      if (!isRight) throw await content.putAside(digest);
      verified.keep(digest, mac);
    };
    return { hash, accept };
  }

  async function link(repository: RepoName, digest: Digest): Promise<void> {
    await locks.shared(repository, () =>
      growing(locks, repository, () => driver.commit([[keptLink(layerLink(repository, digest), digest)]])),
    );
  }

  const store: Blobs['store'] = async (repository, digest, { part, clear }) => {
    const after = [[keptLink(layerLink(repository, digest), digest)]];
    return await locks.shared(repository, () =>
      growing(locks, repository, () => content.storePart(digest, part, { after, clear })),
    );
  };

  async function mount(
    repository: RepoName,
    digest: Digest,
    { from, mayPull, mayPullAll, actor }: Parameters<Blobs['mount']>[2],
  ): Promise<Blob | undefined> {
    using _ = await leases.hold([digest]);
    const known =
      (await look(repository, digest)) ??
      (from !== undefined && mayPull(from) ? await look(from, digest) : undefined);
    const found = known ?? (mayPullAll ? await findAnywhere(digest) : await findReadable(digest, mayPull));
    if (found === undefined) return undefined;
    // Also when it is here already: another request may be about to make it so.
    await link(repository, digest);
    leases.renew(digest);
    const named = known === undefined ? undefined : from;
    await events.blobMounted({ repository, digest, size: found.size, from: named, actor });
    return found;
  }

  async function findAnywhere(digest: Digest): Promise<Blob | undefined> {
    const size = await content.sizeOf(digest);
    return size === undefined ? undefined : { digest, size };
  }

  async function findReadable(
    digest: Digest,
    mayPull: (repository: RepoName) => boolean,
  ): Promise<Blob | undefined> {
    for await (const other of repositories.walk()) {
      const found = mayPull(other) ? await look(other, digest) : undefined;
      if (found !== undefined) return found;
    }
    return undefined;
  }

  async function remove(repository: RepoName, digest: Digest, actor: Actor): Promise<boolean> {
    return await locks.exclusive(repository, async () => {
      if ((await look(repository, digest)) === undefined) return false;
      for await (const { digest: user, manifest } of manifests.all(repository)) {
        const used = [manifest.config, ...manifest.layers, ...manifest.manifests];
        if (used.some((descriptor) => descriptor?.digest === digest)) {
          throw new AppError('BLOB_IN_USE', {
            message: `The blob is used by the manifest ${user} of this repository. Delete that first.`,
            detail: { digest, manifest: user },
          });
        }
      }
      await driver.removeTree(layerTree(repository, digest));
      await events.blobDeleted({ repository, digest, actor });
      return true;
    });
  }

  return { find, sizeOf: (digest) => content.sizeOf(digest), send, read, store, link, mount, remove };
}

/** True for the digest of zero bytes, which can be stored without an upload. */
export function isEmptyDigest(digest: Digest): boolean {
  return digest === emptyDigests.sha256 || digest === emptyDigests.sha512;
}
