/**
 * Who reaches a method of the control plane, for each of them. The rule is the oracle, and the methods come from their
 * table, so that a new one is covered by itself:
 *
 *   the owner of the data directory by the socket, and an administrator with a session: every method
 *   everybody else: none, by no credentials that /v2 accepts
 *
 * A method is reached when it complains of arguments that none of them has: it is asked for, and not run.
 */
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { after, before, suite, test } from 'node:test';
import { createLineChannel } from '../../registry/admin/line-channel.ts';
import { findSocketAddress } from '../../registry/admin/socket-address.ts';
import { adminArguments, type AdminMethod } from '../../registry/spec/admin-api.ts';
import { isAppError } from '../../registry/spec/errors.ts';
import { type Client, createClient } from '../../registry/spec/rpc.ts';
import { askDoor, connectDoor, logIn, makeToken, openSocket, postLogin } from '../support/door.ts';
import { request } from '../support/http.ts';
import type { TestRegistry } from '../support/registry.ts';
import { startWithUsers } from '../wire/support.ts';

const users = { dev: { role: 'admin' }, ci: { role: 'push' }, reader: { role: 'pull' } } as const;
const methods = Object.keys(adminArguments) as AdminMethod[];

/** `reached`, or the code with which the registry refused. */
async function askMethod(client: Client, method: AdminMethod): Promise<string> {
  try {
    await client.call(method, { nobodyHasThis: 1 } as never);
    return 'ran';
  } catch (error) {
    if (!isAppError(error)) throw error;
    return error.code === 'USAGE' && error.message.includes(`arguments of ${method} do not fit`)
      ? 'reached'
      : error.code;
  }
}

suite('the permission matrix of the control plane', () => {
  const resources = new AsyncDisposableStack();
  let registry: TestRegistry;
  /** What each caller can come with: the connection, or what is tried for want of one. */
  let owner: Client;
  let admin: Client;
  let token = '';
  let bearer = '';
  before(async () => {
    registry = resources.use(await startWithUsers(users, { env: { BERTH_WEB_ENABLED: 'true' } }));
    const { address } = await findSocketAddress(registry.dataDir);
    const socket = connect(address);
    resources.defer(() => void socket.destroy());
    owner = createClient(createLineChannel(socket, 'client'));
    admin = resources.use(await connectDoor(registry, await logIn(registry, 'dev', 'dev'))).client;
    token = await makeToken(registry, 'dev');
    const answer = await request(registry.url, {
      path: '/token?scope=registry:catalog:*',
      ca: registry.ca,
      user: 'dev:dev',
    });
    bearer = (answer.json() as { readonly token: string }).token;
  });
  after(() => resources.disposeAsync());

  test('what is tried below is right on /v2', async () => {
    const ask = (authorization: string) =>
      request(registry.url, { path: '/v2/_catalog', ca: registry.ca, headers: { authorization } });

    const logins = ['ci:ci', 'reader:reader', `dev:${token}`].map((login) => `Basic ${btoa(login)}`);
    const answers = await Promise.all([...logins, `Bearer ${bearer}`].map(ask));

    assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([200]));
    assert.ok(methods.length > 15);
  });

  for (const method of methods) {
    test(`${method}: the owner and an administrator with a session reach it`, async () => {
      assert.deepEqual(
        { owner: await askMethod(owner, method), admin: await askMethod(admin, method) },
        { owner: 'reached', admin: 'reached' },
      );
    });
  }

  const others: readonly {
    readonly name: string;
    readonly login?: readonly [user: string, password: () => string];
    readonly authorization?: () => string;
    readonly refusedLogin?: number;
  }[] = [
    { name: 'a user who may push', login: ['ci', () => 'ci'], refusedLogin: 403 },
    { name: 'a user who may pull', login: ['reader', () => 'reader'], refusedLogin: 403 },
    { name: 'a token of an administrator', login: ['dev', () => token], refusedLogin: 403 },
    { name: 'a Bearer token', authorization: () => `Bearer ${bearer}` },
    {
      name: 'the password of an administrator without a session',
      authorization: () => `Basic ${btoa('dev:dev')}`,
    },
    { name: 'anonymous' },
  ];
  for (const { name, login, authorization, refusedLogin } of others) {
    test(`${name} gets no session, no socket and no answer to any method`, async () => {
      const own = login === undefined ? undefined : `Basic ${btoa(`${login[0]}:${login[1]()}`)}`;
      const header = authorization?.() ?? own;
      const headers = header === undefined ? {} : { authorization: header };

      if (login !== undefined) {
        const answer = await postLogin(registry, login[0], login[1]());
        assert.deepEqual([answer.status, answer.headers['set-cookie']], [refusedLogin, undefined]);
      }
      const socket = await openSocket(registry, { headers, protocols: ['berth.1', 'csrf.x'] });
      const session = await askDoor(registry, 'GET', '/api/session', { headers });
      const asked = await Promise.all(
        methods.flatMap((method) => [
          askDoor(registry, 'GET', `/api/${method}`, { headers }),
          askDoor(registry, 'POST', `/api/rpc`, {
            headers,
            body: JSON.stringify({ kind: 'call', id: 1, method, args: {} }),
          }),
        ]),
      );

      assert.deepEqual([socket, session.status], [401, 401]);
      assert.deepEqual(new Set(asked.map(({ status }) => status)), new Set([404, 405]));
    });
  }
});
