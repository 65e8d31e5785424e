import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempDisposable, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { tmpdir } from 'node:os';
import { test } from 'node:test';
import { needs } from '../../test/support/tools.ts';
import { compareSync, hashSync } from 'bcryptjs';
import * as fc from 'fast-check';
import { isAppError } from '../spec/errors.ts';
import { editUsers, isUserName, parseUsers, readForeignUsers } from './users.ts';

const hash = '$2b$05$abcdefghijklmnopqrstuuPJQVB7mJQBKm9aUeYVCOiEHYI6XOzUu';
const bytes = (text: string): Uint8Array => Buffer.from(text);

test('a file made by htpasswd -B is read and its passwords match', needs('htpasswd'), async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'berth-users-'));
  const file = join(folder.path, 'htpasswd');
  const add = (flags: readonly string[], name: string, password: string): void => {
    const result = spawnSync('htpasswd', [...flags, '-i', file, name], { input: password });
    assert.equal(result.status, 0, String(result.stderr));
  };

  add(['-cB'], 'dev', 'geheim');
  add(['-B', '-C', '6'], 'ci', 'größer als ä');
  add(['-B'], 'dev', 'changed');
  add(['-m'], 'old', 'apache md5');
  const users = parseUsers(await readFile(file), file);

  const found = [...users.byName.values()].map((user) => [user.name, user.isUsable, user.line]);
  assert.deepEqual(found, [
    ['dev', true, 1],
    ['ci', true, 2],
    ['old', false, 3],
  ]);
  assert.deepEqual(
    [
      compareSync('changed', users.byName.get('dev')?.hash ?? ''),
      compareSync('größer als ä', users.byName.get('ci')?.hash ?? ''),
    ],
    [true, true],
  );
});

test('htpasswd verifies a line that was edited here', needs('htpasswd'), async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'berth-users-'));
  const file = join(folder.path, 'htpasswd');
  spawnSync('htpasswd', ['-cB', '-i', file, 'dev'], { input: 'geheim' });

  await writeFile(file, editUsers(await readFile(file), file, new Map([['neu', hashSync('pässwort', 4)]])));

  const verify = (name: string, password: string): number | null =>
    spawnSync('htpasswd', ['-vi', file, name], { input: password }).status;
  assert.deepEqual([verify('dev', 'geheim'), verify('neu', 'pässwort'), verify('neu', 'wrong')], [0, 0, 3]);
});

test('comments, blank lines, other line ends and a byte order mark are fine', () => {
  const text = `\uFEFF# users\r\n\r\n  dev:${hash}  \r\n#ci:x\n\nné:${hash.replace('$2b', '$2y')}\nA b@c:${hash.replace('$2b', '$2a')}`;

  const users = parseUsers(bytes(text), 'users');

  assert.deepEqual([...users.byName.keys()], ['dev', 'né', 'A b@c']);
  assert.deepEqual(users.warnings, []);
});

test('other kinds of hash are listed, cannot log in, and are warned of without being quoted', () => {
  const kinds = [
    '{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=',
    '$apr1$aa$bb',
    'rl.3StKT.4T8M',
    'plain',
    hash.replace('2b', '2x'),
  ];

  const users = parseUsers(bytes(kinds.map((kind, at) => `user${at}:${kind}\n`).join('')), '/etc/users');

  assert.deepEqual(
    [...users.byName.values()].map((user) => user.isUsable),
    kinds.map(() => false),
  );
  assert.equal(users.warnings.length, kinds.length);
  assert.match(users.warnings[3] ?? '', /^Line 4 of "\/etc\/users" has a hash that is not bcrypt/);
  assert.ok(!users.warnings.join(' ').includes('plain'));
});

test('a cost that would take minutes cannot log in', () => {
  const users = parseUsers(
    bytes(`a:${hash.replace('$05$', '$16$')}\nb:${hash.replace('$05$', '$17$')}\n`),
    'f',
  );

  assert.deepEqual(
    [...users.byName.values()].map((user) => user.isUsable),
    [true, false],
  );
  assert.match(users.warnings.join(' '), /Line 2 of "f" has the bcrypt cost 17/);
});

test('a broken file is refused with the line and without its content', () => {
  const secret = 'hunter2canary';
  const table = [
    { text: `dev:${hash}\n${secret}\n`, says: /^Line 2 of the user file "\/data\/users" has no colon/ },
    { text: `:${secret}`, says: /^Line 1 .* has a user name/ },
    { text: `a\tb:${secret}`, says: /^Line 1 .* has a user name/ },
    { text: `${'ä'.repeat(128)}:${secret}`, says: /^Line 1 .* has a user name/ },
    { text: 'dev:', says: /^Line 1 .* has no hash/ },
    { text: `\n\ndev:$2y$05$${secret}`, says: /^Line 3 .* has a damaged bcrypt hash/ },
    { text: `dev:${hash}:${secret}`, says: /^Line 1 .* has a damaged bcrypt hash/ },
    { text: `dev:${hash.replace('$05$', '$03$')}`, says: /^Line 1 .* has a damaged bcrypt hash/ },
    { text: `dev:${hash.replace('$05$', '$32$')}`, says: /^Line 1 .* has a damaged bcrypt hash/ },
    { text: `dev:${hash}\nci:${hash}\ndev:${secret}`, says: /^Line 3 .* has the user of line 1 again/ },
  ];

  for (const { text, says } of table) {
    assert.throws(
      () => parseUsers(bytes(text), '/data/users'),
      (error) =>
        isAppError(error, 'USERS_INVALID') && says.test(error.message) && !error.message.includes(secret),
      text,
    );
  }
  assert.throws(() => parseUsers(Uint8Array.of(0x61, 0xff, 0x3a), 'users'), /"users" is not UTF-8/);
});

