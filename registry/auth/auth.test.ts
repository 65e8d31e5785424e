import assert from 'node:assert/strict';
import { chmod, mkdir, mkdtempDisposable, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { tmpdir } from 'node:os';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { hashSync } from 'bcryptjs';
import { type Role, verbs } from '../spec/admin/access.ts';
import { isAppError } from '../spec/errors.ts';
import type { Log } from '../spec/log-record.ts';
import type { RepoName } from '../spec/names.ts';
import {
  accountFiles,
  addAccount,
  createToken,
  removeAccount,
  revokeToken,
  setDisabled,
  setPasswordHash,
  setRole,
} from './accounts.ts';
import { createAuth, openTo } from './auth.ts';
import type { AuthOptions } from './auth.ts';
import { basicAuthorization } from './basic.ts';
import type { Identity } from './caller.ts';
import { parseScope } from './scopes.ts';
import type { Scope } from './scopes.ts';

const address = '10.0.0.7';
const hashes = new Map<string, string>();
const hashOf = (password: string, cost = 4): string => {
  const key = `${cost} ${password}`;
  const hash = hashes.get(key) ?? hashSync(password, cost);
  hashes.set(key, hash);
  return hash;
};

interface Line {
  readonly level: string;
  readonly event: string;
  readonly text: string;
}

function createLog(): { readonly log: Log; readonly lines: Line[] } {
  const lines: Line[] = [];
  const write =
    (level: string) =>
    (event: string, msg: string, fields: object = {}) =>
      void lines.push({ level, event, text: `${msg} ${JSON.stringify(fields)}` });
  const log: Log = {
    error: write('error'),
    warn: write('warn'),
    info: write('info'),
    debug: write('debug'),
    trace: write('trace'),
    enabled: () => true,
    with: () => log,
    for: () => log,
  };
  return { log, lines };
}

/** A data directory with the administrator dev (password `geheim`), looked at on every request. */
async function start(
  options: Partial<AuthOptions> & { readonly users?: Readonly<Record<string, Role>> } = {},
) {
  await using stack = new AsyncDisposableStack();
  const folder = stack.use(await mkdtempDisposable(join(tmpdir(), 'berth-auth-')));
  const root = folder.path;
  const files = accountFiles(root);
  const users: Record<string, Role> = options.users ?? { dev: 'admin' };
  for (const [name, role] of Object.entries(users))
    await addAccount(files, { name, role, hash: hashOf('geheim') });
  const { log, lines } = createLog();
  const auth = stack.use(
    await createAuth({ mode: 'htpasswd', root, log, checkEveryMs: 0, bcryptThreads: 1, ...options }),
  );
  const rest = stack.move();
  return {
    root,
    files,
    auth,
    lines,
    login: (user: string, password: string, from = address, signal?: AbortSignal) =>
      auth.identify(
        { authorization: basicAuthorization(user, password), address: from },
        signal === undefined ? {} : { signal: () => signal },
      ),
    bearer: (token: string) => auth.identify({ authorization: `Bearer ${token}`, address }),
    [Symbol.asyncDispose]: () => rest[Symbol.asyncDispose](),
  };
}

const brief = (identity: Identity): string => {
  if (identity.kind === 'none') return 'none';
  if (identity.kind === 'rejected') return identity.reason;
  const { caller } = identity;
  const allowed = verbs.filter((verb) => caller.can(verb, 'team/api' as RepoName));
  return [caller.name, caller.isAdmin ? 'admin' : '', caller.limitedBy ?? '', ...allowed]
    .filter(Boolean)
    .join(' ');
};
const scopes = (...texts: readonly string[]): readonly Scope[] =>
  texts.flatMap((text) => parseScope(text) ?? []);

test('credentials lead to a caller, to nobody or to a refusal', async () => {
  await using one = await start({ users: { dev: 'admin', ci: 'push', reader: 'pull' } });
  const table: readonly (readonly [header: string | undefined, expected: string])[] = [
    [basicAuthorization('dev', 'geheim'), 'dev admin pull push delete'],
    [basicAuthorization('ci', 'geheim'), 'ci pull push'],
    [basicAuthorization('reader', 'geheim'), 'reader pull'],
    [undefined, 'none'],
    ['Basic Og==', 'none'],
    [basicAuthorization('dev', 'wrong'), 'credentials'],
    [basicAuthorization('dev', ''), 'credentials'],
    [basicAuthorization('Dev', 'geheim'), 'credentials'],
    [basicAuthorization('nobody', 'geheim'), 'credentials'],
    [basicAuthorization('__proto__', 'geheim'), 'credentials'],
    [basicAuthorization('dev', hashOf('geheim')), 'credentials'],
    ['Basic ***', 'malformed'],
    ['Digest x', 'malformed'],
    ['Bearer x.y.z', 'invalid_token'],
  ];

  const found: (readonly [string | undefined, string])[] = [];
  for (const [header] of table) {
    found.push([header, brief(await one.auth.identify({ authorization: header, address }))]);
  }

  assert.deepEqual(found, table);
});

test('no beginning and no extension of a 72 byte password logs in', async () => {
  const password = 'p'.repeat(71) + 'x';
  await using one = await start();
  await setPasswordHash(one.files, 'dev', hashOf(password));

  const tries = [
    password,
    `${password}y`,
    password.slice(0, 71),
    `${password.slice(0, 71)}y`,
    `${password.slice(0, 70)}\0`,
  ];
  const found: string[] = [];
  for (const each of tries) found.push(brief(await one.login('dev', each)));

  assert.deepEqual(found, [
    'dev admin pull push delete',
    'malformed',
    'credentials',
    'credentials',
    'malformed',
  ]);
});

test('40 logins at the same time cost one computation, and later ones none', async () => {
  await using one = await start();

  const found = await Promise.all(Array.from({ length: 40 }, () => one.login('dev', 'geheim')));
  await one.login('dev', 'geheim', '10.9.9.9');

  assert.deepEqual([new Set(found.map(brief)).size, found[0]?.kind, one.auth.bcryptCount], [1, 'caller', 1]);
});

test('a user who leaves while waiting does not spoil the login of the others', async () => {
  await using one = await start();
  await setPasswordHash(one.files, 'dev', hashOf('geheim', 11));
  const gone = new AbortController();

  const left = one.login('dev', 'geheim', address, gone.signal);
  const stays = one.login('dev', 'geheim');
  while (one.auth.bcryptCount === 0) await setImmediate();
  gone.abort();

  await assert.rejects(left, (error) => isAppError(error, 'CANCELLED'));
  assert.equal((await stays).kind, 'caller');
});

test('wrong passwords run out for the address, not for the account', async () => {
  const guard = {
    perUser: { tries: 3, secondsPerTry: 3600 },
    perAddress: { tries: 100, secondsPerTry: 3600 },
  };
  await using one = await start({ guard });
  const { text } = await createToken(one.files, { owner: 'dev', label: '', verbs: ['pull'] });
  await one.login('dev', 'geheim');
  await one.login('dev', 'geheim', '10.0.0.8');

  for (const password of ['a', 'b', 'c']) await one.login('dev', password);
  const before = one.auth.bcryptCount;
  await assert.rejects(one.login('dev', 'd'), throttled);
  await assert.rejects(one.login('dev', `${text.slice(0, -1)}${text.endsWith('A') ? 'B' : 'A'}`), throttled);

  const found = [
    brief(await one.login('dev', 'geheim')),
    brief(await one.login('dev', text)),
    brief(await one.login('dev', 'geheim', '10.0.0.9')),
    brief(await one.login('other', 'x')),
  ];
  assert.deepEqual(found, [
    'dev admin pull push delete',
    'dev token pull',
    'dev admin pull push delete',
    'credentials',
  ]);
  assert.equal(one.auth.bcryptCount - before, 1);
});

test('requests without credentials, right ones and expired tokens do not count as wrong', async () => {
  const guard = { perUser: { tries: 1, secondsPerTry: 3600 }, perAddress: { tries: 1, secondsPerTry: 3600 } };
  await using one = await start({ guard });
  const expiresAt = new Date(Date.now() - 1000).toISOString();
  const { text } = await createToken(one.files, { owner: 'dev', label: '', verbs: ['pull'], expiresAt });

  for (let n = 0; n < 5; n += 1) {
    await one.auth.identify({ authorization: undefined, address });
    await one.auth.identify({ authorization: 'Basic ***', address });
    await one.bearer('x.y.z');
    assert.equal(brief(await one.login('dev', text)), 'expired');
    assert.equal((await one.login('dev', 'geheim')).kind, 'caller');
  }
});

test('known and unknown users take the same time', async () => {
  const many = { tries: 1000, secondsPerTry: 1 };
  await using one = await start({ guard: { perUser: many, perAddress: many } });
  await setPasswordHash(one.files, 'dev', hashOf('geheim', 8));
  await one.login('dev', 'warm');
  const timed = async (user: string, n: number): Promise<number> => {
    const begin = performance.now();
    await one.login(user, `wrong${n}`);
    return performance.now() - begin;
  };

  const times: Record<'known' | 'unknown', number[]> = { known: [], unknown: [] };
  for (let n = 0; n < 15; n += 1) {
    times.known.push(await timed('dev', n));
    times.unknown.push(await timed(`nobody${n}`, n));
  }

  const ratio = median(times.unknown) / median(times.known);
  assert.ok(ratio > 0.5 && ratio < 2, `unknown users take ${ratio} times as long`);
});

test('an edit by another program holds for the next request', async () => {
  await using one = await start({ users: { dev: 'admin', ci: 'push' } });
  const ci = async (): Promise<string> => brief(await one.login('ci', 'geheim'));
  const found = [await ci()];

  await setRole(one.files, 'ci', { role: 'pull' });
  found.push(await ci());
  await setRole(one.files, 'ci', { role: 'push', repositories: ['other/**'] });
  found.push(await ci());
  await setDisabled(one.files, 'ci', true);
  found.push(await ci());
  await setDisabled(one.files, 'ci', false);
  found.push(await ci());
  await setPasswordHash(one.files, 'ci', hashOf('neu'));
  found.push(await ci(), brief(await one.login('ci', 'neu')));
  await removeAccount(one.files, 'ci');
  found.push(brief(await one.login('ci', 'neu')));

  assert.deepEqual(found, [
    'ci pull push',
    'ci pull',
    'ci',
    'credentials',
    'ci',
    'credentials',
    'ci',
    'credentials',
  ]);
});

test('with the normal pace an edit is seen within a second, and at once after reload', async () => {
  await using one = await start({ checkEveryMs: 250 });
  await using two = await start({ checkEveryMs: 60_000 });
  await one.login('dev', 'geheim');
  await two.login('dev', 'geheim');

  await setPasswordHash(one.files, 'dev', hashOf('neu'));
  await setPasswordHash(two.files, 'dev', hashOf('neu'));
  const begin = performance.now();
  while ((await one.login('dev', 'geheim')).kind === 'caller') assert.ok(performance.now() - begin < 1000);

  assert.equal((await one.login('dev', 'neu')).kind, 'caller');
  assert.equal(await two.auth.reload(), undefined);
  assert.equal((await two.login('dev', 'neu')).kind, 'caller');
});

test('who would be refused is judged by the files of this moment, once more only if they say something else', async () => {
  await using one = await start({ checkEveryMs: 60_000 });
  await addAccount(one.files, { name: 'off', role: 'pull', hash: hashOf('geheim') });
  await setDisabled(one.files, 'off', true);
  const found = [brief(await one.login('off', 'geheim'))];

  await addAccount(one.files, { name: 'new', role: 'pull', hash: hashOf('geheim') });
  found.push(brief(await one.login('new', 'geheim')));
  await setPasswordHash(one.files, 'new', hashOf('neu'));
  found.push(brief(await one.login('new', 'neu')));
  const { text } = await createToken(one.files, { owner: 'new', label: '', verbs: ['pull'] });
  found.push(brief(await one.login('new', text)));
  await setDisabled(one.files, 'off', false);
  found.push(brief(await one.login('off', 'geheim')));
  const before = one.auth.bcryptCount;
  found.push(brief(await one.login('new', 'wrong')), brief(await one.login('nobody', 'geheim')));

  assert.deepEqual(found, [
    'credentials',
    'new pull',
    'new pull',
    'new token pull',
    'off pull',
    'credentials',
    'credentials',
  ]);
  assert.equal(one.auth.bcryptCount - before, 2);
});

test('a file that breaks closes every login, is logged once, and opens again when mended', async () => {
  for (const which of ['users', 'access'] as const) {
    await using one = await start();
    const { text } = await createToken(one.files, { owner: 'dev', label: '', verbs: ['pull'] });
    const good = await readFile(one.files[which], 'utf8');
    const jwt = one.auth.issue({ identity: await one.login('dev', 'geheim'), scopes: [] }).token;
    const all = async (): Promise<string[]> => [
      brief(await one.login('dev', 'geheim')),
      brief(await one.login('dev', text)),
      brief(await one.bearer(jwt)),
      brief(await one.login('dev', 'wrong')),
    ];

    await writeFile(one.files[which], 'canary-hunter2');
    const closed = [await all()];
    await writeFile(one.files[which], 'canary-hunter2');
    closed.push(await all());
    const error = await one.auth.reload();
    await rm(one.files[which]);
    const gone = await all();
    await writeFile(one.files[which], good, { mode: 0o600 });
    const open = await all();

    const refused = ['credentials', 'credentials', 'invalid_token', 'credentials'];
    const works = ['dev admin pull push delete', 'dev token pull', 'dev scope', 'credentials'];
    assert.deepEqual([...closed, gone, open], [refused, refused, refused, works]);
    assert.ok(isAppError(error, 'USERS_INVALID'));
    assert.deepEqual(
      one.lines.map(({ level, event }) => `${level} ${event}`),
      ['error usersBroke', 'error usersBroke', 'info usersMended'],
    );
    assert.ok(!one.lines.some((line) => line.text.includes('canary')));
  }
});

test('the start is refused for a broken, missing or readable user file', async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'berth-auth-'));
  const root = folder.path;
  const files = accountFiles(root);
  const begin = async (): Promise<unknown> => {
    await using auth = await createAuth({ mode: 'htpasswd', root, log: createLog().log });
    return auth.mode;
  };
  await mkdir(join(root, 'berth'), { mode: 0o700 });

  await assert.rejects(
    begin(),
    (error) => isAppError(error, 'USERS_INVALID') && error.message.includes(files.users),
  );
  await writeFile(files.users, 'dev\n', { mode: 0o600 });
  await assert.rejects(
    begin(),
    (error) => isAppError(error, 'USERS_INVALID') && /Line 1 /.test(error.message),
  );
  await writeFile(files.users, `dev:${hashOf('geheim')}\n`);
  assert.equal(await begin(), 'htpasswd');
  await chmod(files.users, 0o644);
  await assert.rejects(begin(), (error) => isAppError(error, 'DATA_UNUSABLE') && /0644/.test(error.message));
  await chmod(files.users, 0o600);
  await writeFile(files.access, '{}', { mode: 0o600 });
  await assert.rejects(
    begin(),
    (error) => isAppError(error, 'USERS_INVALID') && error.message.includes(files.access),
  );
});

