import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLogger } from '../log/logger.ts';
import { createRing } from '../log/ring.ts';
import type { JournalEntry } from '../derived/journal.ts';
import type { Digest } from '../spec/digest.ts';
import { AppError, isAppError } from '../spec/errors.ts';
import type { StoreEvents } from '../spec/events.ts';
import type { RepoName, Tag } from '../spec/names.ts';
import { createEvents } from './events.ts';

const repository = 'team/api' as RepoName;
const digest = `sha256:${'a'.repeat(64)}` as Digest;
const from = `sha256:${'b'.repeat(64)}` as Digest;
const [one, two] = ['1', '2'] as string[] as [Tag, Tag];
const anna = { user: 'anna', requestId: 'r' };
const nobody = { user: '', requestId: 'r' };

/** Where an event went, in order. */
function watched({ isFull = false } = {}) {
  const steps: unknown[] = [];
  const ring = createRing();
  const log = createLogger({ write: () => void steps.push('log'), ring });
  const events = createEvents(log, {
    now: () => Date.UTC(2026, 6, 1),
    journal: {
      append(entry: JournalEntry) {
        if (isFull) return Promise.reject(new AppError('STORAGE_FULL'));
        steps.push(entry);
        return Promise.resolve();
      },
    },
    index: {
      tagChanged: async (...key) => void steps.push(['tag', ...key]),
      manifestChanged: async (...key) => void steps.push(['manifest', ...key]),
      blobChanged: (...key) => void steps.push(['blob', ...key]),
    },
    feed: { publish: ({ kind, user }) => void steps.push([kind, user]) },
  });
  return { events, steps, logged: () => ring.snapshot().map(({ event }) => event) };
}

const at = '2026-07-01T00:00:00.000Z';
const line = { at, by: 'anna', repository };
const cases: Readonly<
  Record<string, { act: (events: StoreEvents) => Promise<void> | void; steps: readonly unknown[] }>
> = {
  'a tag that is moved': {
    act: (events) => events.tagMoved({ repository, tag: one, from, to: digest, actor: anna }),
    steps: [
      'log',
      { ...line, kind: 'move', tag: one, from, to: digest },
      ['tag', repository, one],
      ['tagMoved', 'anna'],
    ],
  },
  'a new tag of nobody': {
    act: (events) => events.tagMoved({ repository, tag: one, from: undefined, to: digest, actor: nobody }),
    steps: [
      'log',
      { at, repository, kind: 'move', tag: one, to: digest },
      ['tag', repository, one],
      ['tagMoved', undefined],
    ],
  },
  'a tag that is deleted': {
    act: (events) => events.tagDeleted({ repository, tag: one, from, actor: anna }),
    steps: [
      'log',
      { ...line, kind: 'delete', tag: one, from },
      ['tag', repository, one],
      ['tagDeleted', 'anna'],
    ],
  },
  'a manifest that is deleted with its tags': {
    act: (events) => events.manifestDeleted({ repository, digest, tags: [one, two], actor: anna }),
    steps: [
      'log',
      { ...line, kind: 'delete', tag: one, from: digest },
      { ...line, kind: 'delete', tag: two, from: digest },
      { ...line, kind: 'manifestDelete', digest },
      ['tag', repository, one],
      ['tag', repository, two],
      ['manifest', repository, digest],
      ['tagDeleted', 'anna'],
      ['tagDeleted', 'anna'],
      ['manifestDeleted', 'anna'],
    ],
  },
  'a manifest that is restored': {
    act: (events) => events.restored({ repository, digest, tags: [one], actor: anna }),
    steps: [
      'log',
      { ...line, kind: 'restore', tag: one, to: digest },
      ['manifest', repository, digest],
      ['tag', repository, one],
      ['restored', 'anna'],
    ],
  },
  'a manifest that is pushed': {
    act: (events) => events.manifestPushed({ repository, digest, mediaType: 'm', size: 1, actor: anna }),
    steps: ['log', ['manifest', repository, digest], ['manifestPushed', 'anna']],
  },
  'a blob that is stored': {
    act: (events) => events.blobStored({ repository, digest, size: 1, isNew: true, actor: anna }),
    steps: ['log', ['blob', digest], ['blobStored', 'anna']],
  },
  'a blob that is damaged': {
    act: (events) => events.blobDamaged({ digest, found: from, size: 1 }),
    steps: ['log', ['blob', digest]],
  },
};

for (const [name, { act, steps: expected }] of Object.entries(cases)) {
  test(`${name} is logged, journaled, indexed and told, in this order`, async () => {
    const { events, steps } = watched();

    await act(events);

    assert.deepEqual(steps, expected);
  });
}

test('a move that the full disk keeps out of the journal is refused, yet index and feed know it', async () => {
  for (const act of [cases['a tag that is moved'], cases['a manifest that is restored']]) {
    const { events, steps } = watched({ isFull: true });

    await assert.rejects(
      async () => act?.act(events),
      (error) => isAppError(error, 'STORAGE_FULL'),
    );

    assert.deepEqual(
      steps,
      act?.steps.filter((step) => step === 'log' || Array.isArray(step)),
    );
  }
});

test('a delete on a full disk is done and logged with the line that is missing', async () => {
  for (const act of [cases['a tag that is deleted'], cases['a manifest that is deleted with its tags']]) {
    const { events, logged } = watched({ isFull: true });

    await act?.act(events);

    assert.equal(logged().at(-1), 'journalFailed');
  }
});

test('without anything else, events are log lines', async () => {
  const ring = createRing();
  const events = createEvents(createLogger({ write: () => undefined, ring }));

  for (const { act } of Object.values(cases)) await act(events);

  assert.equal(ring.snapshot().length, Object.keys(cases).length);
});
