/**
 * The journal: what the tree of the registry cannot tell, as lines of JSON, one file a month, only ever appended to.
 *
 *   berth/journal/2026-07.ndjson
 *     {"at":"...","kind":"move","repository":"team/api","tag":"1.4","from":"sha256:...","to":"sha256:...","by":"anna",
 *      "client":"docker 28.2"}
 *     {"at":"...","kind":"delete", ...}  {"at":"...","kind":"restore", ...}        a tag; from or to absent where none
 *     {"at":"...","kind":"manifestDelete","repository":"...","digest":"...","by":"anna"}
 *     {"at":"...","kind":"pull","repository":"...","tags":["1.4","latest"],"count":7}      a sum, the time of the last
 *
 * A position is a month and an offset in its file; it grows with every line. Lines that wait together are written and
 * fsynced together. After a failed write the file is opened anew and cut back to the last durable line: a failed fsync
 * is never retried. A clock that goes back a month does not: lines go on in the newest file.
 */
import { constants as osConstants } from 'node:os';
import { type FileHandle, open } from 'node:fs/promises';
import { z } from 'zod';
import { makePrivateDirectory, syncDirectory, systemCode, unusable } from '../disk/private-file.ts';
import { AppError } from '../spec/errors.ts';
import type { Log } from '../spec/log-record.ts';
import { lineFeed, monthAt, monthlyFiles } from './monthly-files.ts';

const journalEntry = z.discriminatedUnion('kind', [
  z.object({
    at: z.iso.datetime(),
    kind: z.enum(['move', 'delete', 'restore']),
    repository: z.string(),
    tag: z.string(),
    from: z.string().optional(),
    to: z.string().optional(),
    by: z.string().optional(),
    client: z.string().optional(),
  }),
  z.object({
    at: z.iso.datetime(),
    kind: z.literal('manifestDelete'),
    repository: z.string(),
    digest: z.string(),
    by: z.string().optional(),
    client: z.string().optional(),
  }),
  z.object({
    at: z.iso.datetime(),
    kind: z.literal('pull'),
    repository: z.string(),
    tags: z.array(z.string()),
    count: z.int().min(1),
  }),
]);

/** One line of the journal. */
export type JournalEntry = Readonly<z.output<typeof journalEntry>>;

/** The place behind a line. */
export interface JournalPosition {
  /** `2026-07`; empty before the first line. */
  readonly month: string;
  readonly offset: number;
}

export interface Recorded {
  readonly entry: JournalEntry;
  /** Behind this line. */
  readonly position: JournalPosition;
}

export interface Journal extends AsyncDisposable {
  /** Behind the last durable line. */
  readonly end: JournalPosition;
  /**
   * Writes a line, and answers the place behind it; durable when it resolves.
   * @throws AppError STORAGE_FULL, STORAGE_READ_ONLY, STORAGE_FAILED
   */
  append(entry: JournalEntry): Promise<JournalPosition>;
  /** Calls for every line from here on, in order, once it is durable and before its `append` resolves. Must not throw. */
  follow(listener: (recorded: Recorded) => void): Disposable;
  /** The lines between two positions in small batches; lines that cannot be read are left out and counted in the log. */
  read(range: {
    readonly after: JournalPosition;
    readonly until: JournalPosition;
  }): AsyncIterable<readonly Recorded[]>;
  /** True when a line ends at the position: false for the position of another, lost or shortened journal. */
  has(position: JournalPosition): Promise<boolean>;
}

type Listener = (recorded: Recorded) => void;

export const journalStart: JournalPosition = { month: '', offset: 0 };

export function isSamePosition(a: JournalPosition, b: JournalPosition): boolean {
  return a.month === b.month && a.offset === b.offset;
}

export interface JournalOptions {
  /** Made with mode 0700 where it is absent. */
  readonly directory: string;
  readonly log: Log;
  /** The wall clock, in milliseconds since the epoch. */
  readonly now?: () => number;
}

const readBytes = 64 * 1024;

interface Waiting {
  readonly entry: JournalEntry;
  readonly done: PromiseWithResolvers<JournalPosition>;
}

/**
 * Opens the journal and drops a torn last line.
 * @throws AppError DATA_UNUSABLE
 */
