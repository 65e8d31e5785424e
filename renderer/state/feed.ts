/** What happens in the registry, brought into what is cached: which answers each event makes untrue. */
import { type QueryClient, useQueryClient } from '@tanstack/react-query';
import { useEffect } from 'react';
import type { TaskRow } from '../../registry/spec/admin/process.ts';
import type { AdminMethod, FeedItem } from '../../registry/spec/admin-api.ts';
import type { AuditKind } from '../../registry/spec/audit.ts';
import type { Client } from '../../registry/spec/rpc.ts';
import { addAudited } from './audited.ts';
import { useLink } from './link.ts';

const content: readonly AdminMethod[] = [
  'repositories.list',
  'repositories.get',
  'repositories.plan',
  'tags.list',
  'tags.recent',
  'manifests.list',
  'manifests.plan',
  'rules.expiring',
  'history.list',
  'images.get',
  'images.compare',
  'referrers.list',
  'usage.get',
  'traffic.get',
];

const affected: Readonly<Record<FeedItem['kind'], readonly AdminMethod[] | 'all'>> = {
  tagMoved: content,
  tagDeleted: [...content, 'trash.list'],
  manifestPushed: content,
  manifestDeleted: [...content, 'trash.list'],
  blobStored: ['uploads.list'],
  uploadStarted: ['uploads.list'],
  uploadEnded: ['uploads.list'],
  pullsCounted: ['repositories.list', 'repositories.get', 'tags.list', 'tags.recent', 'rules.expiring'],
  restored: [...content, 'trash.list'],
  collected: ['usage.get', 'usage.trend', 'collect.runs', 'collect.plan', 'trash.list'],
  blobDamaged: ['scrub.status', 'damaged.list', 'images.get', 'artifacts.get', 'usage.get'],
  blobHealed: ['scrub.status', 'damaged.list', 'images.get', 'artifacts.get', 'usage.get'],
  diskChanged: ['status.get', 'usage.get'],
  indexReady: 'all',
  levelsChanged: ['logs.levels', 'logs.reverts'],
  rulesChanged: [
    'rules.get',
    'rules.simulate',
    'rules.expiring',
    'protect.list',
    'repositories.plan',
    'tags.list',
    'tags.recent',
    'images.get',
    'usage.get',
  ],
  ruleRan: [...content, 'trash.list'],
  tagExpired: [...content, 'trash.list'],
  userChanged: ['users.list', 'tokens.list', 'access.anonymous'],
  tokenChanged: ['tokens.list', 'users.list'],
  settingsChanged: [
    'settings.form',
    'settings.export',
    'status.get',
    'access.anonymous',
    'protect.list',
    'rules.expiring',
    'webhooks.list',
  ],
  certificateChanged: ['certificate.get', 'status.get'],
  taskChanged: ['scrub.status'],
  webhookChanged: ['webhooks.list'],
  // The line is in the event itself.
  audited: [],
  cardChanged: ['cards.list'],
  reset: 'all',
};

/** What has no event of its own, by what the audit notes. */
const affectedByAudit: Partial<Record<AuditKind, readonly AdminMethod[]>> = {
  trashEmptied: ['trash.list', 'usage.get'],
  settingChanged: ['repositories.list', 'repositories.get', 'trash.list'],
};

/** Answers about one repository, which events of another leave true. */
const ofOneRepository: ReadonlySet<string> = new Set<AdminMethod>([
  'tags.list',
  'manifests.list',
  'manifests.plan',
  'history.list',
  'images.get',
  'images.compare',
  'referrers.list',
]);

/** A storm of events costs a reload each so many milliseconds. */
const calmMs = 250;

/** Keeps the cache true while the connection is open. */
export function useFeed(): void {
  const link = useLink();
  const queries = useQueryClient();
  useEffect(() => {
    let stop: (() => void) | undefined;
    let followed: Client | undefined;
    const look = (): void => {
      const state = link.state();
      const client = state.kind === 'open' ? state.client : undefined;
      if (client === followed) return;
      stop?.();
      followed = client;
      stop = client && follow(client, queries, link.first()?.seq);
    };
    const forget = link.subscribe(look);
    look();
    return () => {
      forget();
      stop?.();
    };
  }, [link, queries]);
}

/** Listens to the events of one connection, from what the cached answers know on; answers how to stop. */
function follow(client: Client, queries: QueryClient, since: number | undefined): () => void {
  const ending = new AbortController();
  const refresh = createRefresh(queries);
  void (async () => {
    try {
      for await (const items of client.subscribe('feed', { since }, { signal: ending.signal })) {
        for (const item of items) refresh.take(item);
      }
    } catch {
      // The connection is gone: `useFeed` begins anew with the next one.
    }
  })();
  // What happened while nobody listened is in no event.
  if (since === undefined) void queries.invalidateQueries();
  return () => {
    ending.abort();
    refresh.stop();
  };
}

function createRefresh(queries: QueryClient) {
  let pending: FeedItem[] = [];
  let timer: ReturnType<typeof setTimeout> | undefined;
  let lastAt = 0;

  function flush(): void {
    timer = undefined;
    lastAt = Date.now();
    const items = pending;
    pending = [];
    addAudited(
      queries,
      items.flatMap(({ audit }) => (audit === undefined ? [] : [audit])),
    );
    const wanted = new Map<string, Set<string | undefined>>();
    for (const item of items) {
      const methods = affected[item.kind];
      if (methods === 'all') return void queries.invalidateQueries();
      const noted = item.audit === undefined ? undefined : affectedByAudit[item.audit.kind];
      for (const method of [...methods, ...(noted ?? [])])
        wanted.set(method, (wanted.get(method) ?? new Set()).add(item.repository));
    }
    void queries.invalidateQueries({
      predicate: ({ queryKey: [method, args] }) => {
        const repositories = wanted.get(String(method));
        if (repositories === undefined) return false;
        if (!ofOneRepository.has(String(method)) || repositories.has(undefined)) return true;
        return repositories.has((args as { readonly repository?: string }).repository);
      },
    });
  }

  return {
    take(item: FeedItem): void {
      if (item.kind === 'taskChanged' && item.task !== undefined) patchTask(queries, item.task);
      pending.push(item);
      timer ??= setTimeout(flush, Math.max(10, lastAt + calmMs - Date.now()));
    },
    stop(): void {
      clearTimeout(timer);
    },
  };
}

/** Progress is in the event itself. */
function patchTask(queries: QueryClient, task: TaskRow): void {
  queries.setQueriesData<readonly TaskRow[]>({ queryKey: ['tasks.list'] }, (rows = []) =>
    rows.some((each) => each.id === task.id)
      ? rows.map((each) => (each.id === task.id ? task : each))
      : [task, ...rows],
  );
}
