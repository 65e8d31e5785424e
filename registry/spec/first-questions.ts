/**
 * What a page asks together with who is logged in (`GET /api/session?first=`): its first screen is shown before its socket
 * is open.
 */
import type { AdminInput, AdminMethod } from './admin-api.ts';

/** What may be asked so: it reads, and answers at once. */
export const firstMethods = [
  'status.get',
  'tasks.list',
  'certificate.get',
  'access.anonymous',
  'repositories.list',
  'repositories.get',
  'tags.list',
  'tags.recent',
  'images.get',
] as const satisfies readonly AdminMethod[];

export type FirstMethod = (typeof firstMethods)[number];
export type FirstQuestion = {
  [M in FirstMethod]: readonly [method: M, args: AdminInput<M>];
}[FirstMethod];

export interface FirstAnswers {
  /** Of the last event before the answers: the feed is read from here on. */
  readonly seq: number;
  /** In the order of the questions; `null` where there is none yet, which is asked again. */
  readonly values: readonly unknown[];
}
