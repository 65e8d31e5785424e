import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createMemoryDriver } from '../driver/memory.ts';
import type { FreeRoom } from '../driver/driver.ts';
import { isAppError } from '../spec/errors.ts';
import { createReserve } from './reserve.ts';

const mib = 1024 * 1024;
const room: FreeRoom = { bytes: 50 * mib, totalBytes: 100 * mib, inodes: 500, totalInodes: 1000 };

function reserveOf(free: () => FreeRoom, now = () => 0) {
  return createReserve(
    { ...createMemoryDriver(), free: async () => free() },
    {
      reserve: () => ({ bytes: 10 * mib, percent: 2 }),
      warn: () => ({ bytes: 20 * mib, percent: 5 }),
      now,
    },
  );
}

const cases: Readonly<Record<string, { free: Partial<FreeRoom>; state: string; refusal?: string }>> = {
  'room enough': { free: {}, state: 'ok' },
  'exactly what is warned of': { free: { bytes: 20 * mib, inodes: 50 }, state: 'ok' },
  'a byte less': { free: { bytes: 20 * mib - 1 }, state: 'low' },
  'exactly the reserve': { free: { bytes: 10 * mib, inodes: 20 }, state: 'low' },
  'less than the reserve': {
    free: { bytes: 10 * mib - 1 },
    state: 'full',
    refusal: '9 MiB free, 10 MiB are kept in reserve.',
  },
  'a larger share than the bytes': {
    free: { bytes: 15 * mib, totalBytes: 1000 * mib },
    state: 'full',
    refusal: '15 MiB free, 20 MiB are kept in reserve.',
  },
  'few inodes': { free: { inodes: 49 }, state: 'low' },
  'hardly an inode': {
    free: { inodes: 19 },
    state: 'full',
    refusal: '19 files (inodes) free, 20 are kept in reserve.',
  },
  'inodes without a limit': {
    free: { inodes: Number.POSITIVE_INFINITY, totalInodes: 0 },
    state: 'ok',
  },
};
for (const [name, { free, state, refusal }] of Object.entries(cases)) {
  test(`${name}: ${state}`, async () => {
    const reserve = reserveOf(() => ({ ...room, ...free }));

    const row = await reserve.look();
    const refused = await reserve.check().then(
      () => undefined,
      (error: unknown) => (isAppError(error, 'STORAGE_FULL') ? error.message : error),
    );

    assert.equal(row.state, state);
    assert.equal(
      refused,
      refusal &&
        `The disk of the registry is nearly full: ${refusal} Free some space, or lower berth.storage.reserve. Pulls go on.`,
    );
    assert.equal(reserve.warning() !== undefined, state !== 'ok');
  });
}

test('one look counts for a second, and a medium without limits is never full', async () => {
  let at = 0;
  let looks = 0;
  const free = (): FreeRoom => {
    looks++;
    return room;
  };
  const reserve = reserveOf(free, () => at);
  for (at of [0, 500, 999, 1000, 1001]) await reserve.check();
  const memory = createReserve(createMemoryDriver(), {
    reserve: () => ({ bytes: mib, percent: 90 }),
    warn: () => ({ bytes: mib, percent: 90 }),
  });

  assert.equal(looks, 2);
  assert.deepEqual(await memory.look(), { state: 'ok' });
});
