/** What happens: transfers, the audit, and what clients do wrong. */
import type { Audit, AuditQuery } from '../derived/audit.ts';
import type { Cards } from '../feed/cards.ts';
import type { Sessions } from '../feed/sessions.ts';
import type { Tickets } from '../feed/tickets.ts';
import type { Volume } from '../feed/volume.ts';
import type { activityArguments } from '../spec/admin/activity.ts';
import { auditCsvHead, auditCsvLine } from '../spec/audit.ts';
import type { AuditEvents } from '../spec/events.ts';
import { giveTicket, textOf, today } from './downloads.ts';
import type { MethodsOf } from './server.ts';

export interface ActivityDeps {
  readonly sessions: Sessions;
  readonly volume: Pick<Volume, 'hours'>;
  readonly audit: Pick<Audit, 'list'>;
  readonly tickets: Tickets;
  readonly cards: Cards;
  readonly audited: AuditEvents['audited'];
}

export function createActivityMethods({
  sessions,
  volume,
  audit,
  tickets,
  cards,
  audited,
}: ActivityDeps): MethodsOf<typeof activityArguments> {
  async function exportPage({ format, ...query }: AuditQuery & { readonly format: 'ndjson' | 'csv' }) {
    const { rows, ...more } = await audit.list(query);
    const head = format === 'csv' && query.after === undefined ? auditCsvHead : '';
    const lines = rows.map((row) => (format === 'csv' ? auditCsvLine(row) : `${JSON.stringify(row)}\n`));
    return { text: head + lines.join(''), ...more };
  }

  return {
    'sessions.list': async () => sessions.list(),
    async 'sessions.cancel'({ id }, { actor }) {
      const { requests, row } = sessions.cancel(id);
      if (requests > 0) {
        const { repository, tag, kind, user, client, address } = row;
        await audited({
          kind: 'transferEnded',
          actor,
          repository,
          ...(tag === undefined ? {} : { tag }),
          subject: user,
          detail: `the ${kind} of ${client} at ${address}`,
        });
      }
      return { requests };
    },
    'traffic.get': async () => volume.hours(),
    'audit.list': (args, { signal }) => audit.list({ ...args, signal }),
    'audit.export': (query, { signal }) => exportPage({ ...query, signal }),
    async 'audit.download'(query, { actor }) {
      return giveTicket(tickets, {
        fileName: `berth-audit-${today()}.${query.format}`,
        mediaType: query.format === 'csv' ? 'text/csv; charset=utf-8' : 'application/x-ndjson',
        actor,
        open: (signal) => textOf((after) => exportPage({ ...query, after, limit: 1000, signal })),
      });
    },
    'cards.list': async () => cards.list(),
    async 'cards.dismiss'({ id }) {
      cards.dismiss(id);
      return { id };
    },
  };
}
