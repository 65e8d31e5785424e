import assert from 'node:assert/strict';
import { mkdir, mkdtempDisposable, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { chooseLook, lookByPool, lookInPlace } from './look.ts';

const onLinux = { skip: process.platform !== 'linux' && 'the types are those of Linux' };

test('both looks see the same: files, directories, what links lead to, and what is absent', async () => {
  await using directory = await mkdtempDisposable(join(tmpdir(), 'berth-look-'));
  const at = (name: string): string => join(directory.path, name);
  await writeFile(at('file'), 'four');
  await mkdir(at('tree'));
  await symlink('file', at('link'));
  await symlink('nowhere', at('dangling'));
  const names = ['file', 'tree', 'link', 'dangling', 'absent', 'file/below'];
  const see = async (look: typeof lookByPool | typeof lookInPlace, name: string) => {
    const found = await look(at(name));
    return found && [found.isFile(), found.isDirectory(), found.isFile() ? found.size : 0, found.mtimeMs];
  };

  const byPool = await Promise.all(names.map((name) => see(lookByPool, name)));
  const inPlace = await Promise.all(names.map((name) => see(lookInPlace, name)));

  assert.deepEqual(inPlace, byPool);
  assert.deepEqual(
    byPool.map((found) => found?.slice(0, 3)),
    [[true, false, 4], [false, true, 0], [true, false, 4], undefined, undefined, undefined],
  );
});

test('a failure that is no absence is thrown by both', async () => {
  await using directory = await mkdtempDisposable(join(tmpdir(), 'berth-look-'));
  await symlink('loop', join(directory.path, 'loop'));
  const path = join(directory.path, 'loop');

  assert.throws(() => lookInPlace(path), { code: 'ELOOP' });
  await assert.rejects(lookByPool(path), { code: 'ELOOP' });
});

test(
  'a file system that is in memory is looked at in place, one that is not known by the pool',
  onLinux,
  async () => {
    assert.equal(await chooseLook('/dev/shm'), lookInPlace);
    assert.equal(await chooseLook('/proc'), lookByPool);
  },
);
