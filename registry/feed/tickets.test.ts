import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createTickets, type Offer } from './tickets.ts';

function offerOf(user: string): Offer {
  return {
    fileName: 'a.txt',
    mediaType: 'text/plain',
    open: async function* () {
      yield Buffer.from(user);
    },
    actor: { user, requestId: 'r1' },
  };
}

test('a ticket is taken once, by its user, within 30 seconds', () => {
  const clock = { now: 0 };
  const tickets = createTickets(() => clock.now);
  const offer = offerOf('dev');
  const [once, late] = [tickets.give(offer), tickets.give(offer)];

  const taken = [
    tickets.take(once, 'eve'),
    tickets.take(`${once}x`, 'dev'),
    tickets.take('', 'dev'),
    tickets.take(once, 'dev'),
    tickets.take(once, 'dev'),
  ];
  clock.now = 30_000;

  assert.deepEqual(taken, [undefined, undefined, undefined, offer, undefined]);
  assert.equal(tickets.take(late, 'dev'), undefined);
  assert.match(once, /^[\w-]{43}$/);
  assert.notEqual(once, late);
});

test('a ticket lives 30 seconds', () => {
  const clock = { now: 0 };
  const tickets = createTickets(() => clock.now);
  const ticket = tickets.give(offerOf('dev'));

  clock.now = 29_999;

  assert.ok(tickets.take(ticket, 'dev'));
});

test('the oldest of 1,000 makes room', () => {
  const tickets = createTickets(() => 0);
  const given = Array.from({ length: 1001 }, () => tickets.give(offerOf('dev')));

  const taken = given.map((ticket) => tickets.take(ticket, 'dev') !== undefined);

  assert.deepEqual([taken.indexOf(true), taken.filter(Boolean).length], [1, 1000]);
});
