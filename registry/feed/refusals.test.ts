import assert from 'node:assert/strict';
import { mock, test, type TestContext } from 'node:test';
import type { AuditEvent } from '../spec/events.ts';
import type { Refusal } from './cards.ts';
import { createRefusals } from './refusals.ts';

const wrong: Refusal = {
  code: 'UNAUTHORIZED',
  message: 'The password is wrong.',
  address: '10.0.0.7',
  userAgent: 'docker/28.2',
  user: 'anna',
  requestId: 'r',
};

function made(t: TestContext) {
  mock.timers.enable({ apis: ['setTimeout'] });
  t.after(() => mock.timers.reset());
  const noted: AuditEvent[] = [];
  return { noted, refusals: createRefusals({ audited: async (event) => void noted.push(event) }) };
}

test('the first wrong password is noted at once, what follows within a minute as a number', async (t) => {
  const { noted, refusals } = made(t);

  for (let times = 0; times < 500; times += 1) refusals.note(wrong);
  refusals.note({ ...wrong, user: 'ben' });
  const atOnce = noted.map(({ actor, count }) => [actor.user, count]);
  mock.timers.tick(60_000);
  refusals.note(wrong);
  await refusals[Symbol.asyncDispose]();

  assert.deepEqual(atOnce, [
    ['anna', undefined],
    ['ben', undefined],
  ]);
  assert.deepEqual(
    noted.slice(2).map(({ actor, kind, outcome, count }) => [actor.user, kind, outcome, count]),
    [
      ['anna', 'loginFailed', 'failed', 499],
      ['anna', 'loginFailed', 'failed', undefined],
    ],
  );
});

test('refused writes are noted with what they were for, reads and lost content are not', async (t) => {
  const { noted, refusals } = made(t);
  const write: Refusal = { ...wrong, code: 'DENIED', repository: 'team/api', isWrite: true };

  refusals.note(write);
  refusals.note({ ...write, isWrite: false });
  refusals.note({ ...write, code: 'TAG_PROTECTED', tag: 'v1', message: 'The tag v1 is protected.' });
  refusals.note({ ...write, code: 'BLOB_UNKNOWN' });
  refusals.note({ ...write, repository: undefined });
  await refusals[Symbol.asyncDispose]();

  assert.deepEqual(
    noted.map(({ kind, repository, tag }) => [kind, repository, tag]),
    [
      ['writeRefused', 'team/api', undefined],
      ['writeRefused', 'team/api', 'v1'],
    ],
  );
});

test('a stranger with a thousand names costs a thousand lines and no more memory', async (t) => {
  const { noted, refusals } = made(t);

  for (let at = 0; at < 3000; at += 1) {
    refusals.note({ ...wrong, user: `user ${at}` });
    refusals.note({ ...wrong, user: `user ${at}` });
  }
  const beforeTheEnd = noted.length;
  await refusals[Symbol.asyncDispose]();

  // Each first one, and the count of those that made room; then the rest.
  assert.deepEqual([beforeTheEnd, noted.length], [3000 + 2000, 6000]);
});
