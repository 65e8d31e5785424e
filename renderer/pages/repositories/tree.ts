/** Repositories by their namespaces: the parts of a name before its last slash. */
import type { RepositoryRow } from '../../../registry/spec/admin/content.ts';

export type RepositoryNode =
  | { readonly kind: 'repository'; readonly key: string; readonly level: number; readonly row: RepositoryRow }
  | {
      readonly kind: 'namespace';
      /** `team/`: no repository ends with a slash. */
      readonly key: string;
      readonly level: number;
      readonly repositories: number;
      readonly tagCount: number;
      readonly exclusiveBytes: number;
      readonly isExpanded: boolean;
    };

interface Namespace {
  readonly key: string;
  readonly level: number;
  readonly entries: (Namespace | RepositoryRow)[];
  readonly namespaces: Map<string, Namespace>;
  repositories: number;
  tagCount: number;
  exclusiveBytes: number;
}

/** One node for each repository, in their order. */
export function listOf(rows: readonly RepositoryRow[]): readonly RepositoryNode[] {
  return rows.map((row) => ({ kind: 'repository', key: row.name, level: 1, row }));
}

/**
 * The same below their namespaces. A namespace stands where the first of its repositories would; what is below those in
 * `collapsed` is left out.
 */
export function treeOf(
  rows: readonly RepositoryRow[],
  collapsed: ReadonlySet<string>,
): readonly RepositoryNode[] {
  const top = newNamespace('', 0);
  for (const row of rows) {
    let place = top;
    count(place, row);
    for (const part of row.name.split('/').slice(0, -1)) {
      place = below(place, part);
      count(place, row);
    }
    place.entries.push(row);
  }
  return [...nodesIn(top, collapsed)];
}

function newNamespace(key: string, level: number): Namespace {
  return {
    key,
    level,
    entries: [],
    namespaces: new Map(),
    repositories: 0,
    tagCount: 0,
    exclusiveBytes: 0,
  };
}

function count(place: Namespace, { tagCount, exclusiveBytes }: RepositoryRow): void {
  place.repositories += 1;
  place.tagCount += tagCount;
  place.exclusiveBytes += exclusiveBytes;
}

function below(place: Namespace, part: string): Namespace {
  const known = place.namespaces.get(part);
  if (known !== undefined) return known;
  const made = newNamespace(`${place.key}${part}/`, place.level + 1);
  place.namespaces.set(part, made);
  place.entries.push(made);
  return made;
}

function* nodesIn(place: Namespace, collapsed: ReadonlySet<string>): Generator<RepositoryNode> {
  for (const entry of place.entries) {
    if ('name' in entry) {
      yield { kind: 'repository', key: entry.name, level: place.level + 1, row: entry };
      continue;
    }
    const { key, level, repositories, tagCount, exclusiveBytes } = entry;
    const isExpanded = !collapsed.has(key);
    yield { kind: 'namespace', key, level, repositories, tagCount, exclusiveBytes, isExpanded };
    if (isExpanded) yield* nodesIn(entry, collapsed);
  }
}
