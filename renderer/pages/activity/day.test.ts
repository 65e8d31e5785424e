import assert from 'node:assert/strict';
import { test } from 'node:test';
import { groupByDay } from './day.ts';

test('each day of the reader has one heading, and the last two have a word', () => {
  const at = (day: number, hour: number): string => new Date(2026, 2, day, hour).toISOString();
  const rows = [at(3, 12), at(3, 0), at(2, 23), at(1, 8)].map((time, index) => ({
    id: `${index}`,
    at: time,
  }));

  const grouped = groupByDay(rows, Date.parse(at(3, 13)));

  assert.deepEqual(
    grouped.map((each) => (each.kind === 'day' ? each.title : each.row.id)),
    [
      'Today, Tuesday, 3 March 2026',
      '0',
      '1',
      'Yesterday, Monday, 2 March 2026',
      '2',
      'Sunday, 1 March 2026',
      '3',
    ],
  );
});
