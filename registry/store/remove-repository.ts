import type { Driver } from '../driver/driver.ts';
import type { Digest } from '../spec/digest.ts';
import type { Actor, StoreEvents } from '../spec/events.ts';
import type { RepoName, Tag } from '../spec/names.ts';
import { directoriesOf } from './growing.ts';
import type { Locks } from './locks.ts';
import { layersTree, manifestsTree, repositoryTree, uploadsTree } from './paths.ts';
import type { ReferenceReader } from './references.ts';
import { type ProtectedBy, refuseProtected } from './protection.ts';
import type { Repositories } from './repositories.ts';
import type { Tags } from './tags.ts';
import type { Trash } from './trash.ts';
import type { Uploads } from './uploads.ts';

/**
 * Puts every manifest of a repository into the trash, ends its uploads and removes its directories; repositories whose
 * names go on after a slash stay. Answers the ids of the entries; a child that has no tag goes with its index.
 */
export type RemoveRepository = (repository: RepoName, actor: Actor) => Promise<readonly string[]>;

/** Entries and tags that are written or removed at once: their fsyncs are shared. */
const batch = 32;

export function createRemoveRepository({
  driver,
  events,
  locks,
  repositories,
  references,
  tags,
  trash,
  uploads,
  protectedBy,
}: {
  readonly driver: Driver;
  readonly events: StoreEvents;
  readonly locks: Locks;
  readonly repositories: Repositories;
  readonly references: ReferenceReader;
  readonly tags: Tags;
  readonly trash: Trash;
  readonly uploads: Uploads;
  readonly protectedBy: ProtectedBy;
}): RemoveRepository {
  return async (repository, actor) => {
    await refuseProtectedOf(repository);
    // Before the lock: a commit that is cut here may be waiting for it.
    await uploads.cancelAll(repository, actor);
    const ids = await locks.exclusive(repository, async () => {
      const { manifests, dangling } = await readManifests(repository);
      // Again, since uploads went on.
      await refuseProtectedOf(repository);
      const roots = manifests.filter(({ isListed, names }) => !isListed || names.length > 0);
      const entries = await inBatches(roots, ({ digest, names }) =>
        trash.add({ repository, digest, tags: names, actor }),
      );
      // Tags first, as when a manifest is removed.
      const all = [...manifests.flatMap(({ names }) => names), ...dangling.map(({ tag }) => tag)];
      await inBatches(all, (tag) => tags.remove(repository, tag));
      await driver.removeTree(manifestsTree(repository));
      await driver.removeTree(layersTree(repository));
      for (const { digest, names } of manifests) {
        await events.manifestDeleted({ repository, digest, tags: names, actor });
      }
      for (const { tag, from } of dangling) await events.tagDeleted({ repository, tag, from, actor });
      return entries;
    });
    await locks.exclusive(directoriesOf(repository), () => prune(repository));
    return ids;
  };

  async function refuseProtectedOf(repository: RepoName): Promise<void> {
    for await (const tag of tags.list(repository)) {
      const from = await tags.find(repository, tag);
      if (from !== undefined) refuseProtected(protectedBy, repository, { tag, from });
    }
  }

  /** The manifests with their tags, and the tags that mean none of them. */
  async function readManifests(repository: RepoName) {
    const meant = new Map<Digest, Tag[]>();
    for await (const tag of tags.list(repository)) {
      const digest = await tags.find(repository, tag);
      if (digest !== undefined) meant.set(digest, [...(meant.get(digest) ?? []), tag]);
    }
    const digests = await Array.fromAsync(repositories.revisions(repository));
    const listed = new Set<Digest>();
    for (const digest of digests) {
      for (const child of (await references.read(digest))?.manifests ?? []) listed.add(child);
    }
    const manifests = digests.map((digest) => ({
      digest,
      isListed: listed.has(digest),
      names: meant.get(digest) ?? [],
    }));
    for (const digest of digests) meant.delete(digest);
    const dangling = [...meant].flatMap(([from, names]) => names.map((tag) => ({ tag, from })));
    return { manifests, dangling };
  }

  /** Removes the directories that hold no file, from the repository's up. */
  async function prune(repository: RepoName): Promise<void> {
    await removeHollow(uploadsTree(repository));
    const parts = repository.split('/');
    while (parts.length > 0 && (await removeHollow(repositoryTree(parts.join('/'))))) parts.pop();
  }

  async function removeHollow(tree: string): Promise<boolean> {
    const hollow = await isHollow(tree);
    if (hollow) await driver.removeTree(tree);
    return hollow;
  }

  async function isHollow(tree: string): Promise<boolean> {
    for await (const { name, kind } of driver.list(tree)) {
      if (kind === 'file' || !(await isHollow(`${tree}/${name}`))) return false;
    }
    return true;
  }
}

async function inBatches<T, R>(items: readonly T[], act: (item: T) => Promise<R>): Promise<readonly R[]> {
  const results: R[] = [];
  for (let at = 0; at < items.length; at += batch) {
    results.push(...(await Promise.all(items.slice(at, at + batch).map(act))));
  }
  return results;
}
