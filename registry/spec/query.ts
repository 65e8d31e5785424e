/**
 * The query language of lists, for window, browser and command line alike. Terms are separated by spaces, and all of them
 * must hold:
 *
 *   api "two words"        in the name, in any letter case
 *   :latest  :v1.*         a tag; with a star, tags that begin so
 *   sha256:2c26            the start of a digest
 *   arch:arm64 arch:arm/v7 os:linux kind:helm by:dev
 *   pushed:<7d pulled:>90d pulled:never      how long ago: s m h d w y
 *   size:>1g size:<10m     decimal k m g t, binary ki mi gi ti
 *   is:untagged is:unsigned is:signed is:multiplatform is:stale is:fallback
 *   -kind:image            a minus denies the term after it
 *
 * Of a repository, `:tag`, `arch`, `os`, `kind`, `by`, `is:multiplatform` and `is:unsigned` ask for a tag that is so, and
 * `is:signed` for no other. What was neither pushed nor pulled for 90 days is `stale`.
 *
 * What cannot be understood is a problem with its place, and no row is answered then: a list that leaves a term out shows
 * more than was asked for, and the next step may be to delete what it shows.
 */
import { parseBytes } from './duration.ts';
import { AppError } from './errors.ts';
import { type ArtifactKind, artifactKinds } from './kinds.ts';
import { parseTag } from './names.ts';
import { nearest } from './nearest.ts';

export type QueriedList = 'repositories' | 'tags';

/** One condition. Words, platforms and digests are in lower case. */
export type Condition =
  | { readonly key: 'word'; readonly text: string }
  | { readonly key: 'tag'; readonly text: string; readonly isStart: boolean }
  | { readonly key: 'digest'; readonly start: string }
  | { readonly key: 'arch' | 'os' | 'by'; readonly value: string }
  | { readonly key: 'kind'; readonly value: ArtifactKind | 'mixed' }
  /** `<`: less long ago than that. What never happened is neither. */
  | { readonly key: 'pushed' | 'pulled'; readonly order: '<' | '>'; readonly ageMs: number }
  | { readonly key: 'neverPulled' }
  | { readonly key: 'size'; readonly order: '<' | '>'; readonly bytes: number }
  | { readonly key: 'is'; readonly state: QueryState };

export interface Term {
  readonly condition: Condition;
  readonly isNegated: boolean;
}

/** A part of a query that means nothing: from `start` up to `end`, in UTF-16 units. */
export interface QueryProblem {
  readonly start: number;
  readonly end: number;
  readonly message: string;
}

export interface Query {
  readonly terms: readonly Term[];
  readonly problems: readonly QueryProblem[];
}

const states = {
  repositories: ['untagged', 'unsigned', 'signed', 'multiplatform', 'stale'],
  tags: ['unsigned', 'signed', 'multiplatform', 'stale', 'fallback'],
} as const;
export type QueryState = (typeof states)[QueriedList][number];

/** How long nothing happened to what is stale. */
export const staleMs = 90 * 24 * 60 * 60 * 1000;

const kinds = { repositories: [...artifactKinds, 'mixed'], tags: artifactKinds } as const;

/** What each key makes of its value: a condition, or what is wrong with it. */
const keys: Readonly<Record<string, (value: string, list: QueriedList) => Condition | string>> = {
  arch: platformPart('arch'),
  os: platformPart('os'),
  kind: (value, list) => {
    const kind = kinds[list].find((each) => each === value.toLowerCase());
    return kind === undefined ? notOneOf(value, kinds[list]) : { key: 'kind', value: kind };
  },
  by: (value) => ({ key: 'by', value }),
  pushed: age('pushed'),
  pulled: (value) => (value.toLowerCase() === 'never' ? { key: 'neverPulled' } : age('pulled')(value)),
  size: (value) => {
    const [, order, amount = ''] = /^([<>])(.*)$/.exec(value) ?? [];
    const bytes = parseBytes(/b$/i.test(amount) ? amount : `${amount}b`);
    return isOrder(order) && bytes !== undefined
      ? { key: 'size', order, bytes }
      : `"${value}" is no size; write size:>500m or size:<1.5g.`;
  },
  is: (value, list) => {
    const known: readonly QueryState[] = states[list];
    const state = known.find((each) => each === value.toLowerCase());
    return state === undefined ? notOneOf(value, known) : { key: 'is', state };
  },
  sha256: digest('sha256', 64),
  sha512: digest('sha512', 128),
};

/**
 * Reads a query for one of the lists. Terms and problems are in the order of the text; an empty one has neither. Linear
 * in its length.
 */
