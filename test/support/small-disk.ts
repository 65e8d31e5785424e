import { mkdtempDisposable } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { succeed } from './process.ts';

/** A disk in memory, with the options of a tmpfs (`size=64m,nr_inodes=300`); root alone may mount it. */
export async function mountSmallDisk(options: string): Promise<AsyncDisposable & { readonly path: string }> {
  const directory = await mkdtempDisposable(join(tmpdir(), 'berth-disk-'));
  await succeed('mount', ['-t', 'tmpfs', '-o', options, 'berth', directory.path]);
  return {
    path: directory.path,
    async [Symbol.asyncDispose]() {
      await succeed('umount', [directory.path]);
      await directory.remove();
    },
  };
}
