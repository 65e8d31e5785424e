import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLocks } from './locks.ts';

test('shared sections overlap, an exclusive one waits for them and holds later ones back', async () => {
  const locks = createLocks();
  const log: string[] = [];
  const gates = { a: Promise.withResolvers<void>(), b: Promise.withResolvers<void>() };
  const section = (name: string, gate?: Promise<void>) => async () => {
    log.push(`${name}+`);
    await gate;
    log.push(`${name}-`);
  };

  const all = [
    locks.shared('k', section('a', gates.a.promise)),
    locks.shared('k', section('b', gates.b.promise)),
    locks.exclusive('k', section('x')),
    locks.shared('k', section('c')),
  ];
  await locks.exclusive('other', section('o'));
  gates.b.resolve();
  await all[1];
  gates.a.resolve();
  await Promise.all(all);

  assert.deepEqual(log, ['a+', 'b+', 'o+', 'o-', 'b-', 'a-', 'x+', 'x-', 'c+', 'c-']);
});

test('a section that fails lets the next one in and hands its error to its own caller', async () => {
  const locks = createLocks();

  const failed = locks.exclusive('k', () => Promise.reject(new Error('no')));
  const next = locks.exclusive('k', () => Promise.resolve('yes'));

  await assert.rejects(failed, /no/);
  assert.equal(await next, 'yes');
});
