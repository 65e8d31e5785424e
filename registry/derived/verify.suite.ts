import { type Index, type IndexOptions, openIndex } from './index-db.ts';
import type { Page } from '../spec/admin/arguments.ts';
import type { RepoName } from '../spec/names.ts';
import type { Store } from '../store/store.ts';

/**
 * Compares every answer of an index with those of one that is read from the disk for that purpose, in memory. Answers what
 * differs, one line each; nothing may change meanwhile.
 */
export async function verifyIndex(
  index: Index,
  store: Store,
  options: Omit<IndexOptions, 'path'>,
): Promise<readonly string[]> {
  await using walked = await openIndex({ ...options, path: ':memory:' });
  walked.start(store);
  await walked.settled();
  const [have, want] = [answersOf(index), answersOf(walked)];
  const keys = [...new Set([...have.keys(), ...want.keys()])].toSorted();
  return keys
    .filter((key) => have.get(key) !== want.get(key))
    .map(
      (key) => `${key}: the index says ${have.get(key) ?? 'nothing'}, the disk ${want.get(key) ?? 'nothing'}`,
    );
}

const asked = ['is:signed', 'kind:image', 'arch:a1', 'by:dev', 'is:multiplatform', 'pulled:never'];

/** Every row of every list, as text by name. */
function answersOf(index: Index): ReadonlyMap<string, string> {
  const answers = new Map<string, string>();
  const set = (key: string, row: unknown): void => void answers.set(key, JSON.stringify(row));
  const limit = 1000;
  set('usage', index.usage());
  for (const repository of everyRow((after) => index.repositories({ sort: 'name', limit, after }))) {
    const { name } = repository;
    set(`repository ${name}`, repository);
    for (const q of asked) {
      const found = index.tags({ repository: name as RepoName, q, sort: 'name', limit: 1000 });
      set(
        `${q} in ${name}`,
        found.rows.map(({ tag }) => tag),
      );
    }
    const tags = [
      ...everyRow((after) => index.tags({ repository: name as RepoName, sort: 'name', limit, after })),
    ];
    for (const tag of tags) {
      set(`tag ${name}:${tag.tag}`, tag);
      set(`manifest ${name}@${tag.digest}`, index.manifest({ repository: name, digest: tag.digest }));
    }
    const listed = everyRow((after) =>
      index.manifests({ repository: name as RepoName, untagged: false, sort: 'size', limit, after }),
    );
    for (const row of listed) set(`listed ${name}@${row.digest}`, row);
    const moves = [...everyRow((after) => index.history({ repository: name as RepoName, limit, after }))];
    set(
      `history ${name}`,
      moves.toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1)),
    );
  }
  return answers;
}

function* everyRow<Row>(page: (after: string | undefined) => Page<Row>): Generator<Row> {
  let after: string | undefined;
  do {
    const { rows, next } = page(after);
    yield* rows;
    after = next;
  } while (after !== undefined);
}
