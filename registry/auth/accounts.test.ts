import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtempDisposable, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { tmpdir } from 'node:os';
import { test } from 'node:test';
import { compareSync, hashSync } from 'bcryptjs';
import { isAppError } from '../spec/errors.ts';
import type { ErrorCode } from '../spec/errors.ts';
import {
  accountFiles,
  addAccount,
  createFirstUser,
  createToken,
  exportAccounts,
  importAccounts,
  listAccounts,
  listTokens,
  removeAccount,
  removeFirstUser,
  revokeToken,
  setDisabled,
  setPasswordHash,
  setRole,
} from './accounts.ts';
import { parseUsers } from './users.ts';

const hash = hashSync('geheim', 4);
const is = (code: ErrorCode) => (error: unknown) => isAppError(error, code);

async function makeFolder() {
  const folder = await mkdtempDisposable(join(tmpdir(), 'berth-accounts-'));
  const root = join(folder.path, 'new', 'data');
  return { root, files: accountFiles(root), [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose]() };
}

test('the first user is an administrator with a random password', async () => {
  await using one = await makeFolder();

  const first = await createFirstUser({ root: one.root });
  const again = await createFirstUser({ root: one.root });

  const line = await readFile(one.files.users, 'utf8');
  assert.ok(first !== undefined && again === undefined);
  assert.match(first.password, /^[A-Za-z2-9]{20}$/);
  assert.ok(first.user === 'dev' && compareSync(first.password, line.trim().replace('dev:', '')));
  assert.deepEqual(
    (await listAccounts(one.files)).map(({ createdAt: _createdAt, ...rest }) => rest),
    [{ name: 'dev', role: 'admin', repositories: ['**'], grants: [], state: 'active' }],
  );
});

test('the first user is taken back without a trace, and what is said of others stays', async () => {
  await using one = await makeFolder();
  const foreign = join(one.root, 'htpasswd');

  await createFirstUser({ root: one.root });
  await removeFirstUser({ root: one.root });
  const left = await readdir(dirname(one.files.users));
  await writeFile(foreign, `anna:${hash}\nbert:${hash}\n`);
  await setRole(accountFiles(one.root, foreign), 'anna', { role: 'pull', repositories: ['team/**'] });
  const before = await readFile(one.files.access, 'utf8');
  await createFirstUser({ root: one.root });
  await removeFirstUser({ root: one.root });

  assert.deepEqual(left, ['access.lock']);
  assert.equal(await readFile(one.files.access, 'utf8'), before);
  await assert.rejects(readFile(one.files.users), { code: 'ENOENT' });
});

test(
  'directory and files are private whatever the umask',
  { skip: process.platform === 'win32' && 'no modes' },
  async () => {
    for (const umask of [0o000, 0o022, 0o077]) {
      await using one = await makeFolder();
      const before = process.umask(umask);
      try {
        await createFirstUser({ root: one.root });
        await createToken(one.files, { owner: 'dev', label: '', verbs: ['pull'] });
      } finally {
        process.umask(before);
      }

      const directory = dirname(one.files.users);
      const names = await readdir(directory);
      const modes = await Promise.all(
        names.map(async (name) => (await stat(join(directory, name))).mode & 0o777),
      );
      assert.deepEqual(names.toSorted(), ['access.json', 'access.lock', 'users']);
      assert.deepEqual([new Set(modes), (await stat(directory)).mode & 0o777], [new Set([0o600]), 0o700]);
    }
  },
);

