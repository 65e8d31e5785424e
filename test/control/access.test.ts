/** Users, tokens and anonymous pull, changed through the control plane of a registry that runs. */
import assert from 'node:assert/strict';
import { mkdtempDisposable, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { openClient, type AdminClient } from '../../registry/cli/client.ts';
import type { FeedItem } from '../../registry/spec/admin-api.ts';
import { berthOn } from '../support/berth.ts';
import { request } from '../support/http.ts';
import { run, succeed } from '../support/process.ts';
import { startRegistry, type TestRegistry } from '../support/registry.ts';
import { needs } from '../support/tools.ts';

const boss = { name: 'boss', password: 'correct horse' } as const;
const admin = { role: 'admin', password: boss.password } as const;

suite('who may come in', () => {
  const resources = new AsyncDisposableStack();
  let registry: TestRegistry;
  let client: AdminClient;
  before(async () => {
    registry = resources.use(await startRegistry({ auth: 'htpasswd', users: { boss: admin } }));
    client = resources.use(await openClient(registry.dataDir));
  });
  after(() => resources.disposeAsync());

  const statusOf = async (user: string, password: string): Promise<number> => {
    const { status } = await request(registry.plainUrl, {
      path: '/v2/',
      user: `${user}:${password}`,
      headers: { 'user-agent': 'test/1' },
    });
    return status;
  };

  test('a user that was made logs in, and every change holds for the next request', async () => {
    const { password = '' } = await client.call('users.add', { name: 'anna', role: 'push' });

    const seen = [await statusOf('anna', password)];
    const { password: second = '' } = await client.call('users.setPassword', { name: 'anna' });
    seen.push(await statusOf('anna', password), await statusOf('anna', second));
    await client.call('users.setDisabled', { name: 'anna', disabled: true });
    seen.push(await statusOf('anna', second));
    await client.call('users.setDisabled', { name: 'anna', disabled: false });
    seen.push(await statusOf('anna', second));
    await client.call('users.remove', { name: 'anna' });
    seen.push(await statusOf('anna', second));

    assert.match(password, /^\w{20}$/);
    assert.deepEqual(seen, [200, 401, 200, 401, 200, 401]);
  });

  test('skopeo logs in as a user that was made', needs('skopeo'), async () => {
    await using directory = await mkdtempDisposable(join(tmpdir(), 'berth-skopeo-'));
    await client.call('users.add', { name: 'robot', role: 'pull', password: 'of its own' });

    const login = (password: string) =>
      run('skopeo', ['login', '--tls-verify=false', '-u', 'robot', '--password-stdin', registry.address], {
        input: password,
        env: { REGISTRY_AUTH_FILE: join(directory.path, 'auth.json') },
      });

    assert.deepEqual([(await login('of its own')).code, (await login('another')).code], [0, 1]);
  });

  test('a token that is revoked fails at the next request', async () => {
    const made = await client.call('tokens.create', { owner: 'boss', label: 'ci', expiryDays: 7 });
    const { id, text, ...rest } = made;

    const seen = [await statusOf('boss', text), await statusOf('boss', text)];
    const [listed] = (await client.call('tokens.list', { q: 'CI' })).rows;
    await client.call('tokens.revoke', { id });
    seen.push(await statusOf('boss', text));

    assert.deepEqual(seen, [200, 200, 401]);
    assert.ok(!('hash' in rest));
    const days = (Date.parse(rest.expiresAt ?? '') - Date.parse(rest.createdAt)) / 86_400_000;
    assert.equal(Math.round(days), 7);
    assert.deepEqual([listed?.id, listed?.lastUse?.client], [id, 'test/1']);
    await assert.rejects(client.call('tokens.revoke', { id }), { code: 'TOKEN_UNKNOWN' });
  });

  test('the last administrator stays, whatever is tried', async () => {
    for (const attempt of [
      () => client.call('users.remove', { name: 'boss' }),
      () => client.call('users.setDisabled', { name: 'boss', disabled: true }),
      () => client.call('users.setRole', { name: 'boss', role: 'pull' }),
    ]) {
      await assert.rejects(attempt, { code: 'LAST_ADMIN' });
    }
    assert.equal(await statusOf('boss', boss.password), 200);
  });

  test('bad input is refused with its reason, and changes nothing', async () => {
    const text = await readFile(join(registry.dataDir, 'berth', 'users'), 'utf8');
    const cases: readonly (readonly [() => Promise<unknown>, string, RegExp])[] = [
      [
        () => client.call('users.add', { name: 'x', role: 'pull', password: 'é'.repeat(37) }),
        'PASSWORD_INVALID',
        /72 bytes/,
      ],
      [
        () => client.call('users.add', { name: 'x', role: 'pull', password: '' }),
        'PASSWORD_INVALID',
        /empty/,
      ],
      [() => client.call('users.add', { name: 'boss', role: 'pull' }), 'USER_EXISTS', /boss/],
      [() => client.call('users.add', { name: 'a:b', role: 'pull' }), 'USAGE', /user name/],
      [
        () => client.call('users.add', { name: 'x', role: 'pull', repositories: ['A/**'] }),
        'USAGE',
        /repositories/,
      ],
      [() => client.call('users.setPassword', { name: 'nobody' }), 'USER_UNKNOWN', /nobody/],
      [() => client.call('tokens.create', { owner: 'nobody' }), 'USER_UNKNOWN', /nobody/],
      [() => client.call('tokens.create', { owner: 'boss', expiryDays: 0 }), 'USAGE', /expiryDays/],
    ];

    for (const [call, code, message] of cases) await assert.rejects(call, { code, message });
    assert.equal(await readFile(join(registry.dataDir, 'berth', 'users'), 'utf8'), text);
  });

  test('pages of users hold each of them once, with tokens and last use', async () => {
    for (const name of ['page-c', 'page-a', 'page-b']) await client.call('users.add', { name, role: 'pull' });
    await client.call('tokens.create', { owner: 'page-b' });

    const first = await client.call('users.list', { q: 'PAGE-', limit: 2 });
    const second = await client.call('users.list', { q: 'PAGE-', limit: 2, after: first.next });

    const rows = [...first.rows, ...second.rows];
    assert.deepEqual(
      rows.map(({ name, tokens, state, lastUse }) => [name, tokens, state, lastUse]),
      [
        ['page-a', 0, 'active', undefined],
        ['page-b', 1, 'active', undefined],
        ['page-c', 0, 'active', undefined],
      ],
    );
    assert.deepEqual([first.total, second.next], [3, undefined]);
    const [row] = (await client.call('users.list', { q: 'boss' })).rows;
    assert.deepEqual([row?.lastUse?.client, row?.lastUse?.address], ['test/1', '127.0.0.1']);
  });

  test(
    'what htpasswd wrote is imported, and an export of it can be imported again',
    needs('htpasswd'),
    async () => {
      await using directory = await mkdtempDisposable(join(tmpdir(), 'berth-htpasswd-'));
      const file = join(directory.path, 'users');
      await succeed('htpasswd', ['-cbB', '-C', '4', file, 'alice', 'wonderland']);
      await succeed('htpasswd', ['-bm', file, 'old', 'md5']);
      const foreign = `# people\n${await readFile(file, 'utf8')}nonsense\n`;

      const dry = await client.call('users.import', { text: foreign, dryRun: true });
      const status = await statusOf('alice', 'wonderland');
      const real = await client.call('users.import', { text: foreign, role: 'push' });
      const { text } = await client.call('users.export', {});
      const again = await client.call('users.import', { text });
      const [alice] = (await client.call('users.list', { q: 'alice' })).rows;

      assert.deepEqual([dry.added, dry.skipped.map(({ line }) => line)], [['alice'], [3, 4]]);
      assert.match(dry.skipped.map(({ reason }) => reason).join(), /not bcrypt.*no colon/);
      assert.deepEqual(real, dry);
      assert.deepEqual([status, await statusOf('alice', 'wonderland')], [401, 200]);
      assert.equal(alice?.role, 'push');
      assert.deepEqual([again.added, again.changed, again.skipped], [[], [], []]);
      assert.ok(again.unchanged.includes('alice') && again.unchanged.includes('boss'));
    },
  );

  test('the command line imports and exports the same, while the registry runs', async () => {
    const berth = berthOn(registry.dataDir);
    await using directory = await mkdtempDisposable(join(tmpdir(), 'berth-import-'));
    const file = join(directory.path, 'users');
    const exported = await berth.run('users', 'export');
    const [, hash = ''] = /^boss:(.*)$/m.exec(exported) ?? [];
    await writeFile(file, `twin:${hash}\nweak:plain\n`);

    const dry = await berth.run('users', 'import', file, '--dry-run');
    const done = (await berth.json('users', 'import', file)) as { readonly added: readonly string[] };

    assert.match(dry, /added {4}twin\n.*skipped {2}line 2 has a hash that is not bcrypt\n.*dry run/s);
    assert.deepEqual(done.added, ['twin']);
    assert.match(await berth.run('users', 'export'), /^twin:/m);
    assert.equal((await berth.try('users', 'import', '/nonexistent')).code, 2);
  });

  test('what everybody may pull is changed without a restart', async () => {
    const anonymous = async (): Promise<number> =>
      (await request(registry.plainUrl, { path: '/v2/public/app/tags/list' })).status;

    const seen = [await anonymous()];
    await client.call('access.setAnonymous', { repositories: ['public/**'] });
    seen.push(await anonymous());
    const row = await client.call('access.anonymous', {});
    await client.call('access.setAnonymous', { repositories: [] });
    seen.push(await anonymous());

    // Open means that it is looked for; there is none.
    assert.deepEqual(seen, [401, 404, 401]);
    assert.deepEqual(row, { repositories: ['public/**'] });
    await assert.rejects(client.call('access.setAnonymous', { repositories: ['a**'] }), { code: 'USAGE' });
  });

  test('a change is an item of the feed and a line of the log, and nothing tells a secret', async () => {
    const items = followFeed(client);
    // The subscription stands when this is answered.
    await client.call('users.list', {});

    const { password = '' } = await client.call('users.add', { name: 'feed', role: 'pull' });
    const { id, text } = await client.call('tokens.create', { owner: 'feed' });
    await client.call('tokens.revoke', { id });
    await client.call('users.remove', { name: 'feed' });
    await client.call('settings.set', { changes: [{ path: 'tags.maxtags', value: 50 }] });
    await client.call('settings.reset', { paths: ['tags.maxtags'] });

    // Each is noted in the audit as well.
    const seen = await items(12);
    assert.deepEqual(
      seen.filter((item) => item !== 'audited '),
      [
        'userChanged feed',
        `tokenChanged ${id}`,
        `tokenChanged ${id}`,
        'userChanged feed',
        'settingsChanged tags.maxtags',
        'settingsChanged tags.maxtags',
      ],
    );
    const log = registry.log();
    for (const event of ['userChanged', 'tokenChanged', 'settingsChanged'])
      assert.match(log, new RegExp(`event=${event}`));
    assert.ok(!log.includes(password) && !log.includes(text) && !log.includes('$2'));
  });
});

test('what the command line changes is in the feed as soon as the files are read anew', async () => {
  await using registry = await startRegistry({ auth: 'htpasswd', users: { boss: admin } });
  using client = await openClient(registry.dataDir);
  const feed = client.subscribe('feed', {}, { signal: AbortSignal.timeout(20_000) });
  const told = findItem(feed, ({ kind }) => kind === 'userChanged');

  await berthOn(registry.dataDir).run('user', 'add', 'outside');
  await request(registry.plainUrl, { path: '/v2/', user: `boss:${boss.password}` });

  // Who it was stands in no file.
  assert.equal((await told).names, undefined);
});

/** The first item of the feed that is wanted; other things happen, too. */
async function findItem(
  feed: AsyncIterable<readonly FeedItem[]>,
  isWanted: (item: FeedItem) => boolean,
): Promise<FeedItem> {
  for await (const items of feed) {
    const found = items.find(isWanted);
    if (found !== undefined) return found;
  }
  return assert.fail('the feed ended');
}

test('a last use is known after a restart', async () => {
  await using directory = await mkdtempDisposable(join(tmpdir(), 'berth-uses-'));
  const options = { auth: 'htpasswd', dataDir: directory.path } as const;
  await using first = await startRegistry({ ...options, users: { boss: admin } });
  await request(first.plainUrl, {
    path: '/v2/',
    user: `boss:${boss.password}`,
    headers: { 'user-agent': 'x' },
  });
  await first.stop();

  await using _ = await startRegistry(options);
  using client = await openClient(directory.path);
  const [row] = (await client.call('users.list', {})).rows;

  assert.equal(row?.lastUse?.client, 'x');
});

test('with a user file of somebody else its users are administrators, and it is edited in place', async () => {
  await using directory = await mkdtempDisposable(join(tmpdir(), 'berth-foreign-'));
  const file = join(directory.path, 'users.htpasswd');
  const dataDir = join(directory.path, 'data');
  await writeFile(file, '# ours\nanna:$2y$04$abcdefghijklmnopqrstuuPJQVB7mJQBKm9aUeYVCOiEHYI6XOzUu\n', {
    mode: 0o640,
  });
  await using registry = await startRegistry({
    auth: 'htpasswd',
    dataDir,
    env: { REGISTRY_AUTH_HTPASSWD_PATH: file },
  });
  using client = await openClient(dataDir);

  const { password = '' } = await client.call('users.add', { name: 'bob', role: 'pull' });
  const { status } = await request(registry.plainUrl, { path: '/v2/', user: `bob:${password}` });
  const { rows } = await client.call('users.list', {});

  assert.equal(status, 200);
  assert.deepEqual(
    rows.map(({ name, role }) => [name, role]),
    [
      ['anna', 'admin'],
      ['bob', 'pull'],
    ],
  );
  assert.match(await readFile(file, 'utf8'), /^# ours\nanna:.*\nbob:\$2b\$10\$.*\n$/);
});

test('without a login the methods say so', async () => {
  await using registry = await startRegistry();
  using client = await openClient(registry.dataDir);

  for (const call of [
    () => client.call('users.list', {}),
    () => client.call('users.add', { name: 'anna', role: 'pull' }),
    () => client.call('tokens.list', {}),
    () => client.call('access.setAnonymous', { repositories: ['**'] }),
  ]) {
    await assert.rejects(call, { code: 'LOGIN_OFF' });
  }
});

/** Reads the feed from here on; answers how to take its first so many items. */
function followFeed(client: AdminClient): (count: number) => Promise<readonly string[]> {
  const batches = client.subscribe('feed', {});
  return async (count) => {
    const seen: string[] = [];
    for await (const items of batches) {
      seen.push(...items.map(({ kind, names = [] }) => `${kind} ${names.join()}`));
      if (seen.length >= count) break;
    }
    return seen;
  };
}
