import assert from 'node:assert/strict';
import { closeSync, existsSync, openSync, writeSync } from 'node:fs';
import {
  chmod,
  chown,
  link,
  lstat,
  mkdir,
  mkdtempDisposable,
  readdir,
  readFile,
  readlink,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { findDataIn, lockRoot, markIncomplete } from '../../registry/disk/lock.ts';
import { isAppError } from '../../registry/spec/errors.ts';
import { copyData } from './copy-data.ts';
import { measureData } from './data-tree.ts';
import { removeData } from './remove-data.ts';

const blob = 'docker/registry/v2/blobs/sha256/ab/data';
const isRoot = process.getuid?.() === 0;

/** A data directory with what one may hold. */
async function makeData(root: string): Promise<void> {
  await using held = new AsyncDisposableStack();
  held.use(await lockRoot(root));
  await mkdir(join(root, 'docker/registry/v2/blobs/sha256/ab'), { recursive: true, mode: 0o700 });
  await writeFile(join(root, blob), Buffer.alloc(3_000_000, 'layer'), { mode: 0o600 });
  await link(join(root, blob), join(root, 'docker/other-name'));
  await writeFile(join(root, 'berth/config.yml'), 'http:\n', { mode: 0o600 });
  await writeFile(join(root, 'docker/shared'), 'read by a group');
  await chmod(join(root, 'docker/shared'), 0o640);
  await mkdir(join(root, 'berth/tmp'));
  await writeFile(join(root, 'berth/tmp/cut'), 'never acknowledged');
  await mkdir(join(root, 'berth/spare/of-an-upload'), { recursive: true });
  await mkdir(join(root, 'berth/empty'), { mode: 0o750 });
  await chmod(join(root, 'berth/empty'), 0o750);
  await symlink(join(root, 'berth/config.yml'), join(root, 'berth/inside'));
  await symlink('/etc/hostname', join(root, 'docker/outside'));
  await symlink('nowhere', join(root, 'berth/dangling'));
  await writeFile(join(root, 'own-notes.txt'), 'of the person');
  if (isRoot) await chown(join(root, blob), 1234, 4321);
  await utimes(join(root, blob), 1_700_000_000, 1_600_000_000);
}

async function treeOf(root: string): Promise<readonly string[]> {
  return (await readdir(root, { recursive: true })).toSorted();
}

suite('a copy of the data directory', () => {
  test('has all of it, with modes, owners, times and hard links', async () => {
    await using folder = await mkdtempDisposable(join(tmpdir(), 'berth-copy-'));
    const [from, to] = [join(folder.path, 'from'), join(folder.path, 'deep', 'to')];
    await makeData(from);
    const told: number[] = [];

    await copyData({ from, to, onProgress: ({ bytes }) => void told.push(bytes) });

    const was = await lstat(join(from, blob));
    const [one, other] = [await lstat(join(to, blob)), await lstat(join(to, 'docker/other-name'))];
    assert.deepEqual(
      [one.mode, one.uid, one.gid, one.size, one.mtimeMs, one.nlink],
      [was.mode, was.uid, was.gid, 3_000_000, 1_600_000_000_000, 2],
    );
    assert.equal(one.ino, other.ino);
    assert.ok((await readFile(join(to, blob))).equals(await readFile(join(from, blob))));
    assert.equal((await lstat(join(to, 'docker/shared'))).mode & 0o777, 0o640);
    assert.equal((await lstat(join(to, 'berth/empty'))).mode & 0o777, 0o750);
    assert.equal((await lstat(to)).mode & 0o777, 0o700);
    assert.equal(
      told.at(-1),
      (await measureData(from)).bytes - (await lstat(join(from, 'berth/format'))).size,
    );
    assert.equal(await findDataIn(to), 'whole');
  });

  test('leaves out what passes with a process, and what is not ours', async () => {
    await using folder = await mkdtempDisposable(join(tmpdir(), 'berth-copy-'));
    const [from, to] = [join(folder.path, 'from'), join(folder.path, 'to')];
    await makeData(from);

    await copyData({ from, to, onProgress: () => undefined });

    const left = new Set(await treeOf(to));
    assert.deepEqual(
      (await treeOf(from)).filter((path) => !left.has(path)),
      ['berth/lock', 'berth/spare/of-an-upload', 'berth/tmp/cut', 'own-notes.txt'],
    );
    assert.ok([...left].every((path) => !path.endsWith('.tmp')));
  });

  test('has links that lead inside lead to the copy', async () => {
    await using folder = await mkdtempDisposable(join(tmpdir(), 'berth-copy-'));
    const [from, to] = [join(folder.path, 'from'), join(folder.path, 'to')];
    await makeData(from);

    await copyData({ from, to, onProgress: () => undefined });

    assert.deepEqual(
      await Promise.all(
        ['berth/inside', 'docker/outside', 'berth/dangling'].map((name) => readlink(join(to, name))),
      ),
      ['config.yml', '/etc/hostname', 'nowhere'],
    );
  });

  test('is not begun while another process has the data', async () => {
    await using folder = await mkdtempDisposable(join(tmpdir(), 'berth-copy-'));
    const [from, to] = [join(folder.path, 'from'), join(folder.path, 'to')];
    await makeData(from);
    await using held = new AsyncDisposableStack();
    held.use(await lockRoot(from));

    await assert.rejects(copyData({ from, to, onProgress: () => undefined }), (error) =>
      isAppError(error, 'DATA_LOCKED'),
    );

    assert.equal(await findDataIn(to), undefined);
  });

  test('is a part that no registry opens, when the data changes meanwhile', async () => {
    await using folder = await mkdtempDisposable(join(tmpdir(), 'berth-copy-'));
    const [from, to] = [join(folder.path, 'from'), join(folder.path, 'to')];
    await makeData(from);
    let isFirst = true;
    const disturb = (): void => {
      if (isFirst) void writeFile(join(from, 'docker/late'), 'x');
      isFirst = false;
    };

    await assert.rejects(copyData({ from, to, onProgress: disturb }), /"[^"]*late" was made while/);

    assert.equal(await findDataIn(to), 'incomplete');
    await assert.rejects(lockRoot(to), /holds a part of a data directory only/);
  });

  test('is a part where the disk does not hold what was written', async () => {
    await using folder = await mkdtempDisposable(join(tmpdir(), 'berth-copy-'));
    const [from, to] = [join(folder.path, 'from'), join(folder.path, 'to')];
    await makeData(from);
    // Of the two names of that file the first is written, and read again.
    const written = join(to, 'docker/other-name');
    const damage = (): void => {
      if (!existsSync(written)) return;
      const file = openSync(written, 'r+');
      writeSync(file, 'X', 0);
      closeSync(file);
    };

    await assert.rejects(copyData({ from, to, onProgress: damage }), (error) =>
      isAppError(error, 'CONTENT_DAMAGED'),
    );

    assert.equal(await findDataIn(to), 'incomplete');
  });

  test('takes the place of one that was cut off', async () => {
    await using folder = await mkdtempDisposable(join(tmpdir(), 'berth-copy-'));
    const [from, to] = [join(folder.path, 'from'), join(folder.path, 'to')];
    await makeData(from);
    await markIncomplete(to);
    await mkdir(join(to, 'docker'));
    await writeFile(join(to, 'docker/stale'), 'of the one before');

    await copyData({ from, to, onProgress: () => undefined });

    assert.ok(!(await treeOf(to)).includes('docker/stale'));
    assert.equal(await findDataIn(to), 'whole');
  });
});

suite('removing a data directory', () => {
  test('removes what is of the registry, and leaves what is not', async () => {
    await using folder = await mkdtempDisposable(join(tmpdir(), 'berth-remove-'));
    const root = join(folder.path, 'data');
    await makeData(root);

    await removeData(root);

    assert.deepEqual(await readdir(root), ['own-notes.txt']);
    await removeData(root);
  });

  test('takes the directory along where nothing else is in it', async () => {
    await using folder = await mkdtempDisposable(join(tmpdir(), 'berth-remove-'));
    const root = join(folder.path, 'data');
    await markIncomplete(root);

    await removeData(root);

    assert.deepEqual(await readdir(folder.path), []);
  });

  test('is refused while a process has it', async () => {
    await using folder = await mkdtempDisposable(join(tmpdir(), 'berth-remove-'));
    const root = join(folder.path, 'data');
    await makeData(root);
    const before = await treeOf(root);
    const lock = await lockRoot(root);

    await assert.rejects(removeData(root), (error) => isAppError(error, 'DATA_LOCKED'));

    await lock[Symbol.asyncDispose]();
    assert.deepEqual(await treeOf(root), before);
  });
});
