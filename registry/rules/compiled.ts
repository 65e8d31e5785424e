/** What rules say of a tag. Pure: facts and times come in, decisions go out. */
import { compileGlobs } from '../spec/globs.ts';
import type { TagRecord } from '../derived/tidy-queries.ts';
import type { ExpiryRule, Reason, RuleSet } from '../spec/admin/rules.ts';
import { assertNever } from '../spec/errors.ts';
import { parseLifetime } from '../spec/lifetime.ts';

export interface Decision {
  readonly decision: 'keep' | 'delete';
  readonly reason: Reason;
  readonly rule?: string;
}

export interface Expiry {
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** How long the tag lives from its push, or its last pull, to then. */
  readonly lifeMs: number;
  readonly rule: string;
}

/** The rules for the tags of one repository. It counts: ask it for each tag once, the newest push first. */
export type Judge = (facts: TagRecord) => Decision;

export interface CompiledRules {
  /** The rule that protects a tag. */
  protectedBy(repository: string, tag: string): string | undefined;
  /** When a tag expires; `undefined` for one that does not, as a protected one. */
  expiryOf(repository: string, facts: TagRecord): Expiry | undefined;
  /** True where tags of the repository may expire. */
  mayExpire(repository: string): boolean;
  /** False where every tag of the repository is kept without being looked at. */
  mayDelete(repository: string): boolean;
  judge(repository: string, options: { readonly at: number }): Judge;
}

export interface CompileOptions {
  /** Further protected tags, as `repositories:tags`. */
  readonly alsoProtected: readonly string[];
  /** A shorter lifetime counts as this, in milliseconds. */
  readonly shortestLifeMs: number;
}

const dayMs = 24 * 60 * 60 * 1000;

/** Compiles the patterns of rules. */
export function compileRules(
  rules: RuleSet,
  { alsoProtected, shortestLifeMs }: CompileOptions,
): CompiledRules {
  const protections = [...alsoProtected, ...rules.protected].map((rule) => {
    const [repositories = '', tags = ''] = rule.split(':');
    return { rule, isRepository: compileGlobs([repositories]), isTag: compileGlobs([tags]) };
  });
  const expiries = rules.expiry
    .filter(({ enabled }) => enabled)
    .map((rule) => ({
      rule,
      isRepository: compileGlobs(rule.repositories),
      isTag: compileGlobs(rule.kind === 'age' ? rule.tags : ['*']),
    }));
  const retentions = rules.retention
    .filter(({ enabled }) => enabled)
    .map((rule) => ({
      rule,
      isRepository: compileGlobs(rule.repositories),
      isTag: compileGlobs(rule.tags),
      isNever: compileGlobs(rule.never),
    }));

  function protectedBy(repository: string, tag: string): string | undefined {
    return protections.find(({ isRepository, isTag }) => isRepository(repository) && isTag(tag))?.rule;
  }

  function expiryOf(repository: string, facts: TagRecord): Expiry | undefined {
    let first: Expiry | undefined;
    for (const { rule, isRepository, isTag } of expiries) {
      if (!isRepository(repository) || !isTag(facts.tag)) continue;
      const said = lifetimeOf(rule, facts);
      if (said === undefined) continue;
      const lifeMs = Math.max(said, shortestLifeMs);
      const at = startOf(rule, facts) + lifeMs;
      if (first === undefined || at < first.at) first = { at, lifeMs, rule: rule.id };
    }
    return first === undefined || protectedBy(repository, facts.tag) !== undefined ? undefined : first;
  }

  function mayExpire(repository: string): boolean {
    return expiries.some(({ isRepository }) => isRepository(repository));
  }

  function judge(repository: string, { at }: { readonly at: number }): Judge {
    const own = retentions
      .filter(({ isRepository }) => isRepository(repository))
      .map((each) => ({ ...each, met: 0 }));
    return (facts) => {
      const { tag } = facts;
      const matching = own.filter(({ isTag }) => isTag(tag));
      // Before anything else is asked: what a rule keeps for another reason still counts among the newest.
      for (const each of matching) each.met++;
      const protection = protectedBy(repository, tag);
      if (protection !== undefined) return { decision: 'keep', reason: 'protected', rule: protection };
      const expiry = expiryOf(repository, facts);
      if (expiry !== undefined && expiry.at <= at)
        return { decision: 'delete', reason: 'expired', rule: expiry.rule };
      const [first] = matching;
      if (first === undefined) return { decision: 'keep', reason: 'no rule' };
      const never = matching.find(({ isNever }) => isNever(tag));
      if (never !== undefined) return { decision: 'keep', reason: 'never', rule: never.rule.id };
      for (const { rule, met } of matching) {
        const { newest = 0, pushedWithinDays = 0, pulledWithinDays = 0 } = rule.keep;
        if (met <= newest) return { decision: 'keep', reason: 'newest', rule: rule.id };
        if (at - facts.pushedAt < pushedWithinDays * dayMs)
          return { decision: 'keep', reason: 'pushed', rule: rule.id };
        if (at - lastUse(facts) < pulledWithinDays * dayMs)
          return { decision: 'keep', reason: 'pulled', rule: rule.id };
      }
      return { decision: 'delete', reason: 'not kept', rule: first.rule.id };
    };
  }

  return {
    protectedBy,
    expiryOf,
    mayExpire,
    mayDelete: (repository) =>
      mayExpire(repository) || retentions.some(({ isRepository }) => isRepository(repository)),
    judge,
  };
}

function lifetimeOf(rule: ExpiryRule, { tag, lifetimeMs }: TagRecord): number | undefined {
  switch (rule.kind) {
    case 'suffix':
      return parseLifetime(tag.slice(tag.lastIndexOf('-') + 1));
    case 'label':
      return lifetimeMs;
    case 'age':
      return parseLifetime(rule.after);
    default:
      return assertNever(rule);
  }
}

function startOf(rule: ExpiryRule, facts: TagRecord): number {
  return rule.kind === 'age' && rule.since === 'pull' ? lastUse(facts) : facts.pushedAt;
}

function lastUse({ pushedAt, pulledAt }: TagRecord): number {
  return Math.max(pushedAt, pulledAt);
}
