/** What only the files under berth/tls need: leftovers are wiped, keys are destroyed. */
import { constants, open, readFile, readdir, stat, unlink } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { makePrivateDirectory, refuseLooseMode, syncDirectory, systemCode } from '../disk/private-file.ts';

/** How disk/private-file.ts names what is not yet in place. */
const temporaryEnd = '.tmp';

/**
 * Makes the directory and its missing parents with mode 0700, durably, and wipes what a crash left in it.
 * Throws DATA_UNUSABLE if it exists and other users may enter it.
 */
export async function openPrivateDirectory(path: string): Promise<void> {
  const dir = resolve(path);
  await makePrivateDirectory(dir);
  refuseLooseMode(dir, (await stat(dir)).mode, '700');
  const leftovers = (await readdir(dir)).filter((name) => name.endsWith(temporaryEnd));
  await Promise.all(leftovers.map((name) => destroyFile(join(dir, name))));
}

/** Reads a private file; `undefined` if absent. Throws DATA_UNUSABLE if other users may read it. */
export async function readPrivateFile(path: string): Promise<string | undefined> {
  try {
    refuseLooseMode(path, (await stat(path)).mode);
    return await readFile(path, 'utf8');
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/**
 * Overwrites a file with zeros in place, then unlinks it, durably; absent is fine. Copy-on-write file systems and
 * flash disks may keep the old blocks for a while: nothing a program does reaches those.
 */
export async function destroyFile(path: string): Promise<void> {
  try {
    await using file = await open(path, constants.O_WRONLY);
    const { size } = await file.stat();
    await file.write(Buffer.alloc(size), 0, size, 0);
    await file.sync();
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return;
    throw error;
  }
  await unlink(path);
  await syncDirectory(dirname(path));
}