test('the cost for unknown users is the one that most users have', () => {
  const table = [
    { costs: [], expected: 10 },
    { costs: ['05', '05', '12'], expected: 5 },
    { costs: ['05', '12'], expected: 12 },
    { costs: ['30', '30', '08'], expected: 8 },
  ];

  const found = table.map(
    ({ costs }) =>
      parseUsers(bytes(costs.map((c, n) => `u${n}:${hash.replace('$05$', `$${c}$`)}\n`).join('')), 'f').cost,
  );

  assert.deepEqual(
    found,
    table.map(({ expected }) => expected),
  );
});

test('an edit changes its line and leaves every other byte', () => {
  const other = hash.replace('abcd', 'dcba');
  const before = `\uFEFF# head\r\n\r\ndev:${hash}\r\n  ci:{SHA}x\n\n# end`;
  const table = [
    { name: 'dev', hash: other, after: before.replace(hash, other) },
    { name: 'ci', hash: other, after: before.replace('{SHA}x', other) },
    { name: 'ci', hash: undefined, after: before.replace('  ci:{SHA}x\n', '') },
    { name: 'new', hash: other, after: `${before}\nnew:${other}\n` },
    { name: 'absent', hash: undefined, after: before },
  ];

  for (const { name, hash: set, after } of table) {
    assert.equal(editUsers(bytes(before), 'f', new Map([[name, set]])), after, name);
  }
  assert.equal(editUsers(bytes(''), 'f', new Map([['dev', hash]])), `dev:${hash}\n`);
});

test('a user whose name equals its hash is edited in the hash', () => {
  assert.equal(editUsers(bytes('plain:plain\n'), 'f', new Map([['plain', hash]])), `plain:${hash}\n`);
});

test('a name is 1 to 255 bytes that a line of the file can hold', () => {
  const good = ['a', 'dev', 'Jürgen Müller', 'a@b.c', 'ä'.repeat(127), '-', '日本'];
  const bad = ['', 'a:b', 'a\nb', 'a\0', '\u0085x', ' a', 'a ', '\uFEFFa', '#a', 'ä'.repeat(128), '\uD800'];

  assert.deepEqual([...good, ...bad].filter(isUserName), good);
});

test('any bytes are read or refused, and what is read survives an edit', () => {
  const line = fc.oneof(
    fc.string(),
    fc.constant(`dev:${hash}`),
    fc.tuple(fc.string(), fc.constant(hash)).map((p) => p.join(':')),
  );

  fc.assert(
    fc.property(fc.array(line), (lines) => {
      const file = bytes(lines.join('\n'));
      let names: string[];
      try {
        names = [...parseUsers(file, 'f').byName.keys()];
      } catch (error) {
        assert.ok(isAppError(error, 'USERS_INVALID'));
        return;
      }
      const added = [
        ...parseUsers(bytes(editUsers(file, 'f', new Map([['fresh user', hash]]))), 'f').byName.keys(),
      ];
      assert.deepEqual(added, names.includes('fresh user') ? names : [...names, 'fresh user']);
      const removed = names.map((name) =>
        parseUsers(bytes(editUsers(file, 'f', new Map([[name, undefined]]))), 'f').byName.has(name),
      );
      assert.ok(!removed.includes(true));
    }),
  );
});

test('several users are set, added and removed in one edit', () => {
  const before = '# ours\r\nold:plain\r\n\nanna:plain\ngone:plain';

  const after = editUsers(
    bytes(before),
    'f',
    new Map([
      ['anna', hash],
      ['gone', undefined],
      ['new', hash],
      ['never', undefined],
      ['old', hash],
      ['second', hash],
    ]),
  );

  assert.equal(after, `# ours\r\nold:${hash}\r\n\nanna:${hash}\nnew:${hash}\nsecond:${hash}\n`);
});

test('of a foreign file each line is taken, or told with its number and why not', () => {
  const lines = [
    '# people',
    `anna:${hash}`,
    '',
    'md5:$apr1$x$y',
    'no colon',
    ':nobody',
    'empty:',
    'broken:$2y$10$broken',
    `slow:${hash.replace('$05$', '$17$')}`,
    `anna:${hash}`,
    `berta:${hash}\r`,
  ];

  const { hashes, skipped } = readForeignUsers(lines.join('\n'));

  assert.deepEqual(
    [...hashes],
    [
      ['anna', hash],
      ['berta', hash],
    ],
  );
  assert.deepEqual(
    skipped.map(({ line, reason }) => `${line} ${reason}`),
    [
      '4 has a hash that is not bcrypt',
      '5 has no colon between name and hash',
      '6 has a user name that cannot be used',
      '7 has no hash',
      '8 has a damaged bcrypt hash',
      '9 has the bcrypt cost 17, which takes longer than a login may (16 at most)',
      '10 has a user that came before',
    ],
  );
});
