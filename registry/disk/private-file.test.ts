import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import {
  chmod,
  chown,
  mkdir,
  mkdtempDisposable,
  readdir,
  readFile,
  stat,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { needs } from '../../test/support/tools.ts';
import { makePrivateDirectory, refuseLooseMode, writePrivateFile } from './private-file.ts';

async function temporary() {
  return await mkdtempDisposable(join(tmpdir(), 'berth-private-'));
}

async function modeOf(path: string): Promise<number> {
  return (await stat(path)).mode & 0o777;
}

test('files are 0600 and directories 0700 under any umask', async () => {
  for (const umask of [0o000, 0o022, 0o077]) {
    await using directory = await temporary();
    const file = join(directory.path, 'a/b/file');
    const before = process.umask(umask);
    try {
      await makePrivateDirectory(join(directory.path, 'a/b'));
      await writePrivateFile(file, 'one');
      await writePrivateFile(file, 'two');
    } finally {
      process.umask(before);
    }

    assert.equal(await readFile(file, 'utf8'), 'two');
    assert.deepEqual([await modeOf(file), await modeOf(join(directory.path, 'a'))], [0o600, 0o700]);
    assert.deepEqual(await readdir(join(directory.path, 'a/b')), ['file']);
  }
});

test('a foreign file keeps its mode where that is asked for, and a link to it stays a link', async () => {
  await using directory = await temporary();
  const [file, link] = [join(directory.path, 'file'), join(directory.path, 'link')];
  await writeFile(file, 'old');
  await chmod(file, 0o640);
  await symlink(file, link);

  await writePrivateFile(link, 'new', { keepMode: true });

  assert.equal(await readFile(file, 'utf8'), 'new');
  assert.equal(await modeOf(file), 0o640);
  assert.deepEqual((await readdir(directory.path)).toSorted(), ['file', 'link']);
});

test('what a killed write left goes with the next write of that file, and nothing else does', async () => {
  await using directory = await temporary();
  const unfinished = (name: string): string => `${name}.${randomUUID()}.tmp`;
  const [cut, underWay] = [unfinished('file'), unfinished('file')];
  const others = [unfinished('other'), unfinished('file.bak'), 'file.tmp', `${unfinished('file')}.tmp`];
  for (const name of [cut, underWay, ...others]) await writeFile(join(directory.path, name), '');
  const longAgo = new Date(Date.now() - 2 * 60 * 60 * 1000);
  for (const name of [cut, ...others]) await utimes(join(directory.path, name), longAgo, longAgo);

  await writePrivateFile(join(directory.path, 'file'), 'text');

  assert.deepEqual((await readdir(directory.path)).toSorted(), ['file', underWay, ...others].toSorted());
});

test('what root writes belongs to whom the directory belongs', needs('root'), async () => {
  await using directory = await temporary();
  await chown(directory.path, 1234, 1235);
  const file = join(directory.path, 'file');

  await writePrivateFile(file, 'text');

  const { uid, gid } = await stat(file);
  assert.deepEqual([uid, gid], [1234, 1235]);
});

test('a failure names the file and leaves nothing behind', async () => {
  await using directory = await temporary();
  const blocked = join(directory.path, 'blocked');
  await mkdir(blocked);

  await assert.rejects(writePrivateFile(blocked, 'text'), { code: 'DATA_UNUSABLE', message: /blocked/ });

  assert.deepEqual(await readdir(directory.path), ['blocked']);
});

test('a mode that lets others in is refused with the command that mends it', () => {
  refuseLooseMode('/x', 0o100600);
  refuseLooseMode('/x', 0o040700, '700');

  for (const mode of [0o100640, 0o100604, 0o100620]) {
    assert.throws(() => refuseLooseMode('/x', mode), { code: 'DATA_UNUSABLE', hint: /chmod 600 "\/x"/ });
  }
});
