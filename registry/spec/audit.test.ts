import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { auditCsvHead, auditCsvLine, type AuditRow } from './audit.ts';

const row: AuditRow = { id: '2026-07:0', at: '2026-07-01T00:00:00.000Z', kind: 'pushed', outcome: 'done' };

/** RFC 4180, read the other way round. */
function cellsOf(line: string): readonly string[] {
  return [...line.replace(/\r\n$/, '').matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^",]*))/g)].map(
    ([, quoted, bare]) => quoted?.replaceAll('""', '"') ?? bare ?? '',
  );
}

test('a row has the columns of the head', () => {
  const cells = cellsOf(auditCsvLine({ ...row, user: 'anna', count: 3, requestId: 'r' }));

  assert.equal(cells.length, cellsOf(auditCsvHead).length);
  assert.deepEqual(
    cells.filter((cell) => cell !== ''),
    ['2026-07-01T00:00:00.000Z', 'pushed', 'done', 'anna', '3', 'r'],
  );
});

for (const text of ['=1+1', '+1', '-1', '@SUM(A1)', '\t=1', '  =1', '|calc', '%0', '\r=1', '\n=1']) {
  test(`${JSON.stringify(text)} is no formula in a table`, () => {
    assert.equal(cellsOf(auditCsvLine({ ...row, detail: text }))[11], `'${text}`);
  });
}

test('any text comes back, with a quote before it at most', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const cell = cellsOf(auditCsvLine({ ...row, subject: text }))[10] ?? '';
      assert.ok(cell === text || cell === `'${text}`);
      assert.doesNotMatch(cell, /^\s*[=+\-@|%]/);
    }),
  );
});
