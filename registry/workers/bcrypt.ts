/**
 * Entry of the worker threads of auth/bcrypt-pool.ts: one job in, one answer out. Where the processors are busy, requests go
 * first.
 */
import { getPriority, setPriority } from 'node:os';
import { parentPort } from 'node:worker_threads';
import { compareSync, hashSync } from 'bcryptjs';

/** Added to the nice value of the thread that answers: leaves about a tenth of a processor that both want (sched(7)). */
const steps = 10;
const lowest = 19;

export type BcryptJob =
  | { readonly kind: 'compare'; readonly password: string; readonly hash: string }
  | { readonly kind: 'hash'; readonly password: string; readonly cost: number };

export type BcryptAnswer =
  | { readonly kind: 'compared'; readonly isRight: boolean }
  | { readonly kind: 'hashed'; readonly hash: string };

// Linux counts the nice value by thread (setpriority(2), "C library/kernel differences"), others by process. To raise
// it needs no permission.
if (process.platform === 'linux') setPriority(Math.min(lowest, getPriority() + steps));

parentPort?.on('message', (job: BcryptJob) => parentPort?.postMessage(answer(job)));

function answer(job: BcryptJob): BcryptAnswer {
  return job.kind === 'compare'
    ? { kind: 'compared', isRight: compareSync(job.password, job.hash) }
    : { kind: 'hashed', hash: hashSync(job.password, job.cost) };
}
