import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FileRow } from '../../../registry/spec/admin/image.ts';
import { type Directory, treeOf } from './file-tree.ts';

const entry = (path: string, type: FileRow['type'] = 'file'): FileRow => ({
  path,
  type,
  size: 0,
  isOpaque: false,
});

test('open directories have what is known of them below', () => {
  const directories = new Map<string, Directory>([
    [
      '',
      { rows: [entry('a', 'directory'), entry('b', 'directory'), entry('c')], total: 3, isLoading: false },
    ],
    ['a', { rows: [entry('a/x')], total: 9, next: 'a/x', isLoading: false }],
    ['b', { rows: [entry('b/y')], total: 1, isLoading: false }],
  ]);

  const rows = treeOf(directories, new Set(['a', 'gone']));

  assert.deepEqual(
    rows.map((row) => [row.level, row.kind === 'file' ? row.file.path : `rest of ${row.path}`]),
    [
      [1, 'a'],
      [2, 'a/x'],
      [2, 'rest of a'],
      [1, 'b'],
      [1, 'c'],
    ],
  );
});
