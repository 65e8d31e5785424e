/**
 * Walks the disk and finds the keys that a file of the index does not have as they are. Names are compared, and the times
 * of links; only what differs is read. Into an empty file that is everything: a rebuild.
 */
import type { Driver } from '../driver/driver.ts';
import type { AdminResults } from '../spec/admin-api.ts';
import { algorithms, type Digest, parseDigest } from '../spec/digest.ts';
import { parseRepoName, parseTag, type RepoName, type Tag } from '../spec/names.ts';
import type { StoredManifest } from '../store/manifest-cache.ts';
import { blobsTree } from '../store/paths.ts';
import type { Store } from '../store/store.ts';
import { createBreath } from './breath.ts';
import type { DiskFacts } from './disk-facts.ts';
import type { StoredKeys } from './stored-keys.ts';

/** Reads a key from the disk into the index. */
export interface Refresh {
  tag(repository: RepoName, tag: Tag, options: { readonly past: boolean }): Promise<void>;
  /** `pushed` is what was just written, and is not read again. */
  manifest(repository: RepoName, digest: Digest, pushed?: StoredManifest): Promise<void>;
  blob(digest: Digest): Promise<void>;
}

export interface SweepOptions {
  readonly store: Pick<Store, 'repositories' | 'tags'>;
  readonly driver: Driver;
  readonly facts: DiskFacts;
  readonly keys: StoredKeys;
  readonly refresh: Refresh;
  readonly signal: AbortSignal;
  readonly onProgress?: ((done: AdminResults['index.rebuild']) => void) | undefined;
}

/** Repositories, and in each of them keys, that are read at the same time. */
const together = 8;

/** Answers how many repositories and manifests there are. */
export async function sweep(options: SweepOptions): Promise<AdminResults['index.rebuild']> {
  const { store, driver, facts, keys, refresh, signal, onProgress } = options;
  const breathe = createBreath(signal);

  /** An item begins when one of those before it has ended. The first failure ends it all. */
  async function each<T>(
    items: Iterable<T> | AsyncIterable<T>,
    act: (item: T) => Promise<void>,
  ): Promise<void> {
    const running = new Set<Promise<void>>();
    const failures: unknown[] = [];
    try {
      for await (const item of items) {
        const one = act(item)
          .catch((error: unknown) => void failures.push(error))
          .finally(() => running.delete(one));
        running.add(one);
        if (running.size === together) await Promise.race(running);
        if (failures.length > 0) break;
        await breathe();
      }
    } finally {
      await Promise.all(running);
    }
    if (failures.length > 0) throw failures[0];
    signal.throwIfAborted();
  }

  // Blobs first: a manifest whose config appears after it would be read twice.
  async function blobs(): Promise<void> {
    for (const algorithm of algorithms) {
      // Digests of each two first digits, so that what is gone is found without holding all names.
      for (let first = 0; first < 256; first++) {
        const two = first.toString(16).padStart(2, '0');
        const digests = new Set<Digest>();
        for await (const { name } of driver.list(`${blobsTree(algorithm)}/${two}`)) {
          const digest = parseDigest(`${algorithm}:${name}`);
          if (digest !== undefined) digests.add(digest);
        }
        for (const known of keys.blobs(`${algorithm}:${two}`)) digests.add(known as Digest);
        await each(digests, (digest) => refresh.blob(digest));
      }
    }
  }

  async function repository(name: RepoName): Promise<number> {
    const manifests = new Set<string>();
    await each(store.repositories.revisions(name), async (digest) => {
      manifests.add(digest);
      const known = keys.manifestTime(name, digest);
      if (known === undefined || known !== (await facts.manifestTime(name, digest))) {
        await refresh.manifest(name, digest);
      }
    });
    await each(
      gone((after) => keys.manifests(name, after), manifests),
      (digest) => refresh.manifest(name, digest as Digest),
    );
    const tags = new Set<string>();
    await each(store.tags.list(name), async (tag) => {
      tags.add(tag);
      const known = keys.tagTime(name, tag);
      if (known === undefined || known !== (await facts.tagTime(name, tag))) {
        await refresh.tag(name, tag, { past: true });
      }
    });
    await each(
      gone((after) => keys.tags(name, after), tags),
      async (known) => {
        const tag = parseTag(known);
        if (tag !== undefined) await refresh.tag(name, tag, { past: true });
      },
    );
    return manifests.size;
  }

  await blobs();
  const seen = new Set<string>();
  const done = { repositories: 0, manifests: 0 };
  await each(store.repositories.walk(), async (name) => {
    seen.add(name);
    const manifests = await repository(name);
    if (manifests > 0) done.repositories++;
    done.manifests += manifests;
    onProgress?.({ ...done });
  });
  for (const name of gone((after) => keys.repositories(after), seen)) {
    const known = parseRepoName(name);
    if (known !== undefined) await repository(known);
  }
  return done;
}

/** The names of the index that were not seen on the disk. */
function* gone(page: (after: string) => readonly string[], seen: ReadonlySet<string>): Generator<string> {
  for (let names = page(''); names.length > 0; names = page(names.at(-1) ?? '')) {
    for (const name of names) if (!seen.has(name)) yield name;
  }
}
