/** What the tray says of a running registry, read over the shell's own connection and kept up by events. */
import type { SessionRow } from '../registry/spec/admin/activity.ts';
import type { DiskRow } from '../registry/spec/admin/process.ts';
import type { FeedItem } from '../registry/spec/admin-api.ts';
import { isAppError } from '../registry/spec/errors.ts';
import type { Client } from '../registry/spec/rpc.ts';

export interface RegistryView {
  readonly repositories: number;
  readonly bytes: number;
  /** `team/api:1.4`, as it was pushed last. */
  readonly lastPush: string | undefined;
  readonly isReadOnly: boolean;
  /** The variable or option that fixes that; absent where it can be changed. */
  readonly readOnlyFixedBy: string | undefined;
  readonly disk: DiskRow['state'];
  readonly transfers: readonly Transfer[];
}

export interface Transfer {
  /** Of the session, for `sessions.cancel`. */
  readonly id: number;
  readonly kind: 'push' | 'pull';
  readonly name: string;
  readonly bytes: number;
}

/** What the view is made of; other events leave it as it is. */
const counted: ReadonlySet<FeedItem['kind']> = new Set([
  'tagMoved',
  'tagDeleted',
  'manifestPushed',
  'manifestDeleted',
  'restored',
  'collected',
  'diskChanged',
  'indexReady',
  'ruleRan',
  'tagExpired',
  'settingsChanged',
  'reset',
]);

/** Many events at once are read once. */
const calmMs = 250;

export interface RegistryListener {
  /** Now, and whenever it changes. */
  readonly onView: (view: RegistryView) => void;
  readonly onItem: (item: FeedItem) => void;
  /** A pull has ended, and had an image. */
  readonly onPulled: (row: SessionRow) => void;
  /** As it is at the beginning; events tell what becomes of it. */
  readonly onDisk: (disk: DiskRow) => void;
}

/** Tells what the registry says, until the connection ends. */
export async function watchRegistry(
  client: Client,
  { onView, onItem, onPulled, onDisk }: RegistryListener,
): Promise<void> {
  const sessions = new Map<number, SessionRow>();
  let facts: Omit<RegistryView, 'transfers'> | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;

  function tell(): void {
    if (facts !== undefined) onView({ ...facts, transfers: transfersOf(sessions.values()) });
  }
  async function read(): Promise<void> {
    try {
      facts = await readFacts(client);
      tell();
    } catch (error) {
      // While the index is built nobody knows, and an event says when it is.
      if (!isAppError(error)) throw error;
    }
  }
  async function followFeed(): Promise<void> {
    for await (const items of client.subscribe('feed', {})) {
      for (const item of items) onItem(item);
      if (!items.some(({ kind }) => counted.has(kind))) continue;
      timer ??= setTimeout(() => {
        timer = undefined;
        void read();
      }, calmMs);
    }
  }
  async function followSessions(): Promise<void> {
    for await (const rows of client.subscribe('sessions', {})) {
      for (const row of rows) {
        if (row.state === 'active') sessions.set(row.id, row);
        else if (
          sessions.delete(row.id) &&
          row.state === 'done' &&
          row.kind === 'pull' &&
          row.digest !== undefined
        )
          onPulled(row);
      }
      tell();
    }
  }
  try {
    await Promise.all([
      read(),
      followFeed(),
      followSessions(),
      client.call('status.get', {}).then(({ disk }) => onDisk(disk)),
    ]);
  } catch (error) {
    if (!isAppError(error, 'NOT_RUNNING')) throw error;
  } finally {
    clearTimeout(timer);
  }
}

async function readFacts(client: Client): Promise<Omit<RegistryView, 'transfers'>> {
  const [status, usage, recent] = await Promise.all([
    client.call('status.get', {}),
    client.call('usage.get', {}),
    client.call('tags.recent', { limit: 1 }),
  ]);
  const [last] = recent;
  return {
    repositories: usage.repositories.length,
    bytes: usage.totalBytes,
    lastPush: last === undefined ? undefined : `${last.repository}:${last.tag}`,
    isReadOnly: status.isReadOnly,
    readOnlyFixedBy: status.readOnlyFixedBy,
    disk: status.disk.state,
  };
}

/** Those that would be cut. */
export function transfersOf(sessions: Iterable<SessionRow>): readonly Transfer[] {
  return [...sessions].flatMap(({ id, kind, repository, tag, bytesIn, bytesOut, isCancellable }) =>
    isCancellable
      ? [
          {
            id,
            kind,
            name: tag === undefined ? repository : `${repository}:${tag}`,
            bytes: kind === 'push' ? bytesIn : bytesOut,
          },
        ]
      : [],
  );
}
