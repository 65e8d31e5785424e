/** Entry of the worker threads of auth/bcrypt-pool.ts: one job in, one answer out. */
import { parentPort } from 'node:worker_threads';
import { compareSync, hashSync } from 'bcryptjs';

export type BcryptJob =
  | { readonly kind: 'compare'; readonly password: string; readonly hash: string }
  | { readonly kind: 'hash'; readonly password: string; readonly cost: number };

export type BcryptAnswer =
  | { readonly kind: 'compared'; readonly isRight: boolean }
  | { readonly kind: 'hashed'; readonly hash: string };

parentPort?.on('message', (job: BcryptJob) => parentPort?.postMessage(answer(job)));

function answer(job: BcryptJob): BcryptAnswer {
  return job.kind === 'compare'
    ? { kind: 'compared', isRight: compareSync(job.password, job.hash) }
    : { kind: 'hashed', hash: hashSync(job.password, job.cost) };
}
