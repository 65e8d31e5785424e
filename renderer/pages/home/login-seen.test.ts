import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { UserRow } from '../../../registry/spec/admin/access.ts';
import type { SessionRow } from '../../../registry/spec/admin/activity.ts';
import { findLogin } from './login-seen.ts';

function user(name: string, at: string, client: string | undefined): UserRow {
  return { name, lastUse: { at, address: '::1', client } } as UserRow;
}

test('a login is one of a client of images, the last of them, or one that is seen now', () => {
  const browser = user('admin', '3', 'Mozilla/5.0 (X11) Chrome/140');
  const docker = user('dev', '1', 'docker/28.2.1 go/go1.24');
  const podman = user('anna', '2', 'libpod/4.3.1');
  const running = { user: 'ci', client: 'skopeo 1.9' } as SessionRow;
  const nameless = { user: 'ci', client: 'unknown' } as SessionRow;
  const anonymous = { user: '', client: 'docker 28.2' } as SessionRow;

  const found = [
    findLogin([], []),
    findLogin([browser, user('x', '4', undefined), user('y', '5', 'berth/0.1.0')], [anonymous]),
    findLogin([browser, docker, podman], []),
    findLogin([docker], [anonymous, nameless, running]),
  ];

  assert.deepEqual(found, [
    undefined,
    undefined,
    { user: 'anna', client: 'podman 4.3' },
    { user: 'ci', client: 'skopeo 1.9' },
  ]);
});
