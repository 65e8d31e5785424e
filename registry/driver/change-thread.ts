/**
 * The thread that changes files (changes.ts), seen from the main thread. It is started by the first job, does not keep
 * the process alive while it has none, and ends with the driver. One that broke is started anew by the next job, which
 * then stands where it stands after a restart of the process.
 */
import type { Worker } from 'node:worker_threads';
import { startWorker, type WorkerEntry } from '../workers/thread.ts';
import type { ChangeJob, ChangePlace, Changes } from './changes.ts';
import { errorOf, type Failure } from './failure.ts';

/** A job on its way to the thread. */
export interface ChangeRequest {
  readonly id: number;
  readonly job: ChangeJob;
}

export type ChangeAnswer =
  { readonly id: number; readonly value: unknown } | { readonly id: number; readonly failure: Failure };

export interface ChangeThreadOptions extends ChangePlace {
  /** A URL or path of the built registry/workers/changes.ts, or its text; the source file if absent. */
  readonly entry?: WorkerEntry | undefined;
}

/** Disposing it waits for the jobs that are under way; later ones are refused. */
export function openChangeThread({ entry, ...place }: ChangeThreadOptions): Changes & AsyncDisposable {
  const waiting = new Map<number, PromiseWithResolvers<unknown>>();
  let requests: ChangeRequest[] = [];
  let worker: Worker | undefined;
  let jobs = 0;
  let isClosed = false;

  async function run(job: ChangeJob): Promise<unknown> {
    if (isClosed) throw new Error('the driver is closed');
    const id = (jobs += 1);
    const answer = Promise.withResolvers<unknown>();
    waiting.set(id, answer);
    // What is asked for in one turn goes in one message.
    if (requests.push({ id, job }) === 1) queueMicrotask(send);
    return await answer.promise;
  }

  function send(): void {
    const sent = requests;
    requests = [];
    try {
      worker ??= start();
    } catch (cause) {
      fail(cause);
      return;
    }
    worker.ref();
    worker.postMessage(sent, sent.flatMap(buffersOf));
  }

  function start(): Worker {
    const started = startWorker(entry ?? new URL('../workers/changes.ts', import.meta.url), place);
    started.on('message', settle);
    started.on('error', (cause) => end(started, cause));
    started.on('exit', () => end(started, undefined));
    return started;
  }

  function settle(answers: readonly ChangeAnswer[]): void {
    for (const answer of answers) {
      const waiter = waiting.get(answer.id);
      waiting.delete(answer.id);
      if ('failure' in answer) waiter?.reject(errorOf(answer.failure));
      else waiter?.resolve(answer.value);
    }
    if (waiting.size === 0) worker?.unref();
  }

  function end(ended: Worker, cause: unknown): void {
    if (worker !== ended) return;
    worker = undefined;
    fail(cause);
  }

  function fail(cause: unknown): void {
    for (const waiter of waiting.values())
      waiter.reject(new Error('the thread that writes to the disk ended', { cause }));
    waiting.clear();
  }

  return {
    run: run as Changes['run'],
    async [Symbol.asyncDispose]() {
      const last = worker === undefined || isClosed ? undefined : run({ kind: 'end' });
      isClosed = true;
      await Promise.allSettled([last, ...[...waiting.values()].map(({ promise }) => promise)]);
      const ended = worker;
      worker = undefined;
      await ended?.terminate();
    },
  };
}

/** Chunks and blocks go to the thread without a copy: each has memory of its own. */
function buffersOf({ job }: ChangeRequest): readonly ArrayBuffer[] {
  const bytes = job.kind === 'append' ? job.chunks : job.kind === 'read' ? [job.block] : [];
  return bytes.map(({ buffer }) => buffer as ArrayBuffer);
}
