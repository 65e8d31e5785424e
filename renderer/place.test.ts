import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parsePlace } from './place.ts';

const digest = `sha256:${'a'.repeat(64)}`;

for (const { fragment, route } of [
  { fragment: '', route: { page: 'home', tab: undefined } },
  { fragment: '#/access/tokens', route: { page: 'access', tab: 'tokens' } },
  {
    fragment: '#/repositories/team/api',
    route: { page: 'repository', repository: 'team/api', tab: undefined },
  },
  {
    fragment: '#/repositories/team/api/_/history?sort=by',
    route: { page: 'repository', repository: 'team/api', tab: 'history' },
  },
  {
    fragment: `#/repositories/api/_/image/${encodeURIComponent(digest)}/layers`,
    route: { page: 'image', repository: 'api', reference: digest, tab: 'layers' },
  },
  {
    fragment: '#/repositories/team/api/_/compare/1/2',
    route: { page: 'compare', repository: 'team/api', a: '1', b: '2' },
  },
  { fragment: '#/nowhere', route: { page: 'unknown' } },
  { fragment: '#/repositories/team/api:1', route: { page: 'unknown' } },
  { fragment: '#/repositories/_/image/1', route: { page: 'unknown' } },
  { fragment: '#/repositories/Team/%E0%A4%A', route: { page: 'unknown' } },
]) {
  test(`${fragment || 'no fragment'} is ${route.page}`, () => {
    assert.deepEqual(parsePlace(fragment).route, route);
  });
}
