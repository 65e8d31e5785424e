import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Level, levels, type LogRecord } from '../../registry/spec/log-record.ts';
import { regexPattern, textPattern } from '../pattern.ts';
import { createLogList, isGap, lineOf, type LogEntry, type LogFilter, type LogList } from './log-list.ts';

const all: LogFilter = { level: 'trace', isHighlight: false, showsChallenges: false };

function recordOf(at: number, level: Level = 'info', more: Partial<LogRecord> = {}): LogRecord {
  return { at, level, sys: 'http', event: 'happened', msg: `line ${at}`, fields: {}, ...more };
}

function shown(list: LogList): readonly (number | string)[] {
  return Array.from({ length: list.shownSize() }, (_, place) => {
    const { entry } = list.lineAt(place) ?? {};
    return entry === undefined ? 'nothing' : isGap(entry) ? entry.gap : entry.at;
  });
}

function finish(list: LogList): void {
  while (!list.work(1000));
}

test('the newest records are kept, and what is counted goes with the oldest', () => {
  const list = createLogList(3);
  list.append([recordOf(1, 'error'), recordOf(2), recordOf(3)]);
  finish(list);
  list.append([recordOf(4), { at: 5, gap: 'gone' }]);
  finish(list);

  assert.deepEqual(shown(list), [3, 4, 'gone']);
  assert.deepEqual(list.counts(), { error: 0, warn: 0, info: 2, debug: 0, trace: 0 });
  assert.deepEqual([list.first()?.at, list.last()?.at], [3, 4]);
});

test('a filter is judged beside the present one, which is shown meanwhile', () => {
  const list = createLogList(1000);
  list.append(Array.from({ length: 1000 }, (_, at) => recordOf(at)));
  finish(list);

  list.setFilter({ ...all, pattern: textPattern('LINE 7') });
  const isDone = list.work(-1);

  assert.deepEqual([isDone, list.shownSize(), (list.progress() ?? 0) > 0], [false, 1000, true]);
  finish(list);
  assert.deepEqual([shown(list).length, list.progress()], [111, undefined]);
});

test('highlighting shows every line and goes from match to match, round the end', () => {
  const list = createLogList(10);
  list.append([1, 2, 3, 4].map((at) => recordOf(at, 'info', { msg: at % 2 === 0 ? 'even' : 'odd' })));
  list.setFilter({ ...all, isHighlight: true, pattern: regexPattern('msg=even') });
  finish(list);

  const [one, two, three, four] = [0, 1, 2, 3].map((place) => list.lineAt(place)?.number ?? 0);
  assert.deepEqual([list.shownSize(), list.matchSize()], [4, 2]);
  assert.deepEqual(
    [
      list.nextMatch(one ?? 0, true),
      list.nextMatch(four ?? 0, true),
      list.nextMatch(two ?? 0, false),
      list.nextMatch(three ?? 0, false),
    ],
    [two, two, four, two],
  );
});

test('challenges are hidden unless they are asked for, or belong to the request that is', () => {
  const list = createLogList(10);
  const fields = { 'http.request.id': 'r1' };
  list.append([recordOf(1, 'debug', { event: 'challenge', fields }), recordOf(2, 'info', { fields })]);
  const outcomes = [all, { ...all, showsChallenges: true }, { ...all, requestId: 'r1' }].map((filter) => {
    list.setFilter(filter);
    finish(list);
    return shown(list);
  });

  assert.deepEqual(outcomes, [[2], [1, 2], [1, 2]]);
});

test('older records come before the first, as far as there is room', () => {
  const list = createLogList(4);
  list.append([recordOf(8), recordOf(9)]);
  finish(list);

  const taken = list.prepend([5, 6, 7].map((at) => recordOf(at)));
  finish(list);

  assert.deepEqual([taken, shown(list)], [2, [6, 7, 8, 9]]);
  assert.equal(list.prepend([recordOf(1)]), 0);
});

const entries = fc.array(
  fc.record({
    at: fc.integer({ min: 0, max: 9 }),
    level: fc.constantFrom(...levels),
    sys: fc.constantFrom('http' as const, 'auth' as const),
    event: fc.constantFrom('happened', 'challenge'),
    msg: fc.constantFrom('a', 'b', 'ab'),
    fields: fc.constantFrom({}, { 'http.request.id': 'r' }),
  }),
  { maxLength: 12 },
);
const filters = fc.record({
  level: fc.constantFrom(...levels),
  sys: fc.constantFrom(undefined, 'auth' as const),
  from: fc.constantFrom(undefined, 4),
  requestId: fc.constantFrom(undefined, 'r'),
  pattern: fc.constantFrom(undefined, textPattern('msg=a'), regexPattern('msg=(?:b|ab) ')),
  isHighlight: fc.boolean(),
  showsChallenges: fc.boolean(),
});
const steps = fc.array(
  fc.oneof(
    fc.record({ kind: fc.constant('append' as const), entries }),
    fc.record({ kind: fc.constant('prepend' as const), entries }),
    fc.record({ kind: fc.constant('filter' as const), filter: filters }),
    fc.record({ kind: fc.constant('work' as const) }),
  ),
);

/** The oracle: everything anew from an array. */
function wanted(kept: readonly LogRecord[], filter: LogFilter) {
  const { sys, from = 0, requestId, pattern, isHighlight, showsChallenges } = filter;
  const rest = kept.filter(
    (record) =>
      (sys === undefined || record.sys === sys) &&
      record.at >= from &&
      (requestId === undefined || record.fields['http.request.id'] === requestId) &&
      (showsChallenges || requestId !== undefined || record.event !== 'challenge') &&
      (pattern === undefined || isHighlight || pattern.test(lineOf(record))),
  );
  const seen = rest.filter(({ level }) => levels.indexOf(level) <= levels.indexOf(filter.level));
  return {
    shown: seen,
    counts: levels.map((level) => rest.filter((record) => record.level === level).length),
    matches: pattern === undefined ? 0 : seen.filter((record) => pattern.test(lineOf(record))).length,
  };
}

test('whatever comes and is asked for, what is shown is what the filter says of what is kept', () => {
  fc.assert(
    fc.property(steps, (given) => {
      const capacity = 150;
      const list = createLogList(capacity);
      let kept: LogRecord[] = [];
      let filter: LogFilter = all;
      for (const step of given) {
        if (step.kind === 'append') {
          // More than are judged at a time.
          const many = Array.from({ length: 15 }).flatMap(() => step.entries);
          list.append(many);
          kept = [...kept, ...many].slice(-capacity);
        } else if (step.kind === 'prepend') {
          const taken = list.prepend(step.entries);
          kept = [...(taken === 0 ? [] : step.entries.slice(-taken)), ...kept];
        } else if (step.kind === 'filter') {
          filter = step.filter as LogFilter;
          list.setFilter(filter);
        } else list.work(-1);
      }
      finish(list);

      const lines: LogEntry[] = Array.from({ length: list.shownSize() }, (_, place) => {
        const line = list.lineAt(place);
        assert.equal(list.placeOf(line?.number ?? -1), place);
        return line?.entry ?? assert.fail();
      });
      const { counts, matches, ...oracle } = wanted(kept, filter);
      assert.deepEqual(
        { shown: lines, counts: levels.map((level) => list.counts()[level]), matches: list.matchSize() },
        { ...oracle, counts, matches },
      );
    }),
    { numRuns: 300 },
  );
});
