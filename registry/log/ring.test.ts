import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { LogRecord } from '../spec/log-record.ts';
import { createRing } from './ring.ts';

function record(at: number, change: Partial<LogRecord> = {}): LogRecord {
  return { at, level: 'info', sys: 'http', event: 'e', msg: String(at), fields: {}, ...change };
}

test('a ring keeps the newest records in order', () => {
  const ring = createRing({ size: 3 });

  const seen = [1, 2, 3, 4, 5, 6, 7].map((at) => {
    ring.push(record(at));
    return ring.snapshot().map((kept) => kept.at);
  });

  assert.deepEqual(seen, [[1], [1, 2], [1, 2, 3], [2, 3, 4], [3, 4, 5], [4, 5, 6], [5, 6, 7]]);
});

test('a snapshot can be narrowed', () => {
  const ring = createRing();
  for (const each of [
    record(1),
    record(2, { level: 'error' }),
    record(3, { sys: 'store' }),
    record(4, { level: 'debug' }),
    record(5, { level: 'warn' }),
  ])
    ring.push(each);
  const cases = [
    [{}, [1, 2, 3, 4, 5]],
    [{ level: 'warn' }, [2, 5]],
    [{ sys: 'store' }, [3]],
    [{ since: 4 }, [4, 5]],
    [{ limit: 2 }, [4, 5]],
    [{ limit: 0 }, []],
    [{ level: 'info', since: 2, limit: 2 }, [3, 5]],
  ] as const;

  assert.deepEqual(
    cases.map(([filter]) => [filter, ring.snapshot(filter).map(({ at }) => at)]),
    cases,
  );
});

test('a subscriber gets what comes, until it is disposed', () => {
  const ring = createRing();
  const seen: number[] = [];
  const listen = ({ at }: LogRecord): void => {
    seen.push(at);
  };
  ring.push(record(1));

  {
    using first = ring.subscribe(listen);
    using second = ring.subscribe(listen);
    assert.notEqual(first, second);
    ring.push(record(2));
  }
  ring.push(record(3));

  assert.deepEqual(seen, [2, 2]);
});
