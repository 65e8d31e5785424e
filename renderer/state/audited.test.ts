import assert from 'node:assert/strict';
import { test } from 'node:test';
import { QueryClient } from '@tanstack/react-query';
import type { AdminInput } from '../../registry/spec/admin-api.ts';
import type { AuditRow } from '../../registry/spec/audit.ts';
import { addAudited, isWanted } from './audited.ts';

function row(id: string, more: Partial<AuditRow> = {}): AuditRow {
  return { id, at: '2026-03-01T10:00:00.000Z', kind: 'pushed', outcome: 'done', user: 'dev', ...more };
}

test('a line goes to the top of each list that wants it, and is there once', () => {
  const queries = new QueryClient();
  const all = ['audit.list', {}, 'rows'];
  const ofAnna = ['audit.list', { user: 'anna' }, 'rows'];
  const page = ['audit.list', { limit: 5 }];
  for (const key of [all, ofAnna])
    queries.setQueryData(key, { pages: [{ rows: [row('1')], next: 'x' }, { rows: [] }], pageParams: [] });
  queries.setQueryData(page, { rows: [row('1')] });

  addAudited(queries, [row('1'), row('2'), row('3', { user: 'anna' })]);

  const ids = (key: readonly unknown[]): unknown => {
    const data = queries.getQueryData(key) as { pages?: { rows: AuditRow[] }[]; rows?: AuditRow[] };
    return (data.pages ?? [{ rows: data.rows ?? [] }]).map(({ rows }) => rows.map(({ id }) => id));
  };
  assert.deepEqual(
    [ids(all), ids(ofAnna), ids(page)],
    [[['3', '2', '1'], []], [['3', '1'], []], [['3', '2', '1']]],
  );
});

test('a list wants what the registry would answer', () => {
  const line = row('1', { repository: 'team/api', detail: 'The Disk is full' });
  const filters: readonly (readonly [AdminInput<'audit.list'>, boolean])[] = [
    [{}, true],
    [{ kind: 'pushed', user: 'dev', repository: 'team/api' }, true],
    [{ kind: 'restored' }, false],
    [{ user: 'de' }, false],
    [{ repository: 'team' }, false],
    [{ q: 'disk IS' }, true],
    [{ q: 'nothing' }, false],
    [{ since: '2026-03-01T10:00:00.000Z', until: '2026-03-01T10:00:00.000Z' }, true],
    [{ since: '2026-03-01T10:00:00.001Z' }, false],
    [{ until: '2026-03-01T09:59:59.999Z' }, false],
  ];

  assert.deepEqual(
    filters.map(([filter]) => isWanted(filter, line)),
    filters.map(([, wanted]) => wanted),
  );
});
