import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { StatusRow } from '../../registry/spec/admin/process.ts';
import { type Known, worstOf } from './worst.ts';

const now = Date.parse('2026-07-01T00:00:00.000Z');
const status: StatusRow = {
  version: '1',
  urls: ['https://localhost:5443'],
  startedAt: '2026-06-01T00:00:00.000Z',
  pid: 1,
  runs: 'desktop',
  isReadOnly: false,
  isOpen: false,
  isPlain: false,
  unheeded: [],
  index: 'ready',
  disk: { state: 'ok' },
};
const calm: Known = {
  isLost: false,
  process: { state: 'running' },
  status,
  certificate: undefined,
  knownUnheeded: [],
};
const ends = (validTo: string) => ({ leaf: { validTo } }) as Known['certificate'];

/** Each is told with all that follow it, and is the one that is shown. */
const fromWorst: readonly (readonly [kind: string, part: Partial<Known>])[] = [
  ['process', { isLost: true, process: { state: 'stopped' } }],
  ['lost', { isLost: true }],
  ['full', { status: { ...status, disk: { state: 'full' } } }],
  ['open', { status: { ...status, isOpen: true } }],
  ['plain', { status: { ...status, isPlain: true } }],
  ['readOnly', { status: { ...status, isReadOnly: true } }],
  ['low', { status: { ...status, disk: { state: 'low' } } }],
  ['certificate', { certificate: ends('2026-07-10T00:00:00.000Z') }],
  ['unheeded', { status: { ...status, unheeded: ['OTEL_X: has no effect'] } }],
];

for (const [at, [kind, part]] of fromWorst.entries()) {
  test(`${kind} is told before what is less severe`, () => {
    const below = fromWorst.slice(at).toReversed();
    const known = below.reduce<Known>(
      (sum, [, each]) => ({
        ...sum,
        ...each,
        ...(each.status === undefined ? {} : { status: merge(sum.status, each.status) }),
      }),
      calm,
    );

    assert.equal(worstOf(known, now)?.kind, kind);
    assert.equal(worstOf({ ...calm, ...part }, now)?.kind, kind);
  });
}

test('nothing is told while nothing is wrong, of a long certificate, and of what was put away', () => {
  const known = {
    ...calm,
    status: { ...status, unheeded: ['a: no'] },
    certificate: ends('2027-07-10T00:00:00.000Z'),
  };

  assert.equal(worstOf({ ...known, knownUnheeded: ['a: no'] }, now), undefined);
  assert.deepEqual(worstOf({ ...known, knownUnheeded: ['b: no'] }, now), {
    kind: 'unheeded',
    lines: ['a: no'],
  });
});

/** What either says that is not as in `status`. */
function merge(one: StatusRow = status, other: StatusRow): StatusRow {
  const said = Object.entries(other).filter(([name, value]) => value !== status[name as keyof StatusRow]);
  return { ...one, ...Object.fromEntries(said) };
}
