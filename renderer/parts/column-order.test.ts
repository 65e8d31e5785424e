import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inOrder, moved } from './column-order.ts';

const columns = ['name', 'kind', 'size', 'pushed'].map((id) => ({ id }));

for (const { name, order, ids } of [
  { name: 'without a choice they stand as they are', order: undefined, ids: 'name kind size pushed' },
  { name: 'a choice holds', order: ['size', 'name', 'pushed', 'kind'], ids: 'size name pushed kind' },
  {
    name: 'a new one follows its neighbour',
    order: ['pushed', 'size', 'name'],
    ids: 'pushed size name kind',
  },
  { name: 'a new first one stays first', order: ['pushed', 'size', 'kind'], ids: 'name pushed size kind' },
  { name: 'one that is gone takes no place', order: ['gone', 'size', 'name'], ids: 'size pushed name kind' },
]) {
  test(`columns: ${name}`, () => {
    assert.equal(
      inOrder(columns, order)
        .map(({ id }) => id)
        .join(' '),
      ids,
    );
  });
}

test('a column goes one place on, and no further than the end', () => {
  const go = (id: string, by: -1 | 1): string => moved(columns, id, by).join(' ');

  assert.deepEqual(
    [go('kind', 1), go('kind', -1), go('name', -1), go('pushed', 1)],
    ['name size kind pushed', 'kind name size pushed', 'name kind size pushed', 'name kind size pushed'],
  );
});
