/**
 * Files that browsers sent to be imported. Each lies in `berth/tmp`, which the next start empties, until it is discarded, an
 * hour after it was used last, or when its user has sent three more.
 */
import { randomBytes } from 'node:crypto';
import { rm, stat } from 'node:fs/promises';
import { spool } from '../disk/spool.ts';
import { AppError } from '../spec/errors.ts';

/** Disposing it removes the files. */
export interface ReceivedFiles extends AsyncDisposable {
  /**
   * Takes a file in, whole, and answers the name it is asked for by: 43 characters of base64url.
   * @throws AppError STORAGE_FULL, CANCELLED; nothing is kept then
   */
  receive(
    source: AsyncIterable<Uint8Array>,
    options: { readonly user: string; readonly signal: AbortSignal },
  ): Promise<{ readonly upload: string; readonly bytes: number }>;
  /**
   * Where it lies.
   * @throws AppError PATH_REFUSED for what is not there any more, or was sent by somebody else
   */
  find(upload: string, user: string): string;
  discard(upload: string, user: string): Promise<void>;
}

export interface ReceivedOptions {
  readonly directory: string;
  /** @throws AppError STORAGE_FULL */
  readonly checkRoom: () => Promise<void>;
  readonly keepMs?: number;
}

interface Kept {
  readonly user: string;
  readonly path: string;
  timer: ReturnType<typeof setTimeout>;
}

const mostPerUser = 3;
const hourMs = 60 * 60 * 1000;

export function createReceivedFiles({
  directory,
  checkRoom,
  keepMs = hourMs,
}: ReceivedOptions): ReceivedFiles {
  /** In the order in which they came. */
  const files = new Map<string, Kept>();

  async function drop(upload: string): Promise<void> {
    const kept = files.get(upload);
    if (kept === undefined) return;
    files.delete(upload);
    clearTimeout(kept.timer);
    // Whoever reads it has it open.
    await rm(kept.path, { force: true });
  }

  function countDown(upload: string): ReturnType<typeof setTimeout> {
    return setTimeout(() => void drop(upload).catch(() => undefined), keepMs).unref();
  }

  function own(upload: string, user: string): Kept | undefined {
    const kept = files.get(upload);
    return kept?.user === user ? kept : undefined;
  }

  return {
    async receive(source, { user, signal }) {
      await checkRoom();
      const path = await spool(source, directory, { signal, checkRoom }).catch((error: unknown) => {
        throw signal.aborted ? new AppError('CANCELLED', { cause: error }) : error;
      });
      const upload = randomBytes(32).toString('base64url');
      files.set(upload, { user, path, timer: countDown(upload) });
      const sent = [...files].filter(([, kept]) => kept.user === user).map(([id]) => id);
      for (const old of sent.slice(0, -mostPerUser)) await drop(old);
      return { upload, bytes: (await stat(path)).size };
    },
    find(upload, user) {
      const kept = own(upload, user);
      if (kept === undefined) {
        throw new AppError('PATH_REFUSED', {
          message: 'The file that was sent is not kept any more.',
          hint: 'Choose it again.',
        });
      }
      clearTimeout(kept.timer);
      kept.timer = countDown(upload);
      return kept.path;
    },
    async discard(upload, user) {
      if (own(upload, user) !== undefined) await drop(upload);
    },
    async [Symbol.asyncDispose]() {
      for (const upload of files.keys()) await drop(upload);
    },
  };
}