test('users of a foreign htpasswd file have full access until access.json says less', async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'berth-auth-'));
  const htpasswdPath = join(folder.path, 'htpasswd');
  await writeFile(htpasswdPath, `dev:${hashOf('geheim')}\nold:{SHA}x\n`, { mode: 0o644 });
  await using one = await start({ htpasswdPath, users: { unused: 'admin' } });
  const files = accountFiles(one.root, htpasswdPath);

  const found = [brief(await one.login('dev', 'geheim')), brief(await one.login('unused', 'geheim'))];
  await addAccount(files, { name: 'second', hash: hashOf('zwei'), role: 'admin' });
  await setRole(files, 'dev', { role: 'pull' });
  found.push(brief(await one.login('dev', 'geheim')));

  assert.deepEqual(found, ['dev admin pull push delete', 'credentials', 'dev pull']);
  assert.match(one.lines[0]?.text ?? '', /^Line 2 of .* has a hash that is not bcrypt/);
});

test('a user of the own file without an entry may pull', async () => {
  await using one = await start();
  await writeFile(one.files.users, `${await readFile(one.files.users, 'utf8')}hand:${hashOf('made')}\n`);

  assert.equal(brief(await one.login('hand', 'made')), 'hand pull');
});

test('a token is the password of its owner, never more, and ends on the next request', async () => {
  await using one = await start({ users: { dev: 'admin', ci: 'push' } });
  const all = { owner: 'ci', label: 'runner', verbs } as const;
  const full = await createToken(one.files, all);
  const globs = await createToken(one.files, { ...all, repositories: ['other/*'] });
  const ofAdmin = await createToken(one.files, { ...all, owner: 'dev' });
  const past = await createToken(one.files, { ...all, expiresAt: new Date(Date.now() - 1).toISOString() });
  const future = await createToken(one.files, {
    ...all,
    expiresAt: new Date(Date.now() + 60_000).toISOString(),
  });
  const ask = async (user: string, { text }: { text: string }): Promise<string> =>
    brief(await one.login(user, text));

  const found = [
    await ask('ci', full),
    await ask('dev', full),
    await ask('ci', globs),
    await ask('dev', ofAdmin),
    await ask('ci', past),
    await ask('ci', future),
    await ask('ci', { text: full.text.replace(full.token.id, globs.token.id) }),
    await ask('ci', { text: full.text.slice(0, -1) }),
  ];
  await setRole(one.files, 'ci', { role: 'pull' });
  found.push(await ask('ci', full));
  await setDisabled(one.files, 'ci', true);
  found.push(await ask('ci', full));
  await setDisabled(one.files, 'ci', false);
  await revokeToken(one.files, full.token.id);
  found.push(await ask('ci', full), await ask('ci', future));
  await removeAccount(one.files, 'ci');
  await addAccount(one.files, { name: 'ci', hash: hashOf('geheim'), role: 'push' });
  found.push(await ask('ci', future));

  assert.deepEqual(found, [
    'ci token pull push',
    'credentials',
    'ci token',
    'dev token pull push delete',
    'expired',
    'ci token pull push',
    'credentials',
    'credentials',
    'ci token pull',
    'credentials',
    'credentials',
    'ci token pull',
    'credentials',
  ]);
  assert.deepEqual(
    [full, globs, ofAdmin, future, past].map(({ token }) => one.auth.lastUse('token', token.id)?.address),
    [address, address, address, address, undefined],
  );
  assert.equal(one.auth.lastUse('user', 'dev'), undefined);
});

