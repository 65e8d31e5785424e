/**
 * kill -9 in the middle of edits of the user file: nobody is lost, nobody comes back, and the files can be read. CRASH_RUNS
 * sets how many kills.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtempDisposable, readdir, readFile, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { accountFiles, listAccounts } from '../../registry/auth/accounts.ts';
import { hashPassword } from '../../registry/auth/password.ts';
import { request } from '../support/http.ts';
import { childEnv } from '../support/process.ts';
import { berth, startRegistry } from '../support/registry.ts';

const runs = Number(process.env['CRASH_RUNS'] ?? 8);
const password = 'a-long-password';
const owners = Array.from({ length: 200 }, (_, at) => `owner${at}`);

/** A data directory with users; the first is an administrator. */
async function makeUsers(root: string, hash: string): Promise<void> {
  const files = accountFiles(root);
  await mkdir(join(root, 'berth'), { mode: 0o700 });
  await writeFile(files.users, owners.map((name) => `${name}:${hash}\n`).join(''), { mode: 0o600 });
  const users = owners.map((name, at) => ({ name, role: at === 0 ? 'admin' : 'pull' }));
  await writeFile(files.access, JSON.stringify({ version: 1, users }), { mode: 0o600 });
}

/** Who may log in, with the role; throws where the files cannot be read. */
async function rolesOf(root: string): Promise<ReadonlyMap<string, string>> {
  const accounts = await listAccounts(accountFiles(root));
  return new Map(accounts.map(({ name, role }) => [name, role]));
}

/** Owners who are gone, and guests who are there or not against what was acknowledged. */
async function lostUsers(
  root: string,
  guests: ReadonlyMap<string, 'there' | 'gone' | 'either'>,
): Promise<readonly string[]> {
  const roles = await rolesOf(root);
  const wrongOwners = owners.filter((name, at) => roles.get(name) !== (at === 0 ? 'admin' : 'pull'));
  const wrongGuests = [...guests].flatMap(([name, state]) =>
    state === 'either' || (roles.get(name) === 'push') === (state === 'there') ? [] : [name],
  );
  return [...wrongOwners, ...wrongGuests];
}

test(`${runs} times kill -9 in edits of users: nobody is lost, no file is empty`, async (t) => {
  await using directory = await mkdtempDisposable(join(tmpdir(), 'berth-users-'));
  const root = directory.path;
  const hash = await hashPassword(password);
  await makeUsers(root, hash);
  const guests = new Map<string, 'there' | 'gone' | 'either'>();
  let [edits, cut] = [0, 0];

  for (let run = 0; run < runs; run++) {
    const child = spawn(process.execPath, [join(import.meta.dirname, 'users-child.ts'), root, hash], {
      env: childEnv(),
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const closed = once(child, 'close');
    const begun = Promise.withResolvers<void>();
    let last: readonly string[] = [];
    createInterface({ input: child.stdout }).on('line', (line) => {
      last = line.split(' ');
      const [state, act, name = ''] = last;
      if (state === 'done') edits++;
      if (act !== 'change') guests.set(name, state === 'begin' ? 'either' : act === 'add' ? 'there' : 'gone');
      begun.resolve();
    });
    await Promise.race([begun.promise, closed]);
    await delay(Math.random() * 150);
    child.kill('SIGKILL');
    await closed;
    if (last[0] === 'begin') cut++;

    for (const name of ['users', 'access.json']) assert.ok((await stat(join(root, 'berth', name))).size > 0);
    assert.deepEqual(await lostUsers(root, guests), []);
    // What was cut is there or not: from here on it is known.
    const roles = await rolesOf(root);
    for (const [name, state] of guests) {
      if (state === 'either') guests.set(name, roles.has(name) ? 'there' : 'gone');
    }
  }

  const left = (await readdir(join(root, 'berth'))).filter((name) => name.endsWith('.tmp'));
  t.diagnostic(
    `${runs} kills, ${cut} of them in the middle of an edit, ${edits} edits acknowledged, ${left.length} unfinished files: ${owners.length} users and all acknowledged ones are there`,
  );
  assert.ok(cut > 0, 'a kill met an edit');
  // Nothing a kill left stands in the way of the next edit, or of a login.
  await berth(root, 'user', 'add', 'after', '--role', 'pull');
  await using registry = await startRegistry({ dataDir: root, auth: 'htpasswd' });
  const { status } = await request(registry.plainUrl, { path: '/v2/', user: `owner199:${password}` });
  assert.equal(status, 200);
});

test('the checks of cut edits find a file that was being written in place', async () => {
  await using directory = await mkdtempDisposable(join(tmpdir(), 'berth-users-'));
  const root = directory.path;
  await makeUsers(root, await hashPassword(password));
  const { users } = accountFiles(root);
  const line = (await readFile(users, 'utf8')).indexOf('owner100:');
  assert.deepEqual(await lostUsers(root, new Map([['guest0', 'gone']])), []);

  assert.deepEqual(await lostUsers(root, new Map([['guest0', 'there']])), ['guest0']);
  // Between two lines, in the middle of one, and at the beginning.
  await truncate(users, line);
  assert.equal((await lostUsers(root, new Map())).length, owners.length / 2);
  await truncate(users, line - 9);
  await assert.rejects(lostUsers(root, new Map()), { code: 'USERS_INVALID' });
  await truncate(users);
  assert.equal((await lostUsers(root, new Map())).length, owners.length);
});
