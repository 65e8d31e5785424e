import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatScope, fromClaim, parseScope, toClaim } from './scopes.ts';

test('known scopes are read, everything else is dropped', () => {
  const table: readonly (readonly [text: string, canonical: string | undefined])[] = [
    ['repository:team/api:pull', 'repository:team/api:pull'],
    ['repository:team/api:push,pull', 'repository:team/api:pull,push'],
    ['repository:a:pull,push,delete', 'repository:a:pull,push,delete'],
    ['repository:a:*', 'repository:a:pull,push,delete'],
    ['repository:a:pull,fly', 'repository:a:pull'],
    ['registry:catalog:*', 'registry:catalog:*'],
    ['repository:a:fly', undefined],
    ['repository:a:', undefined],
    ['repository:A:pull', undefined],
    ['repository:a/../b:pull', undefined],
    ['repository:host:5000/a:pull', undefined],
    ['repository::pull', undefined],
    ['repository(plugin):a:pull', undefined],
    ['registry:catalog:pull', undefined],
    ['registry:users:*', undefined],
    ['repository:a', undefined],
    ['repository', undefined],
    ['', undefined],
    [':', undefined],
    ['::', undefined],
  ];

  const found = table.map(([text]) => {
    const scope = parseScope(text);
    return [text, scope && formatScope(scope)];
  });

  assert.deepEqual(found, table);
});

test('a scope survives the way through a claim', () => {
  for (const text of ['repository:team/api:pull,push', 'registry:catalog:*']) {
    const scope = parseScope(text);
    assert.ok(scope !== undefined);
    assert.deepEqual(fromClaim(toClaim(scope)), scope);
  }
});
