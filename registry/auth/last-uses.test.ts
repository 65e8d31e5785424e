import assert from 'node:assert/strict';
import { once } from 'node:events';
import { watch } from 'node:fs';
import { mkdir, mkdtempDisposable, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Log } from '../spec/log-record.ts';
import { openLastUses } from './last-uses.ts';

function keepLog() {
  const events: string[] = [];
  const log = { warn: (event: string) => void events.push(event) } as Partial<Log> as Log;
  return { log, events };
}

async function makeFile() {
  const directory = await mkdtempDisposable(join(tmpdir(), 'berth-uses-'));
  return {
    directory: directory.path,
    path: join(directory.path, 'last-uses.json'),
    [Symbol.asyncDispose]: () => directory.remove(),
  };
}

const anna = { kind: 'user', id: 'anna' } as const;
const token = { kind: 'token', id: 'anna' } as const;
const use = { at: Date.parse('2026-06-01T12:00:00Z'), address: '10.0.0.9', client: 'docker/28' };
const isKnown = () => Promise.resolve(true);

test('a last use is there after a restart, in a file for the owner alone', async () => {
  await using file = await makeFile();
  const { log, events } = keepLog();

  {
    await using uses = await openLastUses({ path: file.path, log, isKnown });
    uses.note(anna, { ...use, at: 1 });
    uses.note(anna, use);
    uses.note(token, { ...use, client: 'x'.repeat(5000) });
  }
  await using again = await openLastUses({ path: file.path, log, isKnown });

  assert.deepEqual(again.find(anna), use);
  assert.equal(again.find(token)?.client?.length, 256);
  assert.equal((await stat(file.path)).mode & 0o777, 0o600);
  assert.deepEqual(events, []);
});

test('the program of an engine is noted with whoever it logs in', async () => {
  await using file = await makeFile();
  {
    await using uses = await openLastUses({ path: file.path, ...keepLog(), isKnown });
    for (const client of ['Docker-Client/28.2 (linux)', 'libpod/4.3.1', 'curl/8.5.0'])
      uses.note(anna, { ...use, client });
  }
  await using again = await openLastUses({ path: file.path, ...keepLog(), isKnown });

  const found = ['docker', 'podman', 'curl'].map((id) => again.find({ kind: 'program', id })?.client);
  assert.deepEqual(found, ['Docker-Client/28.2 (linux)', 'libpod/4.3.1', undefined]);
});

test('it is written while the process runs, and not where nothing is new', async () => {
  await using file = await makeFile();
  await using uses = await openLastUses({ path: file.path, ...keepLog(), isKnown, everyMs: 1 });
  const watcher = watch(file.directory);

  const changed = once(watcher, 'change');
  uses.note(anna, use);
  await changed;
  watcher.close();

  await uses[Symbol.asyncDispose]();
  const { mtimeNs } = await stat(file.path, { bigint: true });
  await using idle = await openLastUses({ path: file.path, ...keepLog(), isKnown, everyMs: 1 });
  await idle[Symbol.asyncDispose]();

  assert.equal((await stat(file.path, { bigint: true })).mtimeNs, mtimeNs);
});

test('who is gone is left out', async () => {
  await using file = await makeFile();

  {
    const onlyUsers = ({ kind }: { readonly kind: string }) => Promise.resolve(kind === 'user');
    await using uses = await openLastUses({ path: file.path, ...keepLog(), isKnown: onlyUsers });
    uses.note(anna, use);
    uses.note(token, use);
  }

  const { uses } = JSON.parse(await readFile(file.path, 'utf8')) as { readonly uses: readonly object[] };
  assert.deepEqual(uses, [{ ...anna, ...use, at: '2026-06-01T12:00:00.000Z' }]);
});

for (const [name, text] of [
  ['no JSON', '{'],
  ['of another version', '{"version":2,"uses":[]}'],
] as const) {
  test(`a file that is ${name} costs its content alone`, async () => {
    await using file = await makeFile();
    const { log, events } = keepLog();
    await writeFile(file.path, text);

    {
      await using uses = await openLastUses({ path: file.path, log, isKnown });
      assert.equal(uses.find(anna), undefined);
      uses.note(anna, use);
    }

    await using again = await openLastUses({ path: file.path, log, isKnown });
    assert.equal(again.find(anna)?.at, use.at);
    assert.deepEqual(events, ['lastUsesLost']);
  });
}

test('a file that cannot be written costs a line of the log, and what is new is kept for the next time', async () => {
  await using file = await makeFile();
  const { log, events } = keepLog();
  const uses = await openLastUses({ path: file.path, log, isKnown });
  await mkdir(file.path);

  uses.note(anna, use);
  await uses[Symbol.asyncDispose]();
  await rm(file.path, { recursive: true });
  await uses[Symbol.asyncDispose]();

  assert.deepEqual(events, ['lastUsesNotKept']);
  await using again = await openLastUses({ path: file.path, log, isKnown });
  assert.equal(again.find(anna)?.at, use.at);
});
