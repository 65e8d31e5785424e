/** The control plane on what keeps a registry tidy: retention, expiring tags, quotas, protected tags. */
import { z } from 'zod';
import { parseLifetime } from '../lifetime.ts';
import { page } from './arguments.ts';

const id = z
  .string()
  .regex(/^[a-z0-9][a-z0-9._-]{0,63}$/, 'not an id: a-z, 0-9, . _ -, at most 64 characters');
const repositoryGlob = z
  .string()
  .max(255)
  .refine(isRepositoryGlob, 'not a pattern of repositories, such as team/* or team/**');
const tagGlobPattern = /^[A-Za-z0-9_*][A-Za-z0-9_.*-]{0,127}$/;
const tagGlob = z.string().regex(tagGlobPattern, 'not a pattern of tags, such as v*');
const repositories = z.array(repositoryGlob).min(1);
const tags = z.array(tagGlob).min(1).default(['*']);
const enabled = z.boolean().default(true);
const count = z.int().min(0).max(1_000_000);
const days = z.number().positive().max(36_500);

/** Keeps a tag if one condition of one rule holds that matches it; what no rule matches is kept. */
const retentionRule = z.strictObject({
  id,
  repositories,
  tags,
  keep: z
    .strictObject({
      /** So many of the tags that the rule matches in a repository, by the time of their push. */
      newest: count.optional(),
      pushedWithinDays: days.optional(),
      /** Since the last pull, or since the push where that is later. */
      pulledWithinDays: days.optional(),
    })
    .default({}),
  /** Tags that this rule never deletes. */
  never: z.array(tagGlob).default([]),
  enabled,
});

const expiryRule = z.discriminatedUnion('kind', [
  /** `pr-12-2h` and `2h`: the end of the tag says how long it lives. */
  z.strictObject({ id, kind: z.literal('suffix'), repositories, enabled }),
  /** The annotation or image label `berth.expires-after` or `quay.expires-after` says it. */
  z.strictObject({ id, kind: z.literal('label'), repositories, enabled }),
  z.strictObject({
    id,
    kind: z.literal('age'),
    repositories,
    tags,
    after: z
      .string()
      .refine((text) => parseLifetime(text) !== undefined, 'not a number and one of s, m, h, d, w'),
    /** `pull` counts from the last pull, or from the push where that is later. */
    since: z.enum(['push', 'pull']).default('push'),
    enabled,
  }),
]);

const quota = z.strictObject({
  id,
  repositories: repositoryGlob,
  /** Each digest once, however many of the repositories use it. */
  bytes: z.int().min(0),
  tags: count.optional(),
});

const protectedTags = z
  .string()
  .max(384)
  .refine((rule) => {
    const [repositoriesPart = '', tagsPart = '', ...more] = rule.split(':');
    return isRepositoryGlob(repositoriesPart) && tagGlobPattern.test(tagsPart) && more.length === 0;
  }, 'not a rule such as team/**:v*');

/** All rules, as berth/rules.json holds them beside its version. */
export const ruleSet = z.strictObject({
  retention: z.array(retentionRule).max(200).default([]),
  protected: z.array(protectedTags).max(1000).default([]),
  expiry: z.array(expiryRule).max(200).default([]),
  quotas: z.array(quota).max(200).default([]),
});
export type RuleSet = Readonly<z.output<typeof ruleSet>>;
export type RetentionRule = RuleSet['retention'][number];
export type ExpiryRule = RuleSet['expiry'][number];
export type Quota = RuleSet['quotas'][number];

export const noRules: RuleSet = { retention: [], protected: [], expiry: [], quotas: [] };

/** Why a tag stays or goes. `rule` of the row names whose reason it is. */
export const reasons = [
  'protected',
  'expired',
  'never',
  'newest',
  'pushed',
  'pulled',
  'no rule',
  'not kept',
] as const;
export type Reason = (typeof reasons)[number];

export interface DecisionRow {
  readonly repository: string;
  readonly tag: string;
  readonly digest: string;
  readonly decision: 'keep' | 'delete';
  readonly reason: Reason;
  /** The id of the rule, or the patterns of a protected tag; absent where no rule says anything. */
  readonly rule?: string;
  /** Of the manifest with all that it lists. */
  readonly bytes: number;
  readonly pushedAt: string;
}