export async function openJournal({
  directory,
  log: root,
  now = Date.now,
}: JournalOptions): Promise<Journal> {
  const log = root.for('jobs');
  await makePrivateDirectory(directory);
  const files = monthlyFiles(directory);
  const { pathOf, months } = files;
  const listeners = new Set<Listener>();
  let queue: Waiting[] = [];
  let writing: Promise<void> | undefined;
  let file: FileHandle | undefined;
  let end = journalStart;

  async function openNewest(): Promise<void> {
    const newest = await files.openNewest();
    if (newest === undefined) return;
    const { month, size, tornBytes } = newest;
    file = newest.file;
    if (tornBytes > 0) {
      await file.datasync();
      log.warn('journalCut', 'a torn last line of the journal was dropped', {
        file: pathOf(month),
        bytes: tornBytes,
      });
    }
    end = { month, offset: size };
  }

  async function drain(): Promise<void> {
    while (queue.length > 0) {
      const batch = queue;
      queue = [];
      try {
        const recorded = await write(batch);
        for (const each of recorded) for (const listener of listeners) listener(each);
        for (const [at, { done }] of batch.entries()) done.resolve(recorded[at]?.position ?? end);
      } catch (error) {
        const broken = file;
        file = undefined;
        // What the close of a file tells that failed already adds nothing; the failure itself is thrown below.
        await broken?.close().catch(() => undefined);
        for (const { done } of batch) done.reject(notWritten(directory, error));
      }
    }
    // In the same step as the look at the queue: who was just answered may append before a promise could tell.
    writing = undefined;
  }

  async function write(batch: readonly Waiting[]): Promise<readonly Recorded[]> {
    const month = monthAt(now(), end.month);
    if (month !== end.month || file === undefined) await openMonth(month);
    const lines = batch.map(({ entry }) => Buffer.from(`${JSON.stringify(entry)}\n`));
    await file?.appendFile(Buffer.concat(lines));
    await file?.datasync();
    return batch.map(({ entry }, at) => {
      end = { month, offset: end.offset + (lines[at]?.length ?? 0) };
      return { entry, position: end };
    });
  }

  async function openMonth(month: string): Promise<void> {
    const offset = month === end.month ? end.offset : 0;
    const opened = await open(pathOf(month), 'a+', 0o600);
    await file?.close();
    file = opened;
    await opened.truncate(offset);
    await syncDirectory(directory);
    end = { month, offset };
  }

  async function* read({ after, until }: Parameters<Journal['read']>[0]): ReturnType<Journal['read']> {
    let unreadable = 0;
    for (const month of await months()) {
      if (month < after.month || month > until.month) continue;
      const from = month === after.month ? after.offset : 0;
      const to = month === until.month ? until.offset : Number.POSITIVE_INFINITY;
      for await (const lines of linesOf(pathOf(month), from, to)) {
        const recorded: Recorded[] = [];
        for (const { text, offset } of lines) {
          const entry = parseEntry(text);
          if (entry === undefined) unreadable++;
          else recorded.push({ entry, position: { month, offset } });
        }
        yield recorded;
      }
    }
    if (unreadable > 0) {
      log.warn('journalUnread', 'lines of the journal could not be read and were left out', {
        file: directory,
        count: unreadable,
      });
    }
  }

  async function has({ month, offset }: JournalPosition): Promise<boolean> {
    if (month === '') return true;
    if (month > end.month || (month === end.month && offset > end.offset)) return false;
    if (offset === 0) return true;
    if (!(await months()).includes(month)) return false;
    await using handle = await open(pathOf(month), 'r');
    const last = Buffer.alloc(1);
    const { bytesRead } = await handle.read(last, 0, 1, offset - 1);
    return bytesRead === 1 && last[0] === lineFeed;
  }

  try {
    await openNewest();
  } catch (error) {
    throw unusable(`Cannot open the journal "${directory}"`, error);
  }
  return {
    get end() {
      return end;
    },
    append(entry) {
      const done = Promise.withResolvers<JournalPosition>();
      queue.push({ entry, done });
      writing ??= drain();
      return done.promise;
    },
    follow: (listener) => subscribe(listeners, listener),
    read,
    has,
    async [Symbol.asyncDispose]() {
      for (let busy = writing; busy; busy = writing) await busy;
      await file?.close();
    },
  };
}

/** A journal that ends with the process, for storage in memory. */
export function createMemoryJournal(): Journal {
  const kept: Recorded[] = [];
  const listeners = new Set<Listener>();
  return {
    get end() {
      return kept.at(-1)?.position ?? journalStart;
    },
    append(entry) {
      const recorded = { entry, position: { month: '', offset: kept.length + 1 } };
      kept.push(recorded);
      for (const listener of listeners) listener(recorded);
      return Promise.resolve(recorded.position);
    },
    follow: (listener) => subscribe(listeners, listener),
    async *read({ after, until }) {
      yield kept.slice(after.offset, until.offset);
    },
    has: ({ month, offset }) => Promise.resolve(month === '' && offset <= kept.length),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

function subscribe(listeners: Set<Listener>, listener: Listener): Disposable {
  listeners.add(listener);
  return { [Symbol.dispose]: () => void listeners.delete(listener) };
}

/** The whole lines between two offsets, each with the offset behind it. */
async function* linesOf(
  path: string,
  from: number,
  to: number,
): AsyncGenerator<readonly { readonly text: string; readonly offset: number }[]> {
  await using file = await open(path, 'r');
  const block = Buffer.alloc(readBytes);
  let rest: Buffer = Buffer.alloc(0);
  for (let position = from; position < to;) {
    const { bytesRead } = await file.read(block, 0, Math.min(block.length, to - position), position);
    if (bytesRead === 0) return;
    const start = position - rest.length;
    position += bytesRead;
    const bytes = Buffer.concat([rest, block.subarray(0, bytesRead)]);
    const lines: { text: string; offset: number }[] = [];
    let at = 0;
    for (let feed = bytes.indexOf(lineFeed); feed >= 0; feed = bytes.indexOf(lineFeed, at)) {
      lines.push({ text: bytes.toString('utf8', at, feed), offset: start + feed + 1 });
      at = feed + 1;
    }
    rest = bytes.subarray(at);
    yield lines;
  }
}

function parseEntry(text: string): JournalEntry | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // Bytes that a disk gave back wrong; the reader counts the line.
    return undefined;
  }
  return journalEntry.safeParse(value).data;
}

function notWritten(directory: string, cause: unknown): AppError {
  const code = systemCode(cause);
  const errno = cause instanceof Error && 'errno' in cause ? cause.errno : undefined;
  const message = `The journal "${directory}" could not be written (${code ?? 'unknown error'}).`;
  // Node has no name for EDQUOT, only its number.
  if (code === 'ENOSPC' || errno === -osConstants.errno.EDQUOT) {
    return new AppError('STORAGE_FULL', { message, cause });
  }
  if (code === 'EROFS' || code === 'EACCES' || code === 'EPERM') {
    return new AppError('STORAGE_READ_ONLY', { message, cause });
  }
  return new AppError('STORAGE_FAILED', { message, cause });
}
