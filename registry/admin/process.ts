/** The process itself: its state, its log, what it is busy with. */
import type { Feed } from '../feed/feed.ts';
import type { Tasks } from '../feed/tasks.ts';
import type { Logger } from '../log/logger.ts';
import type { processArguments, StatusRow } from '../spec/admin/process.ts';
import type { MethodsOf } from './server.ts';

export interface ProcessDeps {
  readonly feed: Feed;
  readonly tasks: Tasks;
  readonly log: Logger;
  readonly status: () => StatusRow;
}

export function createProcessMethods({
  feed,
  tasks,
  log,
  status,
}: ProcessDeps): MethodsOf<typeof processArguments> {
  return {
    'status.get': async () => status(),
    'logs.levels': async () => log.levels(),
    async 'logs.setLevel'({ sys, level }) {
      log.setLevel(sys, level);
      feed.publish({ kind: 'levelsChanged' });
      return log.levels();
    },
    'tasks.list': async () => tasks.list(),
    async 'tasks.cancel'({ id }) {
      tasks.cancel(id);
      return { id };
    },
  };
}
