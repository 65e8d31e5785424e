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
  readonly status: () => Promise<StatusRow>;
  /** Asks the program that the registry is part of to end. */
  readonly stop: () => void;
  readonly isReadOnly: () => boolean;
}

export function createProcessMethods({
  feed,
  tasks,
  log,
  status,
  stop,
}: ProcessDeps): MethodsOf<typeof processArguments> {
  return {
    'status.get': () => status(),
    async 'process.stop'(_, { actor }) {
      log.info('stopAsked', 'the control plane was asked to stop', { 'auth.user.name': actor.user });
      stop();
      return { pid: process.pid };
    },
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
