/**
 * Rules as a person writes them: every blank of a sentence is a text, whatever it says. `formsOf` and `rulesOf` lead
 * there and back; what cannot be a rule is named by `problemsOf`, and patterns are for the registry to judge.
 */
import type {
  ChangedRules,
  ExpiryRule,
  Quota,
  RetentionRule,
  RuleSet,
} from '../../../registry/spec/admin/rules.ts';
import { parseLifetime } from '../../../registry/spec/lifetime.ts';
import { parseBytes } from '../../../registry/spec/duration.ts';
import { assertNever } from '../../../registry/spec/errors.ts';

export interface RetentionForm {
  readonly key: number;
  readonly id: string;
  readonly enabled: boolean;
  readonly newest: string;
  readonly tags: string;
  readonly repositories: string;
  readonly pulledDays: string;
  readonly pushedDays: string;
  readonly never: string;
}

export interface ExpiryForm {
  readonly key: number;
  readonly id: string;
  readonly enabled: boolean;
  readonly kind: ExpiryRule['kind'];
  readonly tags: string;
  readonly repositories: string;
  readonly after: string;
  readonly since: 'push' | 'pull';
}

export interface QuotaForm {
  readonly key: number;
  readonly id: string;
  readonly repositories: string;
  readonly bytes: string;
  readonly tags: string;
}

export interface RuleForms {
  readonly retention: readonly RetentionForm[];
  readonly expiry: readonly ExpiryForm[];
  readonly quotas: readonly QuotaForm[];
}

export type Section = keyof RuleForms;

export function formsOf({ retention, expiry, quotas }: Pick<RuleSet, Section>): RuleForms {
  return {
    retention: retention.map(retentionForm),
    expiry: expiry.map(expiryForm),
    quotas: quotas.map(quotaForm),
  };
}

function retentionForm(rule: RetentionRule, key: number): RetentionForm {
  const { id, enabled, keep } = rule;
  return {
    key,
    id,
    enabled,
    newest: textOf(keep.newest),
    tags: joined(rule.tags),
    repositories: joined(rule.repositories),
    pulledDays: textOf(keep.pulledWithinDays),
    pushedDays: textOf(keep.pushedWithinDays),
    never: joined(rule.never),
  };
}

function expiryForm(rule: ExpiryRule, key: number): ExpiryForm {
  const { id, enabled, kind } = rule;
  const age = kind === 'age' ? rule : undefined;
  return {
    key,
    id,
    enabled,
    kind,
    tags: joined(age?.tags ?? ['*']),
    repositories: joined(rule.repositories),
    after: age?.after ?? '30d',
    since: age?.since ?? 'push',
  };
}

function quotaForm({ id, repositories, bytes, tags }: Quota, key: number): QuotaForm {
  return { key, id, repositories, bytes: writeSize(bytes), tags: textOf(tags) };
}

/** The rules that forms say; numbers that are none are left out: see `problemsOf`. */
export function rulesOf({ retention, expiry, quotas }: RuleForms): Pick<RuleSet, Section> {
  return { retention: retention.map(retentionOf), expiry: expiry.map(expiryOf), quotas: quotas.map(quotaOf) };
}

function retentionOf(form: RetentionForm): RetentionRule {
  const [newest, pushed, pulled] = [form.newest, form.pushedDays, form.pulledDays].map(numberOf);
  return {
    id: form.id.trim(),
    repositories: split(form.repositories),
    tags: split(form.tags),
    keep: {
      ...(newest === undefined ? {} : { newest }),
      // The registry takes no time of nothing: it is the same as none.
      ...(pushed === undefined || pushed === 0 ? {} : { pushedWithinDays: pushed }),
      ...(pulled === undefined || pulled === 0 ? {} : { pulledWithinDays: pulled }),
    },
    never: split(form.never),
    enabled: form.enabled,
  };
}

function expiryOf(form: ExpiryForm): ExpiryRule {
  const common = { id: form.id.trim(), repositories: split(form.repositories), enabled: form.enabled };
  switch (form.kind) {
    case 'suffix':
      return { ...common, kind: 'suffix' };
    case 'label':
      return { ...common, kind: 'label' };
    case 'age':
      return { ...common, kind: 'age', tags: split(form.tags), after: form.after.trim(), since: form.since };
    default:
      return assertNever(form.kind);
  }
}

