/** Looks before deletes. */
import { createHash } from 'node:crypto';
import type { Index } from '../derived/index-db.ts';
import type { Rules } from '../rules/rules.ts';
import type {
  ManifestsPlan,
  plansArguments,
  PlannedManifest,
  PlannedTag,
  TagsPlan,
} from '../spec/admin/plans.ts';
import type { Digest } from '../spec/digest.ts';
import type { RepoName, Tag } from '../spec/names.ts';
import type { Store } from '../store/store.ts';
import { mustExist, unknownTag } from './content.ts';
import { unknownManifest } from './image.ts';
import { mustBeCurrent, planRepository } from './repository-plan.ts';
import type { MethodsOf } from './server.ts';

export interface PlansDeps {
  readonly store: Store;
  readonly index: Index;
  readonly rules: Rules;
  /** @throws AppError STORAGE_READ_ONLY */
  readonly mustBeWritable: (repository?: string) => void;
}

const shown = 10;
/** More than can be chosen at once: one of them stays. */
const mostIndexes = 1001;

export function createPlansMethods(deps: PlansDeps): MethodsOf<typeof plansArguments> {
  const { store, mustBeWritable } = deps;
  return {
    'tags.plan': ({ repository, tags }, { signal }) => planTags(deps, { repository, tags, signal }),
    async 'tags.deleteMany'({ repository, tags, plan }, { signal, actor }) {
      mustBeWritable(repository);
      const planned = await planTags(deps, { repository, tags, signal });
      mustBeCurrent(planned.plan, plan);
      const removals = planned.rows
        .filter(({ protectedBy }) => protectedBy === undefined)
        .map(({ tag, digest }) => ({ tag: tag as Tag, digest: digest as Digest, actor }));
      const { tags: deleted, trash } = await store.manifests.removeTags(repository, removals);
      const gone = new Set<string>(deleted);
      return { deleted, kept: planned.rows.map(({ tag }) => tag).filter((tag) => !gone.has(tag)), trash };
    },
    'manifests.plan': ({ repository, digests }, { signal }) =>
      planManifests(deps, { repository, digests, signal }),
    async 'manifests.delete'({ repository, digests, plan }, { signal, actor }) {
      mustBeWritable(repository);
      const planned = await planManifests(deps, { repository, digests, signal });
      mustBeCurrent(planned.plan, plan);
      const going = planned.rows
        .filter(({ keptBy }) => keptBy === undefined)
        .map((row) => row.digest as Digest);
      const { digests: deleted, trash } = await store.manifests.removeUntagged(repository, going, actor);
      const gone = new Set<string>(deleted);
      return {
        deleted,
        kept: planned.rows.map((row) => row.digest).filter((each) => !gone.has(each)),
        trash,
      };
    },
    async 'repositories.plan'({ repository }, { signal }) {
      await mustExist(deps, repository);
      return await planRepository(deps, repository, signal);
    },
  };
}

async function planTags(
  { store, index, rules }: Pick<PlansDeps, 'store' | 'index' | 'rules'>,
  {
    repository,
    tags,
    signal,
  }: { readonly repository: RepoName; readonly tags: readonly Tag[]; readonly signal: AbortSignal },
): Promise<TagsPlan> {
  await mustExist({ store, index }, repository);
  const chosen = new Set<string>(tags);
  const rows: PlannedTag[] = [];
  const tagsOf = new Map<string, number>();
  for (const tag of [...chosen].toSorted()) {
    const record = index.tagRecord(repository, tag);
    if (record === undefined) throw unknownTag(index, repository, tag);
    const { digest, bytes } = record;
    const protectedBy = rules.compiled().protectedBy(repository, tag);
    const siblings = index.tagsOfDigest({ repository, digest, limit: chosen.size + shown });
    const isStaying = (each: string): boolean =>
      each !== tag && (!chosen.has(each) || rules.compiled().protectedBy(repository, each) !== undefined);
    if (protectedBy === undefined) tagsOf.set(digest, (tagsOf.get(digest) ?? 0) + 1);
    rows.push({
      tag,
      digest,
      bytes,
      staysWith: siblings.filter(isStaying).slice(0, shown),
      ...(protectedBy === undefined ? {} : { protectedBy }),
    });
  }
  const { manifests, bytes: freedBytes } = await index.freed([{ repository, tagsOf }], { signal });
  const plan = hashOf([
    repository,
    ...rows.map(({ tag, digest, protectedBy = '' }) => `${tag}@${digest} ${protectedBy}`),
  ]);
  return { repository, rows, manifests, freedBytes, plan };
}

async function planManifests(
  { store, index }: Pick<PlansDeps, 'store' | 'index'>,
  {
    repository,
    digests,
    signal,
  }: { readonly repository: RepoName; readonly digests: readonly Digest[]; readonly signal: AbortSignal },
): Promise<ManifestsPlan> {
  await mustExist({ store, index }, repository);
  const chosen = new Set<string>(digests);
  const kept = new Map<string, Pick<PlannedManifest, 'keptBy' | 'keptFor'>>();
  const rows = [...chosen].toSorted().map((digest): PlannedManifest => {
    const row = index.manifest({ repository, digest });
    if (row === undefined) throw unknownManifest(repository, digest);
    return { digest, bytes: row.totalBytes, ...keptOf(digest) };
  });
  const tagsOf = new Map(rows.filter(({ keptBy }) => keptBy === undefined).map(({ digest }) => [digest, 0]));
  const { manifests, bytes: freedBytes } = await index.freed([{ repository, tagsOf }], { signal });
  const plan = hashOf([repository, ...rows.map(({ digest, keptBy = '' }) => `${digest} ${keptBy}`)]);
  return { repository, rows, manifests, freedBytes, plan };

  function keptOf(digest: string): Pick<PlannedManifest, 'keptBy' | 'keptFor'> {
    const known = kept.get(digest);
    if (known !== undefined) return known;
    const [tag] = index.tagsOfDigest({ repository, digest, limit: 1 });
    const staying = index
      .indexesOf({ repository, digest, limit: mostIndexes })
      .find((each) => !chosen.has(each) || keptOf(each).keptBy !== undefined);
    const found: Pick<PlannedManifest, 'keptBy' | 'keptFor'> =
      tag !== undefined
        ? { keptBy: 'tag', keptFor: tag }
        : staying === undefined
          ? {}
          : { keptBy: 'index', keptFor: staying };
    kept.set(digest, found);
    return found;
  }
}

function hashOf(lines: readonly string[]): string {
  return createHash('sha256').update(lines.join('\n')).digest('hex').slice(0, 32);
}
