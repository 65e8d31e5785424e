/** Removes a data directory that is not used, or what there is of a copy. What others put beside the data stays. */
import { readdir, rm, rmdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { syncDirectory, systemCode } from '../../registry/disk/private-file.ts';
import { findDataIn, lockRoot, markIncomplete } from '../../registry/disk/lock.ts';

/**
 * Removes it; a crash leaves what no Berth opens, and what this removes when it is called again. The directory itself goes
 * where nothing else is in it. @throws AppError DATA_LOCKED where a process has it
 */
export async function removeData(root: string): Promise<void> {
  const found = await findDataIn(root);
  if (found === undefined) return;
  if (found === 'whole') {
    // Whoever comes after this finds the mark.
    await using held = new AsyncDisposableStack();
    held.use(await lockRoot(root));
    await markIncomplete(root);
  }
  await rm(join(root, 'docker'), { recursive: true, force: true });
  const berth = join(root, 'berth');
  for (const name of await readdir(berth))
    if (name !== 'format') await rm(join(berth, name), { recursive: true, force: true });
  await syncDirectory(berth);
  await rm(berth, { recursive: true });
  await syncDirectory(root);
  await removeIfEmpty(root);
}

async function removeIfEmpty(directory: string): Promise<void> {
  try {
    await rmdir(directory);
    await syncDirectory(dirname(directory));
  } catch (error) {
    // Others use it, or it is where a disk is mounted.
    const code = systemCode(error) ?? '';
    if (!['ENOTEMPTY', 'EEXIST', 'EBUSY', 'EACCES', 'EPERM', 'EROFS'].includes(code)) throw error;
  }
}
