/**
 * The audit: who did what, from where, as lines of JSON, one file a month, only ever appended to. Whole months go when
 * their time is over.
 *
 *   berth/audit/2026-07.ndjson
 *     {"at":"...","kind":"tagMoved","outcome":"done","user":"anna","address":"10.0.0.7","client":"docker 28.2",
 *      "repository":"team/api","tag":"1.4","digest":"sha256:...","requestId":"...","journal":["2026-07",4711]}
 *
 * **A line is in the file when `append` resolves**, so it outlives a kill of the process. Against a power cut the file is
 * synced at most a second later, since a push already waits for the fsync of the journal and shall not wait for two. What
 * a power cut took is written again at the next start, from the journal: a line that came from there carries its place
 * behind it, and what follows the last such place is missing here. Those lines lack address and request.
 *
 * **A search reads backwards**, 64 KiB at a time and at most `scanBytes` for one answer, so that a search for nothing in
 * a year of lines is many short answers and not one long one.
 */
import { type FileHandle, open, rm, stat } from 'node:fs/promises';
import { z } from 'zod';
import { makePrivateDirectory, syncDirectory, systemCode, unusable } from '../disk/private-file.ts';
import type { AuditFilter, AuditPage } from '../spec/admin/activity.ts';
import { auditKinds, type AuditRow } from '../spec/audit.ts';
import { AppError } from '../spec/errors.ts';
import type { Log } from '../spec/log-record.ts';
import { checkRepository } from '../spec/names.ts';
import type { Journal, JournalEntry, JournalPosition } from './journal.ts';
import { lineFeed, monthAt, monthlyFiles } from './monthly-files.ts';

/** A line before it is written. */
export interface AuditEntry extends Omit<AuditRow, 'id'> {
  /** The place behind the line of the journal that tells the same. */
  readonly journal?: JournalPosition;
}

export interface Audit extends AsyncDisposable {
  /**
   * Writes a line; it is in the file when this resolves, and on the disk with `isSynced`, or within a second.
   * @throws what node:fs throws
   */
  append(entry: AuditEntry, options?: { readonly isSynced?: boolean }): Promise<AuditRow>;
  /**
   * The lines that match, the newest first.
   * @throws AppError PAGE_INVALID when `after` is not the `next` of such a list
   */
  list(query: AuditQuery): Promise<AuditPage>;
  /** Writes again what the journal has behind the last of its lines that is here. Answers how many lines. */
  recover(journal: Journal): Promise<number>;
  /** Removes the months that ended longer than the time ago that lines are kept. */
  expire(): Promise<void>;
}

type AuditWanted = Partial<AuditFilter>;

export interface AuditQuery extends AuditWanted {
  readonly after?: string | undefined;
  readonly limit: number;
  readonly signal?: AbortSignal;
}

export interface AuditOptions {
  /** Made with mode 0700 where it is absent. */
  readonly directory: string;
  readonly log: Log;
  readonly keepMs: () => number;
  /** How much one answer reads at most. */
  readonly scanBytes?: number;
  /** The wall clock, in milliseconds since the epoch. */
  readonly now?: () => number;
}

const blockBytes = 64 * 1024;
const syncMs = 1000;
const dayMs = 24 * 60 * 60 * 1000;
/** Lines are noted when the act is over, so their times can be out of order by what an act takes. */
const disorderMs = 5 * 60 * 1000;

const storedLine = z.object({
  at: z.iso.datetime(),
  kind: z.enum(auditKinds),
  outcome: z.enum(['done', 'failed']),
  user: z.string().exactOptional(),
  address: z.string().exactOptional(),
  client: z.string().exactOptional(),
  repository: z.string().exactOptional(),
  tag: z.string().exactOptional(),
  digest: z.string().exactOptional(),
  from: z.string().exactOptional(),
  subject: z.string().exactOptional(),
  detail: z.string().exactOptional(),
  count: z.int().exactOptional(),
  requestId: z.string().exactOptional(),
  failedRequest: z.string().exactOptional(),
  journal: z.tuple([z.string(), z.int()]).exactOptional(),
});

