import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AuditRow } from '../spec/audit.ts';
import { createFailedBefore } from './failed-before.ts';

function row(
  minute: number,
  kind: AuditRow['kind'],
  { without, ...more }: Partial<AuditRow> & { readonly without?: keyof AuditRow } = {},
): AuditRow {
  const at = new Date(Date.UTC(2026, 2, 1, 10, minute)).toISOString();
  const outcome = kind === 'pushed' ? 'done' : 'failed';
  const base = { user: 'ci', repository: 'team/api', requestId: `r${minute}` };
  const all = { id: `${minute}`, at, kind, outcome, ...base, ...more } as const;
  return Object.fromEntries(Object.entries(all).filter(([name]) => name !== without)) as unknown as AuditRow;
}

for (const { name, rows, found } of [
  {
    name: 'that was refused before',
    rows: [row(0, 'writeRefused'), row(1, 'writeRefused'), row(2, 'pushed')],
    found: ['r1'],
  },
  {
    name: 'whose login failed before, wherever that was',
    rows: [row(0, 'loginFailed', { without: 'repository' }), row(2, 'pushed')],
    found: ['r0'],
  },
  {
    name: 'of another user or repository, or without a request',
    rows: [
      row(0, 'writeRefused', { user: 'anna' }),
      row(1, 'writeRefused', { repository: 'team/web' }),
      row(2, 'loginFailed', { without: 'requestId' }),
      row(3, 'pushed'),
    ],
    found: [],
  },
  {
    name: 'that follows another push, or comes an hour later',
    rows: [
      row(0, 'writeRefused'),
      row(1, 'pushed'),
      row(2, 'pushed'),
      row(3, 'writeRefused'),
      row(64, 'pushed'),
    ],
    found: ['r0'],
  },
]) {
  test(`the failure before a push ${name}`, () => {
    const before = createFailedBefore();

    assert.deepEqual(
      rows.flatMap((each) => before.note(each) ?? []),
      found,
    );
  });
}

test('only the last thousand failures are kept', () => {
  const before = createFailedBefore();
  for (let n = 0; n <= 1000; n += 1) before.note(row(0, 'writeRefused', { user: `u${n}` }));

  const [first, second] = ['u0', 'u1'].map((user) => before.note(row(1, 'pushed', { user })));

  assert.deepEqual([first, second], [undefined, 'r0']);
});
