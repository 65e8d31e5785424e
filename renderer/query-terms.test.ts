import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hasTerm, toggleTerm } from './query-terms.ts';

test('a term is put in, found and taken out', () => {
  const table: readonly (readonly [query: string, term: string, toggled: string, had: boolean])[] = [
    ['', 'is:stale', 'is:stale', false],
    ['api', 'is:stale', 'api is:stale', false],
    ['api is:stale :1', 'is:stale', 'api :1', true],
    ['-is:stale api', 'is:stale', 'api is:stale', false],
    ['is:stale', '-is:stale', '-is:stale', false],
    ['"is:stale"', 'is:stale', '"is:stale" is:stale', false],
    ['"two words" is:stale', 'is:stale', '"two words"', true],
    ['is:stale is:stale', 'is:stale', '', true],
  ];

  const found = table.map(([query, term]) => [query, term, toggleTerm(query, term), hasTerm(query, term)]);

  assert.deepEqual(found, table);
});
