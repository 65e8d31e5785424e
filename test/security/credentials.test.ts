/**
 * Every route with every kind of credential that is missing, wrong, forged, expired or looks alike. ADMISSION_MUTATIONS:
 * how many changes of each right one are tried.
 */
import assert from 'node:assert/strict';
import { createPrivateKey } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { endpoints } from '../../registry/http/route.ts';
import { allowedMethods } from '../../registry/http/v2.ts';
import { logIn } from '../support/door.ts';
import { type Answer, request } from '../support/http.ts';
import { clientAddresses, forEachOf } from '../support/parallel.ts';
import { startRegistry, type TestRegistry } from '../support/registry.ts';
import { digestOf, listStore, pushImage, refusal, sender, startWithUsers } from '../wire/support.ts';
import {
  type Credential,
  type Known,
  makeTokens,
  mutated,
  rightCredentials,
  wrongCredentials,
} from './credential-kinds.ts';

const mutations = Number(process.env['ADMISSION_MUTATIONS'] ?? 10);
const name = 'team/app';
const onLinux = process.platform === 'linux' ? {} : { skip: 'asks from many addresses of loopback' };

/** Each route with each of its methods, from the table that the registry itself matches paths with. */
const routes = (Object.keys(endpoints) as (keyof typeof endpoints)[]).flatMap((endpoint) => {
  const path = endpoints[endpoint].path
    .replace('<name>', name)
    .replace('<digest>', digestOf('{}'))
    .replace('<reference>', 'v')
    .replace('<uuid>', '0a6f4b0e-7d2c-4a51-9c2e-0c7f0e6b9a11');
  return allowedMethods(endpoint).map((method) => ({ method, path }));
});
type Route = (typeof routes)[number];

let registry: TestRegistry;
let known: Known;

before(async () => {
  const { texts: tokens, records } = makeTokens();
  const users = {
    dev: { role: 'admin' },
    other: { role: 'admin' },
    off: { role: 'admin', disabled: true },
  } as const;
  registry = await startWithUsers(users, { tokens: records, env: { BERTH_WEB_ENABLED: 'true' } });
  const send = sender(registry, 'dev:dev');
  await pushImage(send, name, 'v');
  const scopes = `scope=repository:${name}:pull,push,delete&scope=registry:catalog:*`;
  const { token: jwt } = (await send('GET', `/token?service=${registry.address}&${scopes}`)).json() as {
    readonly token: string;
  };
  const lines = await readFile(join(registry.dataDir, 'berth/users'), 'utf8');
  known = {
    tokens,
    jwt,
    key: createPrivateKey(await readFile(join(registry.dataDir, 'berth/token.key'))),
    cookie: (await logIn(registry, 'dev', 'dev')).cookie,
    address: registry.address,
    hash: /^dev:(.*)$/m.exec(lines)?.[1] ?? '',
  };
});
after(() => registry[Symbol.asyncDispose]());

const addresses = clientAddresses();

function ask(at: TestRegistry, { method, path }: Route, { headers, query }: Credential): Promise<Answer> {
  return request(at.plainUrl, {
    method,
    path: query === undefined ? path : `${path}?${query}`,
    headers,
    from: addresses.next().value,
  });
}

/** Tells which of the requests were not answered as those of a stranger are: 401, a challenge, and nothing else. */
async function admitted(at: TestRegistry, credentials: readonly Credential[]): Promise<readonly string[]> {
  const found: string[] = [];
  const asked = credentials.flatMap((credential) => routes.map((route) => ({ credential, route })));
  await forEachOf(asked, 8, async ({ credential, route }) => {
    const answer = await ask(at, route, credential);
    const challenge = answer.headers['www-authenticate'] ?? '';
    const isRefused =
      answer.status === 401 &&
      /^(?:Basic|Bearer) realm=/.test(challenge) &&
      (route.method === 'HEAD' ? answer.body.length === 0 : refusal(answer) === '401 UNAUTHORIZED') &&
      answer.headers['docker-content-digest'] === undefined;
    if (!isRefused) found.push(`${route.method} ${route.path} with ${credential.name}: ${answer.status}`);
  });
  return found;
}

test(
  'no route admits a credential that is missing, wrong, forged, expired or looks alike',
  onLinux,
  async (t) => {
    const kinds = wrongCredentials(known);
    const stored = await listStore(registry);

    const found = await admitted(registry, kinds);

    assert.deepEqual(found, []);
    assert.deepEqual(await listStore(registry), stored);
    const requests = kinds.length * routes.length;
    assert.ok(requests >= 2000, String(requests));
    t.diagnostic(`${routes.length} routes, ${kinds.length} kinds of credentials: 0 of ${requests} admitted`);
  },
);

test('no right credential survives another character', onLinux, async (t) => {
  let count = 0;
  const found: string[] = [];
  const [route = { method: '', path: '' }] = routes.slice(-1);
  const changed = rightCredentials(known).flatMap((right) =>
    Array.from({ length: mutations }, (_, at) => mutated(right, at)),
  );
  await forEachOf(changed, 8, async (credential) => {
    const { status } = await ask(registry, route, credential);
    if (status !== 401) found.push(`${credential.name}: ${status}`);
    count += 1;
  });

  assert.deepEqual(found, []);
  t.diagnostic(`${count} right credentials with one character changed: 0 admitted`);
});

test('every route admits the right ones', onLinux, async (t) => {
  const found: string[] = [];
  let count = 0;
  for (const credential of rightCredentials(known)) {
    for (const route of routes) {
      const { status } = await ask(registry, route, credential);
      // What is deleted is absent for those that come behind.
      if ([401, 403, 421, 429].includes(status) || status >= 500)
        found.push(`${route.method} ${route.path} with ${credential.name}: ${status}`);
      count += 1;
    }
  }

  assert.deepEqual(found, []);
  assert.ok(count >= 100, String(count));
  t.diagnostic(`right credentials: ${count} of ${count} admitted`);
});

test('what is counted is seen: without a login every one of them is admitted', onLinux, async () => {
  await using open = await startRegistry();
  await pushImage(sender(open), name, 'v');
  const some = wrongCredentials(known).filter((_, at) => at % 20 === 0);

  assert.equal((await admitted(open, some)).length, some.length * routes.length);
});
