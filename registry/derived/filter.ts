/**
 * Terms of a query as conditions of SQL. Those of repositories ask columns and `repository_facet`, so their cost does not
 * grow with the number of tags; those of tags ask columns that each index of their order holds, and digests.
 */
import { assertNever } from '../spec/errors.ts';
import { invalidQuery, parseQuery, type QueriedList, staleMs, type Term } from '../spec/query.ts';
import type { Value } from './statements.ts';

/** A condition and the values of its question marks. */
export interface Condition {
  readonly sql: string;
  readonly values: readonly Value[];
}

/**
 * Answers the conditions of a query; none for an empty one.
 * @throws AppError QUERY_INVALID
 */
export function filterOf(list: QueriedList, q: string | undefined, now: number): readonly Condition[] {
  const { terms, problems } = parseQuery(q ?? '', list);
  if (problems.length > 0) throw invalidQuery(problems);
  const conditionOf = list === 'tags' ? tagCondition : repositoryCondition;
  return terms.map(({ condition, isNegated }) => {
    const { sql, values } = conditionOf(condition, now);
    return { sql: isNegated ? `NOT (${sql})` : sql, values };
  });
}

type Asked = Term['condition'];

function repositoryCondition(asked: Asked, now: number): Condition {
  switch (asked.key) {
    case 'word':
      return { sql: 'instr(name, ?) > 0', values: [asked.text] };
    case 'tag':
      return within('tag', named(asked));
    case 'digest':
      return within('manifest', startsWith('digest', asked.start, 'g'));
    case 'arch':
    case 'os':
    case 'by':
      return hasFacet(`${asked.key}:${asked.value}`);
    case 'kind':
      return asked.value === 'mixed'
        ? { sql: `artifact_kind IS 'mixed'`, values: [] }
        : hasFacet(`kind:${asked.value}`);
    case 'is':
      if (asked.state === 'untagged') return { sql: 'untagged_count > 0', values: [] };
      if (asked.state === 'signed') return hasFacet('is:signed', 'is:unsigned');
      return asked.state === 'stale' ? stale(now) : hasFacet(`is:${asked.state}`);
    case 'pushed':
    case 'pulled':
    case 'neverPulled':
    case 'size':
      return rankCondition(asked, now);
    default:
      return assertNever(asked);
  }
}

function tagCondition(asked: Asked, now: number): Condition {
  switch (asked.key) {
    case 'word':
      // Without regard to case, as LIKE is for the letters that tags have.
      return { sql: `name LIKE ? ESCAPE '\\'`, values: [`%${asked.text.replaceAll(/[\\%_]/g, '\\$&')}%`] };
    case 'tag':
      return named(asked);
    case 'digest':
      return startsWith('digest', asked.start, 'g');
    case 'arch':
    case 'os':
    case 'by':
    case 'kind':
      return isFacet(`${asked.key}:${asked.value}`);
    case 'is':
      return asked.state === 'stale' ? stale(now) : isFacet(`is:${asked.state}`);
    case 'pushed':
    case 'pulled':
    case 'neverPulled':
    case 'size':
      return rankCondition(asked, now);
    default:
      return assertNever(asked);
  }
}

type Ranked = Extract<Asked, { readonly key: 'pushed' | 'pulled' | 'neverPulled' | 'size' }>;

/** By the ranks, which have indexes: they grow with the age and fall with the size; 0 stands for never. */
function rankCondition(asked: Ranked, now: number): Condition {
  switch (asked.key) {
    case 'pushed':
    case 'pulled': {
      const rank = `${asked.key}_rank`;
      const then = asked.ageMs - now;
      return asked.order === '<'
        ? { sql: `${rank} < ?`, values: [then] }
        : { sql: `${rank} > ? AND ${rank} < 0`, values: [then] };
    }
    case 'neverPulled':
      return { sql: 'pulled_rank = 0', values: [] };
    case 'size':
      return { sql: `size_rank ${asked.order === '<' ? '>' : '<'} ?`, values: [-asked.bytes] };
    default:
      return assertNever(asked);
  }
}

function stale(now: number): Condition {
  return { sql: 'pushed_rank > ? AND pulled_rank > ?', values: [staleMs - now, staleMs - now] };
}

function named({ text, isStart }: Extract<Asked, { readonly key: 'tag' }>): Condition {
  return isStart ? startsWith('name', text, '~') : { sql: 'name = ?', values: [text] };
}

/** `beyond` is a character that stands behind all that may follow. */
function startsWith(column: string, start: string, beyond: string): Condition {
  return { sql: `${column} >= ? AND ${column} < ?`, values: [start, `${start}${beyond}`] };
}

function within(table: string, { sql, values }: Condition): Condition {
  return { sql: `id IN (SELECT repository_id FROM ${table} WHERE ${sql})`, values };
}

/** The repositories of which a tag is so, and none is the other. */
function hasFacet(facet: string, but?: string): Condition {
  const has = 'SELECT repository_id FROM repository_facet WHERE facet = ?';
  if (but === undefined) return { sql: `id IN (${has})`, values: [facet] };
  return { sql: `id IN (${has} EXCEPT ${has})`, values: [facet, but] };
}

/** The list of a tag holds the facet between the quotation marks of JSON, which no facet has inside. */
function isFacet(facet: string): Condition {
  return {
    sql: 'facets_id IN (SELECT id FROM facet_list WHERE instr(facets, ?) > 0)',
    values: [JSON.stringify(facet)],
  };
}
