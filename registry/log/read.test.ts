import assert from 'node:assert/strict';
import { appendFile, mkdtempDisposable, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import type { LogRecord } from '../spec/log-record.ts';
import { openLogFile } from './file.ts';
import { formatRecord, type LineFormat } from '../spec/log-line.ts';
import { parseLine, readLog } from './read.ts';

const record: LogRecord = {
  at: Date.UTC(2026, 6, 1),
  level: 'warn',
  sys: 'http',
  event: 'requestRefused',
  msg: 'said "no" \\ to\u0007 them',
  fields: { 'http.request.id': 'r1', empty: '', uri: '/v2/?a="b"&c=d' },
};

async function readAll(path: string, options: { format?: LineFormat; scanBytes?: number } = {}) {
  const lines: string[] = [];
  let after: string | undefined;
  let pages = 0;
  do {
    const page = await readLog({ path, format: 'text', isWanted: () => true, ...options, after });
    lines.push(...page.lines);
    after = page.next;
    pages += 1;
  } while (after !== undefined);
  return { lines, pages };
}

// The oracle is the writer: what it is read back as must be written the same way again.
test('a line of either format is read back to what writes the same line', () => {
  const seed = Number(process.env['SEED'] ?? Date.now() % 1e9);
  const text = fc.string({ unit: 'grapheme-composite' });
  const name = fc
    .stringMatching(/^[a-z][a-z.]{0,9}$/)
    .filter((each) => !/^(?:sys|event|time|level|msg)$/.test(each));
  const records = fc.record({
    at: fc.constant(record.at),
    level: fc.constantFrom('error', 'warn', 'info', 'debug', 'trace'),
    sys: fc.constant('http'),
    event: fc.constant('happened'),
    msg: text,
    fields: fc.dictionary(name, text, { maxKeys: 4 }),
  });
  fc.assert(
    fc.property(records, (each) => {
      for (const format of ['text', 'json'] as const) {
        const line = formatRecord(each, format);
        const back = parseLine(line.trimEnd());
        // JSON has special characters escaped once already, and the record keeps them so.
        assert.equal(back === undefined ? undefined : formatRecord(back, format), line);
      }
    }),
    { seed },
  );
});

test('what JSON has written out reads back as that text', () => {
  const line = formatRecord({ ...record, msg: 'no-break\u00a0space' }, 'json');

  const back = parseLine(line);

  assert.deepEqual([back?.msg, back?.fields], [String.raw`no-break\xa0space`, record.fields]);
});

test('noise is no record', () => {
  for (const line of [
    '',
    '{',
    '{"time":1}',
    'time="x" level=info sys=http',
    'level=info msg=x',
    '[]',
    '{"a":1}x',
  ]) {
    assert.equal(parseLine(line), undefined);
  }
});

test('rotated files are read from the oldest line to the newest, in pages, as text or JSON', async () => {
  await using directory = await mkdtempDisposable(join(tmpdir(), 'berth-log-'));
  const path = join(directory.path, 'registry.log');
  const lines = Array.from({ length: 2000 }, (_, at) =>
    formatRecord({ ...record, msg: `line ${at}` }, 'text'),
  );
  {
    await using file = await openLogFile({ path, maxBytes: 70_000 });
    for (const line of lines) {
      file.write(line);
      await file.flush();
    }
  }

  const all = await readAll(path);
  const small = await readAll(path, { scanBytes: 1 });
  const json = await readAll(path, { format: 'json' });

  // Five files of 70,000 bytes hold less than all of them.
  assert.deepEqual(all.lines, lines.slice(-all.lines.length));
  assert.ok(all.lines.length > 500);
  assert.deepEqual(small.lines, all.lines);
  assert.ok(small.pages >= 5);
  assert.deepEqual(
    json.lines.map((line) => (JSON.parse(line) as { msg: string }).msg),
    all.lines.map((line) => /msg="([^"]+)"/.exec(line)?.[1]),
  );
});

test('a file that is put aside between two pages is read on where it was; one that is gone is skipped', async () => {
  await using directory = await mkdtempDisposable(join(tmpdir(), 'berth-log-'));
  const path = join(directory.path, 'registry.log');
  const line = (at: number): string => formatRecord({ ...record, msg: `line ${at}` }, 'text');
  await appendFile(path, Array.from({ length: 700 }, (_, at) => line(at)).join(''));
  const query = { path, format: 'text', isWanted: () => true } as const;

  const first = await readLog(query);
  await rename(path, `${path}.1`);
  await appendFile(path, line(700));
  const second = await readLog({ ...query, after: first.next });
  await rm(`${path}.1`);
  const gone = await readLog({ ...query, after: first.next });

  assert.deepEqual([first.lines.length, second.lines.length, gone.lines], [500, 201, [line(700)]]);
  await assert.rejects(readLog({ ...query, after: 'x' }), { code: 'PAGE_INVALID' });
});
