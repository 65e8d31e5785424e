/** Transfers that last as long as a test wants. */
import { request as plainRequest } from 'node:http';
import { PassThrough } from 'node:stream';
import { type Answer, request } from './http.ts';
import type { TestRegistry } from './registry.ts';

export interface SlowPush {
  /** Sends so many bytes more. */
  readonly send: (bytes: number) => void;
  readonly end: () => void;
  /** Resolves with what the client was answered, or with the error of its connection. */
  readonly ended: Promise<Answer | Error>;
}

/** Begins to upload a blob, and does not end that. */
export async function pushSlowly(
  { plainUrl }: Pick<TestRegistry, 'plainUrl'>,
  { user, repository, agent }: { readonly user: string; readonly repository: string; readonly agent: string },
): Promise<SlowPush> {
  const headers = { 'user-agent': agent };
  const path = `/v2/${repository}/blobs/uploads/`;
  const { headers: started } = await request(plainUrl, { method: 'POST', path, user, headers });
  const { pathname, search } = new URL(String(started.location), plainUrl);
  const body = new PassThrough();
  const ended = request(plainUrl, {
    method: 'PATCH',
    path: pathname + search,
    user,
    body,
    headers: { ...headers, 'content-type': 'application/octet-stream' },
  }).catch((error: Error) => error);
  return { send: (bytes) => void body.write(Buffer.alloc(bytes, 7)), end: () => void body.end(), ended };
}

/** Begins to read a path and reads no further; answers what ends it. */
export function pullSlowly(
  { host, port }: Pick<TestRegistry, 'host' | 'port'>,
  { user, path, agent }: { readonly user: string; readonly path: string; readonly agent: string },
): () => void {
  const outgoing = plainRequest({
    host,
    port,
    path,
    agent: false,
    headers: { authorization: `Basic ${Buffer.from(user).toString('base64')}`, 'user-agent': agent },
  });
  outgoing.on('error', () => undefined);
  outgoing.once('response', (response) => void response.pause());
  outgoing.end();
  return () => void outgoing.destroy();
}