test('users change as asked', async () => {
  await using one = await makeFolder();
  const { files } = one;
  await addAccount(files, { name: 'dev', hash, role: 'admin' });
  await addAccount(files, { name: 'ci', hash, role: 'pull', repositories: ['team/**', 'x'] });
  const show = async (): Promise<string[]> =>
    (await listAccounts(files)).map(
      (each) => `${each.name} ${each.role} ${each.repositories.join()} ${each.state}`,
    );
  const found = [await show()];

  await setRole(files, 'ci', { role: 'push' });
  await setDisabled(files, 'ci', true);
  found.push(await show());
  await setRole(files, 'ci', { role: 'admin' });
  await setDisabled(files, 'ci', false);
  found.push(await show());
  await setRole(files, 'dev', { role: 'pull', repositories: ['y'] });
  found.push(await show());
  await removeAccount(files, 'dev');
  found.push(await show());

  assert.deepEqual(found, [
    ['ci pull team/**,x active', 'dev admin ** active'],
    ['ci push team/**,x disabled', 'dev admin ** active'],
    ['ci admin ** active', 'dev admin ** active'],
    ['ci admin ** active', 'dev pull y active'],
    ['ci admin ** active'],
  ]);
});

test('what cannot be done is refused and changes nothing', async () => {
  await using one = await makeFolder();
  const { files } = one;
  await addAccount(files, { name: 'dev', hash, role: 'admin' });
  await addAccount(files, { name: 'off', hash, role: 'admin' });
  await setDisabled(files, 'off', true);
  await addAccount(files, { name: 'md5', hash: '{SHA}x', role: 'admin' });
  const read = async (): Promise<string[]> => [
    await readFile(files.users, 'utf8'),
    await readFile(files.access, 'utf8'),
  ];
  const before = await read();
  const token = { owner: 'dev', label: '', verbs: ['pull'] } as const;
  const table: readonly (readonly [name: string, code: ErrorCode, act: () => Promise<unknown>])[] = [
    ['twice', 'USER_EXISTS', () => addAccount(files, { name: 'dev', hash, role: 'pull' })],
    ['bad name', 'USAGE', () => addAccount(files, { name: 'a:b', hash, role: 'pull' })],
    ['bad glob', 'USAGE', () => addAccount(files, { name: 'a', hash, role: 'pull', repositories: ['A'] })],
    [
      'admin with globs',
      'USAGE',
      () => addAccount(files, { name: 'a', hash, role: 'admin', repositories: ['a'] }),
    ],
    ['admin role with globs', 'USAGE', () => setRole(files, 'dev', { role: 'admin', repositories: ['a'] })],
    ['last admin goes', 'LAST_ADMIN', () => removeAccount(files, 'dev')],
    ['last admin is disabled', 'LAST_ADMIN', () => setDisabled(files, 'dev', true)],
    ['last admin steps down', 'LAST_ADMIN', () => setRole(files, 'dev', { role: 'push' })],
    ['nobody goes', 'USER_UNKNOWN', () => removeAccount(files, 'x')],
    ['nobody gets a password', 'USER_UNKNOWN', () => setPasswordHash(files, 'x', hash)],
    ['nobody gets a role', 'USER_UNKNOWN', () => setRole(files, 'x', { role: 'pull' })],
    ['nobody is disabled', 'USER_UNKNOWN', () => setDisabled(files, 'x', true)],
    ['token of nobody', 'USER_UNKNOWN', () => createToken(files, { ...token, owner: 'x' })],
    ['token with bad glob', 'USAGE', () => createToken(files, { ...token, repositories: ['/'] })],
    ['token with bad label', 'USAGE', () => createToken(files, { ...token, label: 'a\nb' })],
    ['token with long label', 'USAGE', () => createToken(files, { ...token, label: 'a'.repeat(201) })],
    ['no such token', 'TOKEN_UNKNOWN', () => revokeToken(files, 'abcdefghijkl')],
  ];

  for (const [name, code, act] of table) await assert.rejects(act, is(code), name);

  assert.deepEqual(await read(), before);
});

test('whoever is no working administrator may go, also where there is none', async () => {
  await using one = await makeFolder();
  await addAccount(one.files, { name: 'ci', hash, role: 'pull' });
  await addAccount(one.files, { name: 'md5', hash: '{SHA}x', role: 'admin' });

  await removeAccount(one.files, 'md5');
  await setDisabled(one.files, 'ci', true);
  await removeAccount(one.files, 'ci');

  assert.deepEqual(await listAccounts(one.files), []);
});

