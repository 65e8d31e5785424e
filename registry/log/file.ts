/**
 * The log on disk: `registry.log`, then `.1` (the newest of the old ones) to `.4`. Lines are queued and written one
 * batch after the other by a single writer, so they neither mix nor block. What waits is bounded: on a disk that is
 * slow or full, lines are dropped and counted. What waits when the process ends is written in place.
 */

import { writeSync } from 'node:fs';
import { mkdir, open, rename, rm } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';

export interface LogFileOptions {
  readonly path: string;
  /** A file that would grow beyond is put aside first. */
  readonly maxBytes?: number;
  /** How many files there are in all. */
  readonly keep?: number;
  /** How much may wait to be written. */
  readonly maxQueuedBytes?: number;
  /** Told, once lines can be written again, how many were dropped. */
  readonly onLost?: (lines: number) => void;
}

export interface LogFile extends AsyncDisposable {
  /** Queues a line, or several that stay together, with their line feeds. */
  write(lines: string): void;
  /** Resolves when what was queued before is in the file, or dropped. */
  flush(): Promise<void>;
}

/**
 * Opens the log file, making its directory (0700) and itself (0600). Disposing writes what waits and closes it.
 * Throws the error of node:fs if it cannot be opened.
 */
export async function openLogFile({
  path,
  maxBytes = 10_000_000,
  keep = 5,
  maxQueuedBytes = 1_000_000,
  onLost,
}: LogFileOptions): Promise<LogFile> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  let file = await openAppend(path);
  let queue: string[] = [];
  let queuedBytes = 0;
  let lost = 0;
  let torn = false;
  let writing: Promise<void> | undefined;

  const drain = async (): Promise<void> => {
    while (queue.length > 0) {
      const batch = takeBatch();
      try {
        if (file.size > 0 && file.size + batch.length > maxBytes) file = await rotate(file, path, keep);
        // A failed write may have ended inside a line.
        const bytes = torn ? Buffer.concat([lineFeed, batch]) : batch;
        await file.handle.appendFile(bytes);
        torn = false;
        file.size += bytes.length;
      } catch {
        torn = true;
        lost += linesIn(batch.toString());
        continue;
      }
      const dropped = lost;
      lost = 0;
      if (dropped > 0) onLost?.(dropped);
    }
    // In the same turn as the last look at the queue: a line that comes in between would wait for the next one.
    writing = undefined;
  };

  /** As many lines as fit into one file, one at least. */
  const takeBatch = (): Buffer => {
    const room = Math.max(maxBytes - file.size, 0);
    let count = 0;
    let bytes = 0;
    for (const text of queue) {
      const length = Buffer.byteLength(text);
      if (count > 0 && bytes + length > room) break;
      bytes += length;
      count += 1;
    }
    const taken = queue.slice(0, count).join('');
    queue = queue.slice(count);
    queuedBytes -= bytes;
    return Buffer.from(taken);
  };

  const flush = async (): Promise<void> => {
    for (let busy = writing; busy; busy = writing) await busy;
  };

  const writeInPlace = (): void => {
    if (queue.length === 0) return;
    try {
      writeSync(file.handle.fd, queue.join(''));
    } catch {
      // The process ends; there is nobody left to tell.
    }
  };
  process.once('exit', writeInPlace);

  return {
    write(lines) {
      const length = Buffer.byteLength(lines);
      if (queuedBytes + length > maxQueuedBytes) {
        lost += linesIn(lines);
        return;
      }
      queue.push(lines);
      queuedBytes += length;
      writing ??= drain();
    },
    flush,
    async [Symbol.asyncDispose]() {
      await flush();
      process.off('exit', writeInPlace);
      await file.handle.close();
    },
  };
}

const lineFeed = Buffer.from('\n');

function linesIn(text: string): number {
  return text.split('\n').length - 1;
}

interface OpenFile {
  readonly handle: FileHandle;
  size: number;
}

async function openAppend(path: string): Promise<OpenFile> {
  const handle = await open(path, 'a', 0o600);
  return { handle, size: (await handle.stat()).size };
}

async function rotate(current: OpenFile, path: string, keep: number): Promise<OpenFile> {
  if (keep < 2) await rm(path, { force: true });
  for (let age = keep - 1; age > 0; age -= 1) {
    const younger = age === 1 ? path : `${path}.${String(age - 1)}`;
    await rename(younger, `${path}.${String(age)}`).catch(ignoreAbsent);
  }
  const next = await openAppend(path);
  await current.handle.close();
  return next;
}

function ignoreAbsent(error: unknown): void {
  if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
}
