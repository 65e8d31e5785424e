/**
 * The kinds of value a setting can have, and what each field carries for people. A value is parsed from its text,
 * whatever type YAML gave it, so that files and environment variables mean the same.
 */

import { z } from 'zod';
import { parseBytes, parseDuration } from './duration.ts';
import { isGlob } from './names.ts';

export type Support = 'supported' | 'ignored' | 'refused';

/** What a field carries besides its type. */
export type FieldMeta = {
  readonly title: string;
  /** What it does, and what its values mean. */
  readonly help: string;
  /** The kind of value in words. */
  readonly kind: string;
  /** The values of a choice. */
  readonly values?: readonly string[];
  /** The default as one would write it, or in words. */
  readonly fallback: string;
  /** What a change needs to take effect. */
  readonly restart: 'none' | 'listener' | 'process';
  /** Never shown. */
  readonly secret: boolean;
  readonly level: Support;
  /** The environment name, where it is not the path in upper case. */
  readonly env?: string;
};

type About = Pick<FieldMeta, 'title' | 'help'> &
  Partial<Pick<FieldMeta, 'restart' | 'secret' | 'env' | 'values'>>;

export function field(kind: string, fallback: string, about: About): FieldMeta {
  return {
    restart: 'process',
    secret: false,
    kind,
    fallback,
    level: 'supported',
    ...about,
  };
}

export function ignored(title: string, help: string) {
  return z
    .never()
    .optional()
    .meta({ ...field('any', 'unset', { title, help }), level: 'ignored' } satisfies FieldMeta);
}

export function refused(title: string, help: string) {
  return z
    .never()
    .optional()
    .meta({ ...field('any', 'unset', { title, help }), level: 'refused' } satisfies FieldMeta);
}

/** A value as YAML, an environment variable or code gives it. */
export function scalar() {
  return z.union([z.string(), z.number(), z.boolean()], {
    error: (issue) => (issue.input === undefined ? 'is missing' : 'must be a single value'),
  });
}

export function read<T>(parse: (value: string) => T | undefined, expected: string) {
  return scalar().transform((value, context): T => {
    const result = parse(String(value));
    if (result !== undefined) return result;
    context.issues.push({ code: 'custom', message: `must be ${expected}`, input: value });
    return z.NEVER;
  });
}

export function text() {
  return read((value) => (value === '' || value.includes('\0') ? undefined : value), 'text');
}

export function choice<const Value extends string>(values: readonly Value[]) {
  return read((value) => values.find((known) => known === value.toLowerCase()), words(values));
}

export function oneOf<const Value extends string>(
  values: readonly Value[],
  fallback: NoInfer<Value>,
  about: About,
) {
  return choice(values)
    .prefault(fallback)
    .meta(field(words(values), fallback, { values, ...about }));
}

export function flag(fallback: boolean, about: About) {
  return read(parseFlag, 'true or false')
    .prefault(fallback)
    .meta(field('true or false', String(fallback), about));
}

export function duration(fallback: string, about: About) {
  return read(parseDuration, durationExpected())
    .prefault(fallback)
    .meta(field('duration', fallback, about));
}

/** A text that may be left out. */
export function optionalText(kind: string, fallback: string, about: About) {
  return text()
    .optional()
    .meta(field(kind, fallback, about));
}

export function bytes(fallback: string, least: number, most: number, about: About) {
  return read((value) => {
    const size = parseBytes(value);
    return size !== undefined && size >= least && size <= most ? size : undefined;
  }, 'a size in bytes, such as 4194304 or 4MiB, within its limits')
    .prefault(fallback)
    .meta(field('bytes', fallback, { restart: 'none', ...about }));
}

export function whole(least: number, most: number, fallback: number, about: About) {
  return read(parseWhole(least, most), `a whole number from ${String(least)} to ${String(most)}`)
    .prefault(fallback)
    .meta(field('whole number', String(fallback), about));
}

function oneOrMore() {
  return z.union([scalar(), z.array(scalar())], { error: 'must be a list' });
}

/** A list of our own, which may also be written as one value with commas. */
export function several(parse: (value: string) => string | undefined, expected: string, about: About) {
  return oneOrMore()
    .prefault([])
    .transform((value, context): readonly string[] => {
      const list = split(value).map(parse);
      if (list.every((item) => item !== undefined)) return list;
      context.issues.push({ code: 'custom', message: `must be ${expected}`, input: value });
      return z.NEVER;
    })
    .meta(field('list', '[]', { restart: 'none', ...about }));
}

/** Patterns of repository names; `off` is none. Words that look like a switch are no repositories. */
export function globs(about: About) {
  return oneOrMore()
    .prefault('off')
    .transform((value, context): readonly string[] => {
      const list = value === 'off' ? [] : split(value);
      if (list.every((glob) => isGlob(glob) && !switchWords.has(glob))) return list;
      const message = 'must be off or a list of repository patterns, such as [public/**]; ** means all';
      context.issues.push({ code: 'custom', message, input: value });
      return z.NEVER;
    })
    .meta(field('off, or list of repository patterns', 'off', { restart: 'none', ...about }));
}

