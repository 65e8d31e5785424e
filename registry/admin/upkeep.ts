/** The room that content takes: usage, collection, uploads, index. */
import type { Index } from '../derived/index-db.ts';
import type { Tasks } from '../feed/tasks.ts';
import type { Quotas } from '../rules/quotas.ts';
import type {
  CollectResult,
  CollectRunRow,
  upkeepArguments,
  UsageRow,
  UsageSample,
} from '../spec/admin/upkeep.ts';
import type { DiskRow } from '../spec/admin/process.ts';
import type { Store } from '../store/store.ts';
import type { AuditEvents } from '../spec/events.ts';
import type { MethodsOf } from './server.ts';

export interface UpkeepDeps {
  readonly store: Store;
  readonly index: Index;
  readonly tasks: Tasks;
  readonly quotas: Pick<Quotas, 'rows'>;
  readonly disk: () => Promise<DiskRow>;
  /** Collects, as a task. */
  readonly collect: (options: {
    readonly trigger: 'asked';
    readonly user: string;
    readonly signal: AbortSignal;
    readonly plan: string | undefined;
  }) => Promise<CollectResult>;
  readonly collectRuns: () => Promise<readonly CollectRunRow[]>;
  readonly usageTrend: () => Promise<readonly UsageSample[]>;
  /** How old an upload is that is removed, in milliseconds. */
  readonly uploadAgeMs: () => number;
  readonly audited: AuditEvents['audited'];
  /** @throws AppError STORAGE_READ_ONLY */
  readonly mustBeWritable: () => void;
}

export function createUpkeepMethods({
  store,
  index,
  tasks,
  quotas,
  disk,
  collect,
  collectRuns,
  usageTrend,
  uploadAgeMs,
  audited,
  mustBeWritable,
}: UpkeepDeps): MethodsOf<typeof upkeepArguments> {
  return {
    async 'usage.get'(): Promise<UsageRow> {
      const [{ freeBytes }, quarantinedBytes] = await Promise.all([disk(), store.damage.quarantinedBytes()]);
      const { figures } = store.collector;
      const usage = index.usage();
      return {
        ...usage,
        trashBytes: figures?.trashBytes ?? 0,
        reclaimableBytes: figures?.reclaimableBytes ?? usage.reclaimableBytes,
        ...(figures === undefined ? {} : { plannedAt: new Date(figures.at).toISOString() }),
        quarantinedBytes,
        quotas: quotas.rows(),
        ...(freeBytes === undefined ? {} : { freeBytes }),
      };
    },
    'usage.trend': () => usageTrend(),
    'collect.plan': (_, { signal }) => store.collector.plan({ signal }),
    async 'collect.run'({ plan }, { signal, actor: { user } }) {
      mustBeWritable();
      return await collect({ trigger: 'asked', user, signal, plan });
    },
    'collect.runs': () => collectRuns(),
    'uploads.list': (args) => store.uploads.list(args),
    async 'uploads.purge'({ ageMs = uploadAgeMs() }, { signal }) {
      mustBeWritable();
      return { purged: await store.uploads.purge({ ageMs, dryRun: false, signal }) };
    },
    async 'index.rebuild'(_, { signal, actor }) {
      const { user } = actor;
      const result = await tasks.run({ kind: 'rebuild', unit: 'items', signal, user }, (task) =>
        index.rebuild({ signal: task.signal, onProgress: ({ manifests }) => task.progress(manifests) }),
      );
      await audited({ kind: 'indexRebuilt', actor });
      return result;
    },
  };
}