export function parseQuery(text: string, list: QueriedList): Query {
  const terms: Term[] = [];
  const problems: QueryProblem[] = [];
  for (const { 0: token, index: start } of text.matchAll(/(?:"[^"]*"?|[^\s"])+/g)) {
    const isNegated = token.length > 1 && token.startsWith('-');
    const found = readTerm(isNegated ? token.slice(1) : token, list);
    if ('condition' in found) terms.push({ condition: found.condition, isNegated });
    else {
      const from = start + Number(isNegated);
      problems.push({ start: from + found.start, end: from + found.end, message: found.message });
    }
  }
  return { terms, problems };
}

/** A problem's place is counted from the start of the term. */
function readTerm(text: string, list: QueriedList): { readonly condition: Condition } | QueryProblem {
  const quotes = text.split('"').length - 1;
  if (quotes % 2 === 1) {
    const start = text.lastIndexOf('"');
    return { start, end: text.length, message: 'The quotation mark has no other at the end.' };
  }
  const colon = /^[^":]*(?=:)/.exec(text)?.[0].length;
  const value = text.slice(colon === undefined ? 0 : colon + 1).replaceAll('"', '');
  const bad = (start: number, message: string): QueryProblem => ({ start, end: text.length, message });
  if (colon === undefined) {
    if (value === '') return bad(0, 'There is nothing to look for.');
    return { condition: { key: 'word', text: value.toLowerCase() } };
  }
  const key = text.slice(0, colon).toLowerCase();
  const read = key === '' ? tagCondition : Object.hasOwn(keys, key) ? keys[key] : undefined;
  if (read === undefined) return { start: 0, end: colon + 1, message: unknownKey(key) };
  if (value === '') return { start: 0, end: colon + 1, message: `There is nothing after "${key}:".` };
  const condition = read(value, list);
  return typeof condition === 'string' ? bad(colon + 1, condition) : { condition };
}

function tagCondition(value: string): Condition | string {
  const isStart = value.endsWith('*');
  const text = isStart ? value.slice(0, -1) : value;
  return parseTag(text) === undefined
    ? `"${value}" is no tag; write :latest, or :v1.* for all that begin so.`
    : { key: 'tag', text, isStart };
}

function platformPart(key: 'arch' | 'os') {
  return (value: string): Condition | string =>
    /^[\w.-]+(?:\/[\w.-]+)?$/.test(value)
      ? { key, value: value.toLowerCase() }
      : `"${value}" is none; write arch:arm64, arch:arm/v7 or os:linux.`;
}

const millisecondsOf = {
  s: 1e3,
  m: 60e3,
  h: 3600e3,
  d: 24 * 3600e3,
  w: 7 * 24 * 3600e3,
  y: 365 * 24 * 3600e3,
};

function age(key: 'pushed' | 'pulled') {
  return (value: string): Condition | string => {
    const [, order, count, unit = ''] = /^([<>])(\d{1,6}(?:\.\d{1,3})?)([smhdwy])$/i.exec(value) ?? [];
    const ms = Number(count) * millisecondsOf[unit.toLowerCase() as keyof typeof millisecondsOf];
    if (isOrder(order) && Number.isFinite(ms)) return { key, order, ageMs: Math.round(ms) };
    const never = key === 'pulled' ? ', or pulled:never' : '';
    return `"${value}" is no age; write ${key}:<7d or ${key}:>90d${never}.`;
  };
}

function digest(algorithm: 'sha256' | 'sha512', length: number) {
  return (value: string): Condition | string =>
    /^[0-9a-f]+$/i.test(value) && value.length <= length
      ? { key: 'digest', start: `${algorithm}:${value.toLowerCase()}` }
      : `A digest is up to ${length} of the digits 0-9 and a-f.`;
}

function isOrder(text: string | undefined): text is '<' | '>' {
  return text === '<' || text === '>';
}

function notOneOf(value: string, known: readonly string[]): string {
  const near = nearest(value.toLowerCase(), known);
  return near === undefined
    ? `"${value}" is none of ${known.join(', ')}.`
    : `"${value}" is unknown; did you mean ${near}?`;
}

function unknownKey(key: string): string {
  const known = Object.keys(keys);
  const near = nearest(key, known);
  return near === undefined
    ? `"${key}:" is no key; there are ${known.map((each) => `${each}:`).join(' ')} and :tag. Quote a word with a colon.`
    : `"${key}:" is no key; did you mean ${near}:?`;
}

/** QUERY_INVALID: the first problem is its sentence, unless the hint shows them; all of them are its detail. */
export function invalidQuery(problems: readonly QueryProblem[], hint?: string): AppError {
  const [first] = problems;
  return new AppError('QUERY_INVALID', {
    ...(hint === undefined ? first && { message: first.message } : { hint }),
    detail: { problems },
  });
}
