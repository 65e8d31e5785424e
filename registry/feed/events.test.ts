import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLogger } from '../log/logger.ts';
import { createRing } from '../log/ring.ts';
import type { JournalEntry } from '../derived/journal.ts';
import type { Digest } from '../spec/digest.ts';
import { AppError, isAppError } from '../spec/errors.ts';
import type { RuleEvents, StoreEvents } from '../spec/events.ts';
import { parseManifest } from '../spec/manifest.ts';
import { checkRepository, type RepoName, type Tag } from '../spec/names.ts';
import { createEvents } from './events.ts';

const repository = 'team/api' as RepoName;
const digest = `sha256:${'a'.repeat(64)}` as Digest;
const from = `sha256:${'b'.repeat(64)}` as Digest;
const [one, two] = ['1', '2'] as string[] as [Tag, Tag];
const anna = { user: 'anna', requestId: 'r', address: '10.0.0.7', client: 'docker/28.2.1 (linux)' };
const nobody = { user: '', requestId: 'r' };
const pushed = {
  mediaType: 'm',
  size: 1,
  bytes: Buffer.from('{'),
  manifest: parseManifest('{"schemaVersion":2,"manifests":[]}', 'application/vnd.oci.image.index.v1+json'),
};

/** Where an event went, in order. */
function watched({ isFull = false, isAuditFull = false } = {}) {
  const steps: unknown[] = [];
  const noted: Record<string, unknown>[] = [];
  const ring = createRing();
  const log = createLogger({ write: () => void steps.push('log'), ring });
  const events = createEvents(log, {
    now: () => Date.UTC(2026, 6, 1),
    journal: {
      append(entry: JournalEntry) {
        if (isFull) return Promise.reject(new AppError('STORAGE_FULL'));
        steps.push(entry);
        return Promise.resolve({ month: '2026-07', offset: steps.length });
      },
    },
    audit: {
      append({ kind, user, address, client, journal, at: time, ...rest }, { isSynced } = {}) {
        if (isFull || isAuditFull) return Promise.reject(new Error('ENOSPC'));
        const line = { kind, user, address, client, place: journal?.month, isSynced, ...rest };
        noted.push(Object.fromEntries(Object.entries(line).filter(([, value]) => value !== undefined)));
        steps.push(`audit ${kind}`);
        return Promise.resolve({ id: '1', at: time, kind, ...rest });
      },
    },
    index: {
      tagChanged: async (...key) => void steps.push(['tag', ...key]),
      manifestChanged: async (...key) => void steps.push(['manifest', ...key]),
      blobChanged: (...key) => void steps.push(['blob', ...key]),
    },
    feed: { publish: ({ kind, user }) => kind !== 'audited' && void steps.push([kind, user]) },
  });
  return { events, steps, noted, logged: () => ring.snapshot().map(({ event }) => event) };
}

const at = '2026-07-01T00:00:00.000Z';
const collection = { blobs: 1, bytes: 1, manifests: 0, keptBlobs: 0, keptBytes: 0 };
const line = { at, by: 'anna', client: 'docker 28.2', repository };
const cases: Readonly<
  Record<
    string,
    { act: (events: StoreEvents & RuleEvents) => Promise<void> | void; steps: readonly unknown[] }
  >
