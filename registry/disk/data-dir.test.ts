import assert from 'node:assert/strict';
import { resolve } from 'node:path';
import { test } from 'node:test';
import { defaultDataDir } from './data-dir.ts';

test('the data directory is where the system keeps data of one user', () => {
  const table: readonly (readonly [
    platform: string,
    home: string,
    env: Record<string, string>,
    expected: string,
  ])[] = [
    ['linux', '/home/u', {}, '/home/u/.local/share/berth'],
    ['linux', '/home/u', { XDG_DATA_HOME: '/data' }, '/data/berth'],
    ['linux', '/home/u', { XDG_DATA_HOME: 'relative' }, '/home/u/.local/share/berth'],
    ['linux', '/home/u', { XDG_DATA_HOME: '' }, '/home/u/.local/share/berth'],
    ['linux', '/home/u', { BERTH_DATA: '/srv/berth', XDG_DATA_HOME: '/data' }, '/srv/berth'],
    ['linux', '/home/u', { BERTH_DATA: '' }, '/home/u/.local/share/berth'],
    ['linux', '/home/u', { BERTH_DATA: 'here' }, resolve('here')],
    ['darwin', '/Users/u', { XDG_DATA_HOME: '/data' }, '/Users/u/Library/Application Support/Berth'],
    ['win32', 'C:\\Users\\u', { LOCALAPPDATA: 'D:\\Local' }, 'D:\\Local\\Berth'],
    ['win32', 'C:\\Users\\u', {}, 'C:\\Users\\u\\AppData\\Local\\Berth'],
    ['win32', 'C:\\Users\\u', { BERTH_DATA: 'E:\\berth' }, 'E:\\berth'],
  ];

  for (const [platform, home, env, expected] of table) {
    assert.equal(defaultDataDir(env, { platform, home }), expected);
  }
});
