/** Looks before deletes. */
import { createHash } from 'node:crypto';
import type { Index } from '../derived/index-db.ts';
import type { Rules } from '../rules/rules.ts';
import type { plansArguments, PlannedTag, TagsPlan } from '../spec/admin/plans.ts';
import type { Digest } from '../spec/digest.ts';
import type { RepoName, Tag } from '../spec/names.ts';
import type { Store } from '../store/store.ts';
import { mustExist, unknownTag } from './content.ts';
import { mustBeCurrent, planRepository } from './repository-plan.ts';
import type { MethodsOf } from './server.ts';

export interface PlansDeps {
  readonly store: Store;
  readonly index: Index;
  readonly rules: Rules;
  /** @throws AppError STORAGE_READ_ONLY */
  readonly mustBeWritable: () => void;
}

const shown = 10;

export function createPlansMethods(deps: PlansDeps): MethodsOf<typeof plansArguments> {
  const { store, mustBeWritable } = deps;
  return {
    'tags.plan': ({ repository, tags }, { signal }) => planTags(deps, { repository, tags, signal }),
    async 'tags.deleteMany'({ repository, tags, plan }, { signal, actor }) {
      mustBeWritable();
      const planned = await planTags(deps, { repository, tags, signal });
      mustBeCurrent(planned.plan, plan);
      const removals = planned.rows
        .filter(({ protectedBy }) => protectedBy === undefined)
        .map(({ tag, digest }) => ({ tag: tag as Tag, digest: digest as Digest, actor }));
      const { tags: deleted, trash } = await store.manifests.removeTags(repository, removals);
      const gone = new Set<string>(deleted);
      return { deleted, kept: planned.rows.map(({ tag }) => tag).filter((tag) => !gone.has(tag)), trash };
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

function hashOf(lines: readonly string[]): string {
  return createHash('sha256').update(lines.join('\n')).digest('hex').slice(0, 32);
}
