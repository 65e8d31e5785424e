import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { isLinearizable, type Operation } from './linear.ts';

const put = (startedAt: number, endedAt: number, value: string): Operation => ({
  kind: 'put',
  startedAt,
  endedAt,
  value,
  isOpen: false,
});
const read = (startedAt: number, endedAt: number, value?: string): Operation => ({
  kind: 'read',
  startedAt,
  endedAt,
  value,
  isOpen: false,
});
const drop = (startedAt: number, endedAt: number, found = true): Operation => ({
  kind: 'delete',
  startedAt,
  endedAt,
  found,
  isOpen: false,
});
const open = (operation: Operation): Operation => ({ ...operation, isOpen: true });

const histories: readonly {
  readonly name: string;
  readonly history: readonly Operation[];
  readonly is: boolean;
}[] = [
  { name: 'nothing', history: [], is: true },
  { name: 'a read after a put', history: [put(0, 1, 'a'), read(2, 3, 'a')], is: true },
  { name: 'a put that was lost', history: [put(0, 1, 'a'), read(2, 3)], is: false },
  { name: 'a value that nobody put', history: [put(0, 1, 'a'), read(2, 3, 'b')], is: false },
  { name: 'an old value', history: [put(0, 1, 'a'), put(2, 3, 'b'), read(4, 5, 'a')], is: false },
  {
    name: 'either of two puts at once',
    history: [put(0, 9, 'a'), put(0, 9, 'b'), read(10, 11, 'a')],
    is: true,
  },
  {
    name: 'two readers who disagree for ever',
    history: [put(0, 3, 'a'), put(0, 3, 'b'), read(4, 5, 'a'), read(6, 7, 'b')],
    is: false,
  },
  { name: 'new, then old again', history: [put(0, 9, 'a'), read(1, 2, 'a'), read(3, 4)], is: false },
  { name: 'old, then new, during the put', history: [put(0, 9, 'a'), read(1, 2), read(3, 4, 'a')], is: true },
  { name: 'a value before its put began', history: [read(0, 1, 'a'), put(2, 3, 'a')], is: false },
  {
    name: 'a deleted tag that comes back',
    history: [put(0, 1, 'a'), drop(2, 3), read(4, 5, 'a')],
    is: false,
  },
  { name: 'two deletes that both found it', history: [put(0, 1, 'a'), drop(2, 5), drop(2, 5)], is: false },
  {
    name: 'two deletes of which one did',
    history: [put(0, 1, 'a'), drop(2, 5), drop(2, 5, false)],
    is: true,
  },
  {
    name: 'a delete that found nothing where there was',
    history: [put(0, 1, 'a'), drop(2, 3, false)],
    is: false,
  },
  { name: 'an open put that happened', history: [open(put(0, 3, 'a')), read(4, 5, 'a')], is: true },
  { name: 'an open put that did not', history: [open(put(0, 3, 'a')), read(4, 5)], is: true },
  { name: 'an open put undone', history: [open(put(0, 3, 'a')), read(1, 2, 'a'), read(4, 5)], is: false },
  {
    name: 'an open put that comes too late',
    history: [open(put(0, 3, 'a')), read(4, 5), read(6, 7, 'a')],
    is: false,
  },
  {
    name: 'an open delete',
    history: [put(0, 1, 'a'), open(drop(2, 9)), read(3, 4, 'a'), read(5, 6)],
    is: true,
  },
  {
    name: 'an open delete that did not happen',
    history: [put(0, 1, 'a'), open(drop(2, 3)), read(4, 5, 'a')],
    is: true,
  },
];

for (const { name, history, is } of histories) {
  test(`${name} ${is ? 'can' : 'cannot'} be what a register shows`, () => {
    assert.equal(isLinearizable(history), is);
  });
}

const times = fc.tuple(fc.nat({ max: 12 }), fc.nat({ max: 6 }));
const value = fc.constantFrom('a', 'b');
const operation = fc.oneof(
  fc.tuple(times, value).map(([[at, ms], it]) => put(at, at + ms, it)),
  fc.tuple(times, fc.option(value, { nil: undefined })).map(([[at, ms], it]) => read(at, at + ms, it)),
  fc.tuple(times, fc.boolean()).map(([[at, ms], found]) => drop(at, at + ms, found)),
);

test('the search finds an order where trying all of them does, and only there', () => {
  // Oracle: every order of every choice of the open ones.
  const count = { yes: 0, no: 0 };
  fc.assert(
    fc.property(fc.array(fc.tuple(operation, fc.boolean()), { maxLength: 6 }), (drawn) => {
      const history = drawn.map(([each, isOpen]) => (isOpen ? open(each) : each));
      const is = byTrying(history, []);
      count[is ? 'yes' : 'no']++;
      assert.equal(isLinearizable(history), is);
    }),
    { numRuns: 1000 },
  );
  assert.ok(count.yes > 50 && count.no > 50, JSON.stringify(count));
});

/** Tries every order: an operation may come after others that did not start after its end. */
function byTrying(left: readonly Operation[], order: readonly Operation[]): boolean {
  if (left.every(({ isOpen }) => isOpen) && isShown(order)) return true;
  return left.some((next) => {
    if (order.some(({ startedAt }) => startedAt > next.endedAt)) return false;
    return byTrying(
      left.filter((each) => each !== next),
      [...order, next],
    );
  });
}

function isShown(order: readonly Operation[]): boolean {
  let state: string | undefined;
  return order.every((each) => {
    const before = state;
    if (each.kind === 'put') state = each.value;
    if (each.kind === 'delete') state = undefined;
    if (each.isOpen) return true;
    return each.kind === 'read'
      ? each.value === before
      : each.kind === 'put' || each.found === (before !== undefined);
  });
}
