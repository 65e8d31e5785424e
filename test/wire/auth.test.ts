import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type Answer, openRaw } from '../support/http.ts';
import { berth, type TestRegistry } from '../support/registry.ts';
import {
  digestOf,
  imageOf,
  listStore,
  ociManifest,
  openUpload,
  pushBlob,
  pushImage,
  putManifest,
  refusal,
  type Send,
  sender,
  startWithUsers,
  type WireUser,
} from './support.ts';

const users = {
  admin: { role: 'admin' },
  push: { role: 'push', repositories: ['team/**'] },
  pull: { role: 'pull', repositories: ['team/**'] },
  cleaner: {
    role: 'pull',
    repositories: ['team/**'],
    grants: [{ repositories: ['team/**'], verbs: ['delete'] }],
  },
} as const satisfies Record<string, WireUser>;
type User = keyof typeof users;

const basic = (text: string) => ({ authorization: `Basic ${Buffer.from(text).toString('base64')}` });
const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
const challengeOf = ({ headers }: Answer) => headers['www-authenticate'];
const realm = 'Basic realm="Berth"';
const image = imageOf();
const id = '0a6f4b0e-7d2c-4a51-9c2e-0c7f0e6b9a11';

/** Two closed repositories and an open one, each with a manifest `v`. */
async function fill(registry: TestRegistry): Promise<void> {
  for (const name of ['team/a', 'secret/b', 'open/c'])
    await pushImage(sender(registry, 'admin:admin'), name, 'v');
}

const as = (registry: TestRegistry, user: User | undefined): Send =>
  sender(registry, user === undefined ? undefined : `${user}:${user}`);

/** Everything that a request can ask of a repository, and the verb it needs. */
const actions = [
  ['GET', 'tags/list', 'pull'],
  ['GET', 'manifests/v', 'pull'],
  ['HEAD', 'manifests/v', 'pull'],
  ['GET', `blobs/${digestOf('{}')}`, 'pull'],
  ['HEAD', `blobs/${digestOf('{}')}`, 'pull'],
  ['GET', `referrers/${digestOf('{}')}`, 'pull'],
  ['POST', 'blobs/uploads/', 'push'],
  ['POST', `blobs/uploads/?digest=${digestOf('x')}`, 'push'],
  ['POST', `blobs/uploads/?mount=${digestOf('{}')}`, 'push'],
  ['GET', `blobs/uploads/${id}`, 'push'],
  ['PATCH', `blobs/uploads/${id}`, 'push'],
  ['PUT', `blobs/uploads/${id}?digest=${digestOf('x')}`, 'push'],
  ['DELETE', `blobs/uploads/${id}`, 'push'],
  ['PUT', 'manifests/w', 'push'],
  ['DELETE', 'manifests/nothing', 'delete'],
  ['DELETE', `manifests/${digestOf('nothing')}`, 'delete'],
  ['DELETE', `blobs/${digestOf('nothing')}`, 'delete'],
] as const;

function act(
  send: Send,
  [method, path]: (typeof actions)[number],
  name: string,
  headers = {},
): Promise<Answer> {
  const isManifest = path.startsWith('manifests/') && method === 'PUT';
  const body = isManifest ? image : path.includes('digest=') ? 'x' : '';
  return send(method, `/v2/${name}/${path}`, {
    body,
    headers: isManifest ? { 'content-type': ociManifest, ...headers } : headers,
  });
}

/** Asks for a token with scopes, checks its frame and answers it. */
async function askToken(
  registry: TestRegistry,
  user: User | undefined,
  scopes: readonly string[],
): Promise<string> {
  const answer = await as(registry, user)('GET', `/token?service=${registry.address}&${scopes.join('&')}`);
  assert.equal(answer.status, 200, String(answer.body));
  const value = answer.json() as Record<string, unknown>;
  assert.equal(value['access_token'], value['token']);
  assert.equal(value['expires_in'], 300);
  assert.ok(Math.abs(Date.parse(String(value['issued_at'])) - Date.now()) < 60_000);
  assert.equal(answer.headers['cache-control'], 'no-store');
  return String(value['token']);
}

