import assert from 'node:assert/strict';
import { mkdtempDisposable } from 'node:fs/promises';
import { join } from 'node:path';
import { tmpdir } from 'node:os';
import { after, before, test } from 'node:test';
import { hashSync } from 'bcryptjs';
import { isAppError } from '../spec/errors.ts';
import { keepLog } from '../spec/kept-log.suite.ts';
import { accountFiles, addAccount, createToken } from './accounts.ts';
import { createAuth, openTo } from './auth.ts';
import type { Auth } from './auth.ts';
import { basicAuthorization } from './basic.ts';
import { answerTokenRequest } from './token-endpoint.ts';
import type { TokenAnswer, TokenRequest } from './token-endpoint.ts';

const { log } = keepLog();
const service = 'berth.local:5443';
const dev = basicAuthorization('dev', 'geheim');
const stack = new AsyncDisposableStack();
let auth: Auth;
let personal = '';

before(async () => {
  const folder = stack.use(await mkdtempDisposable(join(tmpdir(), 'berth-token-')));
  const files = accountFiles(folder.path);
  await addAccount(files, {
    name: 'dev',
    hash: hashSync('geheim', 4),
    role: 'push',
    repositories: ['team/**'],
  });
  personal = (await createToken(files, { owner: 'dev', label: '', verbs: ['pull'] })).text;
  auth = stack.use(
    await createAuth({ mode: 'htpasswd', root: folder.path, log, open: () => openTo(['open/*']) }),
  );
});
after(() => stack.disposeAsync());

async function ask(
  method: TokenRequest['method'],
  parameters: string,
  authorization?: string,
): Promise<{ readonly answer: TokenAnswer; readonly claims: Record<string, unknown> }> {
  const request = { method, parameters: new URLSearchParams(parameters), authorization, address: '10.0.0.1' };
  const answer = await answerTokenRequest(request, { auth, realm: 'Berth', service });
  const token: unknown = JSON.parse(answer.body).token;
  const claims =
    typeof token === 'string'
      ? JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())
      : {};
  return { answer, claims };
}

test('GET with Basic answers a token for asked and allowed scopes', async () => {
  const query =
    'service=berth.local:5443&account=dev&client_id=docker&offline_token=true' +
    '&scope=repository:team/api:pull,push,delete&scope=repository:open/x:pull,push%20repository:closed/x:pull&scope=fly:a:b';

  const { answer, claims } = await ask('GET', query, dev);

  const body = JSON.parse(answer.body);
  assert.deepEqual(answer.headers, { 'Content-Type': 'application/json', 'Cache-Control': 'no-store' });
  assert.deepEqual(Object.keys(body), ['token', 'access_token', 'expires_in', 'issued_at']);
  assert.deepEqual([answer.status, body.token === body.access_token, body.expires_in], [200, true, 300]);
  assert.match(body.issued_at, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.000Z$/);
  assert.deepEqual([claims['sub'], claims['aud']], ['dev', service]);
  assert.deepEqual(claims['access'], [
    { type: 'repository', name: 'team/api', actions: ['pull', 'push'] },
    { type: 'repository', name: 'open/x', actions: ['pull'] },
  ]);
});

test('the token works as a Bearer token at the same host', async () => {
  const { answer } = await ask('GET', 'scope=repository:team/api:pull', dev);
  const authorization = `Bearer ${JSON.parse(answer.body).token}`;

  const identity = await auth.identify({ authorization, address: '10.0.0.1', service });

  assert.ok(identity.kind === 'caller' && identity.scheme === 'bearer' && identity.caller.name === 'dev');
});

test('POST takes the password of the form', async () => {
  const right = await ask('POST', form('geheim'));
  const byToken = await ask('POST', form(personal));
  const wrong = await ask('POST', form('falsch'), dev);

  assert.deepEqual([right.answer.status, byToken.answer.status, wrong.answer.status], [200, 200, 401]);
  assert.deepEqual(
    [right.claims['access'], byToken.claims['access']],
    [
      [
        { type: 'repository', name: 'team/a', actions: ['pull'] },
        { type: 'repository', name: 'team/b', actions: ['push'] },
      ],
      [{ type: 'repository', name: 'team/a', actions: ['pull'] }],
    ],
  );
});

test('no credentials answer an anonymous token for open repositories', async () => {
  for (const authorization of [undefined, 'Basic Og==']) {
    const { answer, claims } = await ask(
      'GET',
      'scope=repository:open/x:pull,push&scope=registry:catalog:*',
      authorization,
    );

    assert.deepEqual([answer.status, claims['sub']], [200, '']);
    assert.deepEqual(claims['access'], [{ type: 'repository', name: 'open/x', actions: ['pull'] }]);
  }
});

test('wrong credentials are asked for Basic', async () => {
  const { answer: valid } = await ask('GET', '', dev);
  const table = [
    basicAuthorization('dev', 'falsch'),
    'Basic ***',
    'Bearer x.y.z',
    `Bearer ${JSON.parse(valid.body).token}`,
  ];

  for (const authorization of table) {
    const { answer } = await ask('GET', 'scope=repository:open/x:pull', authorization);

    assert.deepEqual([answer.status, answer.headers['WWW-Authenticate']], [401, 'Basic realm="Berth"']);
    assert.deepEqual(JSON.parse(answer.body), {
      errors: [{ code: 'UNAUTHORIZED', message: 'Login needed.', detail: null }],
    });
  }
});

test('refresh tokens and too many scopes are refused', async () => {
  await assert.rejects(ask('POST', 'grant_type=refresh_token&refresh_token=x'), refused);
  await assert.rejects(ask('POST', ''), refused);
  await assert.rejects(ask('GET', 'scope=a&'.repeat(101), dev), refused);
  assert.equal((await ask('GET', 'scope=a&'.repeat(100), dev)).answer.status, 200);
});

test('the catalog scope is for users', async () => {
  const { claims } = await ask('GET', 'scope=registry:catalog:*', dev);

  assert.deepEqual(claims['access'], [{ type: 'registry', name: 'catalog', actions: ['*'] }]);
});

function form(password: string): string {
  return `grant_type=password&username=dev&password=${password}&service=x&scope=repository:team/a:pull repository:team/b:push`;
}

function refused(error: unknown): boolean {
  return isAppError(error, 'PARAMETER_INVALID');
}
