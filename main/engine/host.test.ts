import assert from 'node:assert/strict';
import { chmod, mkdtempDisposable, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { thisHost } from './host.ts';

const host = thisHost({ PATH: process.env['PATH'], HOME: '/nowhere' });

test('a program is run with its input and environment, and its end is told', async () => {
  const script = 'read line; echo "$line $WORD"; echo no >&2; exit 3';

  const result = await host.run('sh', ['-c', script], { input: 'hello\n', env: { WORD: 'world' } });

  assert.deepEqual(result, { code: 3, stdout: 'hello world\n', stderr: 'no\n' });
});

test('a program that takes too long is ended', async () => {
  const result = await host.run('sleep', ['60'], { timeoutMs: 50 });

  assert.deepEqual(result, { code: undefined, stdout: '', stderr: '' });
});

test('programs are found on PATH and by their path, and what is none is not', async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'berth-host-'));
  const file = join(folder.path, 'tool');
  await writeFile(file, '#!/bin/sh\n');
  const there = thisHost({ PATH: folder.path, HOME: folder.path });

  const before = await there.find('tool');
  await chmod(file, 0o755);

  assert.deepEqual(
    [before, await there.find('tool'), await there.find(file), await there.find(`${file}x`)],
    [undefined, file, file, undefined],
  );
  assert.equal(await there.run('no-such-tool', []), undefined);
});

test('a program whose interpreter is gone rejects at once, and no timer stays', async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'berth-host-'));
  const file = join(folder.path, 'tool');
  await writeFile(file, '#!/no/such/interpreter\n', { mode: 0o755 });

  await assert.rejects(host.run(file, []), { code: 'ENOENT' });

  assert.deepEqual(
    process.getActiveResourcesInfo().filter((name) => name === 'Timeout'),
    [],
  );
});
