import assert from 'node:assert/strict';
import { appendFile, mkdtempDisposable, readFile, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Change } from '../change.ts';
import { beforeFile, getEntry, readLedger, withLedger } from './ledger.ts';

const change: Change = {
  title: 'test',
  engine: 'docker',
  address: 'r:1',
  place: { kind: 'file', path: '/etc/file', mode: 0o644 },
  edit: { kind: 'whole' },
  before: 'aa',
  after: '',
  needsRoot: false,
  activation: { kind: 'none' },
  proof: { kind: 'none' },
  manual: [],
};

function planOne(root: string): Promise<string> {
  return withLedger(root, (ledger) =>
    ledger.plan({ change, by: 'anna', folders: ['/etc/x'], before: Buffer.from('secret') }),
  );
}

async function temporary() {
  return await mkdtempDisposable(join(tmpdir(), 'berth-ledger-'));
}

test('a change is known with its states, over processes', async () => {
  await using directory = await temporary();
  const root = directory.path;

  const empty = await readLedger(root);
  const ids = [await planOne(root), await planOne(root)];
  await withLedger(root, async (ledger) => {
    await ledger.append('c1', { event: 'applied' });
    await ledger.append('c2', { event: 'rolledBack', reason: 'no' });
    await ledger.append('c1', { event: 'undoing', interim: ['bb'] });
  });
  const entries = await readLedger(root);

  assert.deepEqual([empty, ids], [[], ['c1', 'c2']]);
  assert.deepEqual(
    entries.map(({ id, state, reason, interim, by, folders }) => [id, state, reason, interim, by, folders]),
    [
      ['c1', 'undoing', undefined, ['bb'], 'anna', ['/etc/x']],
      ['c2', 'rolledBack', 'no', [], 'anna', ['/etc/x']],
    ],
  );
  assert.deepEqual(entries[0]?.change, change);
  assert.throws(() => getEntry(entries, 'c3'), { code: 'CHANGE_UNKNOWN' });
});

test('the bytes of before are kept privately until they are forgotten', async () => {
  await using directory = await temporary();
  const root = directory.path;
  const id = await planOne(root);

  const kept = await withLedger(root, (ledger) => ledger.readBefore(getEntry(ledger.entries, id)));
  const { mode } = await stat(beforeFile(root, id));
  await withLedger(root, (ledger) => ledger.forget(id));

  assert.deepEqual([kept?.toString(), mode & 0o777], ['secret', 0o600]);
  await assert.rejects(stat(beforeFile(root, id)), { code: 'ENOENT' });
  await assert.rejects(
    withLedger(root, (ledger) => ledger.readBefore(getEntry(ledger.entries, id))),
    { code: 'DATA_UNUSABLE', message: /c1\.before/ },
  );
});

test('a line that a crash cut off is dropped, and the next one stands on its own', async () => {
  await using directory = await temporary();
  const root = directory.path;
  await planOne(root);
  const file = join(root, 'berth/changes/ledger.ndjson');
  const whole = await readFile(file, 'utf8');
  await appendFile(file, '{"at":"2026-01-01T00:00:00.000Z","id":"c1","event":"app');

  const torn = await readLedger(root);
  await withLedger(root, (ledger) => ledger.append('c1', { event: 'applied' }));

  assert.deepEqual(
    torn.map(({ state }) => state),
    ['planned'],
  );
  assert.deepEqual(
    (await readLedger(root)).map(({ state }) => state),
    ['applied'],
  );
  const [first, second, ...rest] = (await readFile(file, 'utf8')).split('\n');
  assert.deepEqual([`${first}\n`, JSON.parse(second ?? '').event, rest], [whole, 'applied', ['']]);
});

test('two processes do not change at once', async () => {
  await using directory = await temporary();
  const root = directory.path;
  const seen: string[] = [];
  const act = (name: string) =>
    withLedger(root, async (ledger) => {
      seen.push(`${name} in`);
      await ledger.plan({
        change: { ...change, before: undefined },
        by: name,
        folders: [],
        before: undefined,
      });
      seen.push(`${name} out`);
    });

  await Promise.all([act('a'), act('b')]);

  assert.ok(['a in,a out,b in,b out', 'b in,b out,a in,a out'].includes(seen.join()), seen.join());
  assert.deepEqual(new Set((await readLedger(root)).map(({ id }) => id)), new Set(['c1', 'c2']));
});