describe('anonymous pull off', () => {
  let registry: TestRegistry;
  before(async () => {
    registry = await startWithUsers(users);
    await fill(registry);
  });
  after(() => registry[Symbol.asyncDispose]());

  test('every request without valid credentials is 401 Basic and changes nothing, the small pages are open', async () => {
    const stored = await listStore(registry);
    const paths = ['/v2/', '/v2', '/v2/_catalog', '/v2/nothing', '/v2/BAD/tags/list', '/v2/a%2Fb/tags/list'];
    const wrong = await Promise.all(
      ['nobody', 'cleaner'].map((user) => sender(registry, `${user}:wrong`)('GET', '/v2/team/a/manifests/v')),
    );
    for (const headers of [{}, basic(':')]) {
      const answers = [
        ...wrong,
        ...(await Promise.all(paths.map((path) => sender(registry)('GET', path, { headers })))),
        ...(await Promise.all(actions.map((action) => act(sender(registry), action, 'team/a', headers)))),
        await sender(registry)('TRACE', '/v2/team/a/manifests/v', { headers }),
      ];
      for (const answer of answers) {
        assert.deepEqual([answer.status, challengeOf(answer)], [401, realm]);
        if (answer.body.length > 0) assert.equal(refusal(answer), '401 UNAUTHORIZED');
      }
    }
    assert.deepEqual(await listStore(registry), stored);
    for (const path of ['/', '/livez', '/readyz'])
      assert.equal((await sender(registry)('GET', path)).status, 200);
  });

  for (const [name, authorization] of [
    ['bad base64', 'Basic %%%'],
    ['base64 that is not canonical', `Basic ${Buffer.from('push:push').toString('base64')}=`],
    ['no colon', `Basic ${Buffer.from('push').toString('base64')}`],
    ['an empty user', `Basic ${Buffer.from(':push').toString('base64')}`],
    ['a NUL', `Basic ${Buffer.from('push:pu\0sh').toString('base64')}`],
    ['a password over 72 bytes', `Basic ${Buffer.from(`push:${'p'.repeat(73)}`).toString('base64')}`],
    ['bad UTF-8', `Basic ${Buffer.from([0xff, 0x3a, 0x61]).toString('base64')}`],
    ['an unknown scheme', 'Digest username="push"'],
    ['an empty header', ''],
    ['only a scheme', 'Basic'],
    ['two credentials', `${basic('push:push').authorization}, ${basic('push:push').authorization}`],
    ['a forged token', 'Bearer eyJhbGciOiJub25lIn0.e30.'],
    ['a token of nothing', 'Bearer x'],
  ] as const) {
    test(`${name} is 401 with a challenge`, async () => {
      const answer = await sender(registry)('GET', '/v2/team/a/manifests/v', { headers: { authorization } });
      assert.equal(refusal(answer), '401 UNAUTHORIZED');
      assert.match(
        String(challengeOf(answer)),
        authorization.startsWith('Bearer') ? /^Bearer .*error="invalid_token"/ : /^Basic realm="Berth"$/,
      );
    });
  }

  test('credentials are judged before 100 Continue, and the permission, too', async () => {
    for (const [headers, status] of [
      ['', 401],
      [`Authorization: ${basic('pull:pull').authorization}\r\n`, 403],
    ] as const) {
      await using connection = await openRaw(registry.host, registry.port);
      connection.send(
        `POST /v2/team/a/blobs/uploads/?digest=${digestOf('x')} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nExpect: 100-continue\r\n${headers}\r\n`,
      );
      const text = await connection.receiveAll();
      assert.match(text, new RegExp(`^HTTP/1\\.1 ${status} `));
    }
  });

  test('a refused body of 20 MiB is read, so that the 401 arrives', async () => {
    await using connection = await openRaw(registry.host, registry.port);
    connection.send(
      `POST /v2/team/a/blobs/uploads/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${20 * 1024 * 1024}\r\n\r\n`,
    );
    for (let piece = 0; piece < 320; piece += 1) connection.send(Buffer.alloc(64 * 1024));
    const text = await connection.receiveAll();
    assert.match(text, /^HTTP\/1\.1 401 .*\r\nconnection: close\r\n.*\}\]\}$/is);
  });

  describe('roles x routes', () => {
    const may: Readonly<Record<User, Readonly<Record<string, readonly string[]>>>> = {
      admin: {
        'team/a': ['pull', 'push', 'delete'],
        'secret/b': ['pull', 'push', 'delete'],
        'nowhere/x': ['pull', 'push', 'delete'],
      },
      push: { 'team/a': ['pull', 'push'] },
      pull: { 'team/a': ['pull'] },
      cleaner: { 'team/a': ['pull', 'delete'] },
    };
    for (const user of Object.keys(users) as User[]) {
      for (const name of ['team/a', 'secret/b', 'nowhere/x']) {
        test(`${user} in ${name}`, async () => {
          for (const action of actions) {
            const answer = await act(as(registry, user), action, name);

            const isAllowed = may[user][name]?.includes(action[2]) === true;
            assert.equal(answer.status !== 403, isAllowed, `${action.join(' ')}: ${answer.status}`);
            assert.ok(answer.status !== 401 && answer.status < 500, `${action.join(' ')}: ${answer.status}`);
            if (isAllowed || action[0] === 'HEAD') continue;
            assert.equal(refusal(answer), '403 DENIED');
            assert.ok(String(answer.body).includes(name), 'the sentence names the repository');
          }
        });
      }
    }
  });

  test('a refusal does not tell whether the repository or the thing in it exists', async () => {
    const strip = ({ status, body }: Answer) => [
      status,
      String(body).replaceAll(/secret\/b|secret\/none/g, 'X'),
    ];
    for (const [method, path] of actions) {
      const send = as(registry, 'pull');
      assert.deepEqual(
        strip(await send(method, `/v2/secret/b/${path}`)),
        strip(await send(method, `/v2/secret/none/${path}`)),
      );
    }
  });

  test('lists show what the caller may pull', async () => {
    const names = async (user: User) =>
      ((await as(registry, user)('GET', '/v2/_catalog')).json() as { repositories: string[] }).repositories;
    assert.deepEqual(
      (await names('admin')).filter((name) => /^(?:open|secret|team)\/[abc]$/.test(name)),
      ['open/c', 'secret/b', 'team/a'],
    );
    for (const user of ['push', 'pull', 'cleaner'] as const) assert.deepEqual(await names(user), ['team/a']);

    const paged = await as(registry, 'pull')('GET', '/v2/_catalog?n=1');
    assert.equal(paged.headers['link'], undefined, 'a Link would tell of hidden ones');
  });

  test('a mount from a hidden repository is as if the blob were unknown', async () => {
    const hidden = await pushBlob(as(registry, 'admin'), 'secret/b', 'hidden bytes');
    const send = as(registry, 'push');
    const shape = ({ status, headers }: Answer) => [
      status,
      Object.keys(headers).toSorted(),
      headers['docker-content-digest'],
    ];

    for (const from of ['', '&from=secret/b', '&from=team/none']) {
      const known = await send('POST', `/v2/team/m/blobs/uploads/?mount=${hidden}${from}`);
      const unknown = await send('POST', `/v2/team/m/blobs/uploads/?mount=${digestOf('nowhere')}${from}`);
      assert.deepEqual(shape(known), shape(unknown));
      assert.equal(known.status, 202);
    }
    assert.equal((await send('HEAD', `/v2/team/m/blobs/${hidden}`)).status, 404);
    assert.equal(
      (await send('POST', `/v2/team/m/blobs/uploads/?mount=${digestOf('{}')}&from=secret/b`)).status,
      201,
    );
    assert.equal(
      (await as(registry, 'admin')('POST', `/v2/team/m/blobs/uploads/?mount=${hidden}`)).status,
      201,
    );
  });

  test('the upload of another user is unknown', async () => {
    const location = await openUpload(as(registry, 'push'), 'team/a');
    for (const method of ['GET', 'PATCH', 'PUT', 'DELETE']) {
      const path = method === 'PUT' ? `${location}&digest=${digestOf('x')}` : location;
      assert.equal(
        refusal(await as(registry, 'admin')(method, path, { body: 'x' })),
        '404 BLOB_UPLOAD_UNKNOWN',
      );
    }
    const got = await as(registry, 'push')('GET', location);
    assert.deepEqual([got.status, got.headers.range], [204, '0-0']);
  });

  describe('Bearer tokens', () => {
    const scope = (name: string, verbs: string) => `scope=repository:${name}:${verbs}`;
    const token = (user: User | undefined, ...scopes: readonly string[]) => askToken(registry, user, scopes);
    const granted = (jwt: string) =>
      (JSON.parse(Buffer.from(jwt.split('.')[1] ?? '', 'base64url').toString()) as { access: unknown })
        .access;

    test('hold what was asked and is allowed; unknown scopes are dropped', async () => {
      assert.deepEqual(
        granted(
          await token(
            'push',
            scope('team/a', 'pull,push,delete'),
            scope('secret/b', 'pull'),
            'scope=x:y:z',
            'scope=registry:catalog:*',
          ),
        ),
        [
          { type: 'repository', name: 'team/a', actions: ['pull', 'push'] },
          { type: 'registry', name: 'catalog', actions: ['*'] },
        ],
      );
      assert.deepEqual(granted(await token(undefined, scope('team/a', 'pull'))), []);
    });

    test('come by POST, too; wrong passwords and other grants do not', async () => {
      const form = (fields: Record<string, string>) =>
        sender(registry)('POST', '/token', {
          body: String(
            new URLSearchParams({ service: registry.address, scope: 'repository:team/a:pull', ...fields }),
          ),
          headers: { 'content-type': 'application/x-www-form-urlencoded' },
        });
      const right = await form({ grant_type: 'password', username: 'pull', password: 'pull' });
      const { token: jwt } = right.json() as { token: string };

      assert.equal(
        (await sender(registry)('GET', '/v2/team/a/manifests/v', { headers: bearer(jwt) })).status,
        200,
      );
      const wrong = await form({ grant_type: 'password', username: 'pull', password: 'wrong' });
      assert.deepEqual([refusal(wrong), challengeOf(wrong)], ['401 UNAUTHORIZED', realm]);
      for (const grant of ['refresh_token', '', 'authorization_code'])
        assert.equal(refusal(await form({ grant_type: grant })), '400 UNSUPPORTED');
      assert.equal(
        refusal(await sender(registry)('POST', '/token', { body: 'x'.repeat(100_000) })),
        '400 UNSUPPORTED',
      );
      assert.equal((await sender(registry)('GET', '/token', { headers: basic('pull:wrong') })).status, 401);
    });

    test('permit what their scopes name, else ask for the right scope', async () => {
      const small = bearer(await token('push', scope('team/a', 'pull')));
      const large = bearer(await token('push', scope('team/a', 'pull,push')));
      const send = sender(registry);
      const put = (headers: Readonly<Record<string, string>>, name = 'team/a') =>
        send('PUT', `/v2/${name}/manifests/w`, {
          body: image,
          headers: { 'content-type': ociManifest, ...headers },
        });

      assert.deepEqual(
        [(await send('GET', '/v2/team/a/manifests/v', { headers: small })).status, (await put(large)).status],
        [200, 201],
      );
      assert.equal((await send('GET', '/v2/', { headers: small })).status, 200);
      const lacking = await put(small);
      assert.equal(refusal(lacking), '401 UNAUTHORIZED');
      assert.equal(
        challengeOf(lacking),
        `Bearer realm="http://${registry.address}/token",service="${registry.address}",scope="repository:team/a:pull,push",error="insufficient_scope"`,
      );
      // What the user may not have either is a matter of permission: another token would not help.
      assert.equal(refusal(await put(large, 'secret/b')), '403 DENIED');
      const catalog = await send('GET', '/v2/_catalog', { headers: large });
      assert.match(String(challengeOf(catalog)), /scope="registry:catalog:\*",error="insufficient_scope"/);
    });

    test('of an anonymous client lead to a login', async () => {
      const answer = await sender(registry)('GET', '/v2/team/a/manifests/v', {
        headers: bearer(await token(undefined)),
      });
      assert.equal(answer.status, 401);
      assert.match(String(challengeOf(answer)), /^Bearer /);
    });

    test('do not hold for another host', async () => {
      const headers = { ...bearer(await token('pull', scope('team/a', 'pull'))), host: 'localhost' };
      assert.equal((await sender(registry)('GET', '/v2/team/a/manifests/v', { headers })).status, 401);
    });

    test('end with their user’s personal token', async () => {
      const made = JSON.parse(
        await berth(registry.dataDir, 'token', 'create', '--user', 'push', '--scope', 'pull', '--json'),
      ) as { id: string; token: string };
      const send = sender(registry, `push:${made.token}`);
      assert.equal((await send('GET', '/v2/team/a/manifests/v')).status, 200);
      assert.equal(refusal(await send('POST', '/v2/team/a/blobs/uploads/')), '403 DENIED');
      const answer = await send('GET', `/token?${scope('team/a', 'pull,push')}`);
      const { token: jwt } = answer.json() as { token: string };
      assert.deepEqual(granted(jwt), [{ type: 'repository', name: 'team/a', actions: ['pull'] }]);
      const use = () => sender(registry)('GET', '/v2/team/a/manifests/v', { headers: bearer(jwt) });
      assert.equal((await use()).status, 200);

      await berth(registry.dataDir, 'token', 'revoke', made.id);

      for (const deadline = Date.now() + 5000; (await use()).status !== 401;)
        assert.ok(Date.now() < deadline, 'a revoked token ends');
      assert.equal((await send('GET', '/v2/')).status, 401);
    });
  });

  test('wrong passwords are slowed down with 429, the right one from there too, and others are not', async () => {
    let last = await sender(registry, 'victim:wrong')('GET', '/v2/');
    for (let tries = 0; tries < 20 && last.status === 401; tries += 1)
      last = await sender(registry, 'victim:wrong')('GET', '/v2/');

    assert.equal(refusal(last), '429 TOOMANYREQUESTS');
    assert.match(last.headers['retry-after'] ?? '', /^[1-9]\d*$/);
    assert.equal((await as(registry, 'admin')('GET', '/v2/')).status, 200);
  });
});

