import assert from 'node:assert/strict';
import { mkdir, mkdtempDisposable, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { lockRoot, markIncomplete } from '../../registry/disk/lock.ts';
import { isAppError } from '../../registry/spec/errors.ts';
import { judgeTarget } from './judge-target.ts';

const small = { files: 1, bytes: 1, directories: 1 };

/** A folder with a data directory `data`, and what others may be chosen. */
async function makePlaces(folder: string): Promise<void> {
  const lock = await lockRoot(join(folder, 'data'));
  await lock[Symbol.asyncDispose]();
  await mkdir(join(folder, 'empty'));
  await mkdir(join(folder, 'disk', 'lost+found'), { recursive: true });
  await mkdir(join(folder, 'full'));
  await writeFile(join(folder, 'full', 'letter.txt'), 'of the person');
  await writeFile(join(folder, 'file'), '');
  await markIncomplete(join(folder, 'cut'));
  await markIncomplete(join(folder, 'cut-and-used'));
  await writeFile(join(folder, 'cut-and-used', 'letter.txt'), 'of the person');
  await mkdir(join(folder, 'registry2', 'docker', 'registry', 'v2'), { recursive: true });
  await symlink(join(folder, 'data'), join(folder, 'link'));
}

const rows = [
  { to: 'new/deep', isCopied: true },
  { to: 'empty', isCopied: true },
  { to: 'disk', isCopied: true },
  { to: 'cut', isCopied: true },
  { to: 'registry2', isCopied: false },
  { to: 'data', isCopied: true, said: /is the data directory already/ },
  { to: 'link', isCopied: true, said: /is the data directory already/ },
  { to: 'data/inside', isCopied: true, said: /are inside one another/ },
  { to: 'link/inside', isCopied: true, said: /are inside one another/ },
  { to: '', isCopied: true, said: /are inside one another/ },
  { to: 'full', isCopied: true, said: /is not empty/ },
  { to: 'full', isCopied: false, said: /is not empty/ },
  { to: 'cut-and-used', isCopied: true, said: /is not empty/ },
  { to: 'registry2', isCopied: true, said: /is not empty/ },
  { to: 'file', isCopied: true, said: /is no folder/ },
  { to: 'file/inside', isCopied: true, said: /Nothing can be written in/ },
];

suite('a place for the data directory', () => {
  for (const { to, isCopied, said } of rows) {
    test(`${to === '' ? 'its parent' : to} ${said === undefined ? 'is fine' : 'is refused'}, ${isCopied ? 'to be copied to' : 'to be used'}`, async () => {
      await using folder = await mkdtempDisposable(join(tmpdir(), 'berth-judge-'));
      await makePlaces(folder.path);
      const request = {
        from: join(folder.path, 'data'),
        to: join(folder.path, to),
        size: isCopied ? small : undefined,
      };

      if (said === undefined) {
        const { path, freeBytes } = await judgeTarget(request);
        assert.deepEqual([path, freeBytes > 0], [join(folder.path, to), true]);
      } else
        await assert.rejects(
          judgeTarget(request),
          (error) => isAppError(error, 'PATH_REFUSED') && said.test(error.message),
        );
    });
  }

  test('needs room for the bytes, and for a block of each file', async () => {
    await using folder = await mkdtempDisposable(join(tmpdir(), 'berth-judge-'));
    await makePlaces(folder.path);
    const [from, to] = [join(folder.path, 'data'), join(folder.path, 'empty')];
    const { freeBytes } = await judgeTarget({ from, to, size: small });

    for (const size of [
      { ...small, bytes: freeBytes * 2 },
      // Of one byte each, and each takes a block.
      { ...small, files: Math.ceil(freeBytes / 2048) },
    ])
      await assert.rejects(judgeTarget({ from, to, size }), /has room for \d+ bytes, and/);
  });

  test('has to be named in full', async () => {
    await assert.rejects(judgeTarget({ from: '/data', to: 'new', size: small }), /is no whole path/);
  });
});
