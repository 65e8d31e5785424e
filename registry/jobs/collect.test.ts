import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import type { Log } from '../spec/log-record.ts';
import type { Collector } from '../store/collect.ts';
import type { Trash } from '../store/trash.ts';
import { startCollect } from './collect.ts';

const result = { blobs: 2, bytes: 30, manifests: 1, keptBlobs: 4, keptBytes: 50 };

/** A trash and a collector that note what they are asked, and a log that notes what is written. */
function noting({ collect = () => Promise.resolve(result) }: { collect?: Collector['collect'] } = {}) {
  const notes: unknown[] = [];
  const logged = Promise.withResolvers<void>();
  const line = (event: string, _: string, fields: Readonly<Record<string, unknown>>): void => {
    notes.push([event, fields]);
    logged.resolve();
  };
  const log = { for: () => log, info: line, error: line } as Partial<Log> as Log;
  const trash: Partial<Trash> = {
    async expire() {
      notes.push('expire');
      return 3;
    },
  };
  const collector: Partial<Collector> = {
    async collect(options) {
      notes.push('collect');
      return await collect(options);
    },
  };
  return {
    notes,
    logged: logged.promise,
    deps: { trash: trash as Trash, collector: collector as Collector, log },
  };
}

test('the trash expires before the collection, and one line tells what was freed and kept', async () => {
  const { notes, logged, deps } = noting();

  {
    await using _ = startCollect({ ...deps, firstMs: 0, intervalMs: 3_600_000 });
    await logged;
  }

  const { blobs, bytes, manifests, keptBlobs, keptBytes } = result;
  const fields = { expired: 3, manifests, blobs, bytes, 'kept.blobs': keptBlobs, 'kept.bytes': keptBytes };
  assert.deepEqual(notes, ['expire', 'collect', ['collectFinished', { ...fields, seconds: 0 }]]);
});

test('a collection that fails is logged and tried again', async () => {
  const again = Promise.withResolvers<void>();
  let runs = 0;
  const { notes, deps } = noting({
    async collect() {
      if (++runs === 1) throw new Error('disk is gone');
      again.resolve();
      return result;
    },
  });

  {
    await using _ = startCollect({ ...deps, firstMs: 0, intervalMs: 1 });
    await again.promise;
  }

  assert.deepEqual(notes[2], ['collectFailed', { 'err.message': 'disk is gone' }]);
});

test('a running collection is cut when the job is disposed, and nothing is logged', async () => {
  const started = Promise.withResolvers<void>();
  const { notes, deps } = noting({
    async collect({ signal }) {
      started.resolve();
      await delay(3_600_000, undefined, { signal });
      return result;
    },
  });
  const job = startCollect({ ...deps, firstMs: 0 });
  await started.promise;

  await job[Symbol.asyncDispose]();

  assert.deepEqual(notes, ['expire', 'collect']);
});

for (const when of ['first', 'next'] as const) {
  test(`a wait of 30 days before the ${when} run is no wait of a millisecond`, async () => {
    const { notes, logged, deps } = noting();
    const longMs = 30 * 24 * 60 * 60 * 1000;

    {
      await using _ = startCollect({ ...deps, firstMs: when === 'first' ? longMs : 0, intervalMs: longMs });
      if (when === 'next') await logged;
      // A timer that is too long fires after a millisecond.
      await delay(20);
    }

    assert.equal(notes.filter((note) => note === 'collect').length, when === 'first' ? 0 : 1);
  });
}