> = {
  'a change of the rules': {
    act: (events) => events.rulesChanged({ actor: anna }),
    steps: ['log', ['rulesChanged', 'anna'], 'audit settingChanged'],
  },
  'a run of the rules': {
    act: (events) => events.ruleRan({ tags: 1, manifests: 1, spared: 0, actor: nobody }),
    steps: ['log', ['ruleRan', undefined], 'audit ruleRan'],
  },
  'a tag that expired': {
    act: (events) => events.tagExpired({ repository, tag: one, digest, rule: 'ttl' }),
    steps: ['log', ['tagExpired', undefined]],
  },
  'a tag that is moved': {
    act: (events) => events.tagMoved({ repository, tag: one, from, to: digest, actor: anna }),
    steps: [
      'log',
      { ...line, kind: 'move', tag: one, from, to: digest },
      'audit tagMoved',
      ['tag', repository, one],
      ['tagMoved', 'anna'],
    ],
  },
  'a new tag of nobody': {
    act: (events) => events.tagMoved({ repository, tag: one, from: undefined, to: digest, actor: nobody }),
    steps: [
      'log',
      { at, repository, kind: 'move', tag: one, to: digest },
      'audit tagMoved',
      ['tag', repository, one],
      ['tagMoved', undefined],
    ],
  },
  'a tag that is deleted': {
    act: (events) => events.tagDeleted({ repository, tag: one, from, actor: anna }),
    steps: [
      'log',
      { ...line, kind: 'delete', tag: one, from },
      'audit tagDeleted',
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
      'audit tagDeleted',
      'audit tagDeleted',
      'audit manifestDeleted',
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
      'audit restored',
      ['manifest', repository, digest],
      ['tag', repository, one],
      ['restored', 'anna'],
    ],
  },
  'a manifest that is pushed': {
    act: (events) =>
      events.manifestPushed({
        repository,
        digest,
        ...pushed,
        tags: [],
        actor: anna,
      }),
    steps: [
      'log',
      'audit pushed',
      ['manifest', repository, digest, { mediaType: 'm', bytes: pushed.bytes, manifest: pushed.manifest }],
      ['manifestPushed', 'anna'],
    ],
  },
  'a blob that is stored': {
    act: (events) => events.blobStored({ repository, digest, size: 1, isNew: true, actor: anna }),
    steps: ['log', ['blob', digest], ['blobStored', 'anna']],
  },
  'a blob that is damaged': {
    act: (events) => events.blobDamaged({ digest, found: from, size: 1 }),
    steps: ['log', ['blob', digest], ['blobDamaged', undefined]],
  },
  'a blob that is lost': {
    act: (events) => events.blobLost({ digest, state: 'missing', repositories: [repository] }),
    steps: ['log', ['blob', digest], ['blobDamaged', undefined]],
  },
  'a blob that is healed': {
    act: (events) => events.blobHealed({ digest, size: 1 }),
    steps: ['log', ['blobHealed', undefined]],
  },
  'a collection': {
    act: (events) => events.collected({ ...collection, at, trigger: 'timer', ms: 1, expired: 0 }),
    steps: ['log', ['collected', undefined], 'audit collected'],
  },
  'a collection that found nothing by itself': {
    act: (events) => events.collected({ ...collection, blobs: 0, at, trigger: 'timer', ms: 1, expired: 0 }),
    steps: ['log', ['collected', undefined]],
  },
  'a disk that is full': {
    act: (events) => events.diskChanged({ state: 'full', freeBytes: 1 }),
    steps: ['log', ['diskChanged', undefined]],
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

    assert.ok(logged().includes('journalFailed'));
    assert.equal(logged().at(-1), 'auditFailed');
  }
});

