/** Bytes of unknown number on their way to somebody who must look at them twice. */
import { randomUUID } from 'node:crypto';
import { chown, open, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { makePrivateDirectory } from './private-file.ts';

/** Looks at the room once in so many bytes. */
const lookBytes = 64 * 1024 * 1024;

/**
 * Writes a source into a new private file of the directory, and answers its path; the caller removes it. Nothing is left
 * on failure. The file belongs to the owner of the directory, and is not durable.
 * @param checkRoom throws when no more may be written; asked before the first byte, and then again and again
 */
export async function spool(
  source: AsyncIterable<Uint8Array>,
  directory: string,
  { signal, checkRoom }: { readonly signal: AbortSignal; readonly checkRoom: () => Promise<void> },
): Promise<string> {
  await makePrivateDirectory(directory);
  const path = join(directory, randomUUID());
  let unlooked = lookBytes;
  try {
    await using file = await open(path, 'wx', 0o600);
    const owner = await stat(directory);
    // A command that root runs must not keep the file from the registry.
    if (process.getuid?.() === 0) await chown(path, owner.uid, owner.gid);
    for await (const bytes of source) {
      signal.throwIfAborted();
      unlooked += bytes.length;
      if (unlooked >= lookBytes) {
        await checkRoom();
        unlooked = 0;
      }
      await file.writeFile(bytes);
    }
    return path;
  } catch (error) {
    await rm(path, { force: true });
    throw error;
  }
}
