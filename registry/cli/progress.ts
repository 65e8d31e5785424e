/** How far long work is, on one line of standard error that is written over; and Ctrl-C, which cancels the work. */
import type { TaskKind, TaskRow } from '../spec/admin/process.ts';
import { AppError } from '../spec/errors.ts';
import type { AdminClient } from './client.ts';
import { formatBytes } from './format.ts';
import type { Io } from './io.ts';

export interface ProgressOptions {
  readonly kind: TaskKind;
  /** No line: the answer is for a program. */
  readonly json?: boolean | undefined;
  readonly quiet?: boolean | undefined;
}

const ends = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * Runs a call that is a task of that kind, and shows how far it is where a person looks. The signal aborts by Ctrl-C; the
 * task ends then, and CANCELLED is thrown.
 */
export async function withProgress<Result>(
  io: Io,
  client: AdminClient,
  { kind, json = false, quiet = false }: ProgressOptions,
  call: (signal: AbortSignal) => Promise<Result>,
): Promise<Result> {
  const controller = new AbortController();
  const interrupt = (): void =>
    controller.abort(new AppError('CANCELLED', { message: 'Cancelled.', hint: '' }));
  const watching = new AbortController();
  const isShown = io.canAsk && !json && !quiet;
  const shown = isShown ? show(io, client, kind, watching.signal) : Promise.resolve();
  for (const name of ends) process.once(name, interrupt);
  try {
    return await call(controller.signal);
  } catch (error) {
    throw controller.signal.aborted ? controller.signal.reason : error;
  } finally {
    for (const name of ends) process.off(name, interrupt);
    watching.abort();
    await shown;
    if (isShown) io.err('\r\u001B[K');
  }
}

async function show(io: Io, client: AdminClient, kind: TaskKind, signal: AbortSignal): Promise<void> {
  const line = createLine();
  for await (const items of client.subscribe('feed', {}, { signal })) {
    const rows = items.flatMap(({ task }) => (task?.kind === kind && task.state === 'running' ? [task] : []));
    const last = rows.at(-1);
    // A line that wraps would not be written over.
    if (last !== undefined) io.err(`\r${line(last).slice(0, (io.columns ?? 80) - 1)}\u001B[K`);
  }
}

/** What the line says, from the rows of one task in their order. `now` is in milliseconds. */
export function createLine(now: () => number = () => performance.now()): (row: TaskRow) => string {
  const startedAt = now();
  let first: number | undefined;
  return ({ kind, done, total: said, unit }) => {
    const total = said === 0 ? undefined : said;
    first ??= done;
    const amount = unit === 'bytes' ? formatBytes : String;
    const perSecond = ((done - first) * 1000) / Math.max(1, now() - startedAt);
    const parts = [
      kind,
      ...(total === undefined ? [] : [`${Math.floor((100 * done) / total)}%`]),
      total === undefined ? amount(done) : `${amount(done)} of ${amount(total)}`,
      ...(unit === 'bytes' && perSecond > 0 ? [`${formatBytes(perSecond)}/s`] : []),
      ...(total === undefined || perSecond === 0 ? [] : [`${formatLeft((total - done) / perSecond)} left`]),
    ];
    return parts.join('  ');
  };
}

function formatLeft(seconds: number): string {
  const whole = Math.ceil(seconds);
  if (whole < 60) return `${whole}s`;
  if (whole < 3600) return `${Math.floor(whole / 60)}m${String(whole % 60).padStart(2, '0')}s`;
  return `${Math.floor(whole / 3600)}h${String(Math.floor(whole / 60) % 60).padStart(2, '0')}m`;
}
