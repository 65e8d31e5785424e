/** The log files, read back: the oldest first, page by page, in spite of files that are put aside meanwhile. */
import { type FileHandle, open } from 'node:fs/promises';
import { AppError } from '../spec/errors.ts';
import { formatRecord, type LineFormat } from '../spec/log-line.ts';
import { type FieldValue, levels, type LogRecord, subsystems } from '../spec/log-record.ts';

export interface ReadLogOptions {
  /** The newest file; older ones end in `.1` to `.4`. */
  readonly path: string;
  readonly isWanted: (record: LogRecord) => boolean;
  readonly format: LineFormat;
  /** Files that were not written to since need not be opened, in milliseconds since the epoch. */
  readonly sinceMs?: number;
  /** `next` of the page before. */
  readonly after?: string | undefined;
  /** How much one page reads at most. */
  readonly scanBytes?: number;
  readonly signal?: AbortSignal;
}

export interface LogPage {
  /** Each with its line feed. */
  readonly lines: readonly string[];
  readonly next?: string;
}

const keptFiles = 5;
const mostLines = 500;
const blockBytes = 64 * 1024;

/**
 * Answers the lines that are wanted.
 * @throws AppError PAGE_INVALID when `after` is not the `next` of a page
 */
export async function readLog(options: ReadLogOptions): Promise<LogPage> {
  const { path, isWanted, format, sinceMs = 0, after, scanBytes = 4 * 1024 * 1024, signal } = options;
  const start = after === undefined ? undefined : readCursor(after);
  await using files = new AsyncDisposableStack();
  const found: { readonly file: FileHandle; readonly inode: number; readonly writtenAt: number }[] = [];
  for (let age = keptFiles - 1; age >= 0; age -= 1) {
    const file = await openIfThere(age === 0 ? path : `${path}.${age}`);
    if (file === undefined) continue;
    files.use(file);
    const { ino, mtimeMs } = await file.stat();
    // Put aside between two steps of this loop: seen already.
    if (!found.some(({ inode }) => inode === ino)) found.push({ file, inode: ino, writtenAt: mtimeMs });
  }
  // A file that fell away meanwhile: what is left is younger.
  const first = Math.max(
    0,
    found.findIndex(({ inode }) => inode === start?.inode),
  );
  const lines: string[] = [];
  let scanned = 0;
  for (const { file, inode, writtenAt } of found.slice(first)) {
    if (writtenAt < sinceMs) continue;
    for await (const block of linesOf(file, inode === start?.inode ? start.offset : 0)) {
      signal?.throwIfAborted();
      for (const { text, endOffset } of block) {
        const record = parseLine(text);
        if (record !== undefined && isWanted(record)) lines.push(lineAs(format, text, record));
        if (lines.length === mostLines) return { lines, next: `${inode}:${endOffset}` };
      }
      scanned += blockBytes;
      const last = block.at(-1);
      if (scanned >= scanBytes && last !== undefined) return { lines, next: `${inode}:${last.endOffset}` };
    }
  }
  return { lines };
}

async function openIfThere(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path, 'r');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

function readCursor(text: string): { readonly inode: number; readonly offset: number } {
  const [, inode, offset] = /^(\d{1,16}):(\d{1,15})$/.exec(text) ?? [];
  if (inode !== undefined && offset !== undefined) return { inode: Number(inode), offset: Number(offset) };
  throw new AppError('PAGE_INVALID', {
    message: 'The page to go on from is not one of this list.',
    hint: 'Pass the `next` of the page before, or none for the first page.',
  });
}

/** The whole lines from an offset on, block by block. */
async function* linesOf(
  file: FileHandle,
  from: number,
): AsyncGenerator<readonly { readonly text: string; readonly endOffset: number }[]> {
  const block = Buffer.alloc(blockBytes);
  let rest: Buffer = Buffer.alloc(0);
  for (let position = from; ;) {
    const { bytesRead } = await file.read(block, 0, block.length, position);
    if (bytesRead === 0) return;
    const start = position - rest.length;
    position += bytesRead;
    const bytes = Buffer.concat([rest, block.subarray(0, bytesRead)]);
    const lines: { text: string; endOffset: number }[] = [];
    let at = 0;
    for (let feed = bytes.indexOf(0x0a); feed >= 0; feed = bytes.indexOf(0x0a, at)) {
      lines.push({ text: bytes.toString('utf8', at, feed), endOffset: start + feed + 1 });
      at = feed + 1;
    }
    rest = bytes.subarray(at);
    yield lines;
  }
}

function lineAs(format: LineFormat, text: string, record: LogRecord): string {
  return text.startsWith('{') === (format === 'json') ? `${text}\n` : formatRecord(record, format);
}

/** A line of either format as a record; `undefined` for anything else. Values of a line of text are all texts. */
export function parseLine(line: string): LogRecord | undefined {
  const all = line.startsWith('{') ? parseJson(line) : parseText(line);
  const { time, level: shown, msg = '', sys, event = '', ...fields } = all;
  const at = Date.parse(String(time));
  const level = levels.find((each) => each === (shown === 'warning' ? 'warn' : shown));
  const part = subsystems.find((each) => each === sys);
  if (Number.isNaN(at) || level === undefined || part === undefined) return undefined;
  return { at, level, sys: part, event: String(event), msg: String(msg), fields };
}

type Fields = Readonly<Record<string, FieldValue>>;

function parseJson(line: string): Fields {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null ? (value as Fields) : {};
  } catch {
    // A line that was torn when the disk was full.
    return {};
  }
}

const pair = /([^\s="]+)=(?:"((?:[^"\\]|\\.)*)"|(\S*))(?:\s|$)/g;

function parseText(line: string): Fields {
  return Object.fromEntries(
    [...line.matchAll(pair)].map(([, name = '', quoted, bare = '']) => [
      name,
      quoted === undefined ? bare : unquote(quoted),
    ]),
  );
}

/** The escapes that `quote` of format.ts writes. */
function unquote(text: string): string {
  return text.replaceAll(
    /\\(?:x([0-9a-f]{2})|u([0-9a-f]{4})|U([0-9a-f]{8})|(.))/g,
    (_, byte?: string, short?: string, long?: string, one = '') => {
      const hex = byte ?? short ?? long;
      return hex === undefined ? (one === 't' ? '\t' : one) : String.fromCodePoint(Number.parseInt(hex, 16));
    },
  );
}