function quotaOf(form: QuotaForm): Quota {
  const tags = numberOf(form.tags);
  return {
    id: form.id.trim(),
    repositories: form.repositories.trim(),
    bytes: sizeOf(form.bytes) ?? 0,
    ...(tags === undefined ? {} : { tags }),
  };
}

/** The sections that are others than those of the saved rules. */
export function changedSections(forms: RuleForms, saved: Pick<RuleSet, Section>): ChangedRules {
  const rules = rulesOf(forms);
  const before = rulesOf(formsOf(saved));
  const isChanged = (section: Section): boolean =>
    JSON.stringify(rules[section]) !== JSON.stringify(before[section]);
  return {
    ...(isChanged('retention') ? { retention: [...rules.retention] } : {}),
    ...(isChanged('expiry') ? { expiry: [...rules.expiry] } : {}),
    ...(isChanged('quotas') ? { quotas: [...rules.quotas] } : {}),
  };
}

/** What of a form cannot be a rule, by the name of the blank. */
export function problemsOf(
  section: Section,
  form: RetentionForm | ExpiryForm | QuotaForm,
): Readonly<Record<string, string>> {
  const found: Record<string, string> = {};
  if (!/^[a-z0-9][a-z0-9._-]{0,63}$/.test(form.id.trim())) found['id'] = 'A name of a-z, 0-9, . _ and -';
  if (split(form.repositories).length === 0) found['repositories'] = 'Repositories, such as team/*';
  if (section === 'retention') {
    const { newest, pulledDays, pushedDays, tags } = form as RetentionForm;
    if (!isWhole(newest)) found['newest'] = 'A number, or nothing';
    if (!isNumber(pulledDays)) found['pulledDays'] = 'A number of days, or nothing';
    if (!isNumber(pushedDays)) found['pushedDays'] = 'A number of days, or nothing';
    if (split(tags).length === 0) found['tags'] = 'Tags, such as v*; * is all of them';
  }
  if (section === 'expiry') {
    const { kind, after, tags } = form as ExpiryForm;
    if (kind === 'age' && parseLifetime(after.trim()) === undefined)
      found['after'] = 'A number and one of s, m, h, d, w, such as 30d';
    if (kind === 'age' && split(tags).length === 0) found['tags'] = 'Tags, such as pr-*; * is all of them';
  }
  if (section === 'quotas') {
    const { bytes, tags } = form as QuotaForm;
    if (sizeOf(bytes) === undefined) found['bytes'] = 'A size, such as 10GB';
    if (!isWhole(tags)) found['tags'] = 'A number, or nothing';
  }
  return found;
}

/** A name that no rule has: `keep-1`, `keep-2`. */
export function newId(prefix: string, forms: RuleForms): string {
  const taken = new Set([...forms.retention, ...forms.expiry, ...forms.quotas].map(({ id }) => id));
  for (let number = 1; ; number++) {
    const id = `${prefix}-${number}`;
    if (!taken.has(id)) return id;
  }
}

/** Tells the forms of a section apart in a list. */
export function newKey(forms: readonly { readonly key: number }[]): number {
  return Math.max(-1, ...forms.map(({ key }) => key)) + 1;
}

const sizeUnits = [
  ['TB', 1e12],
  ['TiB', 2 ** 40],
  ['GB', 1e9],
  ['GiB', 2 ** 30],
  ['MB', 1e6],
  ['MiB', 2 ** 20],
  ['kB', 1e3],
  ['KiB', 2 ** 10],
] as const;

/** The shortest way to write exactly so many bytes. */
export function writeSize(bytes: number): string {
  const written = sizeUnits
    .map(([unit, factor]) => ({ unit, value: bytes / factor }))
    .find(({ value }) => value >= 1 && Number.isInteger(value * 10));
  return written === undefined ? String(bytes) : `${written.value}${written.unit}`;
}

function sizeOf(text: string): number | undefined {
  return parseBytes(text.trim());
}

function split(text: string): string[] {
  return text.split(/[\s,]+/).filter((part) => part !== '');
}

function joined(patterns: readonly string[]): string {
  return patterns.join(', ');
}

function textOf(value: number | undefined): string {
  return value === undefined ? '' : String(value);
}

function isNumber(text: string): boolean {
  return /^\s*(?:\d+(?:\.\d+)?)?\s*$/.test(text);
}

function isWhole(text: string): boolean {
  return /^\s*\d*\s*$/.test(text);
}

function numberOf(text: string): number | undefined {
  return text.trim() === '' || !isNumber(text) ? undefined : Number(text);
}
