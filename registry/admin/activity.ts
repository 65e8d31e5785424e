/** What happens: transfers, the audit, and what clients do wrong. */
import type { Audit } from '../derived/audit.ts';
import type { Cards } from '../feed/cards.ts';
import type { Sessions } from '../feed/sessions.ts';
import type { activityArguments } from '../spec/admin/activity.ts';
import { auditCsvHead, auditCsvLine } from '../spec/audit.ts';
import type { AuditEvents } from '../spec/events.ts';
import type { MethodsOf } from './server.ts';

export interface ActivityDeps {
  readonly sessions: Sessions;
  readonly audit: Pick<Audit, 'list'>;
  readonly cards: Cards;
  readonly audited: AuditEvents['audited'];
}

export function createActivityMethods({
  sessions,
  audit,
  cards,
  audited,
}: ActivityDeps): MethodsOf<typeof activityArguments> {
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
    'audit.list': (args, { signal }) => audit.list({ ...args, signal }),
    async 'audit.export'({ format, ...args }, { signal }) {
      const { rows, ...more } = await audit.list({ ...args, signal });
      const head = format === 'csv' && args.after === undefined ? auditCsvHead : '';
      const lines = rows.map((row) => (format === 'csv' ? auditCsvLine(row) : `${JSON.stringify(row)}\n`));
      return { text: head + lines.join(''), ...more };
    },
    'cards.list': async () => cards.list(),
    async 'cards.dismiss'({ id }) {
      cards.dismiss(id);
      return { id };
    },
  };
}
