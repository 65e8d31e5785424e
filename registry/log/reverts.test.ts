import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import { createLogger } from './logger.ts';
import { createReverts } from './reverts.ts';

test('a level falls back by itself to what it was before the first change', (t) => {
  mock.timers.enable({ apis: ['setTimeout', 'Date'], now: 0 });
  t.after(() => mock.timers.reset());
  const log = createLogger({ write: () => undefined, levels: { all: 'info', tls: 'warn' } });
  const told: string[] = [];
  using reverts = createReverts(log, (sys, level) => told.push(`${sys} ${level}`));
  const shown = () => `${log.levels().store} ${log.levels().tls}`;
  const seen: string[] = [];

  reverts.set('store', 'debug', 15 * 60_000);
  reverts.set('tls', 'debug', 60_000);
  const listed = reverts.list();
  mock.timers.tick(60_000);
  seen.push(shown());
  reverts.set('store', 'trace', 15 * 60_000);
  mock.timers.tick(14 * 60_000);
  seen.push(shown());
  mock.timers.tick(60_000);
  seen.push(shown());
  reverts.set('all', 'debug', 60_000);
  reverts.set('store', 'trace');
  mock.timers.tick(60_000);
  seen.push(shown());

  assert.deepEqual(listed, {
    store: { level: 'info', at: '1970-01-01T00:15:00.000Z' },
    tls: { level: 'warn', at: '1970-01-01T00:01:00.000Z' },
  });
  assert.deepEqual(seen, ['debug warn', 'trace warn', 'info warn', 'trace warn']);
  assert.deepEqual(told.slice(0, 2), ['tls warn', 'store info']);
  assert.deepEqual(reverts.list(), {});
});
