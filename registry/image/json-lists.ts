/**
 * The elements of large lists in a JSON document, one by one: to parse 32 MiB at once holds up everybody for half a second.
 * Only as much of the grammar is known as it takes to find where values begin and end; each element is parsed by its
 * reader.
 */
import { AppError } from '../spec/errors.ts';
import type { Pause } from './rows.ts';

export interface ListScan {
  /** Keys whose lists are wanted: of the document itself, and of the object below its key `inside`. */
  readonly names: readonly string[];
  readonly inside: string;
  /** Gets each element that is an object. */
  readonly element: (name: string, json: string) => void;
  readonly pause: Pause;
}

const quote = 0x22;
const backslash = 0x5c;
const openers = [0x7b, 0x5b];
const closers = [0x7d, 0x5d];
const colon = 0x3a;
const comma = 0x2c;
const deepest = 500;
const elementLimit = 1024 * 1024;

interface Level {
  readonly isObject: boolean;
  /** Of the value that is being read. */
  key: string | undefined;
  /** The name of the wanted list that this is. */
  readonly list: string | undefined;
  /** True for the document, and for the object below `inside`. */
  readonly isTop: boolean;
}

/**
 * Walks the document and answers which keys stand where wanted lists may.
 * @throws AppError CONTENT_UNREADABLE for what is no JSON object, or is cut off
 */
export async function scanLists(
  bytes: Buffer,
  { names, inside, element, pause }: ListScan,
): Promise<{ readonly keys: ReadonlySet<string> }> {
  const keys = new Set<string>();
  const levels: Level[] = [];
  let text: string | undefined;
  let elementStart = -1;
  for (let at = 0, paused = 0; at < bytes.length; at++) {
    if (at - paused > 65_536) {
      paused = at;
      await pause();
    }
    const byte = bytes[at] ?? 0;
    const level = levels.at(-1);
    if (byte === quote) {
      const end = endOfString(bytes, at);
      // Only keys where lists may be, and those are short.
      if (level?.isTop === true && end - at < 100) text = bytes.toString('utf8', at + 1, end);
      at = end;
    } else if (byte === colon) {
      if (level?.isTop === true) {
        level.key = text;
        if (text !== undefined) keys.add(text);
      }
    } else if (byte === comma) {
      text = undefined;
    } else if (openers.includes(byte)) {
      if (level === undefined && (byte !== openers[0] || levels.length > 0))
        throw unreadable('it is no JSON object');
      if (levels.length >= deepest) throw unreadable('it is nested too deeply');
      const isObject = byte === openers[0];
      if (level?.list !== undefined && isObject) elementStart = at;
      const key = level?.isTop === true ? level.key : undefined;
      levels.push({
        isObject,
        key: undefined,
        list: !isObject && key !== undefined && names.includes(key) ? key : undefined,
        isTop: isObject && (level === undefined || (levels.length === 1 && key === inside)),
      });
    } else if (closers.includes(byte)) {
      const closed = levels.pop();
      if (closed === undefined || closed.isObject !== (byte === closers[0]))
        throw unreadable('it is no JSON');
      const list = levels.at(-1)?.list;
      if (list !== undefined && closed.isObject) {
        if (at - elementStart > elementLimit) throw unreadable('one of its entries is too large');
        element(list, bytes.toString('utf8', elementStart, at + 1));
      }
    } else if (level === undefined && !isSpace(byte)) {
      throw unreadable('it is no JSON object');
    }
  }
  if (levels.length > 0 || keys.size === 0) throw unreadable('it is cut off, or says nothing');
  return { keys };
}

function endOfString(bytes: Buffer, start: number): number {
  for (let end = bytes.indexOf(quote, start + 1); end !== -1; end = bytes.indexOf(quote, end + 1)) {
    let slashes = 0;
    while (bytes[end - 1 - slashes] === backslash) slashes += 1;
    if (slashes % 2 === 0) return end;
  }
  throw unreadable('it is cut off');
}

/** Also the mark of the order of bytes, which some programs of Windows write first. */
function isSpace(byte: number): boolean {
  return [0x20, 0x09, 0x0a, 0x0d, 0xef, 0xbb, 0xbf].includes(byte);
}

function unreadable(what: string): AppError {
  return new AppError('CONTENT_UNREADABLE', { message: `The document cannot be read: ${what}.` });
}
