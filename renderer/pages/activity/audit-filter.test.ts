import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type FilterTexts, readFilter } from './audit-filter.ts';

const none: FilterTexts = {
  q: '',
  kind: '',
  user: '',
  repository: '',
  time: 'any',
  from: '',
  to: '',
  checks: '',
};
const now = Date.UTC(2026, 2, 1, 12);
const local = (...parts: readonly [number, number, number, number?, number?, number?, number?]): string =>
  new Date(...parts).toISOString();

for (const { name, texts, args, problems = {}, hidesChecks = true } of [
  { name: 'nothing', texts: {}, args: {} },
  { name: 'checks that are shown', texts: { checks: 'shown' }, args: {}, hidesChecks: false },
  {
    name: 'the repository of checks',
    texts: { repository: 'berth/doctor' },
    args: { repository: 'berth/doctor' },
    hidesChecks: false,
  },
  {
    name: 'every field',
    texts: { q: 'x', kind: 'pushed', user: 'dev', repository: 'team/api', time: '1h' },
    args: { q: 'x', kind: 'pushed', user: 'dev', repository: 'team/api', since: '2026-03-01T11:00:00.000Z' },
  },
  { name: 'a kind that is none', texts: { kind: 'flew' }, args: {} },
  {
    name: 'a repository that is none',
    texts: { repository: 'Team//x' },
    args: {},
    problems: { repository: 'This is no name of a repository.' },
  },
  {
    name: 'whole days',
    texts: { time: 'custom', from: '2026-02-03', to: '2026-02-03' },
    args: { since: local(2026, 1, 3), until: local(2026, 1, 3, 23, 59, 59, 999) },
  },
  {
    name: 'minutes',
    texts: { time: 'custom', from: '2026-02-03 09:30', to: '2026-02-03 09:31' },
    args: { since: local(2026, 1, 3, 9, 30), until: local(2026, 1, 3, 9, 31, 59, 999) },
  },
  {
    name: 'times that are none',
    texts: { time: 'custom', from: '2026-02-31', to: 'soon' },
    args: {},
    problems: {
      from: 'Write 2026-03-01, or 2026-03-01 14:05.',
      to: 'Write 2026-03-01, or 2026-03-01 14:05.',
    },
  },
  { name: 'dates of a range that is not chosen', texts: { from: '2026-02-03' }, args: {} },
]) {
  test(`a filter of ${name}`, () => {
    const read = readFilter({ ...none, ...texts }, now);

    assert.deepEqual(read, { args: hidesChecks ? { ...args, withoutChecks: true } : args, problems });
  });
}
