import { createHash } from 'node:crypto';
import { Agent, get as httpGet, type IncomingMessage } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { type Answer, request } from '../support/http.ts';
import { startRegistry, type TestRegistry } from '../support/registry.ts';
import type { View } from './oracle.ts';

/** The real registry of the runs: one data directory, one process after the other. */
export interface Real extends AsyncDisposable {
  readonly send: (method: string, path: string, options?: SendOptions) => Promise<Answer>;
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
  let registry: TestRegistry = await startRegistry({ dataDir });
  // Thousands of looks: on kept connections they take half the time.
  let agent = createAgent();

  const send: Real['send'] = (method, path, options = {}) =>
    request(registry.plainUrl, { method, path, ...options });

  async function look(places: View, prefix: string): Promise<View> {
    const seen = await Promise.all(
      Object.keys(places).map(async (place) => [place, await lookAt(place, prefix)] as const),
    );
    return Object.fromEntries(seen);
  }

  async function lookAt(place: string, prefix: string): Promise<unknown> {
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
    send,
    look,
    async restart(signal) {
      agent.destroy();
      await registry.kill(signal);
      registry = await startRegistry({ dataDir });
      agent = createAgent();
    },
    async [Symbol.asyncDispose]() {
      agent.destroy();
      await registry[Symbol.asyncDispose]();
    },
  };
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
