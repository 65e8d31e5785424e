/** The process itself: its state, its log, what it is busy with. */
import type { Feed } from '../feed/feed.ts';
import type { Tasks } from '../feed/tasks.ts';
import type { Tickets } from '../feed/tickets.ts';
import { recordFilter, type RecordFilter } from '../log/filter.ts';
import type { Logger } from '../log/logger.ts';
import type { LogPage, ReadLogOptions } from '../log/read.ts';
import type { Reverts } from '../log/reverts.ts';
import type { processArguments, StatusRow } from '../spec/admin/process.ts';
import type { AuditEvents } from '../spec/events.ts';
import { giveTicket, textOf, today } from './downloads.ts';
import type { MethodsOf } from './server.ts';

export interface ProcessDeps {
  readonly feed: Feed;
  readonly tasks: Tasks;
  readonly log: Logger;
  readonly reverts: Reverts;
  /** Reads the log files once all that was logged before is in them. */
  readonly readLog: (options: Omit<ReadLogOptions, 'path'>) => Promise<LogPage>;
  readonly tickets: Tickets;
  readonly audited: AuditEvents['audited'];
  readonly status: () => Promise<StatusRow>;
  /** Asks the program that the registry is part of to end, for a user. */
  readonly stop: (user: string) => void;
  readonly isReadOnly: () => boolean;
}

export function createProcessMethods({
  feed,
  tasks,
  log,
  reverts,
  readLog,
  tickets,
  audited,
  status,
  stop,
}: ProcessDeps): MethodsOf<typeof processArguments> {
  return {
    'status.get': () => status(),
    async 'process.stop'(_, { actor }) {
      log.info('stopAsked', 'the control plane was asked to stop', { 'auth.user.name': actor.user });
      stop(actor.user);
      return { pid: process.pid };
    },
    'logs.levels': async () => log.levels(),
    async 'logs.setLevel'({ sys, level, forMs }, { actor }) {
      reverts.set(sys, level, forMs);
      feed.publish({ kind: 'levelsChanged' });
      const detail = forMs === undefined ? level : `${level} for ${Math.round(forMs / 1000)} s`;
      await audited({ kind: 'levelChanged', actor, subject: sys, detail });
      return log.levels();
    },
    'logs.reverts': async () => reverts.list(),
    'logs.export': ({ format, after, ...filter }, { signal }) =>
      readLog({ ...wanted(filter), format, after, signal }),
    async 'logs.download'({ format, ...filter }, { actor }) {
      const options = { ...wanted(filter), format };
      return giveTicket(tickets, {
        fileName: `berth-${today()}.${format === 'json' ? 'ndjson' : 'log'}`,
        mediaType: format === 'json' ? 'application/x-ndjson' : 'text/plain; charset=utf-8',
        actor,
        open: (signal) =>
          textOf(async (after) => {
            const { lines, next } = await readLog({ ...options, after, signal });
            return { text: lines.join(''), next };
          }),
      });
    },
    'tasks.list': async () => tasks.list(),
    async 'tasks.cancel'({ id }) {
      tasks.cancel(id);
      return { id };
    },
  };
}

/** What the log is read for. */
function wanted(filter: RecordFilter) {
  const { since } = filter;
  return {
    isWanted: recordFilter(filter),
    ...(since === undefined ? {} : { sinceMs: Date.parse(since) }),
  };
}