test('a new user of an old name does not get the old rights and tokens', async () => {
  await using one = await makeFolder();
  const { files } = one;
  await addAccount(files, { name: 'dev', hash, role: 'admin' });
  await addAccount(files, { name: 'ci', hash, role: 'admin' });
  await createToken(files, { owner: 'ci', label: '', verbs: ['pull'] });
  const access = await readFile(files.access, 'utf8');
  await removeAccount(files, 'ci');
  // As if the process had died between the two files.
  await writeFile(files.access, access);

  await addAccount(files, { name: 'ci', hash, role: 'pull' });

  assert.deepEqual(
    (await listAccounts(files)).map(({ name, role }) => `${name} ${role}`),
    ['ci pull', 'dev admin'],
  );
  assert.deepEqual(await listTokens(files), []);
});

test('an edit keeps comments and other lines, and follows a link', async () => {
  await using one = await makeFolder();
  const { files } = one;
  await addAccount(files, { name: 'dev', hash, role: 'admin' });
  const real = `${files.users}.real`;
  const head = `# made by hand\r\nold:{SHA}x\n\n`;
  await writeFile(real, `${head}${await readFile(files.users, 'utf8')}# end`, { mode: 0o600 });
  await rm(files.users);
  await symlink(real, files.users);

  await addAccount(files, { name: 'ci', hash, role: 'pull' });

  assert.equal(await readFile(real, 'utf8'), `${head}dev:${hash}\n# end\nci:${hash}\n`);
});

test('a foreign htpasswd file keeps its mode, and its users count as administrators', async () => {
  await using one = await makeFolder();
  const path = `${dirname(dirname(one.root))}/htpasswd`;
  await writeFile(path, `a:${hash}\nb:${hash}\n`);
  await chmod(path, 0o644);
  const files = accountFiles(one.root, path);

  await setRole(files, 'a', { role: 'push' });
  await setPasswordHash(files, 'a', hash.replace('$2b', '$2y'));
  await assert.rejects(removeAccount(files, 'b'), is('LAST_ADMIN'));
  await removeAccount(files, 'a');

  assert.equal(await readFile(path, 'utf8'), `b:${hash}\n`);
  assert.equal((await stat(path)).mode & 0o777, 0o644);
  assert.deepEqual(
    (await listAccounts(files)).map(({ role }) => role),
    ['admin'],
  );
  await assert.rejects(listAccounts(accountFiles(one.root, `${path}.absent`)), is('USERS_INVALID'));
});

test('a broken file is not edited', async () => {
  await using one = await makeFolder();
  await addAccount(one.files, { name: 'dev', hash, role: 'admin' });
  await writeFile(one.files.users, 'broken\n');

  await assert.rejects(addAccount(one.files, { name: 'ci', hash, role: 'pull' }), is('USERS_INVALID'));

  assert.equal(await readFile(one.files.users, 'utf8'), 'broken\n');
});

test('only the hash of a token is kept', async () => {
  await using one = await makeFolder();
  await addAccount(one.files, { name: 'dev', hash, role: 'admin' });

  const { text, token } = await createToken(one.files, {
    owner: 'dev',
    label: 'runner',
    verbs: ['pull', 'push', 'pull'],
    repositories: ['team/*'],
    expiresAt: '2030-01-01T00:00:00.000Z',
  });

  assert.match(text, new RegExp(`^berth_pat_${token.id}_[A-Za-z0-9_-]{43}$`));
  assert.ok(Buffer.byteLength(text) <= 72);
  assert.ok(!(await readFile(one.files.access, 'utf8')).includes(text.slice(-43)));
  assert.deepEqual(await listTokens(one.files), [{ ...token, verbs: ['pull', 'push'] }]);
});

