import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempDisposable, readdir, readFile, stat, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { openLogFile } from './file.ts';

/** The lines of all files, the oldest first, by name. */
async function contents(directory: string): Promise<Record<string, string>> {
  const names = (await readdir(directory)).toSorted().toReversed();
  return Object.fromEntries(
    await Promise.all(
      names.map(async (name) => [name, await readFile(join(directory, name), 'utf8')] as const),
    ),
  );
}

test('lines are appended in order and are there when the file is closed', async () => {
  await using directory = await mkdtempDisposable(join(tmpdir(), 'berth-log-'));
  const path = join(directory.path, 'logs', 'registry.log');
  const lines = Array.from({ length: 500 }, (_, index) => `line ${String(index)}\n`);

  for (const half of [lines.slice(0, 250), lines.slice(250)]) {
    await using file = await openLogFile({ path });
    for (const line of half) file.write(line);
  }

  assert.equal(await readFile(path, 'utf8'), lines.join(''));
  const modes = await Promise.all([stat(path), stat(join(directory.path, 'logs'))]);
  assert.deepEqual(
    modes.map(({ mode }) => (mode & 0o777).toString(8)),
    ['600', '700'],
  );
});

test('a full file is put aside, the oldest falls away, and no line is torn', async () => {
  await using directory = await mkdtempDisposable(join(tmpdir(), 'berth-log-'));
  const path = join(directory.path, 'registry.log');

  {
    await using file = await openLogFile({ path, maxBytes: 20, keep: 3 });
    for (const name of ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i']) file.write(`${name.repeat(9)}\n`);
  }

  assert.deepEqual(await contents(directory.path), {
    'registry.log.2': 'eeeeeeeee\nfffffffff\n',
    'registry.log.1': 'ggggggggg\nhhhhhhhhh\n',
    'registry.log': 'iiiiiiiii\n',
  });
});

test('a line that is larger than a file is written whole', async () => {
  await using directory = await mkdtempDisposable(join(tmpdir(), 'berth-log-'));
  const path = join(directory.path, 'registry.log');

  {
    await using file = await openLogFile({ path, maxBytes: 10, keep: 5 });
    file.write('short\n');
    file.write(`${'x'.repeat(30)}\n`);
    file.write('last\n');
  }

  assert.deepEqual(await contents(directory.path), {
    'registry.log.2': 'short\n',
    'registry.log.1': `${'x'.repeat(30)}\n`,
    'registry.log': 'last\n',
  });
});

test('what waits is bounded: lines beyond are dropped and counted', async () => {
  await using directory = await mkdtempDisposable(join(tmpdir(), 'berth-log-'));
  const path = join(directory.path, 'registry.log');
  const lost: number[] = [];

  {
    await using file = await openLogFile({ path, maxQueuedBytes: 100, onLost: (lines) => lost.push(lines) });
    for (let count = 0; count < 50; count += 1) file.write('1234\n6789\n');
  }

  const written = (await readFile(path, 'utf8')).split('\n').length - 1;
  assert.deepEqual([written < 100, lost.reduce((sum, lines) => sum + lines, 0)], [true, 100 - written]);
});

test(
  'a full disk drops lines and harms nobody',
  { skip: process.platform !== 'linux' && 'needs /dev/full' },
  async () => {
    await using directory = await mkdtempDisposable(join(tmpdir(), 'berth-log-'));
    const path = join(directory.path, 'registry.log');
    await symlink('/dev/full', path);
    const lost: number[] = [];

    {
      await using file = await openLogFile({ path, onLost: (lines) => lost.push(lines) });
      file.write('lost\n');
    }

    // Nothing was written after it, so nobody is told yet.
    assert.deepEqual(lost, []);
  },
);

test('what waits when the process ends is in the file', async () => {
  await using directory = await mkdtempDisposable(join(tmpdir(), 'berth-log-'));
  const path = join(directory.path, 'registry.log');
  const program = `
    import { openLogFile } from ${JSON.stringify(new URL('file.ts', import.meta.url).href)};
    const file = await openLogFile({ path: ${JSON.stringify(path)} });
    file.write('one\\n');
    await file.flush();
    file.write('two\\n');
    throw new Error('unexpected');`;

  spawnSync(process.execPath, ['--input-type=module', '--eval', program]);

  assert.equal(await readFile(path, 'utf8'), 'one\ntwo\n');
});
