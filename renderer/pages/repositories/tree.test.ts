import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RepositoryRow } from '../../../registry/spec/admin/content.ts';
import { type RepositoryNode, treeOf } from './tree.ts';

const rows = ['web', 'team/api', 'team', 'library/base/alpine', 'team/ui', 'library/redis'].map(
  (name, index): RepositoryRow => ({
    name,
    isMultiPlatform: false,
    tagCount: 1,
    untaggedCount: 0,
    exclusiveBytes: 10 ** index,
    sharedBytes: 0,
    pulls30d: [],
  }),
);

test('namespaces stand where their first repository would, with sums of all below', () => {
  assert.deepEqual(treeOf(rows, new Set()).map(lineOf), [
    'web',
    'team/ 2 tags of 2, 10010 bytes',
    '  team/api',
    '  team/ui',
    'team',
    'library/ 2 tags of 2, 101000 bytes',
    '  library/base/ 1 tags of 1, 1000 bytes',
    '    library/base/alpine',
    '  library/redis',
  ]);
});

test('what is below a collapsed namespace is left out', () => {
  assert.deepEqual(treeOf(rows, new Set(['team/', 'library/base/'])).map(lineOf), [
    'web',
    'team/ 2 tags of 2, 10010 bytes',
    'team',
    'library/ 2 tags of 2, 101000 bytes',
    '  library/base/ 1 tags of 1, 1000 bytes',
    '  library/redis',
  ]);
});

function lineOf(node: RepositoryNode): string {
  const about =
    node.kind === 'repository'
      ? ''
      : ` ${node.tagCount} tags of ${node.repositories}, ${node.exclusiveBytes} bytes`;
  return `${'  '.repeat(node.level - 1)}${node.key}${about}`;
}
