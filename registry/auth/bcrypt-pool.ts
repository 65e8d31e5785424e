/**
 * bcrypt in worker threads: a compare is 75 ms of pure computing, which would stop every other request of a thread.
 * Threads start when they are needed, do not keep the process alive while idle, and end with the pool.
 */
import { availableParallelism } from 'node:os';
import type { Worker } from 'node:worker_threads';
import { AppError } from '../spec/errors.ts';
import type { BcryptAnswer, BcryptJob } from '../workers/bcrypt.ts';
import { startWorker, type WorkerEntry } from '../workers/thread.ts';

export interface BcryptPoolOptions {
  /** A URL or path of the built registry/workers/bcrypt.ts, or its text; the source file if absent. */
  readonly entry?: WorkerEntry;
  /** Threads; at most one per core. One core is left to the requests where there are several. */
  readonly size?: number;
  /** How many jobs may wait. */
  readonly queueLimit?: number;
}

export interface BcryptPool extends AsyncDisposable {
  /** Whether the password has that hash. Throws TOO_MANY_LOGINS if the queue is full, CANCELLED on abort. */
  compare(password: string, hash: string, options?: { readonly signal?: AbortSignal }): Promise<boolean>;
  /** A new hash at that cost. Throws as compare. */
  hash(password: string, cost: number, options?: { readonly signal?: AbortSignal }): Promise<string>;
  /** Compares and hashes begun so far. */
  readonly count: number;
}

/** Where the worker is when the registry runs from its sources. */
export function bcryptWorkerUrl(): URL {
  return new URL('../workers/bcrypt.ts', import.meta.url);
}

interface Task {
  readonly job: BcryptJob;
  readonly resolve: (answer: BcryptAnswer) => void;
  readonly reject: (error: unknown) => void;
}

interface Thread {
  readonly worker: Worker;
  task: Task | undefined;
}

/** A pool; dispose it to end the threads, which rejects what still waits with UNAVAILABLE. */
export function createBcryptPool({
  entry,
  size = availableParallelism() - 1,
  queueLimit = 32,
}: BcryptPoolOptions = {}): BcryptPool {
  const limit = Math.max(1, Math.min(size, availableParallelism()));
  const threads = new Set<Thread>();
  const waiting: Task[] = [];
  let count = 0;
  let isClosed = false;

  return {
    async compare(password, hash, options) {
      const answer = await run({ kind: 'compare', password, hash }, options?.signal);
      return answer.kind === 'compared' && answer.isRight;
    },
    async hash(password, cost, options) {
      const answer = await run({ kind: 'hash', password, cost }, options?.signal);
      if (answer.kind !== 'hashed') throw new Error('the bcrypt worker gave a wrong answer');
      return answer.hash;
    },
    get count() {
      return count;
    },
    async [Symbol.asyncDispose]() {
      isClosed = true;
      const stopped = new AppError('UNAVAILABLE');
      for (const task of waiting.splice(0)) task.reject(stopped);
      for (const thread of threads) thread.task?.reject(stopped);
      await Promise.all([...threads].map(({ worker }) => worker.terminate()));
    },
  };

  async function run(job: BcryptJob, signal: AbortSignal | undefined): Promise<BcryptAnswer> {
    if (isClosed) throw new AppError('UNAVAILABLE');
    if (signal?.aborted === true) throw new AppError('CANCELLED');
    if (waiting.length >= queueLimit) {
      throw new AppError('TOO_MANY_LOGINS', {
        message: 'Too many logins at the same time. Try again in a moment.',
        retryAfterSeconds: 1,
      });
    }
    const { promise, resolve, reject } = Promise.withResolvers<BcryptAnswer>();
    const task = { job, resolve, reject };
    const abort = (): void => {
      const at = waiting.indexOf(task);
      if (at >= 0) waiting.splice(at, 1);
      reject(new AppError('CANCELLED'));
    };
    signal?.addEventListener('abort', abort, { once: true });
    waiting.push(task);
    startWaiting();
    try {
      return await promise;
    } finally {
      signal?.removeEventListener('abort', abort);
    }
  }

  function startWaiting(): void {
    while (waiting.length > 0) {
      const thread = [...threads].find((each) => each.task === undefined) ?? startThread();
      const task = thread === undefined ? undefined : waiting.shift();
      if (thread === undefined || task === undefined) return;
      thread.task = task;
      thread.worker.ref();
      count += 1;
      thread.worker.postMessage(task.job);
    }
  }

  function startThread(): Thread | undefined {
    if (threads.size >= limit || isClosed) return undefined;
    const thread: Thread = { worker: startWorker(entry ?? bcryptWorkerUrl()), task: undefined };
    threads.add(thread);
    thread.worker.on('message', (answer: BcryptAnswer) => {
      const task = thread.task;
      thread.task = undefined;
      thread.worker.unref();
      task?.resolve(answer);
      startWaiting();
    });
    thread.worker.on('error', (error) => end(thread, error));
    thread.worker.on('exit', () => end(thread, undefined));
    return thread;
  }

  function end(thread: Thread, cause: unknown): void {
    if (!threads.delete(thread)) return;
    thread.task?.reject(new Error('the bcrypt worker ended', { cause }));
    startWaiting();
  }
}
