import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isAppError } from '../spec/errors.ts';
import type { RepoName } from '../spec/names.ts';
import { type Role, type Verb, verbs } from '../spec/admin/access.ts';
import { accessOf, emptyAccess, limitToToken, parseAccess, rightsOf, withOpen } from './access.ts';
import type { AccessToken, AccessUser } from './access.ts';

const user = (role: Role, more: Partial<AccessUser> = {}): AccessUser => ({
  name: 'u',
  role,
  repositories: ['**'],
  grants: [],
  disabled: false,
  ...more,
});
const token: AccessToken = {
  id: 'abcdefghijkl',
  label: '',
  owner: 'u',
  hash: '0'.repeat(64),
  verbs: [...verbs],
  repositories: ['**'],
  createdAt: '2026-11-23T10:00:00Z',
};
const parse = (value: unknown): unknown => parseAccess(Buffer.from(JSON.stringify(value)), '/d/access.json');

/** What a caller may do in team/api and in other/x, one letter a verb. */
function allowed(can: (verb: Verb, repository: RepoName) => boolean): string {
  return ['team/api', 'other/x']
    .map((name) => verbs.map((verb) => (can(verb, name as RepoName) ? verb : '-')).join(' '))
    .join(' | ');
}

test('role, globs and grants give exactly the verbs of the table', () => {
  const team = { repositories: ['team/**'] };
  const table: readonly (readonly [AccessUser, string])[] = [
    [user('admin'), 'pull push delete | pull push delete'],
    [user('push'), 'pull push - | pull push -'],
    [user('pull'), 'pull - - | pull - -'],
    [user('push', team), 'pull push - | - - -'],
    [user('pull', team), 'pull - - | - - -'],
    [user('push', { repositories: [] }), '- - - | - - -'],
    [user('pull', { ...team, ...grant('delete') }), 'pull - - | - - delete'],
    [user('pull', { ...team, ...grant('pull', 'push') }), 'pull - - | pull push -'],
    [user('push', { ...team, ...grant('pull') }), 'pull push - | pull - -'],
    [
      user('push', { ...team, grants: [{ repositories: ['team/*'], verbs: ['delete'] }] }),
      'pull push delete | - - -',
    ],
    [user('admin', { disabled: true }), '- - - | - - -'],
    [user('pull', { ...grant('push'), disabled: true }), '- - - | - - -'],
  ];

  for (const [entry, expected] of table)
    assert.equal(allowed(rightsOf(entry).can), expected, JSON.stringify(entry));
});

test('the matrix of roles, token verbs and token globs is the intersection', () => {
  const ofRole: Record<Role, readonly Verb[]> = { admin: verbs, push: ['pull', 'push'], pull: ['pull'] };
  const globs: Record<string, readonly string[]> = {
    '**': ['team/api', 'other/x'],
    'team/*': ['team/api'],
    none: [],
  };
  let cases = 0;

  for (const role of ['admin', 'push', 'pull'] as const) {
    for (const ownGlob of role === 'admin' ? ['**'] : Object.keys(globs)) {
      for (let mask = 0; mask < 8; mask += 1) {
        for (const tokenGlob of Object.keys(globs)) {
          const tokenVerbs = verbs.filter((_, bit) => (mask & (1 << bit)) !== 0);
          const owner = rightsOf(user(role, { repositories: [ownGlob] }));
          const limited = limitToToken(owner, { ...token, verbs: tokenVerbs, repositories: [tokenGlob] });
          const expected = allowed(
            (verb, name) =>
              ofRole[role].includes(verb) &&
              tokenVerbs.includes(verb) &&
              (globs[ownGlob] ?? []).includes(name) &&
              (globs[tokenGlob] ?? []).includes(name),
          );
          assert.equal(
            allowed(limited.can),
            expected,
            `${role} ${ownGlob} ${tokenVerbs.join()} ${tokenGlob}`,
          );
          assert.equal(limited.isAdmin, false);
          cases += 1;
        }
      }
    }
  }
  assert.equal(cases, 7 * 8 * 3);
});

test('only the role admin administers', () => {
  const found = [user('admin'), user('push'), user('pull'), user('admin', { disabled: true })].map(
    (entry) => rightsOf(entry).isAdmin,
  );

  assert.deepEqual(found, [true, false, false, false]);
});

test('what is open to anyone adds pull and nothing else', () => {
  const rights = withOpen(
    rightsOf(user('push', { repositories: ['other/x'] })),
    (name) => name === 'team/api',
  );

  assert.equal(allowed(rights.can), 'pull - - | pull push -');
});

test('a user without an entry has the default role', () => {
  assert.deepEqual(accessOf(emptyAccess, 'u', 'pull'), user('pull'));
  assert.deepEqual(accessOf({ ...emptyAccess, users: [user('push')] }, 'u', 'admin'), user('push'));
});

test('a minimal file is filled up with defaults', () => {
  assert.deepEqual(parse({ version: 1, users: [{ name: 'u', role: 'pull' }] }), {
    version: 1,
    users: [user('pull')],
    tokens: [],
  });
});

test('a broken file is refused and names the field', () => {
  const one = { name: 'u', role: 'pull' };
  const table: readonly (readonly [unknown, RegExp])[] = [
    [{}, /"\/d\/access.json" is broken at version/],
    [{ version: 2, users: [] }, /at version/],
    [{ version: 1, users: [one], more: 1 }, /at its top/],
    [{ version: 1, users: [{ ...one, role: 'root' }] }, /at users\[0\]\.role/],
    [{ version: 1, users: [{ ...one, limits: [] }] }, /at users\[0\]/],
    [{ version: 1, users: [{ ...one, name: 'a:b' }] }, /at users\[0\]\.name: not a user name/],
    [
      { version: 1, users: [{ ...one, repositories: ['A'] }] },
      /at users\[0\]\.repositories\[0\]: not a glob/,
    ],
    [{ version: 1, users: [one, one] }, /at users\[1\]: comes twice/],
    [{ version: 1, users: [], tokens: [token, token] }, /at tokens\[1\]: comes twice/],
    [{ version: 1, users: [], tokens: [{ ...token, expiresAt: 'soon' }] }, /at tokens\[0\]\.expiresAt/],
    [{ version: 1, users: [], tokens: [{ ...token, hash: 'x' }] }, /at tokens\[0\]\.hash/],
    [[], /at its top/],
  ];

  for (const [value, says] of table) {
    assert.throws(
      () => parse(value),
      (error) => isAppError(error, 'USERS_INVALID') && says.test(error.message),
      JSON.stringify(value),
    );
  }
});

test('text that is not JSON is refused without quoting it', () => {
  const canary = 'c0ffee'.repeat(4);

  assert.throws(
    () => parseAccess(Buffer.from(`{"tokens": ["${canary}" ${canary}`), '/d/access.json'),
    (error) =>
      isAppError(error, 'USERS_INVALID') &&
      /is not JSON text/.test(error.message) &&
      !error.message.includes('c0ffee'),
  );
  assert.throws(() => parseAccess(Uint8Array.of(0xff), 'f'), /is not JSON text/);
  assert.throws(() => parseAccess(Buffer.from(''), 'f'), /is not JSON text/);
});

function grant(...granted: Verb[]): Partial<AccessUser> {
  return {
    grants: [{ repositories: ['other/*'], verbs: granted }],
  };
}
