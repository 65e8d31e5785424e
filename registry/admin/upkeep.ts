/** The room that content takes: usage, collection, index. */
import type { Index } from '../derived/index-db.ts';
import type { Feed } from '../feed/feed.ts';
import type { Tasks } from '../feed/tasks.ts';
import type { Quotas } from '../rules/quotas.ts';
import type { upkeepArguments } from '../spec/admin/upkeep.ts';
import type { Store } from '../store/store.ts';
import type { MethodsOf } from './server.ts';

export interface UpkeepDeps {
  readonly store: Store;
  readonly index: Index;
  readonly feed: Feed;
  readonly tasks: Tasks;
  readonly quotas: Pick<Quotas, 'rows'>;
  /** Free bytes of the disk, where that is known. */
  readonly freeBytes: () => Promise<number | undefined>;
  /** @throws AppError STORAGE_READ_ONLY */
  readonly mustBeWritable: () => void;
}

export function createUpkeepMethods({
  store,
  index,
  feed,
  tasks,
  quotas,
  freeBytes: readFreeBytes,
  mustBeWritable,
}: UpkeepDeps): MethodsOf<typeof upkeepArguments> {
  return {
    async 'usage.get'(_, { signal }) {
      const [plan, freeBytes] = await Promise.all([store.collector.plan({ signal }), readFreeBytes()]);
      return {
        ...index.usage(),
        trashBytes: plan.trashBytes,
        reclaimableBytes: plan.bytes,
        quotas: quotas.rows(),
        ...(freeBytes === undefined ? {} : { freeBytes }),
      };
    },
    'collect.plan': (_, { signal }) => store.collector.plan({ signal }),
    async 'collect.run'(_, { signal, actor: { user } }) {
      mustBeWritable();
      const result = await tasks.run({ kind: 'collect', unit: 'items', signal, user }, (task) =>
        store.collector.collect(task),
      );
      feed.publish({ kind: 'collected', bytes: result.bytes });
      return result;
    },
    'index.rebuild': (_, { signal, actor: { user } }) =>
      tasks.run({ kind: 'rebuild', unit: 'items', signal, user }, (task) => index.rebuild(task)),
  };
}
