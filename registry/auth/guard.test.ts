import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isAppError } from '../spec/errors.ts';
import { createGuard, networkOf } from './guard.ts';
import type { Guard } from './guard.ts';

const small = { perUser: { tries: 3, secondsPerTry: 10 }, perAddress: { tries: 5, secondsPerTry: 2 } };

/** The seconds to wait, 0 if the attempt was admitted. */
function fail(guard: Guard, address: string, user: string): number {
  try {
    guard.begin(address, user);
    return 0;
  } catch (error) {
    assert.ok(isAppError(error, 'TOO_MANY_LOGINS'));
    return error.retryAfterSeconds ?? -1;
  }
}

test('wrong tries of one user from one address run out, and come back one by one', () => {
  let nowMs = 0;
  const guard = createGuard({ ...small, now: () => nowMs });

  const first = [1, 2, 3, 4].map(() => fail(guard, '10.0.0.1', 'dev'));
  nowMs += 4000;
  const later = fail(guard, '10.0.0.1', 'dev');
  nowMs += 6000;
  const after = [fail(guard, '10.0.0.1', 'dev'), fail(guard, '10.0.0.1', 'dev')];

  assert.deepEqual([first, later, after], [[0, 0, 0, 10], 6, [0, 10]]);
});

test('another address is not affected: there is no account lock', () => {
  const guard = createGuard({ ...small, now: () => 0 });

  for (let n = 0; n < 20; n += 1) fail(guard, '10.0.0.1', 'dev');

  assert.equal(fail(guard, '10.0.0.2', 'dev'), 0);
});

test('many users from one address run out together', () => {
  const guard = createGuard({ ...small, now: () => 0 });

  const waits = Array.from({ length: 7 }, (_, n) => fail(guard, '10.0.0.1', `user${n}`));

  assert.deepEqual(waits, [0, 0, 0, 0, 0, 2, 2]);
});

test('right credentials cost nothing', () => {
  const guard = createGuard({ ...small, now: () => 0 });

  for (let n = 0; n < 100; n += 1) guard.begin('10.0.0.1', 'dev').payBack();

  assert.deepEqual(
    [1, 2, 3].map(() => fail(guard, '10.0.0.1', 'dev')),
    [0, 0, 0],
  );
});

test('guesses at the same time cannot pass together', () => {
  const guard = createGuard({ ...small, now: () => 0 });

  const open = [
    guard.begin('10.0.0.1', 'dev'),
    guard.begin('10.0.0.1', 'dev'),
    guard.begin('10.0.0.1', 'dev'),
  ];
  const fourth = fail(guard, '10.0.0.1', 'dev');
  open[0]?.payBack();

  assert.deepEqual([fourth, fail(guard, '10.0.0.1', 'dev')], [10, 0]);
});

test('the memory is bounded: the oldest bucket goes', () => {
  const guard = createGuard({ ...small, maxBuckets: 10, now: () => 0 });

  for (let n = 0; n < 3; n += 1) fail(guard, '10.0.0.1', 'dev');
  const before = fail(guard, '10.0.0.1', 'dev');
  for (let n = 0; n < 10; n += 1) fail(guard, `10.0.1.${n}`, 'dev');

  assert.deepEqual([before, fail(guard, '10.0.0.1', 'dev')], [10, 0]);
});

test('one IPv6 host is one client', () => {
  const table = [
    ['127.0.0.1', '127.0.0.1'],
    ['::ffff:192.168.1.2', '192.168.1.2'],
    ['::FFFF:192.168.1.2', '192.168.1.2'],
    ['::1', '0:0:0:0::/64'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:DB8:1:2::9', '2001:db8:1:2::/64'],
    ['2001:0db8:0001::', '2001:db8:1:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['64:ff9b::10.0.0.1', '64:ff9b:0:0::/64'],
    ['', ''],
    ['unix', 'unix'],
  ] as const;

  assert.deepEqual(
    table.map(([address]) => [address, networkOf(address)]),
    table,
  );
});