interface Place {
  readonly month: string;
  readonly offset: number;
}

interface Waiting {
  readonly entry: AuditEntry;
  readonly isSynced: boolean;
  readonly done: PromiseWithResolvers<AuditRow>;
}

/**
 * Opens the audit, drops a torn last line, and removes what is too old, now and every day.
 * @throws AppError DATA_UNUSABLE
 */
export async function openAudit(options: AuditOptions): Promise<Audit> {
  const { directory, keepMs, scanBytes = 8 * 1024 * 1024, now = Date.now } = options;
  const log = options.log.for('jobs');
  const files = monthlyFiles(directory);
  const { pathOf, months } = files;
  let queue: Waiting[] = [];
  let writing: Promise<void> | undefined;
  let file: FileHandle | undefined;
  let end: Place = { month: '', offset: 0 };
  let syncTimer: NodeJS.Timeout | undefined;
  let isUnsynced = false;
  let isNewMonth = false;

  async function openNewest(): Promise<void> {
    await makePrivateDirectory(directory);
    const newest = await files.openNewest();
    if (newest === undefined) return;
    file = newest.file;
    end = { month: newest.month, offset: newest.size };
  }

  // --- writing ---

  async function drain(): Promise<void> {
    while (queue.length > 0) {
      const batch = queue;
      queue = [];
      try {
        const rows = await write(batch);
        for (const [at, { done }] of batch.entries()) done.resolve(rows[at] as AuditRow);
      } catch (error) {
        await giveUp();
        for (const { done } of batch) done.reject(error);
      }
    }
    // In the same step as the look at the queue: who was just answered may append before a promise could tell.
    writing = undefined;
  }

  async function write(batch: readonly Waiting[]): Promise<readonly AuditRow[]> {
    const month = monthAt(now(), end.month);
    if (month !== end.month || file === undefined) await openMonth(month);
    const lines = batch.map(({ entry: { journal, ...row } }) => {
      const place = journal === undefined ? {} : { journal: [journal.month, journal.offset] };
      return { row, bytes: Buffer.from(`${JSON.stringify({ ...row, ...place })}\n`) };
    });
    await file?.appendFile(Buffer.concat(lines.map(({ bytes }) => bytes)));
    isUnsynced = true;
    if (batch.some(({ isSynced }) => isSynced)) await sync();
    else syncSoon();
    return lines.map(({ row, bytes }) => {
      const id = `${month}:${end.offset}`;
      end = { month, offset: end.offset + bytes.length };
      return { id, ...row };
    });
  }

  async function openMonth(month: string): Promise<void> {
    const offset = month === end.month ? end.offset : 0;
    const opened = await open(pathOf(month), 'a+', 0o600);
    await sync();
    await file?.close();
    file = opened;
    await opened.truncate(offset);
    isNewMonth = true;
    end = { month, offset };
  }

  /** The file is opened anew for the next line, and cut back to the last whole one. */
  async function giveUp(): Promise<void> {
    const broken = file;
    file = undefined;
    // What the close of a file tells that failed already adds nothing.
    isUnsynced = false;
    await broken?.close().catch(() => undefined);
  }

  function syncSoon(): void {
    syncTimer ??= setTimeout(() => {
      syncTimer = undefined;
      sync().catch((error: unknown) => {
        log.error('auditFailed', 'the audit could not be made safe against a power cut', {
          file: directory,
          error: systemCode(error) ?? 'unknown error',
          hint: 'check the disk and its free space',
        });
      });
    }, syncMs).unref();
  }

  async function sync(): Promise<void> {
    if (!isUnsynced) return;
    isUnsynced = false;
    await file?.datasync();
    if (isNewMonth) await syncDirectory(directory);
    isNewMonth = false;
  }

  function append(entry: AuditEntry, { isSynced = false } = {}): Promise<AuditRow> {
    const done = Promise.withResolvers<AuditRow>();
    queue.push({ entry, isSynced, done });
    writing ??= drain();
    return done.promise;
  }

  // --- reading ---

  async function list({ after, limit, signal, ...filter }: AuditQuery): Promise<AuditPage> {
    const start = after === undefined ? end : readCursor(after);
    const isWanted = matcher(filter);
    const oldest = filter.since === undefined ? '' : timeText(Date.parse(filter.since) - disorderMs);
    const rows: AuditRow[] = [];
    let scanned = 0;
    for (const month of (await months()).toReversed()) {
      if (month > start.month || (filter.until !== undefined && month > filter.until.slice(0, 7))) continue;
      const to = month === start.month ? start.offset : (await stat(pathOf(month))).size;
      for await (const lines of linesBackwards(pathOf(month), to)) {
        signal?.throwIfAborted();
        for (const { text, offset, endOffset } of lines) {
          if (rows.length === limit) return { rows, next: writeCursor({ month, offset: endOffset }) };
          if (timeIn(text) < oldest) return { rows };
          const row = isWanted(text);
          if (row !== undefined) rows.push({ id: `${month}:${offset}`, ...row });
        }
        scanned += blockBytes;
        const offset = lines.at(-1)?.offset;
        if (scanned >= scanBytes && offset !== undefined)
          return { rows, next: writeCursor({ month, offset }) };
      }
    }
    return { rows };
  }

  async function recover(journal: Journal): Promise<number> {
    const after = await lastJournalPlace();
    if (after === undefined || !(await journal.has(after))) return 0;
    let count = 0;
    for await (const recorded of journal.read({ after, until: journal.end })) {
      for (const { entry, position } of recorded) {
        const line = auditOf(entry);
        if (line === undefined) continue;
        await append({ ...line, journal: position });
        count += 1;
      }
    }
    if (count > 0) {
      log.warn('auditRecovered', 'lines of the audit were lost and were written again from the journal', {
        file: directory,
        count,
      });
    }
    return count;
  }

  /** Where there was no move for long, there is nothing that could be missing, and the start shall not wait. */
  async function lastJournalPlace(): Promise<JournalPosition | undefined> {
    let scanned = 0;
    for (const month of (await months()).toReversed().slice(0, 2)) {
      for await (const lines of linesBackwards(pathOf(month), (await stat(pathOf(month))).size)) {
        for (const { text } of lines) {
          const [journalMonth, offset] = parseLine(text)?.journal ?? [];
          if (journalMonth !== undefined && offset !== undefined) return { month: journalMonth, offset };
        }
        scanned += blockBytes;
        if (scanned >= scanBytes) return undefined;
      }
    }
    return undefined;
  }

  async function expire(): Promise<void> {
    const before = new Date(now() - keepMs()).toISOString().slice(0, 7);
    for (const month of await months()) {
      if (month >= before || month === end.month) continue;
      await rm(pathOf(month), { force: true });
      log.info('auditExpired', 'a month of the audit was removed', { file: pathOf(month) });
    }
  }

  async function expireBeside(): Promise<void> {
    await expire().catch((error: unknown) => {
      log.warn('auditKept', 'old months of the audit could not be removed', {
        file: directory,
        error: systemCode(error) ?? 'unknown error',
      });
    });
  }

  try {
    await openNewest();
  } catch (error) {
    throw unusable(`Cannot open the audit "${directory}"`, error);
  }
  await expireBeside();
  const daily = setInterval(() => void expireBeside(), dayMs).unref();
  return {
    append,
    list,
    recover,
    expire,
    async [Symbol.asyncDispose]() {
      clearInterval(daily);
      clearTimeout(syncTimer);
      for (let busy = writing; busy; busy = writing) await busy;
      await sync();
      await file?.close();
    },
  };
}