/** What a receiver of webhooks should hear of each. */
const told: readonly {
  readonly name: string;
  readonly act: (events: ReturnType<typeof createEvents>) => Promise<void> | void;
  readonly expected: readonly unknown[];
}[] = [
  {
    name: 'a push by tag, once, after the tag is set',
    act: async (events) => {
      const push = { repository, digest, ...pushed, actor: anna };
      await events.manifestPushed({ ...push, tags: [one] });
      const manifest = { mediaType: 'm', bytes: push.bytes };
      await events.tagMoved({ repository, tag: one, from: undefined, to: digest, manifest, actor: anna });
    },
    expected: [['push', 'manifest', digest, one, 'm', 1]],
  },
  {
    name: 'a push by digest',
    act: (events) => cases['a manifest that is pushed']?.act(events),
    expected: [['push', 'manifest', digest, undefined, 'm', 1]],
  },
  {
    name: 'a delete with its tags: the manifest, then each tag',
    act: (events) => cases['a manifest that is deleted with its tags']?.act(events),
    expected: [
      ['delete', 'manifest', digest, undefined, undefined, undefined],
      ['delete', 'tag', undefined, one, undefined, undefined],
      ['delete', 'tag', undefined, two, undefined, undefined],
    ],
  },
  {
    name: 'a delete of a tag, which names no digest',
    act: (events) => cases['a tag that is deleted']?.act(events),
    expected: [['delete', 'tag', undefined, one, undefined, undefined]],
  },
  {
    name: 'a restore, as a push',
    act: (events) => cases['a manifest that is restored']?.act(events),
    expected: [['push', 'manifest', digest, one, undefined, undefined]],
  },
  {
    name: 'blobs that are stored, mounted, read and deleted',
    act: async (events) => {
      await events.blobStored({ repository, digest, size: 5, isNew: false, actor: anna });
      await events.blobMounted({ repository, digest, size: 5, from: repository, actor: anna });
      events.blobPulled({ repository, digest, size: 5, actor: anna });
      await events.blobDeleted({ repository, digest, actor: anna });
    },
    expected: [
      ['push', 'blob', digest, undefined, undefined, 5],
      ['mount', 'blob', digest, undefined, undefined, 5],
      ['pull', 'blob', digest, undefined, undefined, 5],
      ['delete', 'blob', digest, undefined, undefined, undefined],
    ],
  },
  {
    name: 'nothing that the doctor does to find out whether it works',
    act: async (events) => {
      const check = { repository: checkRepository, digest, actor: anna };
      const push = { ...check, ...pushed };
      await events.blobStored({ ...check, size: 5, isNew: true });
      await events.manifestPushed({ ...push, tags: [one] });
      await events.tagMoved({ ...check, tag: one, from: undefined, to: digest });
      events.manifestPulled({ ...check, tag: one, manifest: { mediaType: 'm', bytes: push.bytes } });
      await events.manifestDeleted({ ...check, tags: [one] });
    },
    expected: [],
  },
];

for (const { name, act, expected } of told) {
  test(`webhooks are told of ${name}`, async () => {
    const heard: unknown[] = [];
    const events = createEvents(createLogger({ write: () => undefined, ring: createRing() }), {
      webhooks: {
        publish: ({ action, kind, digest: of, tag, mediaType, size }) =>
          void heard.push([action, kind, of, tag, mediaType, size]),
      },
    });

    await act(events);

    assert.deepEqual(heard, expected);
  });
}
test('the audit has who, from where, with what, and where the journal tells the same', async () => {
  const { events, noted } = watched();

  await events.tagMoved({ repository, tag: one, from, to: digest, actor: anna });
  await events.manifestPushed({ repository, digest, ...pushed, tags: [], actor: anna });
  await events.blobDeleted({ repository, digest, actor: nobody });
  await events.restored({ repository, digest, tags: [], actor: anna });
  await events.audited({ kind: 'loginFailed', outcome: 'failed', actor: anna, detail: 'x'.repeat(1000) });

  const who = { user: 'anna', address: '10.0.0.7', client: 'docker 28.2', requestId: 'r' };
  const done = { outcome: 'done', repository, digest };
  assert.deepEqual(noted, [
    { ...who, ...done, kind: 'tagMoved', tag: one, from, place: '2026-07', isSynced: false },
    { ...who, ...done, kind: 'pushed', isSynced: false },
    { ...done, kind: 'blobDeleted', requestId: 'r', isSynced: true },
    { ...who, ...done, kind: 'restored', isSynced: true },
    { ...who, kind: 'loginFailed', outcome: 'failed', detail: 'x'.repeat(500), isSynced: false },
  ]);
});

test('a line that is missing in the audit is in the log, and the push is acknowledged', async () => {
  const { events, steps, logged } = watched({ isAuditFull: true });

  await events.tagMoved({ repository, tag: one, from, to: digest, actor: anna });

  assert.deepEqual(logged(), ['tagMoved', 'auditFailed']);
  assert.deepEqual(steps.at(-1), ['tagMoved', 'anna']);
});

test('without anything else, events are log lines', async () => {
  const ring = createRing();
  const events = createEvents(createLogger({ write: () => undefined, ring }));

  for (const { act } of Object.values(cases)) await act(events);

  assert.equal(ring.snapshot().length, Object.keys(cases).length);
});
