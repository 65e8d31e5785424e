import assert from 'node:assert/strict';
import { mock, test, type TestContext } from 'node:test';
import type { FeedEvent } from './feed.ts';
import { createCards, type Refusal } from './cards.ts';

const denied: Refusal = {
  code: 'DENIED',
  message: 'The user ci may not push in team/api.',
  address: '10.0.0.7',
  userAgent: 'docker/28.2.1',
  user: 'ci',
  repository: 'team/api',
  requestId: 'r',
};

function made(t: TestContext) {
  mock.timers.enable({ apis: ['setTimeout', 'Date'], now: 1_000_000 });
  const told: FeedEvent[] = [];
  const cards = createCards({ publish: (event) => told.push(event) });
  t.after(() => {
    cards[Symbol.dispose]();
    mock.timers.reset();
  });
  return { cards, told };
}

test('one mistake of one client is one card, counted, and told at most four times a second', (t) => {
  const { cards, told } = made(t);

  for (let times = 0; times < 100; times += 1) cards.note(denied);
  mock.timers.tick(250);
  cards.note({ ...denied, address: '10.0.0.8' });
  cards.note({ ...denied, code: 'MANIFEST_UNKNOWN' });
  mock.timers.tick(1000);
  cards.note(denied);
  mock.timers.tick(250);

  assert.deepEqual(cards.list(), [
    {
      id: 'noPermission 10.0.0.7 docker 28.2',
      code: 'noPermission',
      client: 'docker 28.2',
      address: '10.0.0.7',
      user: 'ci',
      repository: 'team/api',
      count: 101,
      firstAt: new Date(1_000_000).toISOString(),
      lastAt: new Date(1_001_250).toISOString(),
      message: denied.message,
      action: 'berth user role ci push --repositories team/api',
    },
    { ...cards.list()[1], address: '10.0.0.8', count: 1 },
  ]);
  assert.deepEqual(
    told.map(({ kind, card }) => `${kind} ${card?.address} ${card?.count}`),
    ['cardChanged 10.0.0.7 100', 'cardChanged 10.0.0.8 1', 'cardChanged 10.0.0.7 101'],
  );
});

test('a right password that opens nothing leads to the list of users', (t) => {
  const { cards } = made(t);

  cards.note({ ...denied, repository: undefined });

  assert.equal(cards.list()[0]?.action, 'berth user ls');
});

test('a password that is wrong twice is no card, and forgotten after ten minutes', (t) => {
  const { cards } = made(t);
  const wrong: Refusal = { ...denied, code: 'UNAUTHORIZED' };

  const shown = [0, 0, 10 * 60_000 + 1, 0, 0].map((ms) => {
    mock.timers.tick(ms);
    cards.note(wrong);
    return cards.list().length;
  });

  assert.deepEqual(shown, [0, 0, 0, 0, 1]);
});

test('the command of a card is one command, whatever the client calls its user', (t) => {
  const { cards } = made(t);

  for (let times = 0; times < 3; times += 1)
    cards.note({ ...denied, code: 'UNAUTHORIZED', user: "x'; rm -rf ~" });

  assert.equal(cards.list()[0]?.action, String.raw`berth user passwd 'x'\''; rm -rf ~'`);
});

test('a card that is dismissed comes back with the next time; a hundred are kept', (t) => {
  const { cards, told } = made(t);
  cards.note(denied);
  const id = cards.list()[0]?.id ?? '';

  cards.dismiss(id);
  const dismissed = cards.list();
  cards.note(denied);
  const back = cards.list().map(({ count }) => count);
  for (let at = 0; at < 200; at += 1) cards.note({ ...denied, address: `10.1.0.${at}` });

  assert.deepEqual([dismissed, back, told[0]?.isDismissed], [[], [1], true]);
  assert.deepEqual([cards.list().length, cards.list()[0]?.address], [100, '10.1.0.199']);
  assert.throws(() => cards.dismiss(id), { code: 'CARD_UNKNOWN' });
});
