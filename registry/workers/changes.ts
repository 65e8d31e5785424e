/** Entry of the worker thread of driver/change-thread.ts: jobs in, answers out as they are done. */
import { parentPort, workerData } from 'node:worker_threads';
import type { ChangeAnswer, ChangeRequest } from '../driver/change-thread.ts';
import { type AnswerOf, type ChangeJob, type ChangePlace, createChanges } from '../driver/changes.ts';
import { failureOf } from '../driver/failure.ts';

const changes = createChanges(workerData as ChangePlace);
let answers: ChangeAnswer[] = [];
let given: ArrayBuffer[] = [];

parentPort?.on('message', (requests: readonly ChangeRequest[]) => {
  const done = requests.map(({ id, job }) =>
    changes.run(job).then(
      (value) => answer({ id, value }, job.kind === 'read' ? [bufferOf(value as AnswerOf<'read'>)] : []),
      (error: unknown) => answer({ id, failure: failureOf(error) }, []),
    ),
  );
  void Promise.all(done).then(() => release(requests));
});

/** What is answered in one turn goes in one message, and what was read without a copy. */
function answer(each: ChangeAnswer, buffers: readonly ArrayBuffer[]): void {
  given.push(...buffers);
  if (answers.push(each) > 1) return;
  queueMicrotask(() => {
    parentPort?.postMessage(answers, given);
    answers = [];
    given = [];
  });
}

function bufferOf({ bytes }: AnswerOf<'read'>): ArrayBuffer {
  return bytes.buffer as ArrayBuffer;
}

/**
 * Gives back the bytes of a message: this thread makes so little garbage that 40 MiB of them would wait for its collector.
 * Those of one message may lie in one buffer, so all of its jobs have ended.
 */
function release(requests: readonly ChangeRequest[]): void {
  for (const { buffer } of requests.flatMap(({ job }) => bytesOf(job))) {
    if (buffer instanceof ArrayBuffer && !buffer.detached) buffer.transfer(0);
  }
}

function bytesOf(job: ChangeJob): readonly Uint8Array[] {
  if (job.kind === 'append') return job.chunks;
  return job.kind === 'commit' ? job.stages.flat().map(({ bytes }) => bytes) : [];
}
