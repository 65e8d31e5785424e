import assert from 'node:assert/strict';
import {
  appendFile,
  mkdtempDisposable,
  readdir,
  readFile,
  stat,
  truncate,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import fc from 'fast-check';
import { createLogger } from '../log/logger.ts';
import { createRing } from '../log/ring.ts';
import { auditKinds, type AuditRow } from '../spec/audit.ts';
import type { RepoName } from '../spec/names.ts';
import { type Audit, type AuditEntry, type AuditQuery, auditOf, openAudit } from './audit.ts';
import { type JournalEntry, openJournal } from './journal.ts';

const dayMs = 24 * 60 * 60 * 1000;
const july = Date.UTC(2026, 6, 15);

async function temporary(t: TestContext): Promise<string> {
  const directory = await mkdtempDisposable(join(tmpdir(), 'berth-audit-'));
  t.after(() => directory.remove());
  return join(directory.path, 'audit');
}

function silent() {
  const ring = createRing();
  const log = createLogger({ write: () => undefined, ring });
  return { log, events: () => ring.snapshot().map(({ event }) => event) };
}

const entry = (user: string, more: Partial<AuditEntry> = {}): AuditEntry => ({
  at: new Date(july).toISOString(),
  kind: 'tagMoved',
  outcome: 'done',
  user,
  ...more,
});

const open = (directory: string, now = july, scanBytes = 8 * 1024 * 1024): Promise<Audit> =>
  openAudit({ directory, log: silent().log, keepMs: () => 365 * dayMs, now: () => now, scanBytes });

async function all(audit: Audit, query: Partial<AuditQuery> = {}): Promise<readonly AuditRow[]> {
  const rows: AuditRow[] = [];
  let after: string | undefined;
  do {
    const page = await audit.list({ limit: 3, ...query, after });
    assert.ok(page.rows.length <= (query.limit ?? 3));
    rows.push(...page.rows);
    after = page.next;
  } while (after !== undefined);
  return rows;
}

const usersIn = async (audit: Audit): Promise<readonly unknown[]> =>
  (await all(audit)).map(({ user }) => user);

test('lines are in the file when they are acknowledged, private, by month, the newest first', async (t) => {
  const directory = await temporary(t);
  let now = july;
  const { log } = silent();
  await using audit = await openAudit({ directory, log, keepMs: () => 365 * dayMs, now: () => now });

  await Promise.all(['a', 'b', 'c'].map((user) => audit.append(entry(user))));
  const written = await readFile(join(directory, '2026-07.ndjson'), 'utf8');
  now += 31 * dayMs;
  await audit.append(entry('d'), { isSynced: true });
  now -= 90 * dayMs;
  await audit.append(entry('e'));

  assert.deepEqual(
    written
      .trimEnd()
      .split('\n')
      .map((line) => (JSON.parse(line) as AuditEntry).user),
    ['a', 'b', 'c'],
  );
  assert.deepEqual(await readdir(directory), ['2026-07.ndjson', '2026-08.ndjson']);
  assert.deepEqual(
    [(await stat(directory)).mode & 0o777, (await stat(join(directory, '2026-08.ndjson'))).mode & 0o777],
    [0o700, 0o600],
  );
  assert.deepEqual(await usersIn(audit), ['e', 'd', 'c', 'b', 'a']);
});

// The oracle is a filter of the list of what was written.
test('whatever was written, every filter finds what it should, in any size of page and of step', async (t) => {
  const seed = Number(process.env['SEED'] ?? Date.now() % 1e9);
  const word = fc.constantFrom('anna', 'ben', 'x"user":"anna"', 'ümlaut', 'a b');
  const lines = fc.array(
    fc.record(
      {
        kind: fc.constantFrom(...auditKinds.slice(0, 3)),
        user: word,
        repository: fc.constantFrom('team/a' as RepoName, 'team/b' as RepoName),
        detail: fc.oneof(word, fc.string({ maxLength: 300 })),
        hour: fc.nat(60 * 24),
      },
      { requiredKeys: ['kind', 'hour'] },
    ),
    { maxLength: 60 },
  );
  const asked = fc.record(
    {
      kind: fc.constantFrom(...auditKinds.slice(0, 3)),
      user: word,
      repository: fc.constantFrom('team/a' as RepoName, 'team/b' as RepoName),
      q: word,
      from: fc.nat(60 * 24),
      to: fc.nat(60 * 24),
    },
    { requiredKeys: [] },
  );
  const timeOf = (hour: number): string =>
    new Date(Date.UTC(2026, 4, 20) + hour * 60 * 60 * 1000).toISOString();
  let round = 0;
  const root = await temporary(t);

  await fc.assert(
    fc.asyncProperty(
      lines,
      asked,
      fc.integer({ min: 1, max: 9 }),
      async (made, { from, to, ...filter }, limit) => {
        const directory = join(root, String((round += 1)));
        const clock = { now: 0 };
        const { log } = silent();
        await using audit = await openAudit({
          directory,
          log,
          keepMs: () => 1000 * 365 * dayMs,
          now: () => clock.now,
          scanBytes: 1,
        });
        const rows: AuditRow[] = [];
        for (const { hour, ...line } of made.toSorted((a, b) => a.hour - b.hour)) {
          const at = timeOf(hour);
          clock.now = Date.parse(at);
          rows.unshift(await audit.append({ at, outcome: 'done', ...line }));
        }
        const since = from === undefined ? undefined : timeOf(from);
        const until = to === undefined ? undefined : timeOf(to);

        const found = await all(audit, { ...filter, since, until, limit });

        assert.deepEqual(
          found,
          rows.filter(
            (row) =>
              (filter.kind === undefined || row.kind === filter.kind) &&
              (filter.user === undefined || row.user === filter.user) &&
              (filter.repository === undefined || row.repository === filter.repository) &&
              (since === undefined || row.at >= since) &&
              (until === undefined || row.at <= until) &&
              (filter.q === undefined ||
                Object.entries(row).some(
                  ([name, value]) =>
                    name !== 'id' &&
                    String(value)
                      .toLowerCase()
                      .includes(filter.q ?? ''),
                )),
          ),
        );
      },
    ),
    { seed, numRuns: 60 },
  );
});

test('lines that lie across the blocks that are read are whole, and one may be longer than a block', async (t) => {
  const directory = await temporary(t);
  await using audit = await open(directory, july, 1);
  const users = Array.from({ length: 1500 }, (_, at) => `user ${at}`);
  for (const [at, user] of users.entries()) {
    await audit.append(entry(user, { detail: 'd'.repeat(at === 700 ? 200_000 : at % 400) }));
  }

  const found = await all(audit, { limit: 1000 });

  assert.deepEqual(
    found.map(({ user, detail }) => `${user} ${detail?.length}`),
    users.map((user, at) => `${user} ${at === 700 ? 200_000 : at % 400}`).toReversed(),
  );
});

test('a torn last line is dropped, and a line that the disk gives back wrong is left out', async (t) => {
  const directory = await temporary(t);
  {
    await using audit = await open(directory);
    await audit.append(entry('a'));
  }
  const path = join(directory, '2026-07.ndjson');
  await appendFile(path, 'not json\n{"at":"2026-07-01T00:00:00.000Z","kind":"unheard"}\n{"at":"2026-07');

  await using audit = await open(directory);
  await audit.append(entry('b'));

  assert.deepEqual(await usersIn(audit), ['b', 'a']);
});

test('months go as a whole when all of it is too old, the newest never', async (t) => {
  const directory = await temporary(t);
  for (const now of [july - 400 * dayMs, july - 366 * dayMs, july - 330 * dayMs]) {
    await using audit = await open(directory, now);
    await audit.append(entry('x'));
  }
  const before = await readdir(directory);

  {
    await using _ = await open(directory, july);
  }
  const first = await readdir(directory);
  {
    await using _ = await open(directory, july + 4000 * dayMs);
  }

  assert.deepEqual(before, ['2025-06.ndjson', '2025-07.ndjson', '2025-08.ndjson']);
  assert.deepEqual(first, ['2025-07.ndjson', '2025-08.ndjson']);
  assert.deepEqual(await readdir(directory), ['2025-08.ndjson']);
});

test('what a power cut took from the audit comes back from the journal, once', async (t) => {
  const directory = await temporary(t);
  const { log, events } = silent();
  const move = (tag: string): JournalEntry => ({
    at: new Date(july).toISOString(),
    kind: 'move',
    repository: 'team/api',
    tag,
    to: 'sha256:1',
    by: 'anna',
    client: 'docker 28.2',
  });
  await using journal = await openJournal({ directory: `${directory}-journal`, log, now: () => july });
  let kept = 0;
  {
    await using audit = await open(directory);
    for (const tag of ['1', '2', '3', '4']) {
      const place = await journal.append(move(tag));
      await audit.append({ ...(auditOf(move(tag)) as AuditEntry), address: '10.0.0.7', journal: place });
      if (tag === '2') kept = (await stat(join(directory, '2026-07.ndjson'))).size;
    }
    await journal.append({
      at: new Date(july).toISOString(),
      kind: 'pull',
      repository: 'a',
      tags: [],
      count: 1,
    });
  }
  await truncate(join(directory, '2026-07.ndjson'), kept + 20);

  const found: (readonly unknown[])[] = [];
  for (const _ of [1, 2]) {
    await using audit = await openAudit({ directory, log, keepMs: () => 365 * dayMs, now: () => july });
    found.push([
      await audit.recover(journal),
      ...(await all(audit)).map((row) => `${row.tag} ${row.address}`),
    ]);
  }

  const lines = ['4 undefined', '3 undefined', '2 10.0.0.7', '1 10.0.0.7'];
  assert.deepEqual(found, [
    [2, ...lines],
    [0, ...lines],
  ]);
  assert.deepEqual(
    events().filter((event) => event === 'auditRecovered'),
    ['auditRecovered'],
  );
});

test('an audit beside an older journal begins with what happens', async (t) => {
  const directory = await temporary(t);
  const { log } = silent();
  await using journal = await openJournal({ directory: `${directory}-journal`, log });
  await journal.append({ at: new Date(july).toISOString(), kind: 'delete', repository: 'a', tag: '1' });
  await using audit = await open(directory);

  assert.deepEqual([await audit.recover(journal), await usersIn(audit)], [0, []]);
});

test('a page that is none is refused, and the audit of an unusable folder too', async (t) => {
  const directory = await temporary(t);
  await using audit = await open(directory);

  await assert.rejects(audit.list({ limit: 1, after: 'x' }), { code: 'PAGE_INVALID' });
  assert.deepEqual(await audit.list({ limit: 1, after: '2026-07:123' }), { rows: [] });
  await writeFile(`${directory}-file`, '');
  await assert.rejects(open(`${directory}-file`), { code: 'DATA_UNUSABLE' });
});