/** What the audit says about a line of the journal; `undefined` for counted pulls. */
export function auditOf(entry: JournalEntry): AuditEntry | undefined {
  const { at, repository } = entry;
  if (entry.kind === 'pull') return undefined;
  const { by, client } = entry;
  const line = {
    at,
    outcome: 'done',
    ...(by === undefined ? {} : { user: by }),
    ...(client === undefined ? {} : { client }),
    repository,
  } as const;
  if (entry.kind === 'manifestDelete') return { ...line, kind: 'manifestDeleted', digest: entry.digest };
  const { kind, tag, from, to } = entry;
  const digest = to ?? from;
  return {
    ...line,
    kind: kind === 'move' ? 'tagMoved' : kind === 'delete' ? 'tagDeleted' : 'restored',
    tag,
    ...(digest === undefined ? {} : { digest }),
    ...(from === undefined || to === undefined ? {} : { from }),
  };
}

interface Line {
  readonly text: string;
  readonly offset: number;
  readonly endOffset: number;
}

/** The whole lines before an offset, block by block, the last first. */
async function* linesBackwards(path: string, to: number): AsyncGenerator<readonly Line[]> {
  await using file = await open(path, 'r');
  const block = Buffer.alloc(blockBytes);
  let rest: Buffer = Buffer.alloc(0);
  for (let position = to; position > 0;) {
    const from = Math.max(0, position - block.length);
    const { bytesRead } = await file.read(block, 0, position - from, from);
    // Shorter than it was: a failed line was cut off.
    if (bytesRead < position - from) return;
    const bytes = Buffer.concat([block.subarray(0, bytesRead), rest]);
    // The first line of a block may begin before it.
    const first = from === 0 ? 0 : bytes.indexOf(lineFeed) + 1;
    const lines: Line[] = [];
    for (let at = first, feed = bytes.indexOf(lineFeed, at); feed >= 0; feed = bytes.indexOf(lineFeed, at)) {
      lines.push({ text: bytes.toString('utf8', at, feed), offset: from + at, endOffset: from + feed + 1 });
      at = feed + 1;
    }
    rest = bytes.subarray(0, first);
    position = from;
    yield lines.toReversed();
  }
}