test('a Bearer token has the asked part of the present rights', async () => {
  await using one = await start({ users: { dev: 'admin', ci: 'push' } });
  const issue = async (user: string, ...asked: readonly string[]): Promise<string> =>
    one.auth.issue({ identity: await one.login(user, 'geheim'), scopes: scopes(...asked) }).token;
  const ask = async (token: string): Promise<string> => brief(await one.bearer(token));
  const all = await issue('ci', 'repository:team/api:pull,push,delete', 'registry:catalog:*');
  const ofAdmin = await issue('dev', 'repository:team/api:*');

  const found = [
    await ask(all),
    await ask(await issue('ci', 'repository:team/api:pull')),
    await ask(await issue('ci', 'repository:other/x:pull')),
    await ask(await issue('ci')),
    await ask(ofAdmin),
  ];
  await setRole(one.files, 'ci', { role: 'pull' });
  found.push(await ask(all));
  await setRole(one.files, 'ci', { role: 'push', repositories: ['other/**'] });
  found.push(await ask(all));
  await setDisabled(one.files, 'ci', true);
  found.push(await ask(all));
  await setDisabled(one.files, 'ci', false);
  found.push(await ask(all));
  await setPasswordHash(one.files, 'ci', hashOf('neu'));
  found.push(await ask(all));

  assert.deepEqual(found, [
    'ci scope pull push',
    'ci scope pull',
    'ci scope',
    'ci scope',
    'dev scope pull push delete',
    'ci scope pull',
    'ci scope',
    'invalid_token',
    'ci scope',
    'invalid_token',
  ]);
});

