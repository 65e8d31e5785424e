import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RepoName } from '../spec/names.ts';
import { allRights, noRights, rightsOf, withOpen } from './access.ts';
import { callerOf, limitToScopes } from './caller.ts';
import type { Caller, Identity } from './caller.ts';
import { challenge } from './challenge.ts';
import type { ChallengeRequest } from './challenge.ts';
import type { Scope } from './scopes.ts';

const repository = 'team/api' as RepoName;
const pull: Scope = { kind: 'repository', repository, verbs: ['pull'] };
const push: Scope = { kind: 'repository', repository, verbs: ['pull', 'push'] };
const catalog: Scope = { kind: 'catalog' };

const basic = 'Basic realm="Berth"';
const bearer = 'Bearer realm="https://berth.local:5443/token",service="berth.local:5443"';
const needs = (scope: string, error: string): string => `${bearer},scope="${scope}",error="${error}"`;
const passes = undefined;

const none: Identity = { kind: 'none' };
const wrong: Identity = { kind: 'rejected', reason: 'credentials', scheme: 'basic', user: 'dev' };
const malformed: Identity = { kind: 'rejected', reason: 'malformed', scheme: 'basic' };
const expiredToken: Identity = { kind: 'rejected', reason: 'expired', scheme: 'basic', user: 'dev' };
const expired: Identity = { kind: 'rejected', reason: 'expired', scheme: 'bearer' };
const forged: Identity = { kind: 'rejected', reason: 'invalid_token', scheme: 'bearer' };
const is = (caller: Caller, scheme: 'basic' | 'bearer'): Identity => ({
  kind: 'caller',
  caller,
  scheme,
  proof: { kind: 'none' },
});
const puller = callerOf(
  'ci',
  rightsOf({ name: 'ci', role: 'pull', repositories: ['**'], grants: [], disabled: false }),
);
const admin = callerOf('dev', allRights);
const anonymous = callerOf(
  '',
  withOpen(noRights, () => true),
);

/** A read of /v2/, a read and a write in an open and a closed repository, and the catalog. */
const requests = {
  base: { isBase: true, isRead: true, repositoryOpen: false },
  basePost: { isBase: true, isRead: false, repositoryOpen: false },
  openRead: { isBase: false, isRead: true, repositoryOpen: true, neededScope: pull },
  openWrite: { isBase: false, isRead: false, repositoryOpen: true, neededScope: push },
  closedRead: { isBase: false, isRead: true, repositoryOpen: false, neededScope: pull },
  closedWrite: { isBase: false, isRead: false, repositoryOpen: false, neededScope: push },
  catalog: { isBase: false, isRead: true, repositoryOpen: false, neededScope: catalog },
} satisfies Record<string, Partial<ChallengeRequest>>;

function ask(identity: Identity, anonymousOn: boolean): Record<string, string | undefined> {
  const common = {
    identity,
    anonymousOn,
    realm: 'Berth',
    tokenUrl: 'https://berth.local:5443/token',
    service: 'berth.local:5443',
  };
  return Object.fromEntries(
    Object.entries(requests).map(([name, request]) => [name, challenge({ ...common, ...request })]),
  );
}

const everywhere = (value: string | undefined): Record<string, string | undefined> =>
  Object.fromEntries(Object.keys(requests).map((name) => [name, value]));
const badBearer = {
  ...everywhere(`${bearer},error="invalid_token"`),
  openRead: needs('repository:team/api:pull', 'invalid_token'),
  closedRead: needs('repository:team/api:pull', 'invalid_token'),
  openWrite: needs('repository:team/api:pull,push', 'invalid_token'),
  closedWrite: needs('repository:team/api:pull,push', 'invalid_token'),
  catalog: needs('registry:catalog:*', 'invalid_token'),
};

test('anonymous pull off: whatever is not valid is asked for Basic', () => {
  for (const identity of [none, wrong, malformed, expiredToken]) {
    assert.deepEqual(ask(identity, false), everywhere(basic), JSON.stringify(identity));
  }
});

test('anonymous pull on, no credentials: /v2/ says Bearer, open reads pass, the rest says Basic', () => {
  assert.deepEqual(ask(none, true), { ...everywhere(basic), base: bearer, openRead: passes });
});

test('anonymous pull on, wrong Basic: Bearer on /v2/, elsewhere Basic, also for open repositories', () => {
  for (const identity of [wrong, malformed, expiredToken]) {
    assert.deepEqual(
      ask(identity, true),
      { ...everywhere(basic), base: bearer, basePost: bearer },
      JSON.stringify(identity),
    );
  }
});

test('valid Basic passes: the permission decides', () => {
  for (const identity of [is(puller, 'basic'), is(admin, 'basic')]) {
    assert.deepEqual([ask(identity, false), ask(identity, true)], [everywhere(passes), everywhere(passes)]);
  }
});

test('an expired or forged Bearer token is told so with the scope it needs', () => {
  for (const identity of [expired, forged]) {
    assert.deepEqual([ask(identity, false), ask(identity, true)], [badBearer, badBearer]);
  }
});

test('a Bearer token without the scope its user may have is asked for more', () => {
  const found = ask(is(limitToScopes(admin, []), 'bearer'), true);

  assert.deepEqual(found, {
    base: passes,
    basePost: passes,
    openRead: needs('repository:team/api:pull', 'insufficient_scope'),
    closedRead: needs('repository:team/api:pull', 'insufficient_scope'),
    openWrite: needs('repository:team/api:pull,push', 'insufficient_scope'),
    closedWrite: needs('repository:team/api:pull,push', 'insufficient_scope'),
    catalog: needs('registry:catalog:*', 'insufficient_scope'),
  });
});

test('a Bearer token with the scope passes; what its user may not do is left to the permission', () => {
  const found = ask(is(limitToScopes(puller, [push]), 'bearer'), true);

  assert.deepEqual(found, {
    ...everywhere(passes),
    catalog: needs('registry:catalog:*', 'insufficient_scope'),
  });
});

test('an anonymous Bearer token is asked to log in where more is needed', () => {
  const found = ask(is(limitToScopes(anonymous, [pull]), 'bearer'), true);

  assert.deepEqual(found, {
    ...everywhere(passes),
    openWrite: needs('repository:team/api:pull,push', 'insufficient_scope'),
    closedWrite: needs('repository:team/api:pull,push', 'insufficient_scope'),
    catalog: needs('registry:catalog:*', 'insufficient_scope'),
  });
});

test('realm and host cannot break out of the header', () => {
  const header = challenge({
    identity: none,
    ...requests.closedRead,
    anonymousOn: false,
    realm: 'a"b\\c\r\nSet-Cookie: x',
    tokenUrl: '',
    service: '',
  });

  assert.equal(header, 'Basic realm="a\\"b\\\\cSet-Cookie: x"');
});
