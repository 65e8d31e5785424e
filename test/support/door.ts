/** The browser door as a page of it asks: with its cookie, its Origin and its CSRF token, unless a test says otherwise. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { WebSocket } from 'ws';
import { createSocketChannel } from '../../registry/http/api/socket-channel.ts';
import { type Client, createClient } from '../../registry/spec/rpc.ts';
import { type Answer, request, type RequestOptions } from './http.ts';
import { berth, type TestRegistry } from './registry.ts';

export interface DoorSession {
  /** The value of the header Cookie. */
  readonly cookie: string;
  readonly csrf: string;
}

/** Header fields; `undefined` leaves out what would be sent. */
type Fields = Readonly<Record<string, string | undefined>>;

/** Sends a request as a page of the door does; `headers` has the last word. */
export async function askDoor(
  registry: TestRegistry,
  method: string,
  path: string,
  {
    session,
    headers = {},
    ...rest
  }: Omit<RequestOptions, 'headers'> & { readonly session?: DoorSession; readonly headers?: Fields } = {},
): Promise<Answer> {
  const isWrite = method !== 'GET';
  const fields: Fields = {
    host: registry.address,
    ...(isWrite ? { origin: registry.url, 'content-type': 'application/json' } : {}),
    ...(session === undefined ? {} : { cookie: session.cookie }),
    ...(session === undefined || !isWrite ? {} : { 'x-berth-csrf': session.csrf }),
    ...headers,
  };
  const sent = Object.entries(fields).filter((entry): entry is [string, string] => entry[1] !== undefined);
  return await request(registry.url, {
    method,
    path,
    ca: registry.ca,
    headers: Object.fromEntries(sent),
    ...rest,
  });
}

export function postLogin(
  registry: TestRegistry,
  user: string,
  password: string,
  headers: Fields = {},
): Promise<Answer> {
  return askDoor(registry, 'POST', '/api/login', { body: JSON.stringify({ user, password }), headers });
}

/** Logs in, which must succeed. */
export async function logIn(registry: TestRegistry, user: string, password: string): Promise<DoorSession> {
  const answer = await postLogin(registry, user, password);
  assert.equal(answer.status, 200, String(answer.body));
  const [set = ''] = answer.headers['set-cookie'] ?? [];
  const { csrf } = answer.json() as { readonly csrf: string };
  return { cookie: set.split(';', 1)[0] ?? '', csrf };
}

/** A personal access token that may pull, once the registry knows it: it looks at its files four times a second. */
export async function makeToken(registry: TestRegistry, user: string): Promise<string> {
  const options = ['--user', user, '--label', 'x', '--scope', 'pull'] as const;
  const said = await berth(registry.dataDir, 'token', 'create', ...options);
  const token = /berth_pat_\S+/.exec(said)?.[0] ?? '';
  for (let tries = 0; tries < 5; tries += 1) {
    const { status } = await request(registry.plainUrl, { path: '/v2/', user: `${user}:${token}` });
    if (status === 200) return token;
    await delay(100);
  }
  return assert.fail('the registry does not know the token');
}

/** Opens the WebSocket, or answers the status of the refusal; `headers` and `protocols` have the last word. */
export async function openSocket(
  registry: TestRegistry,
  {
    session,
    headers = {},
    protocols = ['berth.1', ...(session === undefined ? [] : [`csrf.${session.csrf}`])],
    path = '/api/rpc',
    deflate = false,
    base = registry.url,
  }: {
    readonly session?: DoorSession;
    readonly headers?: Fields;
    readonly protocols?: readonly string[];
    readonly path?: string;
    readonly deflate?: boolean;
    readonly base?: string;
  } = {},
): Promise<WebSocket | number> {
  const fields: Fields = {
    origin: registry.url,
    ...(session === undefined ? {} : { cookie: session.cookie }),
    ...headers,
  };
  const sent = Object.entries(fields).filter((entry): entry is [string, string] => entry[1] !== undefined);
  const socket = new WebSocket(base.replace(/^http/, 'ws') + path, [...protocols], {
    ...(registry.ca === undefined ? {} : { ca: registry.ca }),
    headers: Object.fromEntries(sent),
    perMessageDeflate: deflate,
  });
  const refused = Promise.withResolvers<number>();
  socket.on('unexpected-response', (outgoing, response: IncomingMessage) => {
    refused.resolve(response.statusCode ?? 0);
    outgoing.destroy();
  });
  socket.on('error', () => undefined);
  return await Promise.race([once(socket, 'open').then(() => socket), refused.promise]);
}

export interface DoorClient extends AsyncDisposable {
  readonly client: Client;
  /** The code and reason with which the registry closed it; rejects after 20 seconds. */
  readonly closed: Promise<string>;
}

/** A client of the control plane over an own socket of the session, which must be let in. */
export async function connectDoor(registry: TestRegistry, session: DoorSession): Promise<DoorClient> {
  const socket = await openSocket(registry, { session });
  if (typeof socket === 'number') return assert.fail(`refused with ${socket}`);
  const gone = once(socket, 'close');
  const late = AbortSignal.timeout(20_000);
  const closed = once(socket, 'close', { signal: late }).then(
    ([code, reason]) => `${String(code)} ${String(reason)}`,
  );
  // Few tests wait for it.
  closed.catch(() => undefined);
  return {
    client: createClient(createSocketChannel(socket)),
    closed,
    async [Symbol.asyncDispose]() {
      socket.terminate();
      await gone;
    },
  };
}