test('a Bearer token from a personal access token ends with it and has its limits', async () => {
  await using one = await start();
  const made = await createToken(one.files, { owner: 'dev', label: '', verbs: ['pull'] });
  const identity = await one.login('dev', made.text);
  const { token } = one.auth.issue({ identity, scopes: scopes('repository:team/api:pull,push') });

  const found = [brief(await one.bearer(token))];
  await revokeToken(one.files, made.token.id);
  found.push(brief(await one.bearer(token)));

  assert.deepEqual(found, ['dev scope pull', 'invalid_token']);
});

test('what the catalog shows follows the catalog scope and the rights', async () => {
  await using one = await start({ users: { dev: 'admin', ci: 'pull' } });
  await setRole(one.files, 'ci', { role: 'pull', repositories: ['team/**'] });
  const identity = await one.login('ci', 'geheim');
  const through = async (...asked: readonly string[]): Promise<Identity> =>
    one.bearer(one.auth.issue({ identity, scopes: scopes(...asked) }).token);

  assert.deepEqual(show(identity), [true, true, true, false]);
  assert.deepEqual(show(await through('registry:catalog:*')), [true, true, true, false]);
  assert.deepEqual(show(await through('repository:team/b:pull')), [false, false, true, false]);
});

test('anonymous pull opens its globs to everyone, and only for reading', async () => {
  await using one = await start({ users: { dev: 'admin', ci: 'pull' }, open: () => openTo(['team/*']) });
  await setRole(one.files, 'ci', { role: 'pull', repositories: ['other/**'] });
  const anonymous = one.auth.issue({
    identity: { kind: 'none' },
    scopes: scopes('repository:team/api:pull,push', 'repository:other/x:pull', 'registry:catalog:*'),
  });
  const { auth } = one;

  const can = (name: string): string =>
    verbs.filter((verb) => auth.anonymous.can(verb, name as RepoName)).join();
  assert.deepEqual(
    [auth.isAnonymousOn, auth.isOpen('team/api' as RepoName), auth.isOpen('x' as RepoName)],
    [true, true, false],
  );
  assert.deepEqual(
    [can('team/api'), can('other/x'), auth.anonymous.isAdmin, auth.anonymous.hasCatalog],
    ['pull', '', false, false],
  );
  assert.equal(brief(await one.login('ci', 'geheim')), 'ci pull');
  assert.equal(brief(await one.bearer(anonymous.token)), 'scope pull');
});