/** A process that adds users one after the other and says each name when the call has resolved. */
function startAdder(root: string, prefix: string, count: number) {
  const script = `
    import { accountFiles, addAccount } from ${JSON.stringify(new URL('accounts.ts', import.meta.url).href)};
    for (let n = 0; n < ${count}; n += 1) {
      const name = '${prefix}' + n;
      await addAccount(accountFiles(${JSON.stringify(root)}), { name, hash: ${JSON.stringify(hash)}, role: 'pull' });
      process.stdout.write(name + '\\n');
    }`;
  return spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
}

test("processes that edit at the same time do not lose each other's users", async () => {
  await using one = await makeFolder();

  const children = ['a', 'b', 'c', 'd'].map((prefix) => startAdder(one.root, prefix, 10));
  const codes = await Promise.all(children.map(async (child) => (await once(child, 'exit'))[0]));

  const names = ['a', 'b', 'c', 'd'].flatMap((prefix) =>
    Array.from({ length: 10 }, (_, n) => `${prefix}${n}`),
  );
  assert.deepEqual(codes, [0, 0, 0, 0]);
  assert.deepEqual(
    (await listAccounts(one.files)).map(({ name }) => name),
    names,
  );
});

test("calls of one process do not lose each other's users", async () => {
  await using one = await makeFolder();

  await Promise.all([1, 2, 3, 4, 5].map((n) => addAccount(one.files, { name: `u${n}`, hash, role: 'pull' })));

  assert.equal((await listAccounts(one.files)).length, 5);
});

test('a killed editor leaves whole files, every acknowledged user, and no lock', async () => {
  await using one = await makeFolder();
  const acknowledged: string[] = [];

  for (const [round, lines] of [1, 3, 2, 5].entries()) {
    const child = startAdder(one.root, `r${round}-`, 1000);
    let output = '';
    for await (const chunk of child.stdout) {
      output += String(chunk);
      if (output.split('\n').length > lines) child.kill('SIGKILL');
    }
    acknowledged.push(...output.split('\n').slice(0, -1));
    const users = parseUsers(await readFile(one.files.users), 'users').byName;
    assert.deepEqual(
      acknowledged.filter((name) => !users.has(name)),
      [],
    );
    assert.ok((await listAccounts(one.files)).length >= acknowledged.length);
  }
});

test('an import adds with the role asked for, and leaves role and limits of who is there', async () => {
  await using one = await makeFolder();
  const other = hashSync('anders', 4);
  await addAccount(one.files, { name: 'anna', hash, role: 'admin' });
  await addAccount(one.files, { name: 'same', hash, role: 'push', repositories: ['team/*'] });
  const text = `anna:${other}\nsame:${hash}\nnew:${other}\nweak:plain\n`;
  const options = { role: 'push', repositories: ['ci/**'] } as const;

  const dry = await importAccounts(one.files, text, { ...options, isDryRun: true });
  const untouched = await exportAccounts(one.files);
  const done = await importAccounts(one.files, text, { ...options, isDryRun: false });
  const again = await importAccounts(one.files, text, { ...options, isDryRun: false });

  const skipped = [{ line: 4, reason: 'has a hash that is not bcrypt' }];
  assert.deepEqual(done, { added: ['new'], changed: ['anna'], unchanged: ['same'], skipped });
  assert.deepEqual(dry, done);
  assert.deepEqual(again, { added: [], changed: [], unchanged: ['anna', 'same', 'new'], skipped });
  assert.equal(untouched, `anna:${hash}\nsame:${hash}\n`);
  assert.equal(await exportAccounts(one.files), `anna:${other}\nsame:${hash}\nnew:${other}\n`);
  assert.deepEqual(
    (await listAccounts(one.files)).map(({ name, role, repositories }) => [name, role, repositories]),
    [
      ['anna', 'admin', ['**']],
      ['new', 'push', ['ci/**']],
      ['same', 'push', ['team/*']],
    ],
  );
  await assert.rejects(
    importAccounts(one.files, text, { role: 'pull', repositories: ['A'], isDryRun: false }),
    is('USAGE'),
  );
});
