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
 * it is asked while nobody else changes the repository. Reads every tag and manifest of the repository.
 */
export type RemoveTags = (
  repository: RepoName,
  removals: readonly Removal[],
  options?: RemoveOptions,
) => Promise<RemovedTags>;

export interface RemoveOptions {
  readonly isWanted?: (removal: Removal) => Promise<boolean>;
  readonly mustAll?: boolean;
}

/** Removes tags of one repository, a batch at a time; reads it anew only after others had it meanwhile. */
export interface TagRemover extends Disposable {
  remove(removals: readonly Removal[], options?: RemoveOptions): Promise<RemovedTags>;
}

export interface RemovedManifests {
  /** Those that were asked for and are gone. */
  readonly digests: readonly Digest[];
  /** These, and those that only they listed. */
  readonly manifests: number;
  /** The entries in the trash. */
  readonly trash: readonly string[];
}

/**
 * Removes manifests that have no tag, with all that nothing else lists. One that has a tag by now, that an index which
 * stays lists, or that is not there, stays. Reads every tag and manifest of the repository.
 */
export type RemoveUntagged = (
  repository: RepoName,
  digests: readonly Digest[],
  actor: Actor,
) => Promise<RemovedManifests>;

/** What is in a repository. */
interface Inventory {
  /** How many tags each digest has. */
  readonly tagged: Map<Digest, number>;
  /** `undefined` where a manifest cannot be read, since nobody knows what that one needs. */
  readonly families: Families | undefined;
}

/** What lists what. */
interface Families {
  readonly children: Map<Digest, readonly Digest[]>;
  readonly parents: Map<Digest, readonly Digest[]>;
}

export interface Removers {
  readonly tagRemover: (repository: RepoName) => TagRemover;
  readonly removeUntagged: RemoveUntagged;
}

export function createRemovers({
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
}): Removers {
  return { tagRemover, removeUntagged };

  function tagRemover(repository: RepoName): TagRemover {
    const watch = locks.watch(repository);
    let known: { readonly inventory: Inventory; readonly begun: number } | undefined;
    return {
      remove: async (removals, options) =>
        await locks.exclusive(repository, async () => {
          const before = watch.begun - 1 === known?.begun ? known.inventory : undefined;
          known = undefined;
          const { removed, inventory } = await removeAlone(repository, removals, { ...options, before });
          if (inventory !== undefined) known = { inventory, begun: watch.begun };
          return removed;
        }),
      [Symbol.dispose]: () => watch[Symbol.dispose](),
    };
  }

  async function removeUntagged(
    repository: RepoName,
    digests: readonly Digest[],
    actor: Actor,
  ): Promise<RemovedManifests> {
    return await locks.exclusive(repository, async () => {
      const inventory = await readInventory(repository);
      const wanted = digests.filter((digest) => inventory.families?.children.has(digest) === true);
      const doomed = findDoomed(inventory, wanted, new Map());
      const gone = wanted.filter((digest) => doomed.has(digest));
      const ids: string[] = [];
      for (const digest of gone) ids.push(await trash.add({ repository, digest, tags: [], actor }));
      // In the order in which they were found, what lists before what is listed.
      for (const digest of doomed) {
        await driver.removeTree(revisionTree(repository, digest));
        await events.manifestDeleted({ repository, digest, tags: [], actor });
      }
      return { digests: gone, manifests: doomed.size, trash: ids };
    });
  }

  /** Removes tags while nobody else has the repository, and answers what is in it then. */
  async function removeAlone(
    repository: RepoName,
    removals: readonly Removal[],
    {
      isWanted = async () => true,
      mustAll = false,
      before,
    }: RemoveOptions & { readonly before: Inventory | undefined },
  ): Promise<{ readonly removed: RemovedTags; readonly inventory: Inventory | undefined }> {
    const leaving: Removal[] = [];
    for (const removal of removals) {
      const { tag, digest } = removal;
      if ((await tags.find(repository, tag)) !== digest) continue;
      if (mustAll) refuseProtected(protectedBy, repository, { tag, from: digest });
      else if (protectedBy(repository, tag) !== undefined) continue;
      if (await isWanted(removal)) leaving.push(removal);
    }
    const inventory = before ?? (leaving.length === 0 ? undefined : await readInventory(repository));
    const doomed =
      inventory === undefined
        ? new Set<Digest>()
        : findDoomed(
            inventory,
            leaving.map(({ digest }) => digest),
            lossesOf(leaving),
          );
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
    if (inventory !== undefined) strike(inventory, leaving, doomed);
    const removed = { tags: leaving.map(({ tag }) => tag), manifests: doomed.size, trash: ids };
    return { removed, inventory };
  }

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

  async function readInventory(repository: RepoName): Promise<Inventory> {
    const tagged = new Map<Digest, number>();
    for await (const tag of tags.list(repository)) {
      const digest = await tags.find(repository, tag);
      if (digest !== undefined) tagged.set(digest, (tagged.get(digest) ?? 0) + 1);
    }
    return { tagged, families: await readFamilies(repository) };
  }

  async function readFamilies(repository: RepoName): Promise<Families | undefined> {
    const children = new Map<Digest, readonly Digest[]>();
    const parents = new Map<Digest, readonly Digest[]>();
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

/** Of these manifests, and what they list, those that nothing in the repository needs once the tags are gone. */
function findDoomed(
  { tagged, families }: Inventory,
  asked: readonly Digest[],
  losses: ReadonlyMap<Digest, number>,
): ReadonlySet<Digest> {
  const doomed = new Set<Digest>();
  if (families === undefined) return doomed;
  const { children, parents } = families;
  const waiting = [...asked];
  for (let digest = waiting.pop(); digest !== undefined; digest = waiting.pop()) {
    const isTagged = (tagged.get(digest) ?? 0) > (losses.get(digest) ?? 0);
    if (doomed.has(digest) || isTagged) continue;
    if (parents.get(digest)?.some((parent) => !doomed.has(parent)) === true) continue;
    doomed.add(digest);
    waiting.push(...(children.get(digest) ?? []));
  }
  return doomed;
}

/** Takes out of an inventory what is gone. */
function strike(
  { tagged, families }: Inventory,
  leaving: readonly Removal[],
  doomed: ReadonlySet<Digest>,
): void {
  for (const [digest, loss] of lossesOf(leaving)) tagged.set(digest, (tagged.get(digest) ?? 0) - loss);
  if (families === undefined) return;
  const { children, parents } = families;
  for (const child of new Set([...doomed].flatMap((digest) => children.get(digest) ?? []))) {
    parents.set(child, parents.get(child)?.filter((parent) => !doomed.has(parent)) ?? []);
  }
  for (const digest of doomed) children.delete(digest);
}

/** How many tags each digest loses. */
function lossesOf(leaving: readonly Removal[]): ReadonlyMap<Digest, number> {
  const groups = Map.groupBy(leaving, ({ digest }) => digest);
  return new Map([...groups].map(([digest, group]) => [digest, new Set(group.map(({ tag }) => tag)).size]));
}