test('with anonymous pull off nobody is in without a login, not even by a token', async () => {
  await using one = await start();
  const { token } = one.auth.issue({
    identity: { kind: 'none' },
    scopes: scopes('repository:team/api:pull'),
  });

  assert.equal(brief(await one.bearer(token)), 'invalid_token');
  assert.equal(one.auth.anonymous.can('pull', 'team/api' as RepoName), false);
});

test('a token for another service is refused', async () => {
  await using one = await start();
  const identity = await one.login('dev', 'geheim');
  const { token } = one.auth.issue({ identity, scopes: [], service: 'a:1' });
  const at = async (service?: string): Promise<string> =>
    brief(
      await one.auth.identify({
        authorization: `Bearer ${token}`,
        address,
        ...(service === undefined ? {} : { service }),
      }),
    );

  assert.deepEqual(
    [await at('a:1'), await at('b:1'), await at()],
    ['dev scope', 'invalid_token', 'invalid_token'],
  );
});

test('Bearer tokens survive a restart', async () => {
  await using one = await start();
  const { token } = one.auth.issue({
    identity: await one.login('dev', 'geheim'),
    scopes: scopes('repository:team/api:pull'),
  });

  await using again = await createAuth({ mode: 'htpasswd', root: one.root, log: createLog().log });

  assert.equal(brief(await again.identify({ authorization: `Bearer ${token}`, address })), 'dev scope pull');
});

