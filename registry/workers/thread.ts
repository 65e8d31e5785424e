/** How worker threads are started: from the sources, from a built file, or from their text in a bundle. */
import { Worker } from 'node:worker_threads';

/** Where the code of a worker is: a file, or its text (for the single executable, where there is no file). */
export type WorkerEntry = URL | string | { readonly source: string };

/**
 * Starts one; `data` is copied for it and is its `workerData`. Arguments of Node are for the program alone. Files are
 * of the process: one that a thread opened may be closed by another, so the end of a thread must not close it again.
 */
export function startWorker(entry: WorkerEntry, data?: unknown): Worker {
  const options = { workerData: data, execArgv: [], trackUnmanagedFds: false };
  return typeof entry === 'string' || entry instanceof URL
    ? new Worker(entry, options)
    : new Worker(entry.source, { ...options, eval: true });
}
