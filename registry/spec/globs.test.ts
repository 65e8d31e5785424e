import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { isGlob } from '../spec/names.ts';
import { compileGlobs } from './globs.ts';

const matches = (glob: string, name: string): boolean => compileGlobs([glob])(name);

test('a glob matches whole names, part by part', () => {
  const table: readonly (readonly [glob: string, name: string, expected: boolean])[] = [
    ['team/api', 'team/api', true],
    ['team/api', 'team/api2', false],
    ['team/api', 'team', false],
    ['team/api', 'x/team/api', false],
    ['*', 'api', true],
    ['*', 'team/api', false],
    ['team/*', 'team/api', true],
    ['team/*', 'team', false],
    ['team/*', 'team/api/v2', false],
    ['*/api', 'team/api', true],
    ['team/app-*', 'team/app-web', true],
    ['team/app-*', 'team/app-', true],
    ['team/app-*', 'team/app', false],
    ['*-test', 'api-test', true],
    ['a*b*c', 'a-b-b-c', true],
    ['a*b*c', 'abc', true],
    ['a*b*c', 'acb', false],
    ['a*a', 'a', false],
    ['ab*ba', 'aba', false],
    ['**', 'api', true],
    ['**', 'a/b/c/d', true],
    ['team/**', 'team/api', true],
    ['team/**', 'team/a/b/c', true],
    ['team/**', 'team', false],
    ['team/**', 'teams/api', false],
    ['**/api', 'api', true],
    ['**/api', 'a/b/api', true],
    ['**/api', 'a/b/api/c', false],
    ['team/**/api', 'team/api', true],
    ['team/**/api', 'team/a/b/api', true],
    ['team/**/api', 'team/a/b', false],
    ['a/**/b/**/c', 'a/b/x/b/c', true],
    ['a/**/b/**/c', 'a/x/c', false],
    ['**/x/*', 'x/x/x', true],
    ['**/**', 'a', true],
    ['a/**/**', 'a', false],
    ['a/**/**', 'a/b', true],
  ];

  const found = table.map(([glob, name]) => [glob, name, matches(glob, name)]);

  assert.deepEqual(found, table);
});

test('no glob matches nothing, and one of several is enough', () => {
  assert.equal(compileGlobs([])('api'), false);
  assert.equal(compileGlobs(['x', 'team/*'])('team/api'), true);
});

test('only the characters of names, * and whole ** make a glob', () => {
  const good = ['*', '**', 'team/**', 'a*b', 'team/app-*/v1.2_x', 'a'.repeat(255)];
  const bad = [
    '',
    '/',
    'team/',
    '/team',
    'team//api',
    'Team',
    'a**',
    '**a',
    '***',
    'a?',
    '[a]',
    '{a,b}',
    '!a',
    ' ',
  ];

  assert.deepEqual([...good, 'a'.repeat(256), ...bad].filter(isGlob), good);
});

test('matching equals the regular expression that the grammar describes', () => {
  const part = fc.stringMatching(/^[ab*]{1,4}$/).filter((text) => !text.includes('**'));
  const glob = fc.array(fc.oneof(part, fc.constant('**')), { minLength: 1, maxLength: 5 });
  const name = fc.array(fc.stringMatching(/^[ab]{1,4}$/), { minLength: 1, maxLength: 6 });

  fc.assert(
    fc.property(glob, name, (pattern, parts) => {
      // The oracle: every `**` is (part/)*, the last one (part/)+; the name is written with a / after each part.
      const source = pattern.map((text, at) => {
        if (text === '**') return at === pattern.length - 1 ? '(?:[^/]+/)+' : '(?:[^/]+/)*';
        return `${text.replaceAll('*', '[^/]*')}/`;
      });
      const expected = new RegExp(`^${source.join('')}$`).test(parts.map((each) => `${each}/`).join(''));
      assert.equal(matches(pattern.join('/'), parts.join('/')), expected);
    }),
    { numRuns: 2000 },
  );
});

test('the worst glob does not take more than linear time in the name', () => {
  time(2000);
  const [small, large] = [time(2000), time(20_000)];

  assert.ok(large < small * 25 + 5, `10 times the length took ${large / small} times as long`);
});

function time(length: number): number {
  const match = compileGlobs([`${'**/a/'.repeat(20)}b`, `${'*a'.repeat(60)}b`]);
  const name = `${'a/'.repeat(length)}${'a'.repeat(length)}`;
  const times = Array.from({ length: 5 }, () => {
    const start = performance.now();
    for (let round = 0; round < 20; round += 1) match(name);
    return performance.now() - start;
  });
  return Math.min(...times);
}
