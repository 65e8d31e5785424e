import type { Driver, ListOptions } from '../driver/driver.ts';
import { algorithms, type Digest, parseDigest } from '../spec/digest.ts';
import { parseRepoName, type RepoName } from '../spec/names.ts';
import { hasLink } from './links.ts';
import { repositoryTree, revisionLink, revisionsTree } from './paths.ts';

export interface Repositories {
  /** The repositories that hold a manifest, in byte order of their names, those after `after` only. */
  list(options: { readonly after: string }): AsyncIterable<RepoName>;
  /** Every repository directory, those without a manifest too, in the same order. */
  walk(options?: { readonly after: string }): AsyncIterable<RepoName>;
  /** True while the repository holds a manifest. */
  exists(name: RepoName): Promise<boolean>;
  /** The digests of the manifests of a repository, in byte order. */
  revisions(name: RepoName, options?: { readonly after: string }): AsyncIterable<Digest>;
}

export function createRepositories(driver: Driver): Repositories {
  async function* revisions(name: RepoName, { after = '', ...how }: ListOptions = {}): AsyncIterable<Digest> {
    for (const algorithm of algorithms) {
      for await (const { name: hex } of driver.list(revisionsTree(name, algorithm), how)) {
        const digest = parseDigest(`${algorithm}:${hex}`);
        if (digest === undefined || digest <= after) continue;
        if (await hasLink(driver, revisionLink(name, digest))) yield digest;
      }
    }
  }

  async function exists(name: RepoName): Promise<boolean> {
    for await (const _ of revisions(name, { order: 'any' })) return true;
    return false;
  }

  /**
   * Byte order of whole names is not the order of a depth-first walk: `a-b` stands between `a` and `a/b`. So each
   * directory is met twice: as a name, and with a slash as what lies below it.
   */
  async function* below(prefix: string, after: string): AsyncIterable<RepoName> {
    const steps: string[] = [];
    for await (const { name, kind } of driver.list(repositoryTree(prefix).replace(/\/$/, ''))) {
      if (kind === 'tree' && !name.startsWith('_')) steps.push(`${prefix}${name}`, `${prefix}${name}/`);
    }
    for (const step of steps.toSorted(byteOrder)) {
      if (!step.endsWith('/')) {
        const name = step > after ? parseRepoName(step) : undefined;
        if (name !== undefined && (await isRepository(name))) yield name;
      } else if (step > after || after.startsWith(step)) {
        yield* below(step, after);
      }
    }
  }

  /** Directories that only lead to deeper names are no repositories. */
  async function isRepository(name: RepoName): Promise<boolean> {
    for await (const child of driver.list(repositoryTree(name))) {
      if (child.name.startsWith('_')) return true;
    }
    return false;
  }

  const walk: Repositories['walk'] = ({ after } = { after: '' }) => below('', after);

  async function* list({ after }: { readonly after: string }): AsyncIterable<RepoName> {
    for await (const name of walk({ after })) if (await exists(name)) yield name;
  }

  return { list, walk, exists, revisions: (name, options) => revisions(name, options) };
}

/** Names and tags are ASCII, so code unit order is byte order. */
export function byteOrder(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
