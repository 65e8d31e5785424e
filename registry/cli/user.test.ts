import assert from 'node:assert/strict';
import { mkdtempDisposable, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { tmpdir } from 'node:os';
import { test } from 'node:test';
import { compareSync } from 'bcryptjs';
import { Command } from 'commander';
import { accountFiles } from '../auth/accounts.ts';
import { isAppError } from '../spec/errors.ts';
import type { ErrorCode } from '../spec/errors.ts';
import { registerToken } from './token.ts';
import { registerUser } from './user.ts';

/** A data directory and the commands of berth user and berth token on it. */
async function makeData({ isTTY = false }: { readonly isTTY?: boolean } = {}) {
  const folder = await mkdtempDisposable(join(tmpdir(), 'berth-cli-'));
  const root = join(folder.path, 'data');
  return {
    root,
    files: accountFiles(root),
    /** Runs one command line (split at spaces) and answers what it wrote. */
    async run(line: string, input: string | Uint8Array = ''): Promise<string> {
      const written: string[] = [];
      const io = {
        out: (text: string) => void written.push(text),
        err: (text: string) => void written.push(text),
        stdin: Readable.from([Buffer.from(input)]),
        isTTY,
        canAsk: false,
        env: { BERTH_DATA: root },
      };
      const program = new Command('berth').exitOverride().configureOutput({ writeErr: () => undefined });
      registerUser(program, io);
      registerToken(program, io);
      for (const group of program.commands) {
        for (const verb of group.commands) verb.exitOverride().configureOutput({ writeErr: () => undefined });
      }
      await program.parseAsync(line.split(' '), { from: 'user' });
      return written.join('');
    },
    async hashOf(name: string): Promise<string> {
      const line = (await readFile(accountFiles(root).users, 'utf8'))
        .split('\n')
        .find((each) => each.startsWith(`${name}:`));
      return line?.slice(name.length + 1) ?? '';
    },
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
}

const is = (code: ErrorCode) => (error: unknown) => isAppError(error, code);

test('user add makes a password, shows it once and stores its hash', async () => {
  await using data = await makeData();

  const text = await data.run('user add dev --role admin');
  const [, password = ''] = /^Password \(not shown again\): (\S{20})$/m.exec(text) ?? [];

  assert.match(text, /^Added the user dev with the role admin\.\n/);
  assert.ok(compareSync(password, await data.hashOf('dev')));
  assert.match(await data.hashOf('dev'), /^\$2b\$10\$/);
});

test('a password from stdin loses one line end, and is not shown', async () => {
  await using data = await makeData();
  const table = [
    ['a', 'ge heim\n', 'ge heim'],
    ['b', 'geheim\r\n', 'geheim'],
    ['c', 'geheim', 'geheim'],
    ['d', 'pässwort', 'pässwort'],
  ] as const;

  for (const [name, input, password] of table) {
    const text = await data.run(`user add ${name} --password-stdin --json`, input);

    assert.deepEqual(JSON.parse(text), { user: name, role: 'pull', repositories: ['**'] });
    assert.ok(compareSync(password, await data.hashOf(name)), name);
  }
});

test('an impossible password is refused without being quoted', async () => {
  await using data = await makeData();
  const canary = 'Canary7Zq';
  const table = [
    '',
    '\n',
    `${canary}\0`,
    `${canary}\n\n`,
    canary.repeat(9),
    canary.repeat(1000),
    Uint8Array.of(0xff),
  ];

  for (const input of table) {
    await assert.rejects(
      data.run('user add dev --password-stdin', input),
      (error) => isAppError(error, 'PASSWORD_INVALID') && !`${error.message}${error.hint}`.includes(canary),
    );
  }
});

test('a password that bcrypt would cut off is refused with the reason', async () => {
  await using data = await makeData();

  await assert.rejects(data.run('user add dev --password-stdin', 'ä'.repeat(37)), /longer than 72 bytes/);
  await data.run('user add dev --password-stdin', 'ä'.repeat(36));
});

test('there is no way to give a password as an argument', async () => {
  await using data = await makeData();

  for (const line of ['user add dev --password geheim', 'user add dev geheim', 'user passwd dev geheim']) {
    await assert.rejects(
      data.run(line),
      (error) => error instanceof Error && String(Reflect.get(error, 'code')).startsWith('commander.'),
    );
  }
});

test('user ls shows names, roles, globs and states, for people, pipes and programs', async () => {
  await using data = await makeData();
  await using screen = await makeData({ isTTY: true });
  for (const each of [data, screen]) {
    await each.run('user add dev --role admin');
    await each.run('user add ci --role push --repositories team/** x');
    await each.run('user disable ci');
    await writeFile(each.files.users, `${await readFile(each.files.users, 'utf8')}old:{SHA}x\n`);
  }

  const json: readonly Record<string, unknown>[] = JSON.parse(await data.run('user ls --json'));
  assert.equal(
    await data.run('user ls'),
    'ci\tpush\tteam/** x\tdisabled\ndev\tadmin\t**\tactive\nold\tpull\t**\tunusable hash\n',
  );
  assert.equal(
    await screen.run('user ls'),
    [
      'USER  ROLE   REPOSITORIES  STATE',
      'ci    push   team/** x     disabled',
      'dev   admin  **            active',
      'old   pull   **            unusable hash',
      '',
    ].join('\n'),
  );
  assert.deepEqual(
    json.map(({ name, role, repositories, state }) => [name, role, repositories, state]),
    [
      ['ci', 'push', ['team/**', 'x'], 'disabled'],
      ['dev', 'admin', ['**'], 'active'],
      ['old', 'pull', ['**'], 'unusable hash'],
    ],
  );
});

test('passwd, role, enable and rm change the files', async () => {
  await using data = await makeData();
  await data.run('user add dev --role admin');
  await data.run('user add ci --repositories team/*');

  const passwd = JSON.parse(await data.run('user passwd ci --json'));
  await data.run('user role ci push');
  const afterRole = await data.run('user ls');
  await data.run('user role ci pull --repositories other/*');
  await data.run('user disable ci');
  await data.run('user enable ci');
  const afterAll = await data.run('user ls');
  const removed = await data.run('user rm ci');

  assert.ok(passwd.user === 'ci' && !compareSync('x', passwd.password));
  assert.equal(afterRole, 'ci\tpush\tteam/*\tactive\ndev\tadmin\t**\tactive\n');
  assert.equal(afterAll, 'ci\tpull\tother/*\tactive\ndev\tadmin\t**\tactive\n');
  assert.equal(removed, 'Removed the user ci.\n');
  assert.equal(await data.run('user ls'), 'dev\tadmin\t**\tactive\n');
});

test('what cannot be done says why', async () => {
  await using data = await makeData();
  await data.run('user add dev --role admin');
  const table: readonly (readonly [line: string, code: ErrorCode])[] = [
    ['user add dev', 'USER_EXISTS'],
    ['user add a:b', 'USAGE'],
    ['user add a --repositories UPPER', 'USAGE'],
    ['user rm dev', 'LAST_ADMIN'],
    ['user role dev pull', 'LAST_ADMIN'],
    ['user disable dev', 'LAST_ADMIN'],
    ['user role dev root', 'USAGE'],
    ['user passwd nobody', 'USER_UNKNOWN'],
    ['user rm nobody', 'USER_UNKNOWN'],
    ['token create --user nobody', 'USER_UNKNOWN'],
    ['token create --user dev --expires tomorrow', 'USAGE'],
    ['token create --user dev --expires 0d', 'USAGE'],
    ['token revoke abcdefghijkl', 'TOKEN_UNKNOWN'],
  ];

  for (const [line, code] of table) await assert.rejects(data.run(line), is(code), line);
});

test('--data and --htpasswd choose other files', async () => {
  await using data = await makeData();
  await using other = await makeData();
  const htpasswd = `${data.root}.htpasswd`;
  await writeFile(htpasswd, 'old:{SHA}x\n');

  await other.run(`user add dev --role admin --data ${data.root}`);
  await data.run(`user add ci --role admin --htpasswd ${htpasswd}`);

  assert.equal(await data.run('user ls'), 'dev\tadmin\t**\tactive\n');
  assert.equal(
    await data.run(`user ls --htpasswd ${htpasswd}`),
    'ci\tadmin\t**\tactive\nold\tadmin\t**\tunusable hash\n',
  );
  assert.equal(await other.run('user ls'), '');
});

test('a token is made, listed without its secret, and revoked', async () => {
  await using data = await makeData();
  await data.run('user add dev --role admin');

  const text = await data.run(
    'token create --user dev --label runner --scope pull push --repositories team/* --expires 12h',
  );
  const forever = JSON.parse(await data.run('token create --user dev --expires never --json'));
  const [, id = '', secret = ''] =
    /^Token \(not shown again\): berth_pat_(\w{12})_(\S{43})$/m.exec(text) ?? [];
  const list = await data.run('token ls');
  const json: readonly Record<string, unknown>[] = JSON.parse(await data.run('token ls --json'));
  await data.run(`token revoke ${id}`);

  const [first = '', second = ''] = list.split('\n');
  assert.match(first, new RegExp(`^${id}\tdev\tpull\\+push\tteam/\\*\t20[^\t]+Z\tvalid\trunner$`));
  assert.match(second, /\tdev\tpull\t\*\*\tnever\tvalid\t$/);
  assert.match(forever.token, new RegExp(`^berth_pat_${forever.id}_`));
  const hours =
    (Date.parse(String(json[0]?.['expiresAt'])) - Date.parse(String(json[0]?.['createdAt']))) / 3_600_000;
  assert.ok(Math.abs(hours - 12) < 0.01);
  assert.ok(
    secret !== '' &&
      !`${list}${JSON.stringify(json)}`.includes(secret) &&
      !JSON.stringify(json).includes('"hash"'),
  );
  assert.match(await data.run('token ls'), /^[^\n]+\tnever\tvalid\t\n$/);
});
