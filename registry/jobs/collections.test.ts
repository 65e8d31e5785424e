import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checked } from '../driver/checked.ts';
import { createMemoryDriver } from '../driver/memory.ts';
import type { CollectTrigger } from '../spec/admin/upkeep.ts';
import { AppError } from '../spec/errors.ts';
import type { Log } from '../spec/log-record.ts';
import type { Collector } from '../store/collect.ts';
import { collectRuns } from '../store/paths.ts';
import type { Trash } from '../store/trash.ts';
import { createCollections } from './collections.ts';

const { signal } = new AbortController();
const result = { blobs: 2, bytes: 30, manifests: 1, keptBlobs: 4, keptBytes: 50 };
const at = '2026-07-01T00:00:00.000Z';

function openCollections(driver = checked(createMemoryDriver())) {
  const notes: unknown[] = [];
  const trash: Partial<Trash> = {
    async expire() {
      notes.push('expire');
      return 3;
    },
  };
  const collector: Partial<Collector> = {
    async collect({ plan, isUrgent }) {
      notes.push(['collect', plan, isUrgent]);
      return result;
    },
  };
  const log = {
    for: () => log,
    warn: (event: string) => void notes.push(event),
  } as Partial<Log> as Log;
  const collections = createCollections({
    driver,
    trash: trash as Trash,
    collector: collector as Collector,
    log,
    events: { collected: ({ expired, ms, ...row }) => void notes.push(['collected', expired, row, ms >= 0]) },
    now: () => Date.parse(at),
  });
  return { driver, notes, collections };
}

const cases: readonly {
  readonly trigger: CollectTrigger;
  readonly plan?: string;
  readonly user?: string;
  readonly expired: number;
  readonly isUrgent: boolean;
}[] = [
  { trigger: 'timer', expired: 3, isUrgent: false },
  { trigger: 'low-disk', expired: 3, isUrgent: true },
  { trigger: 'asked', user: 'anna', expired: 3, isUrgent: false },
  // The trash is as it was when the plan was made.
  { trigger: 'asked', user: 'anna', plan: 'a1', expired: 0, isUrgent: false },
];
for (const { trigger, plan, user, expired, isUrgent } of cases) {
  test(`${trigger}${plan === undefined ? '' : ' with a plan'}: ${expired} entries expire first, and the run is told`, async () => {
    const { notes, collections } = openCollections();

    const freed = await collections.run({ trigger, plan, user, signal });

    const row = { at, trigger, ...result, ...(user === undefined ? {} : { user }) };
    assert.deepEqual(freed, result);
    assert.deepEqual(notes, [
      ...(expired > 0 ? ['expire'] : []),
      ['collect', plan, isUrgent],
      ['collected', expired, row, true],
    ]);
  });
}

test('the last twenty runs are kept over a restart, the newest first', async () => {
  const { driver, collections } = openCollections();
  for (let run = 0; run < 22; run++) {
    await collections.run({ trigger: 'asked', user: `user ${run}`, signal });
  }

  const rows = await openCollections(driver).collections.runs();

  assert.deepEqual(
    rows.map(({ user }) => user),
    Array.from({ length: 20 }, (_, run) => `user ${21 - run}`),
  );
  assert.deepEqual({ ...rows[0], ms: 0 }, { at, trigger: 'asked', ms: 0, ...result, user: 'user 21' });
});

test('a list that cannot be read is begun anew; one that cannot be written fails no run', async () => {
  const { driver, notes, collections } = openCollections();
  for (const text of ['', '{', '{}', '[1, null, {}]']) {
    await driver.write(collectRuns, Buffer.from(text));
    assert.deepEqual(await openCollections(driver).collections.runs(), []);
  }
  driver.write = () => Promise.reject(new AppError('STORAGE_FULL'));

  assert.deepEqual(await collections.run({ trigger: 'low-disk', signal }), result);

  assert.equal(notes.at(-1), 'collectUnnoted');
});
