import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DiskRow } from '../spec/admin/process.ts';
import type { Log } from '../spec/log-record.ts';
import { startDiskWatch } from './disk.ts';

test('what changes is told once, a look that fails is logged, and the next one counts', async () => {
  const told: unknown[] = [];
  const log = { for: () => log, warn: (event: string) => void told.push(event) } as Partial<Log> as Log;
  const looks = ['ok', 'low', 'low', undefined, 'full', 'full', 'ok', 'ok'] as const;
  const done = Promise.withResolvers<void>();
  let next = 0;
  const look = async (): Promise<DiskRow> => {
    if (next === looks.length) done.resolve();
    const state = looks[Math.min(next++, looks.length - 1)];
    if (state === undefined) throw new Error('no disk');
    return { state };
  };

  {
    const onChange = ({ state }: DiskRow): void => void told.push(state);
    await using _ = startDiskWatch({ look, onChange, log, everyMs: 0 });
    await done.promise;
  }

  assert.deepEqual(told, ['low', 'diskUnread', 'full', 'ok']);
});
