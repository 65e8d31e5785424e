import assert from 'node:assert/strict';
import { mkdtempDisposable, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { hashSync } from 'bcryptjs';
import { createLogger } from '../log/logger.ts';
import {
  accountFiles,
  addAccount,
  removeAccount,
  setDisabled,
  setPasswordHash,
  setRole,
  type AccountFiles,
} from './accounts.ts';
import { createAuth } from './auth.ts';
import { markOf } from './caller.ts';
import { createSessions, type SessionEnd } from './sessions.ts';

const hash = hashSync('geheim', 4);
const hour = 60 * 60_000;

/** Sessions on real files with the administrators dev and root, whose clock the test moves. */
async function start() {
  await using stack = new AsyncDisposableStack();
  const { path: root } = stack.use(await mkdtempDisposable(join(tmpdir(), 'berth-sessions-')));
  const files = accountFiles(root);
  for (const name of ['dev', 'root']) await addAccount(files, { name, role: 'admin', hash });
  const lines: string[] = [];
  const log = createLogger({ write: (line) => lines.push(line), levels: { all: 'debug' } });
  const auth = stack.use(await createAuth({ mode: 'htpasswd', root, log, checkEveryMs: 0 }));
  const clock = { now: Date.UTC(2026, 0, 1), idleMs: 12 * hour };
  const sessions = stack.use(createSessions({ auth, log, idleMs: () => clock.idleMs, now: () => clock.now }));
  const rest = stack.move();
  return {
    files,
    auth,
    sessions,
    clock,
    lines,
    open(user = 'dev', replaced?: string) {
      const opened = sessions.open({ user, proof: { kind: 'password', mark: markOf(hash) } }, replaced);
      const ends: SessionEnd[] = [];
      const { promise: ended, resolve } = Promise.withResolvers<SessionEnd>();
      opened.session.onEnd((why) => {
        ends.push(why);
        resolve(why);
      });
      return { ...opened, ends, ended };
    },
    [Symbol.asyncDispose]: () => rest.disposeAsync(),
  };
}

test('a session is found by its id alone, and its caller is the administrator', async () => {
  await using one = await start();
  const { id, session } = one.open();
  const other = one.open('root');

  const found = await one.sessions.find(id);

  assert.equal(found?.session, session);
  assert.deepEqual([found?.caller.name, found?.caller.isAdmin], ['dev', true]);
  assert.match(id, /^[\w-]{43}$/);
  assert.match(session.csrf, /^[\w-]{43}$/);
  assert.equal(new Set([id, session.csrf, other.id, other.session.csrf]).size, 4);
  for (const wrong of [undefined, '', id.slice(1), `${id}x`, session.csrf])
    assert.equal(await one.sessions.find(wrong), undefined);
});

const day = 24 * hour;
const changes: readonly (readonly [string, SessionEnd, (files: AccountFiles) => Promise<unknown>])[] = [
  ['another password', 'revoked', (files) => setPasswordHash(files, 'dev', hashSync('neu', 4))],
  [
    'the same password, hashed anew',
    'revoked',
    (files) => setPasswordHash(files, 'dev', hashSync('geheim', 4)),
  ],
  ['a disabled user', 'revoked', (files) => setDisabled(files, 'dev', true)],
  ['a removed user', 'revoked', (files) => removeAccount(files, 'dev')],
  ['the role push', 'demoted', (files) => setRole(files, 'dev', { role: 'push' })],
  ['a broken user file', 'revoked', (files) => writeFile(files.users, 'dev:$2b$05$broken\n')],
  ['a broken access file', 'revoked', (files) => writeFile(files.access, '{')],
];
for (const [name, why, change] of changes) {
  test(`${name} ends a session that nobody uses, and what was open of it`, { timeout: 10_000 }, async () => {
    await using one = await start();
    const { id, ended } = one.open();

    await change(one.files);

    assert.equal(await ended, why);
    assert.equal(await one.sessions.find(id), undefined);
  });

  test(
    `${name} ends a session before its next use, and at once when the files are read`,
    { timeout: 10_000 },
    async (t) => {
      t.mock.timers.enable({ apis: ['setInterval'] });
      await using one = await start();
      const first = one.open();
      const second = one.open();

      await change(one.files);
      const found = await one.sessions.find(first.id);
      await one.auth.reload();

      assert.deepEqual([found, await second.ended], [undefined, why]);
    },
  );
}

test('what does not touch the user leaves its session', async () => {
  await using one = await start();
  const { id, ends } = one.open();

  await setPasswordHash(one.files, 'root', hashSync('neu', 4));
  await setRole(one.files, 'root', { role: 'pull' });
  await one.auth.reload();

  assert.ok(await one.sessions.find(id));
  assert.deepEqual(ends, []);
});

test('a session ends when it is not used, or is 7 days old', async () => {
  await using one = await start();
  const idle = one.open();
  one.clock.now += 12 * hour - 1;
  assert.ok(await one.sessions.find(idle.id));
  one.clock.now += 12 * hour - 1;
  idle.session.touch();
  one.clock.now += 12 * hour - 1;
  assert.ok(await one.sessions.find(idle.id));
  one.clock.now += 12 * hour;
  assert.equal(await one.sessions.find(idle.id), undefined);

  const old = one.open();
  for (let used = 0; used < 7 * 4 - 1; used += 1) {
    one.clock.now += day / 4;
    assert.ok(await one.sessions.find(old.id));
  }
  one.clock.now += day / 4;
  assert.equal(await one.sessions.find(old.id), undefined);

  assert.deepEqual([idle.ends, old.ends], [['idle'], ['expired']]);
});

test(
  'a shorter idle time counts for sessions that are open, without a use of them',
  { timeout: 10_000 },
  async () => {
    await using one = await start();
    const { ended } = one.open();
    one.clock.now += 2000;

    one.clock.idleMs = 1000;

    assert.equal(await ended, 'idle');
  },
);

test('logout and a login in its place end a session once', async () => {
  await using one = await start();
  const first = one.open();
  const second = one.open('dev', first.id);
  assert.notEqual(second.id, first.id);

  one.sessions.close(second.id);
  one.sessions.close(second.id);
  one.sessions.close(first.id);

  assert.deepEqual([first.ends, second.ends], [['replaced'], ['logout']]);
  let late: SessionEnd | undefined;
  second.session.onEnd((why) => (late = why));
  assert.equal(late, 'logout');
});

test('an id that a browser brings along is never taken for a new session', async () => {
  await using one = await start();
  const planted = 'A'.repeat(43);

  const { id } = one.open('dev', planted);

  assert.notEqual(id, planted);
  assert.equal(await one.sessions.find(planted), undefined);
});

test('the 21st session of a user takes the place of that not used for longest', async () => {
  await using one = await start();
  const other = one.open('root');
  const own = [];
  for (let each = 0; each < 20; each += 1) {
    one.clock.now += 1;
    own.push(one.open());
  }
  one.clock.now += 1;
  own[0]?.session.touch();

  one.open();

  assert.deepEqual(
    [...own, other].map(({ ends }) => ends.join()),
    ['', 'replaced', ...Array.from({ length: 19 }, () => '')],
  );
});

test('the log says who and why, and holds no id and no token', async () => {
  await using one = await start();
  const { id, session } = one.open();
  one.clock.now += 5000;

  one.sessions.close(id);

  const line = one.lines.find((each) => each.includes('sessionEnded')) ?? '';
  assert.match(line, /dev/);
  assert.match(line, /logout/);
  assert.ok(!line.includes(id) && !line.includes(session.csrf));
});

test('disposed, it forgets all sessions and listens no more', async () => {
  await using one = await start();
  const { id, ends } = one.open();

  one.sessions[Symbol.dispose]();
  await setRole(one.files, 'dev', { role: 'pull' });
  await one.auth.reload();

  assert.deepEqual([await one.sessions.find(id), ends], [undefined, []]);
});