/** Rules for tags: patterns of repositories and tags with a colon between them. */
export function tagRules(about: About) {
  return oneOrMore()
    .prefault('off')
    .transform((value, context): readonly string[] => {
      const list = value === 'off' ? [] : split(value);
      if (list.every((rule) => /^[a-z0-9*][a-z0-9*._/-]*:[A-Za-z0-9_*][A-Za-z0-9_.*-]*$/.test(rule)))
        return list;
      const message = 'must be off or a list of repository and tag patterns, such as ["team/**:v*"]';
      context.issues.push({ code: 'custom', message, input: value });
      return z.NEVER;
    })
    .meta(field('off, or list of patterns of repositories and tags', 'off', { restart: 'none', ...about }));
}

export function patterns(about: About) {
  return z
    .array(
      read(
        (value) => (isPattern(value) ? value : undefined),
        'a regular expression that means the same in Go and in JavaScript',
      ),
      { error: 'must be a list of regular expressions' },
    )
    .prefault([])
    .meta(field('list of regular expressions', '[]', { restart: 'none', ...about }));
}

export function complain(
  context: { readonly value: unknown; issues: z.core.$ZodRawIssue[] },
  path: string[],
  message: string,
): void {
  context.issues.push({ code: 'custom', path, message, input: context.value });
}

// --- parsers of single values --------------------------------------------------------------------------------

// Go reads the switch words of YAML 1.1.
const on = new Set(['true', 'yes', 'on', 'y']);
const off = new Set(['false', 'no', 'off', 'n']);
const switchWords = new Set([...on, ...off, 'all', 'any', 'none']);

export function parseFlag(value: string): boolean | undefined {
  const word = value.toLowerCase();
  if (on.has(word)) return true;
  return off.has(word) ? false : undefined;
}

export function parseWhole(least: number, most: number) {
  return (value: string): number | undefined => {
    const count = /^\d{1,16}$/.test(value) ? Number(value) : Number.NaN;
    return count >= least && count <= most ? count : undefined;
  };
}

/** A limit of distribution, where 0 and less mean "as if not set". */
export function parseLimit(value: string): number | null | undefined {
  if (!/^-?\d{1,15}$/.test(value)) return undefined;
  return Number(value) > 0 ? Number(value) : null;
}

export function parseOrigin(value: string): string | undefined {
  return /^https?:\/\/(?:\[[0-9a-fA-F:.]+\]|[^\s/?#:@[\]]+)(?::\d{1,5})?\/?$/.test(value)
    ? value.replace(/\/$/, '')
    : undefined;
}

export function parseHost(value: string): string | undefined {
  return value === '*' ||
    /^[A-Za-z0-9_](?:[A-Za-z0-9._-]*[A-Za-z0-9])?(?::\d{1,5})?$/.test(value) ||
    isIPv6(value)
    ? value.toLowerCase()
    : undefined;
}

function isIPv6(value: string): boolean {
  return z.ipv6().safeParse(value).success;
}

/** A host without a port. */
export function parseTarget(value: string): string | undefined {
  return /^[A-Za-z0-9_](?:[A-Za-z0-9._-]*[A-Za-z0-9])?\.?$/.test(value) ? value.toLowerCase() : undefined;
}

export function parseNetwork(value: string): string | undefined {
  const known = [z.ipv4(), z.ipv6(), z.cidrv4(), z.cidrv6()];
  return known.some((kind) => kind.safeParse(value).success) ? value : undefined;
}

/**
 * True if the expression compiles with the flag `u`, which refuses most of what only Go knows (`\z`, `\pL`, `(?i)`),
 * and has no POSIX class, which JavaScript would read as something else.
 */
function isPattern(value: string): boolean {
  if (value.includes('[[:')) return false;
  try {
    return new RegExp(value, 'u') instanceof RegExp;
  } catch {
    return false;
  }
}

export function native(value: string | number | boolean): string | number | boolean {
  if (value === 'true' || value === 'false') return value === 'true';
  return typeof value === 'string' && /^-?(?:0|[1-9]\d{0,14})$/.test(value) ? Number(value) : value;
}

function split(value: string | number | boolean | readonly (string | number | boolean)[]): readonly string[] {
  return Array.isArray(value)
    ? value.map(String)
    : String(value)
        .split(/[\s,]+/)
        .filter((item) => item !== '');
}

export function words(values: readonly string[]): string {
  return values.length < 2 ? values.join('') : `${values.slice(0, -1).join(', ')} or ${values.at(-1) ?? ''}`;
}

export function durationExpected(): string {
  return 'a duration with its unit, such as 90s or 1h30m';
}