/** A tag that a rule deletes soon, unless it is pushed or, where the rule says so, pulled again. */
export interface ExpiringTag {
  readonly repository: string;
  readonly tag: string;
  readonly digest: string;
  readonly expiresAt: string;
  /** The id of the rule. */
  readonly rule: string;
}

/** What rules would do, or what a run has done. */
export interface Outcome {
  readonly keptTags: number;
  readonly deletedTags: number;
  /** Manifests that lose their last tag, and those that only they list. */
  readonly manifests: number;
  /** What is free once the deleted is neither in the trash nor leased: bytes that nothing else needs. */
  readonly freedBytes: number;
  /** Repositories of which every tag would go: how many, and the first twenty. */
  readonly emptiedRepositories: number;
  readonly emptied: readonly string[];
  /** Names exactly these rules with exactly these deletions. */
  readonly plan: string;
}

export interface SimulationRow {
  readonly rows: readonly DecisionRow[];
  readonly next?: string;
  readonly outcome: Outcome;
}

export interface RunRow {
  readonly deletedTags: number;
  /** Tags that were to go and were moved, pulled or protected meanwhile. */
  readonly sparedTags: number;
  readonly manifests: number;
}

export interface ProtectionRow {
  /** `team/**:v*` */
  readonly rule: string;
  /** `configuration`: stands in berth.storage.protectedtags and is changed there. */
  readonly source: 'configuration' | 'rules';
}

/** How much of a quota is used. */
export interface QuotaRow {
  readonly id: string;
  readonly repositories: string;
  readonly usedBytes: number;
  readonly limitBytes: number;
  readonly usedTags: number;
  readonly limitTags?: number;
}

/** Sections that are left out stay as they are. */
const changedRules = z.strictObject({
  retention: ruleSet.shape.retention.unwrap().optional(),
  protected: ruleSet.shape.protected.unwrap().optional(),
  expiry: ruleSet.shape.expiry.unwrap().optional(),
  quotas: ruleSet.shape.quotas.unwrap().optional(),
});
export type ChangedRules = z.output<typeof changedRules>;

const dayMs = 24 * 60 * 60 * 1000;
const longestWithinMs = 3660 * dayMs;

export const rulesArguments = {
  /** All rules, or the one with that id. */
  'rules.get': z.strictObject({ id: z.string().max(400).optional() }),
  /** What the saved rules, or these, would do now. Pages go on at the time of the first. */
  'rules.simulate': z.strictObject({
    ...page,
    rules: changedRules.optional(),
    only: z.enum(['keep', 'delete']).optional(),
  }),
  /** The tags of all repositories whose time is over within so many milliseconds, the next first. */
  'rules.expiring': z.strictObject({
    withinMs: z.int().min(0).max(longestWithinMs).default(dayMs),
    limit: z.int().min(1).max(500).default(20),
  }),
  /** Saves rules that were simulated; `plan` is what the simulation answered. */
  'rules.set': z.strictObject({
    rules: changedRules,
    plan: z.string(),
    /** The number of deletions, where a repository would lose every tag. */
    confirmCount: count.optional(),
  }),
  /** Deletes now what the rules do not keep. */
  'rules.run': z.strictObject({}),
  /** Which tags keep their meaning, and where that is said. */
  'protect.list': z.strictObject({}),
  /** Lets tags keep the meaning that they have. */
  'protect.add': z.strictObject({ rule: protectedTags }),
  /** Takes a rule back; those of the configuration stay. */
  'protect.remove': z.strictObject({ rule: z.string().max(400) }),
} as const;

export interface RulesResults {
  'rules.get': RuleSet;
  'rules.simulate': SimulationRow;
  /** `total` counts those beyond `limit` as well. */
  'rules.expiring': { readonly rows: readonly ExpiringTag[]; readonly total: number };
  'rules.set': RuleSet;
  'rules.run': RunRow;
  'protect.list': readonly ProtectionRow[];
  'protect.add': readonly ProtectionRow[];
  'protect.remove': readonly ProtectionRow[];
}

/** `*` stands for characters of one part, `**` for any number of parts. */
function isRepositoryGlob(text: string): boolean {
  return text
    .split('/')
    .every((part) => part === '**' || (/^[a-z0-9._*-]+$/.test(part) && !part.includes('**')));
}
