import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { LogRecord } from '../spec/log-record.ts';
import { recordFilter, type RecordFilter } from './filter.ts';

const record: LogRecord = {
  at: Date.UTC(2026, 6, 1),
  level: 'warn',
  sys: 'store',
  event: 'blobDamaged',
  msg: 'blob is damaged',
  fields: { 'http.request.id': 'r1', size: 12 },
};

const cases: Readonly<Record<string, { filter: Partial<RecordFilter>; isWanted: boolean }>> = {
  'its level': { filter: { level: 'warn' }, isWanted: true },
  'more serious ones only': { filter: { level: 'error' }, isWanted: false },
  'its subsystem': { filter: { sys: 'store' }, isWanted: true },
  'another subsystem': { filter: { sys: 'http' }, isWanted: false },
  'its moment': { filter: { since: '2026-07-01T00:00:00Z' }, isWanted: true },
  'a later moment': { filter: { since: '2026-07-01T00:00:00.001Z' }, isWanted: false },
  'its moment as the last': { filter: { until: '2026-07-01T00:00:00Z' }, isWanted: true },
  'an earlier moment as the last': { filter: { until: '2026-06-30T23:59:59.999Z' }, isWanted: false },
  'no challenges': { filter: { challenges: false }, isWanted: true },
  'its request': { filter: { requestId: 'r1' }, isWanted: true },
  'another request': { filter: { requestId: 'r' }, isWanted: false },
  'a text of its message': { filter: { grep: 'is damaged' }, isWanted: true },
  'a text of its fields': { filter: { grep: 'size=12' }, isWanted: true },
  'text with the signs of a pattern': { filter: { grep: 'is.damaged' }, isWanted: false },
  'a pattern': { filter: { grep: '/is.DAMAGED|gone/i' }, isWanted: true },
  'a class in a pattern without case': { filter: { grep: String.raw`/IS\sD\S+D/i` }, isWanted: true },
  'the opposite of that class': { filter: { grep: String.raw`/is\Sd/i` }, isWanted: false },
  'the end of the line': { filter: { grep: '/sys=store$/' }, isWanted: true },
  'a pattern that does not match': { filter: { grep: '/^size/' }, isWanted: false },
  'no text': { filter: { grep: '' }, isWanted: true },
};

for (const [name, { filter, isWanted }] of Object.entries(cases)) {
  test(`a record is ${isWanted ? '' : 'not '}wanted by a filter for ${name}`, () => {
    assert.equal(recordFilter({ level: 'info', ...filter })(record), isWanted);
  });
}

test('a pattern that would try for years takes no time', () => {
  const isWanted = recordFilter({ level: 'info', grep: '/(a+)+$/' });
  const startedAt = performance.now();

  const found = isWanted({ ...record, fields: { text: `${'a'.repeat(2000)}!` } });

  assert.equal(found, false);
  assert.ok(performance.now() - startedAt < 1000);
});

test('a pattern that is broken, or cannot run in linear time, is refused with the reason', () => {
  for (const [grep, reason] of [
    [String.raw`/(a)\1/`, /linear time/],
    ['/(/', /[Uu]nterminated group/],
  ] as const) {
    assert.throws(() => recordFilter({ level: 'info', grep }), { code: 'USAGE', message: reason });
  }
});

test('challenges are left out when they are not wanted', () => {
  const challenge = { ...record, event: 'challenge' };

  const seen = [undefined, true, false].map((challenges) =>
    recordFilter({ level: 'info', challenges })(challenge),
  );

  assert.deepEqual(seen, [true, true, false]);
});
