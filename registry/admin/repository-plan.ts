import { createHash } from 'node:crypto';
import type { Index } from '../derived/index-db.ts';
import type { Rules } from '../rules/rules.ts';
import type { RepositoryPlan } from '../spec/admin/plans.ts';
import { AppError } from '../spec/errors.ts';
import type { RepoName } from '../spec/names.ts';

/** Protected tags that a plan names. */
const shown = 10;

/** Throws PLAN_STALE unless the plans are the same. */
export function mustBeCurrent(present: string, named: string): void {
  if (present === named) return;
  throw new AppError('PLAN_STALE', {
    message: 'What would be deleted is not what the plan says any more.',
    hint: `Look at the plan again; it is ${present} now.`,
    detail: { plan: present },
  });
}

/** What deleting a whole repository takes. Its tags are walked in pages. */
export async function planRepository(
  { index, rules }: { readonly index: Index; readonly rules: Rules },
  repository: RepoName,
  signal: AbortSignal,
): Promise<RepositoryPlan> {
  const isProtected: { tag: string; rule: string }[] = [];
  const hash = createHash('sha256').update(repository);
  let tags = 0;
  for (let after: { tag: string; pushedAt: number } | undefined, more = true; more;) {
    signal.throwIfAborted();
    const records = index.tagRecords({ repository, after, limit: 500 });
    for (const { tag, digest } of records) {
      const rule = rules.compiled().protectedBy(repository, tag);
      if (rule !== undefined && isProtected.length < shown) isProtected.push({ tag, rule });
      hash.update(`\n${tag}@${digest} ${rule ?? ''}`);
    }
    tags += records.length;
    after = records.at(-1);
    more = records.length === 500;
  }
  const { manifests, bytes: freedBytes } = index.freedWithRepository(repository);
  return {
    repository,
    tags,
    manifests,
    freedBytes,
    protected: isProtected,
    plan: hash.digest('hex').slice(0, 32),
  };
}