test('mode none makes everyone administrator and needs no files', async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'berth-auth-'));
  await using auth = await createAuth({
    mode: 'none',
    root: join(folder.path, 'absent'),
    log: createLog().log,
  });

  for (const authorization of [undefined, basicAuthorization('a', 'b'), 'Bearer x', '***']) {
    assert.equal(brief(await auth.identify({ authorization, address })), 'admin pull push delete');
  }
  assert.deepEqual([auth.anonymous.isAdmin, await auth.reload()], [true, undefined]);
});

test('a new password is hashed in the worker, and impossible ones are refused', async () => {
  await using one = await start();

  const hash = await one.auth.hashPassword('neues Passwort');

  await setPasswordHash(one.files, 'dev', hash);
  assert.match(hash, /^\$2b\$10\$/);
  assert.equal((await one.login('dev', 'neues Passwort')).kind, 'caller');
  for (const password of ['', 'x'.repeat(73), 'a\0b', 'ä'.repeat(37), 'a\nb']) {
    await assert.rejects(one.auth.hashPassword(password), (error) => isAppError(error, 'PASSWORD_INVALID'));
  }
});

test('no password, token or hash is in any error, answer or log line', async () => {
  const canary = 'Canary7Zq';
  const guard = { perUser: { tries: 2, secondsPerTry: 60 }, perAddress: { tries: 9, secondsPerTry: 60 } };
  await using one = await start({ guard });
  await setPasswordHash(one.files, 'dev', hashOf(canary));
  const token = await createToken(one.files, { owner: 'dev', label: '', verbs: ['pull'] });
  const said: unknown[] = [];
  const note = async (act: Promise<unknown>): Promise<void> => {
    said.push(await act.catch((error: unknown) => [String(error), JSON.stringify(error), error]));
  };

  await note(one.login('dev', `${canary}x`));
  await note(one.login('dev', `${canary}y`));
  await note(one.login('dev', `${canary}z`));
  await note(one.login('dev', canary.repeat(9)));
  await note(one.login('dev', token.text));
  await note(one.login('ci', token.text.slice(0, -1)));
  await note(one.auth.identify({ authorization: `Bearer ${canary}`, address }));
  await note(one.auth.identify({ authorization: `Basic ${canary}`, address }));
  await note(one.auth.hashPassword(canary.repeat(9)));
  await writeFile(one.files.users, `dev:$2b$05$${canary}\n`);
  await note(one.login('dev', canary));
  await note(one.auth.reload());
  await writeFile(one.files.access, `{"users": "${canary}", ${canary}`);
  await note(one.auth.reload());

  const text = JSON.stringify([said, one.lines]) + said.map(String).join();
  assert.ok(
    !text.includes(canary) && !text.includes(token.text.slice(23)) && !text.includes(token.token.hash),
  );
});

function throttled(error: unknown): boolean {
  return isAppError(error, 'TOO_MANY_LOGINS') && (error.retryAfterSeconds ?? 0) > 3000;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[7] ?? 0;
}

function show(from: Identity): unknown {
  assert.ok(from.kind === 'caller');
  const { caller } = from;
  return [caller.hasCatalog, ...['team/api', 'team/b', 'other'].map((name) => caller.sees(name as RepoName))];
}
