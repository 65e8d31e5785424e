import assert from 'node:assert/strict';
import { test } from 'node:test';
import { helperCommandOf } from './helper-command.ts';

const packaged = {
  isPackaged: true,
  resourcesPath: '/opt/Berth/resources',
  platform: 'linux',
  env: {},
} as const;

const places = [
  {
    name: 'beside a packaged app it is the executable, told what it is by its first word',
    place: packaged,
    expected: ['/opt/Berth/resources/berth', 'docker-credential-berth'],
  },
  {
    name: 'on Windows the executable has its ending',
    place: { ...packaged, platform: 'win32', resourcesPath: 'C:\\Berth\\resources' },
    expected: ['C:\\Berth\\resources\\berth.exe', 'docker-credential-berth'],
  },
  {
    name: 'in an AppImage there is none that stays',
    place: { ...packaged, env: { APPIMAGE: '/home/dev/Berth.AppImage' } },
    expected: undefined,
  },
] as const;
for (const { name, place, expected } of places) {
  test(name, () => {
    assert.deepEqual(helperCommandOf(place), expected);
  });
}

test('in a checkout it is the bundle, run by the Node that npm runs', () => {
  const [node, bundle] =
    helperCommandOf({ ...packaged, isPackaged: false, env: { npm_node_execpath: '/bin/node' } }) ?? [];

  assert.equal(node, '/bin/node');
  assert.match(bundle ?? '', /[\\/]dist[\\/]docker-credential-berth\.mjs$/);
});
