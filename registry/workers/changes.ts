/** Entry of the worker thread of driver/change-thread.ts: jobs in, answers out as they are done. */
import { parentPort, workerData } from 'node:worker_threads';
import type { ChangeAnswer, ChangeRequest, Failure } from '../driver/change-thread.ts';
import { type ChangePlace, createChanges } from '../driver/changes.ts';

const changes = createChanges(workerData as ChangePlace);
let answers: ChangeAnswer[] = [];

parentPort?.on('message', (requests: readonly ChangeRequest[]) => {
  for (const { id, job } of requests) {
    changes.run(job).then(
      (value) => answer({ id, value }),
      (error: unknown) => answer({ id, failure: failureOf(error) }),
    );
  }
});

/** What is answered in one turn goes in one message. */
function answer(each: ChangeAnswer): void {
  if (answers.push(each) > 1) return;
  queueMicrotask(() => {
    parentPort?.postMessage(answers);
    answers = [];
  });
}

function failureOf(error: unknown): Failure {
  const { code, errno, syscall, path } = error as NodeJS.ErrnoException;
  return { error, system: { code, errno, syscall, path } };
}
