/** Lines of the audit that were written, brought into the lists that want them: long lists need not be read anew. */
import type { InfiniteData, QueryClient } from '@tanstack/react-query';
import type { AuditPage } from '../../registry/spec/admin/activity.ts';
import type { AdminInput } from '../../registry/spec/admin-api.ts';
import type { AuditRow } from '../../registry/spec/audit.ts';
import { checkRepository } from '../../registry/spec/names.ts';

type Listed = AuditPage | InfiniteData<AuditPage>;

/** `rows` are in the order in which they were written. */
export function addAudited(queries: QueryClient, rows: readonly AuditRow[]): void {
  if (rows.length === 0) return;
  for (const query of queries.getQueryCache().findAll({ queryKey: ['audit.list'] })) {
    const wanted = rows.filter((row) => isWanted(query.queryKey[1] as AdminInput<'audit.list'>, row));
    if (wanted.length === 0) continue;
    const data = query.state.data as Listed | undefined;
    // What is being read may have been answered before the lines were written.
    if (data === undefined || query.state.fetchStatus !== 'idle')
      void queries.invalidateQueries({ queryKey: query.queryKey, exact: true });
    else queries.setQueryData<Listed>(query.queryKey, withRows(data, wanted.toReversed()));
  }
}

function withRows(data: Listed, added: readonly AuditRow[]): Listed {
  if (!('pages' in data)) return before(data, added);
  const [first = { rows: [] }, ...rest] = data.pages;
  return { ...data, pages: [before(first, added), ...rest] };
}

function before(page: AuditPage, added: readonly AuditRow[]): AuditPage {
  const known = new Set(page.rows.map(({ id }) => id));
  return { ...page, rows: [...added.filter(({ id }) => !known.has(id)), ...page.rows] };
}

/** As the registry decides it: derived/audit.ts. */
export function isWanted(
  { kind, user, repository, since, until, q, withoutChecks = false }: AdminInput<'audit.list'>,
  row: AuditRow,
): boolean {
  const at = Date.parse(row.at);
  const word = q?.toLowerCase() ?? '';
  return (
    (kind === undefined || row.kind === kind) &&
    (user === undefined || row.user === user) &&
    (repository === undefined || row.repository === repository) &&
    (since === undefined || at >= Date.parse(since)) &&
    (until === undefined || at <= Date.parse(until)) &&
    !(withoutChecks && row.repository === checkRepository && row.outcome === 'done') &&
    Object.entries(row).some(([name, value]) => name !== 'id' && String(value).toLowerCase().includes(word))
  );
}
