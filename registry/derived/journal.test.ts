import assert from 'node:assert/strict';
import { appendFile, mkdir, mkdtempDisposable, readdir, readFile, rmdir, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { createLogger } from '../log/logger.ts';
import { createRing } from '../log/ring.ts';
import { isAppError } from '../spec/errors.ts';
import {
  createMemoryJournal,
  isSamePosition,
  type Journal,
  type JournalEntry,
  journalStart,
  openJournal,
  type Recorded,
} from './journal.ts';

async function temporary(t: TestContext): Promise<string> {
  const directory = await mkdtempDisposable(join(tmpdir(), 'berth-journal-'));
  t.after(() => directory.remove());
  return join(directory.path, 'journal');
}

function silent() {
  const ring = createRing();
  return {
    log: createLogger({ write: () => undefined, ring }),
    events: () => ring.snapshot().map((each) => each.event),
  };
}

function move(tag: string): JournalEntry {
  return {
    at: '2026-07-01T00:00:00.000Z',
    kind: 'move',
    repository: 'team/api',
    tag,
    to: 'sha256:1',
    by: 'anna',
  };
}

async function readAll(journal: Journal, after = journalStart): Promise<readonly Recorded[]> {
  return (await Array.fromAsync(journal.read({ after, until: journal.end }))).flat();
}

async function tagsIn(journal: Journal, after = journalStart): Promise<readonly string[]> {
  return (await readAll(journal, after)).map(({ entry }) => (entry.kind === 'move' ? entry.tag : entry.kind));
}

test('lines are kept by month in the order they were given, private, and told as they become durable', async (t) => {
  const directory = await temporary(t);
  let month = 5;
  const told: Recorded[] = [];
  await using journal = await openJournal({
    directory,
    log: silent().log,
    now: () => Date.UTC(2026, month, 1),
  });
  journal.follow((recorded) => told.push(recorded));
  const early: JournalEntry = {
    at: '2026-06-01T00:00:00.000Z',
    kind: 'pull',
    repository: 'a',
    tags: ['1'],
    count: 3,
  };

  await Promise.all([journal.append(early), journal.append(move('a')), journal.append(move('b'))]);
  const middle = journal.end;
  month = 6;
  await journal.append(move('c'));
  month = 4;
  await journal.append(move('d'));

  assert.deepEqual(await readdir(directory), ['2026-06.ndjson', '2026-07.ndjson']);
  assert.deepEqual(
    [(await stat(directory)).mode & 0o777, (await stat(join(directory, '2026-07.ndjson'))).mode & 0o777],
    [0o700, 0o600],
  );
  assert.deepEqual(
    (await readFile(join(directory, '2026-06.ndjson'), 'utf8')).split('\n'),
    [early, move('a'), move('b')].map((entry) => JSON.stringify(entry)).concat(''),
  );
  assert.deepEqual(await tagsIn(journal), ['pull', 'a', 'b', 'c', 'd']);
  assert.deepEqual(await tagsIn(journal, middle), ['c', 'd']);
  assert.deepEqual(await readAll(journal), told);
});

test('a torn last line is dropped at the start, and what follows is whole', async (t) => {
  const directory = await temporary(t);
  const { log, events } = silent();
  const now = () => Date.UTC(2026, 6, 1);
  {
    await using journal = await openJournal({ directory, log, now });
    await journal.append(move('a'));
  }
  const file = join(directory, '2026-07.ndjson');
  for (const torn of ['{"at":"torn', 'x'.repeat(200_000), '\0'.repeat(4096)]) {
    await appendFile(file, torn);

    await using journal = await openJournal({ directory, log, now });
    const kept = await tagsIn(journal);
    await journal.append(move('b'));

    assert.deepEqual([...new Set(kept)], kept.length === 1 ? ['a'] : ['a', 'b']);
    assert.equal((await readFile(file, 'utf8')).includes(torn), false);
  }
  await using journal = await openJournal({ directory, log, now });

  assert.deepEqual(await tagsIn(journal), ['a', 'b', 'b', 'b']);
  assert.deepEqual(events(), ['journalCut', 'journalCut', 'journalCut']);
});

test('a line that is no entry is left out and counted; the others are read', async (t) => {
  const directory = await temporary(t);
  const { log, events } = silent();
  const now = () => Date.UTC(2026, 6, 1);
  {
    await using journal = await openJournal({ directory, log, now });
    await journal.append(move('a'));
  }
  const bad = [
    '{',
    '[]',
    '{"at":"yesterday","kind":"move","repository":"a","tag":"1"}',
    '{"kind":"other"}',
    '',
  ];
  await appendFile(join(directory, '2026-07.ndjson'), `${bad.join('\n')}\n${JSON.stringify(move('b'))}\n`);

  await using journal = await openJournal({ directory, log, now });

  assert.deepEqual(await tagsIn(journal), ['a', 'b']);
  assert.deepEqual(events(), ['journalUnread']);
});

test('thousands of lines, some longer than a block, come back as they were', async (t) => {
  await using journal = await openJournal({ directory: await temporary(t), log: silent().log });
  const entries = Array.from({ length: 3000 }, (_, n): JournalEntry =>
    n % 500 === 0
      ? {
          at: '2026-07-01T00:00:00.000Z',
          kind: 'pull',
          repository: 'ä',
          tags: Array(20_000).fill(`t${n}`),
          count: 1,
        }
      : move(`é${n}`),
  );

  await Promise.all(entries.map((entry) => journal.append(entry)));

  const found = await readAll(journal);
  assert.deepEqual(
    found.map(({ entry }) => entry),
    entries,
  );
  const middle = found[1234];
  assert.ok(middle !== undefined && isSamePosition(found.at(-1)?.position ?? journalStart, journal.end));
  assert.deepEqual((await readAll(journal, middle.position))[0], found[1235]);
});

test('a position is known only where a line of this journal ends', async (t) => {
  const directory = await temporary(t);
  await using journal = await openJournal({ directory, log: silent().log, now: () => Date.UTC(2026, 6, 1) });
  await journal.append(move('a'));
  const { offset } = journal.end;

  const known = await Promise.all(
    [
      journalStart,
      journal.end,
      { month: '2026-07', offset: 0 },
      { month: '2026-07', offset: offset - 1 },
      { month: '2026-07', offset: offset + 1 },
      { month: '2026-06', offset },
      { month: '2026-08', offset: 0 },
    ].map((position) => journal.has(position)),
  );

  assert.deepEqual(known, [true, true, true, false, false, false, false]);
});

test('a write that fails rejects, leaves no half line, and the next one is tried on the file opened anew', async (t) => {
  const directory = await temporary(t);
  let month = 5;
  await using journal = await openJournal({
    directory,
    log: silent().log,
    now: () => Date.UTC(2026, month, 1),
  });
  await journal.append(move('a'));
  month = 6;
  const blocked = join(directory, '2026-07.ndjson');
  await mkdir(blocked);

  await assert.rejects(journal.append(move('lost')), (error) => isAppError(error, 'STORAGE_FAILED'));
  // What a write leaves that a full disk has cut.
  await appendFile(join(directory, '2026-06.ndjson'), '{"at":"half');
  month = 5;
  await journal.append(move('again'));
  month = 6;
  await rmdir(blocked);
  await journal.append(move('b'));

  assert.deepEqual(await tagsIn(journal), ['a', 'again', 'b']);
});

test('a journal in memory answers as one on disk does', async () => {
  await using journal = createMemoryJournal();
  const told: Recorded[] = [];
  journal.follow((recorded) => told.push(recorded));

  await journal.append(move('a'));
  const middle = journal.end;
  await journal.append(move('b'));

  assert.deepEqual(await tagsIn(journal), ['a', 'b']);
  assert.deepEqual(await tagsIn(journal, middle), ['b']);
  assert.deepEqual(await readAll(journal), told);
  assert.deepEqual([await journal.has(middle), await journal.has({ month: '', offset: 9 })], [true, false]);
});