function parseLine(text: string): z.output<typeof storedLine> | undefined {
  try {
    return storedLine.safeParse(JSON.parse(text)).data;
  } catch {
    // Bytes that a disk gave back wrong.
    return undefined;
  }
}

/** Every line begins with `{"at":"2026-07-01T00:00:00.000Z"`. */
function timeIn(text: string): string {
  return text.slice(7, 31);
}

function timeText(ms: number): string {
  return new Date(Math.max(0, ms)).toISOString();
}

/**
 * Answers the row of a line that matches. Fields are looked for as they are written, so that most lines of a search need
 * not be parsed; quotes inside of a value have a backslash before them, so no value can look like a field.
 */
function matcher({ kind, user, repository, since, until, q, withoutChecks = false }: AuditWanted) {
  const needles = Object.entries({ kind, user, repository }).flatMap(([name, value]) =>
    value === undefined ? [] : [`"${name}":${JSON.stringify(value)}`],
  );
  const from = since === undefined ? '' : timeText(Date.parse(since));
  const to = until === undefined ? '~' : timeText(Date.parse(until));
  const word = q?.toLowerCase() ?? '';
  const written = JSON.stringify(word).slice(1, -1);
  return (text: string): Omit<AuditRow, 'id'> | undefined => {
    const time = timeIn(text);
    if (time < from || time > to || !needles.every((needle) => text.includes(needle))) return undefined;
    if (written !== '' && !text.toLowerCase().includes(written)) return undefined;
    const line = parseLine(text);
    if (line === undefined) return undefined;
    const { journal: _, ...row } = line;
    if (withoutChecks && row.repository === checkRepository && row.outcome === 'done') return undefined;
    const isFound =
      word === '' || Object.values(row).some((value) => String(value).toLowerCase().includes(word));
    return isFound ? row : undefined;
  };
}

function writeCursor({ month, offset }: Place): string {
  return `${month}:${offset}`;
}

function readCursor(text: string): Place {
  const [, month, offset] = /^(\d{4}-\d{2}):(\d{1,15})$/.exec(text) ?? [];
  if (month !== undefined && offset !== undefined) return { month, offset: Number(offset) };
  throw new AppError('PAGE_INVALID', {
    message: 'The page to go on from is not one of this list.',
    hint: 'Pass the `next` of the page before, or none for the first page.',
  });
}
