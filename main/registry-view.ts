/** What the tray says of a running registry, read over the shell's own connection and kept up by events. */
import type { SessionRow } from '../registry/spec/admin/activity.ts';
import type { FeedItem } from '../registry/spec/admin-api.ts';
import { isAppError } from '../registry/spec/errors.ts';
import type { Client } from '../registry/spec/rpc.ts';

export interface RegistryView {
  readonly repositories: number;
  readonly bytes: number;
  /** `team/api:1.4`, as it was pushed last. */
  readonly lastPush: string | undefined;
  readonly isReadOnly: boolean;
  readonly disk: 'ok' | 'low' | 'full';
  readonly transfers: readonly Transfer[];
}

export interface Transfer {
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

/** Tells the view now and whenever it changes, until the connection ends. */
export async function watchRegistry(client: Client, onView: (view: RegistryView) => void): Promise<void> {
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
        else sessions.delete(row.id);
      }
      tell();
    }
  }
  try {
    await Promise.all([read(), followFeed(), followSessions()]);
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
    disk: status.disk.state,
  };
}

function transfersOf(sessions: Iterable<SessionRow>): readonly Transfer[] {
  return [...sessions].flatMap(({ kind, repository, tag, bytesIn, bytesOut, isCancellable }) =>
    isCancellable
      ? [
          {
            kind,
            name: tag === undefined ? repository : `${repository}:${tag}`,
            bytes: kind === 'push' ? bytesIn : bytesOut,
          },
        ]
      : [],
  );
}
