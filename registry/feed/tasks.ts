/** Work that takes long: how far it is, for everybody who looks, and how to end it. */
import type { TaskKind, TaskRow } from '../spec/admin/process.ts';
import { AppError, isAppError } from '../spec/errors.ts';
import type { Feed } from './feed.ts';

/** What the work is given. */
export interface Task {
  /** Aborts when the caller goes or the task is cancelled. */
  readonly signal: AbortSignal;
  /** Says how far the work is; as often as one likes. */
  progress(done: number, total?: number): void;
}

export interface TaskOptions {
  readonly kind: TaskKind;
  readonly unit: TaskRow['unit'];
  readonly signal: AbortSignal;
  /** Who asked for it; absent for what runs by itself. */
  readonly user?: string | undefined;
}

export interface Tasks {
  /**
   * Runs work that is listed meanwhile, and answers what it answers.
   * @throws AppError CANCELLED when the task was cancelled, and what the work throws
   */
  run<Result>(options: TaskOptions, work: (task: Task) => Promise<Result>): Promise<Result>;
  /** Those that run, then the last that ended, the newest first. */
  list(): readonly TaskRow[];
  /** @throws AppError TASK_UNKNOWN unless it runs */
  cancel(id: number): void;
}

const keptEnded = 20;
const everyMs = 250;

/** Makes the list of the process. `now` is the wall clock, in milliseconds since the epoch. */
export function createTasks(feed: Pick<Feed, 'publish'>, now: () => number = Date.now): Tasks {
  const running = new Map<number, { row: TaskRow; readonly controller: AbortController }>();
  let ended: readonly TaskRow[] = [];
  let last = 0;

  return {
    async run(options, work) {
      const { kind, unit, user } = options;
      const id = ++last;
      const controller = new AbortController();
      const signal = AbortSignal.any([options.signal, controller.signal]);
      const by = user === undefined ? {} : { user };
      const startedAt = new Date(now()).toISOString();
      const entry = {
        row: { id, kind, startedAt, ...by, state: 'running', done: 0, unit } as TaskRow,
        controller,
      };
      let publishedAt = now();
      running.set(id, entry);
      feed.publish({ kind: 'taskChanged', task: entry.row });
      const end = (state: TaskRow['state'], error?: string): void => {
        const row = { ...entry.row, state, ...(error === undefined ? {} : { error }) };
        running.delete(id);
        ended = [row, ...ended].slice(0, keptEnded);
        feed.publish({ kind: 'taskChanged', task: row });
      };
      try {
        const result = await work({
          signal,
          progress(done, total) {
            entry.row = { ...entry.row, done, ...(total === undefined ? {} : { total }) };
            if (now() - publishedAt < everyMs) return;
            publishedAt = now();
            feed.publish({ kind: 'taskChanged', task: entry.row });
          },
        });
        end('done');
        return result;
      } catch (error) {
        if (signal.aborted) {
          end('cancelled');
          if (controller.signal.aborted) throw new AppError('CANCELLED', { cause: error });
        } else {
          end('failed', isAppError(error) ? error.message : 'An error inside the registry; see the log.');
        }
        throw error;
      }
    },
    list: () => [...[...running.values()].map(({ row }) => row).toReversed(), ...ended],
    cancel(id) {
      const entry = running.get(id);
      if (entry === undefined) {
        throw new AppError('TASK_UNKNOWN', { message: `No task ${id} is running.` });
      }
      entry.controller.abort();
    },
  };
}
