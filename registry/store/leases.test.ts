import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Digest } from '../spec/digest.ts';
import { createLeases } from './leases.ts';

const [a, b, c] = ['a', 'b', 'c'].map((text) => `sha256:${text.repeat(64)}`) as [Digest, Digest, Digest];

/** Leases of 100 ms on a clock that the test sets; the first grace time is over. */
function settledLeases(options: { readonly limit?: number } = {}) {
  const clock = { now: 0 };
  const leases = createLeases({ graceMs: () => 100, now: () => clock.now, ...options });
  clock.now = 1000;
  return { clock, leases };
}

const removed = () => Promise.resolve();

test('a digest is leased for the grace time after it was renewed, and another one is not', () => {
  const { clock, leases } = settledLeases();

  leases.renew(a);
  clock.now = 1050;
  leases.renew(a);

  const at = (now: number) => {
    clock.now = now;
    return [leases.isLeased(a), leases.isLeased(b)];
  };
  assert.deepEqual(
    [at(1149), at(1150)],
    [
      [true, false],
      [false, false],
    ],
  );
});

test('everything is leased for one grace time after the start', () => {
  const clock = { now: 5000 };
  const leases = createLeases({ graceMs: () => 100, now: () => clock.now });

  const before = leases.isLeased(a);
  clock.now = 5100;

  assert.deepEqual([before, leases.isLeased(a)], [true, false]);
});

test('a digest that is held by two stays leased until both let go', async () => {
  const { leases } = settledLeases();
  const first = await leases.hold([a, b]);
  const second = await leases.hold([a]);

  first[Symbol.dispose]();
  const between = [leases.isLeased(a), leases.isLeased(b)];
  second[Symbol.dispose]();

  assert.deepEqual([between, leases.isLeased(a)], [[true, false], false]);
});

test('no lease that is renewed lapses while a watch is open', () => {
  const { clock, leases } = settledLeases();
  leases.renew(a);
  clock.now = 1010;
  const watch = leases.watch();
  leases.renew(b);
  clock.now = 9000;
  leases.renew(c);

  const during = [a, b, c].map((digest) => leases.isLeased(digest));
  watch[Symbol.dispose]();

  assert.deepEqual(during, [false, true, true]);
  assert.deepEqual(
    [a, b, c].map((digest) => leases.isLeased(digest)),
    [false, false, true],
  );
});

test('more leases than are remembered make everything leased, also for a watch that is open', () => {
  const { clock, leases } = settledLeases({ limit: 2 });
  using _ = leases.watch();
  for (const digest of [a, b]) leases.renew(digest);
  const other = `sha256:${'d'.repeat(64)}` as Digest;
  const before = leases.isLeased(other);

  leases.renew(c);
  clock.now = 9000;

  assert.deepEqual([before, leases.isLeased(other), leases.isLeased(a)], [false, true, true]);
});

test('leases that are over make room for others', () => {
  const { clock, leases } = settledLeases({ limit: 2 });
  for (const digest of [a, b]) leases.renew(digest);

  clock.now = 1200;
  leases.renew(c);

  assert.deepEqual(
    [a, b, c].map((digest) => leases.isLeased(digest)),
    [false, false, true],
  );
});

test('what is held or renewed is not removed', async () => {
  const { leases } = settledLeases();
  leases.renew(a);
  using _ = await leases.hold([b]);

  const fail = () => Promise.reject(new Error('removed'));

  assert.deepEqual([await leases.condemn(a, fail), await leases.condemn(b, fail)], [false, false]);
  assert.equal(await leases.condemn(c, removed), true);
});

test('who wants to hold what is being removed waits for the end, also of a removal that fails', async () => {
  const { leases } = settledLeases();
  for (const outcome of ['fulfilled', 'rejected']) {
    const removal = Promise.withResolvers<void>();
    const order: string[] = [];
    const condemned = leases.condemn(a, () => removal.promise);
    const holding = (async () => {
      using _ = await leases.hold([a]);
      order.push('held');
    })();
    const other = await leases.hold([b]);
    other[Symbol.dispose]();

    order.push('removed');
    if (outcome === 'fulfilled') removal.resolve();
    else removal.reject(new Error('no disk'));
    const [result] = await Promise.allSettled([condemned, holding]);

    assert.deepEqual([result.status, order], [outcome, ['removed', 'held']]);
    assert.equal(leases.isLeased(a), false);
  }
});

test('what is looked for is held meanwhile, and leased after it where it was found', async () => {
  const { clock, leases } = settledLeases();
  const seen: unknown[] = [];
  const fail = () => Promise.reject(new Error('removed'));
  const look = async <T>(answer: T): Promise<T> => {
    seen.push(await leases.condemn(a, fail));
    return answer;
  };

  seen.push(await leases.lookUp(a, () => look(undefined)), leases.isLeased(a));
  await assert.rejects(
    leases.lookUp(a, () => Promise.reject(new Error('no disk'))),
    /no disk/,
  );
  seen.push(leases.isLeased(a));
  seen.push(await leases.lookUp(a, () => look(7)), leases.isLeased(a));
  clock.now = 1100;

  assert.deepEqual([...seen, leases.isLeased(a)], [false, undefined, false, false, false, 7, true, false]);
});

test('a look waits for the end of a removal', async () => {
  const { leases } = settledLeases();
  const removal = Promise.withResolvers<void>();
  const order: string[] = [];
  const condemned = leases.condemn(a, () => removal.promise);
  const looking = leases.lookUp(a, () => Promise.resolve(order.push('looked')));
  await leases.lookUp(b, () => Promise.resolve(order.push('looked for another')));

  order.push('removed');
  removal.resolve();
  await Promise.all([condemned, looking]);

  assert.deepEqual(order, ['looked for another', 'removed', 'looked']);
});

test('what waits to be held is not removed a second time', async () => {
  const { leases } = settledLeases();
  const removal = Promise.withResolvers<void>();
  const first = leases.condemn(a, () => removal.promise);
  const holding = leases.hold([a]);

  removal.resolve();
  await first;
  const again = await leases.condemn(a, removed);
  using _ = await holding;

  assert.equal(again, false);
});
