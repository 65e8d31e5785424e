import { createHash } from 'node:crypto';
import { Agent, get as httpGet, type IncomingMessage } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { type AdminClient, openClient } from '../../registry/cli/client.ts';
import type { AdminInput, AdminMethod } from '../../registry/spec/admin-api.ts';
import type { TrashRow } from '../../registry/spec/admin/content.ts';
import { errorEntry, isAppError } from '../../registry/spec/errors.ts';
import { type Answer, request } from '../support/http.ts';
import { startRegistry, type TestRegistry } from '../support/registry.ts';
import { describeTrashed, type View } from './oracle.ts';

/** The real registry of the runs: one data directory, one process after the other. */
export interface Real extends AsyncDisposable {
  readonly send: (method: string, path: string, options?: SendOptions) => Promise<Answer>;
  /** Asks the control plane: 200, or the status of the error, 404 where it has none. */
  readonly call: <M extends AdminMethod>(method: M, args: AdminInput<M>) => Promise<Answer>;
  /** The trash of the repositories whose names start so, the newest first. */
  readonly trash: (prefix: string) => Promise<readonly TrashRow[]>;
  /** How many links of blobs were found to be collected. */
  collected: number;
  /** Ends the process by the signal and starts the next one on the same data. */
  restart(signal: 'SIGTERM' | 'SIGKILL'): Promise<void>;
  /** Looks at every place of a view. */
  look(places: View, prefix: string): Promise<View>;
}

export interface SendOptions {
  readonly body?: string | Uint8Array;
  readonly headers?: Readonly<Record<string, string>>;
}

export async function openReal(dataDir: string): Promise<Real> {
  const start = (): Promise<TestRegistry> => startRegistry({ dataDir, env: graceless });
  let registry = await start();
  let client: AdminClient = await openClient(dataDir);
  // Thousands of looks: on kept connections they take half the time.
  let agent = createAgent();

  const send: Real['send'] = (method, path, options = {}) =>
    request(registry.plainUrl, { method, path, agent, ...options });

  const call: Real['call'] = async (method, args) => {
    try {
      return answerOf(200, await client.call(method, args));
    } catch (error) {
      if (!isAppError(error) || error.code === 'NOT_RUNNING') throw error;
      return answerOf(errorEntry(error.code).status ?? 404, error.message);
    }
  };

  const trash: Real['trash'] = async (prefix) => {
    const { rows } = await client.call('trash.list', { limit: 1000 });
    return rows.filter(({ repository }) => repository.startsWith(prefix));
  };

  async function look(places: View, prefix: string): Promise<View> {
    const seen = await Promise.all(
      Object.keys(places).map(async (place) => [place, await lookAt(place, prefix)] as const),
    );
    return Object.fromEntries(seen);
  }

  async function lookAt(place: string, prefix: string): Promise<unknown> {
    if (place === 'trash') return (await trash(prefix)).map(describeTrashed).toSorted();
    const { status, headers, body } = await get(agent, registry.plainUrl + pathOf(place, prefix));
    if (status === 404) return 404;
    if (status === 204) return headers['range'];
    if (status !== 200) return `${status} ${String(body)}`;
    if (place === 'catalog') {
      const { repositories } = JSON.parse(String(body)) as { repositories: readonly string[] };
      return repositories.filter((name) => name.startsWith(prefix));
    }
    if (place.endsWith('/tags/list')) return (JSON.parse(String(body)) as { tags: readonly string[] }).tags;
    if (place.includes('/referrers/')) {
      const { manifests } = JSON.parse(String(body)) as {
        manifests: readonly { digest: string; artifactType?: string }[];
      };
      return manifests.map((each) => `${each.digest} ${each.artifactType ?? ''}`);
    }
    const digest = `sha256:${createHash('sha256').update(body).digest('hex')}`;
    if (digest !== headers['docker-content-digest']) return `${digest} under another digest`;
    return /\/manifests\/sha256:/.test(place) ? `${headers['content-type']} ${String(body)}` : digest;
  }

  return {
    collected: 0,
    send,
    call,
    trash,
    look,
    async restart(signal) {
      agent.destroy();
      client.close();
      await registry.kill(signal);
      registry = await start();
      client = await openClient(dataDir);
      agent = createAgent();
    },
    async [Symbol.asyncDispose]() {
      agent.destroy();
      client.close();
      await registry[Symbol.asyncDispose]();
    },
  };
}

/** Collections take what nothing needs at once. */
const graceless = { BERTH_STORAGE_COLLECT_GRACE: '1ms' };

function answerOf(status: number, value: unknown): Answer {
  return { status, headers: {}, body: Buffer.from(JSON.stringify(value)), json: () => value };
}

function createAgent(): Agent {
  return new Agent({ keepAlive: true, maxSockets: 8 });
}

async function get(agent: Agent, url: string) {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  httpGet(url, { agent }, resolve).on('error', reject);
  const response = await promise;
  return { status: response.statusCode, headers: response.headers, body: await buffer(response) };
}

function pathOf(place: string, prefix: string): string {
  if (place.startsWith('/')) return place;
  return place === 'catalog' ? `/v2/_catalog?last=${encodeURIComponent(prefix)}&n=100` : `/v2/${place}`;
}
