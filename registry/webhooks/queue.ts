/**
 * The events that wait for one endpoint, on disk:
 *
 *   berth/hooks/<hash of the name>/
 *     0000000000000000.ndjson     one event a line; the file is named by the number of its first
 *     0000000000001000.ndjson     appended to; a new one after 1,000 events or 1 MiB
 *     position                    {"next":1017,"delivered":1012,"dropped":5}, one record that is written over in place
 *
 *   [ dead: removed ][ delivered | next ......... end ]
 *
 * Handed to the system when `append` resolves: it survives the end of the process by any signal. Files and position are
 * fsynced once a second while there is something to, so a power cut may take the events of the last second, or deliver
 * some again. A torn last line is dropped at the start. Numbers never go back: where a power cut took lines that were
 * delivered already, what comes goes into a new file.
 */
import { type FileHandle, open, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { makePrivateDirectory, syncDirectory, systemCode, unusable } from '../disk/private-file.ts';
import type { Log } from '../spec/log-record.ts';

/** An event of the queue, as JSON on one line. */
export interface QueuedEvent {
  readonly number: number;
  readonly line: string;
}

export interface EventQueue extends AsyncDisposable {
  readonly pending: number;
  readonly delivered: number;
  readonly dropped: number;
  /** Takes an event. Never rejects: what cannot be written is counted as dropped, and logged. */
  append(line: string): Promise<void>;
  /** Answers the oldest event that waits; waits for one. Rejects when the signal aborts. */
  head(options: { readonly signal: AbortSignal }): Promise<QueuedEvent>;
  /** Goes on behind an event that `head` answered, unless it was given up meanwhile. */
  advance(event: QueuedEvent, outcome: 'delivered' | 'dropped'): Promise<void>;
  /** Gives up all that waits, and answers how many those were. */
  purge(): Promise<number>;
}

export interface QueueOptions {
  /** Made with mode 0700 where it is absent. */
  readonly directory: string;
  /** How many events are kept; the oldest are given up for new ones. */
  readonly limit: () => number;
  readonly log: Log;
}

const fileName = /^(\d{16})\.ndjson$/;
const segmentEvents = 1000;
const segmentBytes = 1024 * 1024;
/** Events that wait for the disk. */
const waitingLimit = 10_000;
const syncEveryMs = 1000;
/** Always written whole, so that no shorter record leaves the end of a longer one. */
const recordBytes = 128;

const positionRecord = z.object({ next: z.int().min(0), delivered: z.int().min(0), dropped: z.int().min(0) });

interface Segment {
  /** The number of its first event. */
  readonly first: number;
  /** Whole lines, of the last segment. */
  events: number;
  /** Their bytes. */
  bytes: number;
}

interface Loaded {
  readonly segment: Segment | undefined;
  readonly first: number;
  readonly lines: readonly string[];
  readonly bytes: number;
}

interface Waiting {
  readonly line: string;
  readonly done: PromiseWithResolvers<void>;
}

/**
 * Opens the queue where it was left.
 * @throws AppError DATA_UNUSABLE
 */
export async function openQueue({ directory, limit, log }: QueueOptions): Promise<EventQueue> {
  await makePrivateDirectory(directory);
  const positionPath = join(directory, 'position');
  const segments: Segment[] = [];
  let waiting: Waiting[] = [];
  let writing: Promise<void> | undefined;
  let active: FileHandle | undefined;
  let positionFile: FileHandle;
  let positionWritten: Promise<void> = Promise.resolve();
  let syncing: Promise<void> | undefined;
  let syncTimer: NodeJS.Timeout | undefined;
  /** Lines of a segment from a number on, and the offset behind them. */
  let loaded: Loaded = { segment: undefined, first: 0, lines: [], bytes: 0 };
  let arrived = Promise.withResolvers<void>();
  let end = 0;
  let position = { next: 0, delivered: 0, dropped: 0 };

  const pathOf = (first: number): string => join(directory, `${String(first).padStart(16, '0')}.ndjson`);

  async function openLast(): Promise<void> {
    const names = (await readdir(directory)).toSorted();
    for (const name of names) {
      const [, first] = fileName.exec(name) ?? [];
      if (first === undefined) continue;
      segments.push({ first: Number(first), events: 0, bytes: Number.POSITIVE_INFINITY });
    }
    const last = segments.at(-1);
    if (last !== undefined) {
      const bytes = await readFile(pathOf(last.first));
      last.bytes = bytes.lastIndexOf(lineFeed) + 1;
      last.events = countLines(bytes);
      end = last.first + last.events;
      active = await open(pathOf(last.first), 'a', 0o600);
      if (last.bytes < bytes.length) await active.truncate(last.bytes);
    }
    positionFile = await openRecord(positionPath);
    position = (await readRecord(positionFile)) ?? { next: 0, delivered: 0, dropped: 0 };
    position.next = Math.max(position.next, segments[0]?.first ?? 0);
    end = Math.max(end, position.next);
    await removeDead();
  }

  // --- writing -------------------------------------------------------------------------------------------------

  async function drain(): Promise<void> {
    while (waiting.length > 0) {
      const batch = takeBatch();
      try {
        await write(batch);
      } catch (error) {
        position.dropped += batch.length;
        log.error('webhookLost', 'events could not be written and are lost', {
          file: directory,
          count: batch.length,
          'err.message': error instanceof Error ? error.message : String(error),
          hint: 'check the disk and its free space',
        });
        // What a failed write left behind the last whole line is cut off when the file is opened again.
        const broken = active;
        active = undefined;
        await broken?.close().catch(() => undefined);
      }
      for (const { done } of batch) done.resolve();
    }
    // In the same step as the look at the queue: who was just answered may append before a promise could tell.
    writing = undefined;
  }

  function takeBatch(): readonly Waiting[] {
    let bytes = 0;
    const count = waiting.findIndex(({ line }, at) => {
      bytes += line.length;
      return at > 0 && bytes > segmentBytes;
    });
    return waiting.splice(0, Math.min(count === -1 ? waiting.length : count, segmentEvents));
  }

  async function write(batch: readonly Waiting[]): Promise<void> {
    const segment = await openSegment();
    const bytes = Buffer.from(batch.map(({ line }) => `${line}\n`).join(''));
    await active?.appendFile(bytes);
    segment.bytes += bytes.length;
    segment.events += batch.length;
    end += batch.length;
    arrived.resolve();
    await keepWithin(limit());
    syncSoon();
  }

  /** The segment that is appended to, and open. */
  async function openSegment(): Promise<Segment> {
    const last = segments.at(-1);
    const goesOn =
      last !== undefined &&
      last.first + last.events === end &&
      last.events < segmentEvents &&
      last.bytes < segmentBytes;
    if (goesOn && active !== undefined) return last;
    await closeActive();
    const segment = goesOn ? last : { first: end, events: 0, bytes: 0 };
    active = await open(pathOf(segment.first), 'a', 0o600);
    await active.truncate(segment.bytes);
    if (!goesOn) {
      segments.push(segment);
      await syncDirectory(directory);
    }
    return segment;
  }

  async function closeActive(): Promise<void> {
    const closing = active;
    active = undefined;
    await closing?.datasync().catch(notSynced);
    await closing?.close();
  }

  /** Gives up the oldest events, a hundredth at once, so that a full queue is not told about with every event. */
  async function keepWithin(most: number): Promise<void> {
    if (end - position.next <= most) return;
    const next = Math.min(end, end - most + Math.floor(most / 100));
    const count = next - position.next;
    log.warn('webhookDropped', 'the oldest events were given up: too many wait', { file: directory, count });
    await goTo(next, { dropped: position.dropped + count });
  }

  // --- the position --------------------------------------------------------------------------------------------

  async function goTo(next: number, counts: Partial<typeof position>): Promise<void> {
    position = { ...position, ...counts, next };
    positionWritten = positionWritten.then(writePosition);
    await positionWritten;
    await removeDead();
    syncSoon();
  }

  async function writePosition(): Promise<void> {
    try {
      await positionFile.write(`${JSON.stringify(position).padEnd(recordBytes - 1)}\n`, 0);
    } catch (error) {
      log.warn(
        'webhookPosition',
        'the position of a webhook could not be written: events may be sent again',
        {
          file: positionPath,
          'err.code': systemCode(error) ?? '',
        },
      );
    }
  }

  /** Removes the files that lie before the position. */
  async function removeDead(): Promise<void> {
    while (segments[1] !== undefined && segments[1].first <= position.next) {
      const dead = segments.shift();
      if (dead !== undefined) await rm(pathOf(dead.first), { force: true });
    }
  }

  // --- durability ----------------------------------------------------------------------------------------------

  function syncSoon(): void {
    syncTimer ??= setTimeout(() => {
      syncing = sync();
    }, syncEveryMs).unref();
  }

  async function sync(): Promise<void> {
    syncTimer = undefined;
    await Promise.all([active?.datasync(), positionFile.datasync()]).catch(notSynced);
  }

  function notSynced(error: unknown): void {
    // A file that was closed meanwhile was fsynced before.
    if (systemCode(error) === 'EBADF') return;
    log.warn('webhookSync', 'events may not survive a power cut', {
      file: directory,
      'err.code': systemCode(error) ?? '',
    });
  }

  // --- reading -------------------------------------------------------------------------------------------------

  /** The event at the position; `undefined` where the position moved on meanwhile: look again. */
  async function find(): Promise<QueuedEvent | undefined> {
    const number = position.next;
    const segment = segments.findLast(({ first }) => first <= number);
    if (loaded.segment !== segment || loaded.lines[number - loaded.first] === undefined) {
      if (segment !== undefined) await load(segment, number);
      if (number !== position.next) return undefined;
    }
    const line = loaded.segment === segment ? loaded.lines[number - loaded.first] : undefined;
    if (line !== undefined) return { number, line };
    const following = segments.find(({ first }) => first > number)?.first ?? end;
    const count = following - number;
    log.error('webhookGap', 'events are missing on the disk', { file: directory, count });
    await goTo(following, { dropped: position.dropped + count });
    return undefined;
  }

  /** Reads a segment, or what came to it since it was read. */
  async function load(segment: Segment, number: number): Promise<void> {
    const isMore = loaded.segment === segment && number === loaded.first + loaded.lines.length;
    const from = isMore ? loaded.bytes : 0;
    try {
      await using file = await open(pathOf(segment.first), 'r');
      const to = Math.min((await file.stat()).size, segment.bytes);
      const bytes = Buffer.alloc(Math.max(0, to - from));
      const { bytesRead } = await file.read(bytes, 0, bytes.length, from);
      const lines = bytes.toString('utf8', 0, bytesRead).split('\n').slice(0, -1);
      loaded = { segment, first: isMore ? number : segment.first, lines, bytes: from + bytesRead };
    } catch (error) {
      // Given up and removed meanwhile, or gone: the caller tells which.
      if (systemCode(error) !== 'ENOENT') throw error;
    }
  }

  try {
    await openLast();
  } catch (error) {
    throw unusable(`Cannot open the events in "${directory}"`, error);
  }
  return {
    get pending() {
      return end - position.next + waiting.length;
    },
    get delivered() {
      return position.delivered;
    },
    get dropped() {
      return position.dropped;
    },
    append(line) {
      if (waiting.length >= waitingLimit) {
        position.dropped += 1;
        return Promise.resolve();
      }
      const done = Promise.withResolvers<void>();
      waiting.push({ line, done });
      writing ??= drain();
      return done.promise;
    },
    async head({ signal }) {
      for (;;) {
        signal.throwIfAborted();
        if (position.next < end) {
          const found = await find();
          if (found !== undefined) return found;
          continue;
        }
        arrived = Promise.withResolvers<void>();
        const { promise, reject } = Promise.withResolvers<never>();
        const stop = (): void => reject(signal.reason as Error);
        signal.addEventListener('abort', stop, { once: true });
        try {
          await Promise.race([arrived.promise, promise]);
        } finally {
          signal.removeEventListener('abort', stop);
        }
      }
    },
    async advance({ number }, outcome) {
      if (number !== position.next) return;
      await goTo(number + 1, { [outcome]: position[outcome] + 1 });
    },
    async purge() {
      const count = end - position.next;
      await goTo(end, { dropped: position.dropped + count });
      return count;
    },
    async [Symbol.asyncDispose]() {
      for (let busy = writing; busy; busy = writing) await busy;
      clearTimeout(syncTimer);
      await syncing;
      await positionWritten;
      await sync();
      await active?.close();
      await positionFile.close();
    },
  };
}

const lineFeed = 0x0a;

function countLines(bytes: Uint8Array): number {
  let count = 0;
  for (let at = bytes.indexOf(lineFeed); at >= 0; at = bytes.indexOf(lineFeed, at + 1)) count += 1;
  return count;
}

async function openRecord(path: string): Promise<FileHandle> {
  try {
    return await open(path, 'r+');
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw error;
    return await open(path, 'w+', 0o600);
  }
}

async function readRecord(file: FileHandle): Promise<z.output<typeof positionRecord> | undefined> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(recordBytes), 0, recordBytes, 0);
  try {
    return positionRecord.safeParse(JSON.parse(buffer.toString('utf8', 0, bytesRead))).data;
  } catch {
    // Never written, or torn by a power cut: everything that is left is delivered, some of it again.
    return undefined;
  }
}
