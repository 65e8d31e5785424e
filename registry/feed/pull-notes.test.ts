import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import type { SessionRow } from '../spec/admin/activity.ts';
import type { AuditEvent } from '../spec/events.ts';
import { createPullNotes } from './pull-notes.ts';

const pull = {
  user: 'ci',
  userAgent: 'docker/28.2.1 go/go1.24',
  client: 'docker 28.2',
  address: '10.0.0.7',
  repository: 'team/api',
  tag: '1.4',
  digest: 'sha256:0',
} as Partial<SessionRow> as SessionRow;

test('the first pull of an image is noted at once, those of ten minutes as a number', async (t) => {
  mock.timers.enable({ apis: ['setTimeout'] });
  t.after(() => mock.timers.reset());
  const noted: AuditEvent[] = [];
  const notes = createPullNotes({ audited: async (event) => void noted.push(event) });

  for (let times = 0; times < 5; times += 1) notes.note(pull);
  notes.note({ ...pull, tag: '1.5' });
  notes.note({ ...pull, user: '' });
  const first = noted.length;
  mock.timers.tick(10 * 60_000);
  notes.note(pull);
  notes.note(pull);
  await notes[Symbol.asyncDispose]();

  assert.deepEqual(noted[0], {
    kind: 'pulled',
    actor: { user: 'ci', requestId: '', address: pull.address, client: pull.userAgent },
    repository: 'team/api',
    tag: '1.4',
    digest: 'sha256:0',
  });
  assert.deepEqual(
    [first, noted.map(({ actor, tag, count }) => [actor.user, tag, count])],
    [
      3,
      [
        ['ci', '1.4', undefined],
        ['ci', '1.5', undefined],
        ['', '1.4', undefined],
        ['ci', '1.4', 4],
        ['ci', '1.4', undefined],
        ['ci', '1.4', 1],
      ],
    ],
  );
});

test('a pull that failed on the way is noted with the reason, beside those that did not', async () => {
  const noted: AuditEvent[] = [];
  const notes = createPullNotes({ audited: async (event) => void noted.push(event) });

  notes.note(pull);
  notes.note({ ...pull, error: 'The blob is damaged.' });
  await notes[Symbol.asyncDispose]();

  assert.deepEqual(
    noted.map(({ kind, outcome, detail }) => [kind, outcome, detail]),
    [
      ['pulled', undefined, undefined],
      ['pulled', 'failed', 'The blob is damaged.'],
    ],
  );
});
