import type { Driver } from '../driver/driver.ts';
import type { Digest } from '../spec/digest.ts';
import type { Actor, StoreEvents } from '../spec/events.ts';
import type { RepoName, Tag } from '../spec/names.ts';
import type { Locks } from './locks.ts';
import type { ManifestCache } from './manifest-cache.ts';
import { revisionTree } from './paths.ts';
import { type ProtectedBy, refuseProtected } from './protection.ts';
import type { Repositories } from './repositories.ts';
import type { Tags } from './tags.ts';
import type { Trash } from './trash.ts';

/** A tag that is to go while it means that manifest. */
export interface Removal {
  readonly tag: Tag;
  readonly digest: Digest;
  readonly actor: Actor;
}

export interface RemovedTags {
  /** The tags that are gone, and in the trash. */
  readonly tags: readonly Tag[];
  /** Manifests that went with their last tag, and those that only they listed. */
  readonly manifests: number;
  /** The entries in the trash. */
  readonly trash: readonly string[];
}

/**
 * Removes tags, and the manifests that lose their last tag, with all that nothing else lists. A manifest that an index
 * still lists stays. A tag that means something else by now, is protected, or about which `isWanted` says no, stays;
 * it is asked while nobody else changes the repository. Reads every tag and manifest of the repository once.
 */
export type RemoveTags = (
  repository: RepoName,
  removals: readonly Removal[],
  options?: { readonly isWanted?: (removal: Removal) => Promise<boolean>; readonly mustAll?: boolean },
) => Promise<RemovedTags>;

export function createRemoveTags({
  driver,
  events,
  locks,
  repositories,
  cache,
  tags,
  trash,
  protectedBy,
}: {
  readonly driver: Driver;
  readonly events: StoreEvents;
  readonly locks: Locks;
  readonly repositories: Repositories;
  readonly cache: ManifestCache;
  readonly tags: Tags;
  readonly trash: Trash;
  readonly protectedBy: ProtectedBy;
}): RemoveTags {
  return async (repository, removals, { isWanted = async () => true, mustAll = false } = {}) =>
    await locks.exclusive(repository, async () => {
      const leaving: Removal[] = [];
      for (const removal of removals) {
        const { tag, digest } = removal;
        if ((await tags.find(repository, tag)) !== digest) continue;
        if (mustAll) refuseProtected(protectedBy, repository, { tag, from: digest });
        else if (protectedBy(repository, tag) !== undefined) continue;
        if (await isWanted(removal)) leaving.push(removal);
      }
      const doomed = await findDoomed(repository, leaving);
      const ids: string[] = [];
      for (const [digest, group] of Map.groupBy(leaving, (removal) => removal.digest)) {
        ids.push(...(await removeGroup(repository, digest, group, doomed.has(digest))));
      }
      const [first] = leaving;
      // The children at last: an index never lacks what it lists.
      for (const digest of doomed) {
        if (first === undefined || leaving.some((removal) => removal.digest === digest)) continue;
        await driver.removeTree(revisionTree(repository, digest));
        await events.manifestDeleted({ repository, digest, tags: [], actor: first.actor });
      }
      return { tags: leaving.map(({ tag }) => tag), manifests: doomed.size, trash: ids };
    });

  /** Removes tags of one digest, and the digest. The entries come first, one for each who does it. */
  async function removeGroup(
    repository: RepoName,
    digest: Digest,
    group: readonly Removal[],
    isDoomed: boolean,
  ): Promise<readonly string[]> {
    const ids: string[] = [];
    const byActor = Map.groupBy(group, ({ actor }) => actor);
    for (const [actor, some] of byActor) {
      ids.push(await trash.add({ repository, digest, tags: some.map(({ tag }) => tag), actor }));
    }
    for (const { tag } of group) await tags.remove(repository, tag);
    if (isDoomed) await driver.removeTree(revisionTree(repository, digest));
    for (const { tag, actor } of group) await events.tagDeleted({ repository, tag, from: digest, actor });
    const [last] = group;
    if (isDoomed && last !== undefined)
      await events.manifestDeleted({ repository, digest, tags: [], actor: last.actor });
    return ids;
  }

  /** The manifests that nothing in the repository needs once the tags are gone. */
  async function findDoomed(repository: RepoName, leaving: readonly Removal[]): Promise<ReadonlySet<Digest>> {
    const doomed = new Set<Digest>();
    if (leaving.length === 0) return doomed;
    const gone = new Set(leaving.map(({ tag }) => tag));
    const tagged = new Set<Digest>();
    for await (const tag of tags.list(repository)) {
      const digest = gone.has(tag) ? undefined : await tags.find(repository, tag);
      if (digest !== undefined) tagged.add(digest);
    }
    const families = await readFamilies(repository);
    if (families === undefined) return doomed;
    const { children, parents } = families;
    const waiting = leaving.map(({ digest }) => digest);
    for (let digest = waiting.pop(); digest !== undefined; digest = waiting.pop()) {
      if (doomed.has(digest) || tagged.has(digest)) continue;
      if (parents.get(digest)?.some((parent) => !doomed.has(parent)) === true) continue;
      doomed.add(digest);
      waiting.push(...(children.get(digest) ?? []));
    }
    return doomed;
  }

  /** What lists what; `undefined` where a manifest cannot be read, since nobody knows what that one needs. */
  async function readFamilies(repository: RepoName) {
    const children = new Map<Digest, readonly Digest[]>();
    const parents = new Map<Digest, Digest[]>();
    for await (const digest of repositories.revisions(repository)) {
      const manifest = (await cache.get(digest))?.manifest;
      if (manifest === undefined) return undefined;
      children.set(
        digest,
        manifest.manifests.map((child) => child.digest),
      );
      for (const child of manifest.manifests) {
        parents.set(child.digest, [...(parents.get(child.digest) ?? []), digest]);
      }
    }
    return { children, parents };
  }
}