describe('anonymous pull on for open/**', () => {
  let registry: TestRegistry;
  before(async () => {
    registry = await startWithUsers(users, { env: { BERTH_AUTH_ANONYMOUS: '[open/**]' } });
    await fill(registry);
  });
  after(() => registry[Symbol.asyncDispose]());
  const bearerChallenge = () =>
    `Bearer realm="http://${registry.address}/token",service="${registry.address}"`;

  for (const [name, headers] of [
    ['no credentials', {}],
    ['an empty login', { authorization: 'Basic Og==' }],
  ] as const) {
    test(`${name}: Bearer on /v2/, content of open repositories, else Basic`, async () => {
      const send = sender(registry);
      for (const path of ['/v2/', '/v2']) {
        const base = await send('GET', path, { headers });
        assert.deepEqual([base.status, challengeOf(base)], [401, bearerChallenge()]);
      }
      for (const action of actions) {
        for (const where of ['open/c', 'team/a']) {
          const answer = await act(send, action, where, headers);
          const isServed = where === 'open/c' && action[2] === 'pull';
          assert.deepEqual(
            [answer.status, challengeOf(answer)],
            isServed ? [200, undefined] : [401, realm],
            `${action.join(' ')} ${where}`,
          );
        }
      }
      const catalog = await send('GET', '/v2/_catalog', { headers });
      assert.deepEqual([catalog.status, challengeOf(catalog)], [401, realm]);
    });
  }

  test('wrong Basic: Bearer on /v2/, Basic elsewhere, open repositories included', async () => {
    const send = sender(registry, 'push:wrong');
    const [base, open] = [await send('GET', '/v2/'), await send('GET', '/v2/open/c/manifests/v')];
    assert.deepEqual([base.status, challengeOf(base)], [401, bearerChallenge()]);
    assert.deepEqual([open.status, challengeOf(open)], [401, realm]);
  });

  test('an anonymous token pulls what is open, and more leads to insufficient_scope', async () => {
    const answer = await sender(registry)('GET', `/token?service=x&scope=repository:open/c:pull,push`);
    const headers = bearer((answer.json() as { token: string }).token);
    const send = sender(registry);

    assert.equal((await send('GET', '/v2/open/c/manifests/v', { headers })).status, 200);
    assert.equal((await send('GET', '/v2/', { headers })).status, 200);
    for (const [method, path, scope] of [
      ['POST', '/v2/open/c/blobs/uploads/', 'repository:open/c:pull,push'],
      ['GET', '/v2/team/a/manifests/v', 'repository:team/a:pull'],
      ['DELETE', '/v2/open/c/manifests/v', 'repository:open/c:delete'],
    ] as const) {
      const more = await send(method, path, { headers });
      assert.deepEqual(
        [refusal(more), challengeOf(more)],
        ['401 UNAUTHORIZED', `${bearerChallenge()},scope="${scope}",error="insufficient_scope"`],
      );
    }
  });

  test('a user may pull what is open, and sees it in the catalog', async () => {
    assert.equal((await as(registry, 'pull')('GET', '/v2/open/c/manifests/v')).status, 200);
    assert.equal((await putManifest(as(registry, 'push'), 'open/c', 'w', image)).status, 403);
    assert.deepEqual((await as(registry, 'pull')('GET', '/v2/_catalog')).json(), {
      repositories: ['open/c', 'team/a'],
    });
  });
});
