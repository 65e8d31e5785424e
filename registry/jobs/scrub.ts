/** The check of all content that runs by itself: at most once in the interval, and on from where it was cut. */
import type { ScrubRun } from '../spec/admin/integrity.ts';
import type { Log } from '../spec/log-record.ts';
import type { Scrubber, ScrubOptions } from '../store/scrub.ts';
import { startEvery } from './every.ts';

export interface ScrubJobOptions {
  readonly scrubber: Scrubber;
  /** Runs work that is shown as a task; `user` asked for it. */
  readonly asTask: (
    options: { readonly signal: AbortSignal; readonly user?: string | undefined },
    work: (task: { readonly signal: AbortSignal; progress(done: number): void }) => Promise<ScrubRun>,
  ) => Promise<ScrubRun>;
  readonly log: Log;
  readonly isEnabled: () => boolean;
  /** From the end of a run to the start of the next. */
  readonly intervalMs: () => number;
  /** Bytes per second. */
  readonly rate: () => number;
  /** True while clients transfer. */
  readonly isBusy: () => boolean;
  /** The wait after the start: a computer that just came up has other things to read. */
  readonly firstMs?: number;
  readonly lookMs?: number;
  readonly now?: () => number;
}

export interface ScrubJob extends AsyncDisposable {
  /** Checks now, as fast as the disk and clients allow; one that runs by itself steps aside. */
  run(options: Pick<ScrubOptions, 'signal' | 'repositories'> & { readonly user: string }): Promise<ScrubRun>;
  /** When the next run begins by itself, in milliseconds since the epoch; `undefined` where it is switched off. */
  nextAt(): Promise<number | undefined>;
}

/** An interrupted run that somebody asked for again goes on when it is no older. */
const continueMs = 24 * 60 * 60 * 1000;

export function startScrub({
  scrubber,
  asTask,
  log: root,
  isEnabled,
  intervalMs,
  rate,
  isBusy,
  firstMs = 10 * 60 * 1000,
  lookMs = 60 * 1000,
  now = Date.now,
}: ScrubJobOptions): ScrubJob {
  const log = root.for('jobs');
  const firstAt = now() + firstMs;
  let own: AbortController | undefined;
  let asked = 0;

  async function nextAt(): Promise<number | undefined> {
    if (!isEnabled()) return undefined;
    const { current, last } = await scrubber.state();
    const isDue = current !== undefined || last?.finishedAt === undefined;
    return Math.max(firstAt, isDue ? 0 : Date.parse(last.finishedAt) + intervalMs());
  }

  async function runWhenDue(signal: AbortSignal): Promise<void> {
    if (asked > 0 || now() < ((await nextAt()) ?? Number.POSITIVE_INFINITY)) return;
    own = new AbortController();
    try {
      await check({ signal: AbortSignal.any([signal, own.signal]), rate });
    } catch (error) {
      if (!own.signal.aborted) throw error;
    } finally {
      own = undefined;
    }
  }

  async function run({ user, ...options }: Parameters<ScrubJob['run']>[0]): Promise<ScrubRun> {
    asked++;
    try {
      own?.abort();
      return await check({ ...options, continueSince: now() - continueMs }, user);
    } finally {
      asked--;
    }
  }

  async function check(
    options: Omit<ScrubOptions, 'isBusy' | 'onProgress'>,
    user?: string,
  ): Promise<ScrubRun> {
    const result = await asTask({ signal: options.signal, user }, (task) =>
      scrubber.run({
        ...options,
        signal: task.signal,
        isBusy,
        onProgress: (bytes) => task.progress(bytes),
      }),
    );
    const { blobs, bytes, quarantined, missing, unlinked, unreadable } = result;
    const isWhole = quarantined + missing + unlinked + unreadable === 0;
    log[isWhole ? 'info' : 'error'](
      'scrubFinished',
      isWhole ? 'all content is whole' : 'content is damaged',
      {
        blobs,
        bytes,
        quarantined,
        missing,
        unlinked,
        unreadable,
        ...(isWhole ? {} : { hint: 'berth verify --status says what to push again' }),
      },
    );
    return result;
  }

  const job = startEvery({
    firstMs: Math.min(firstMs, lookMs),
    everyMs: lookMs,
    act: runWhenDue,
    onError: (error) =>
      log.error('scrubFailed', 'the check of all content was cut; it goes on later', {
        'err.message': error instanceof Error ? error.message : '',
      }),
  });
  return { run, nextAt, [Symbol.asyncDispose]: () => job[Symbol.asyncDispose]() };
}
