import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Outcome, readSections, renderElsewhere, renderPage, renderRow } from './page.ts';
import type { Row } from './programme.ts';

const row: Row = {
  id: 'X1',
  title: 'a row',
  target: '0 lost',
  shortfall: 'of the machine',
  files: ['x.test.ts'],
  env: { RUNS: '100', OTHER: '1' },
};
const outcome: Outcome = {
  smaller: [],
  passed: 2,
  failed: [],
  figures: ['100 runs: 0 lost'],
  seconds: 61,
  at: new Date('2026-01-02T03:04:05Z'),
  machine: 'Linux',
};

test('a row says its target, what is not reached, and what was seen', () => {
  assert.equal(
    renderRow(row, outcome),
    `## X1 a row

Target: 0 lost.

Not reached: of the machine.

2 tests passed in 61 s, 2026-01-02, Linux: \`npm run test:full X1\`

- 100 runs: 0 lost
`,
  );
});

test('a row that was run smaller, or failed, says so', () => {
  const text = renderRow(row, { ...outcome, smaller: ['RUNS=5'], failed: ['it holds'] });

  assert.match(text, /^Not the whole of it: run with RUNS=5 in place of RUNS=100\.$/m);
  assert.match(text, /^\*\*Failed\*\*: it holds \(2 passed\) in .*: `RUNS=5 npm run test:full X1`$/m);
});

test('a row that takes hours says how many where less was run', () => {
  const text = renderRow({ ...row, takes: 'two hours' }, { ...outcome, smaller: ['RUNS=5'] });

  assert.match(
    text,
    /^Not the whole of it, which takes two hours on two processors: run with RUNS=5 in place of RUNS=100\.$/m,
  );
});

test('the sections of a page are read again', () => {
  const sections = [
    renderRow(row, outcome),
    renderElsewhere({ ...row, id: 'X2' }, { command: 'npm run x', page: 'x.md' }),
  ];

  assert.deepEqual(
    readSections(renderPage(sections)),
    sections.map((text, at) => [`X${at + 1}`, text]),
  );
});
