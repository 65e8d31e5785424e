import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { formatTable } from './table.ts';

const head = ['NAME', 'DIGEST'];
const rows = [
  ['team/api', 'sha256:0123456789abcdef'],
  ['x', 'sha256:fedcba'],
];

test('a terminal shows aligned columns under a head, a pipe gets whole cells with tabs', () => {
  assert.equal(
    formatTable(head, rows, { isTTY: true }),
    'NAME      DIGEST\nteam/api  sha256:0123456789abcdef\nx         sha256:fedcba\n',
  );
  assert.equal(
    formatTable(head, rows, { isTTY: false, columns: 10 }),
    'team/api\tsha256:0123456789abcdef\nx\tsha256:fedcba\n',
  );
  assert.equal(formatTable(head, [], { isTTY: true }), 'NAME  DIGEST\n');
});

test('the widest columns give way on a narrow terminal', () => {
  assert.equal(
    formatTable(head, rows, { isTTY: true, columns: 24 }),
    'NAME      DIGEST\nteam/api  sha256:012345…\nx         sha256:fedcba\n',
  );
});

test('a terminal gets times as people say them, a pipe as they are', () => {
  const time = new Date(Date.now() - 180_500).toISOString();

  assert.equal(formatTable(['WHEN'], [[time]], { isTTY: true }), 'WHEN\n3 minutes ago\n');
  assert.equal(formatTable(['WHEN'], [[time]], { isTTY: false }), `${time}\n`);
});

test('names of others neither draw on the terminal nor make columns', () => {
  const hostile = [['a\u001b[2Jb', 'c\td\ne\u202ef']];

  assert.equal(formatTable(head, hostile, { isTTY: false }), 'a\\x1b[2Jb\tc\\x09d\\x0ae\\u{202e}f\n');
});

test('no line is wider than the terminal that has room for the narrowest columns', () => {
  const cell = fc.string({ maxLength: 80 });
  const table = fc.integer({ min: 1, max: 6 }).chain((width) =>
    fc.record({
      rows: fc.array(fc.array(cell, { minLength: width, maxLength: width })),
      columns: fc.integer({ min: width * 10, max: 200 }),
    }),
  );
  fc.assert(
    fc.property(table, ({ rows: cells, columns }) => {
      const names = (cells[0] ?? ['x']).map((_, at) => `C${at}`);
      const text = formatTable(names, cells, { isTTY: true, columns });
      assert.ok(text.split('\n').every((line) => line.length <= columns));
      assert.equal(text.split('\n').length, cells.length + 2);
    }),
  );
});
