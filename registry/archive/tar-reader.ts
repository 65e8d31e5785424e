/**
 * Reads archives as they arrive, in all forms that layers have: POSIX ustar and pax (IEEE Std 1003.1, pax, "ustar
 * Interchange Format", "pax Extended Header"), GNU tar's long names, large numbers and sparse files, and what came before.
 *
 *     header (512)  0 name 100  mode 108  uid 116  gid 124  size 136  mtime 148  checksum 156  type 157  link name
 *                   257 "ustar\0" "00"  345 prefix of the name ... 500
 *     content, padded with zeros to 512        two blocks of zeros at the end
 *
 * An entry may have extensions before it, which are archived like files: `x` pax records, `L` and `K` a long name and link
 * name. As in Go's archive/tar, which docker and containerd unpack layers with, global pax records (`g`) change nothing.
 */
import { AppError } from '../spec/errors.ts';

/** A `device` is one of characters or blocks; `other` is what only one program knows. */
export type TarType = 'file' | 'directory' | 'symlink' | 'hardlink' | 'device' | 'pipe' | 'other';

export interface TarHeader {
  /** As archived, without a slash at the end: it may begin with `/` or hold `..`. */
  readonly name: string;
  readonly type: TarType;
  /** Permission bits. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Of the content, in bytes; 0 for everything but files. A sparse file has its full size. */
  readonly size: number;
  /** Seconds since 1970. */
  readonly modifiedAt: number;
  /** Where a link points; empty for everything else. */
  readonly link: string;
  /** The archive holds parts of the content only, and a map of them before. */
  readonly isSparse: boolean;
}

export interface TarHandler {
  entry(header: TarHeader): void;
  /** A part of the content of the last entry, whose bytes are overwritten after the call. */
  content?(part: Buffer): void;
}

export interface TarReader {
  /** Reads on. Throws CONTENT_UNREADABLE for bytes that are no archive. */
  write(bytes: Uint8Array): void;
  /** Says that no more comes. Throws CONTENT_UNREADABLE where an entry is cut off. */
  end(): void;
  /** True after the zeros that end an archive; what follows them is passed over. */
  readonly hasEnded: boolean;
}

export const blockBytes = 512;
/** Longer ones are nobody's names. */
const extensionLimit = 1024 * 1024;

/** What extensions say about the entry after them. */
type Extended = Readonly<Record<string, string>>;

export function createTarReader(handler: TarHandler): TarReader {
  const block = Buffer.alloc(blockBytes);
  let filled = 0;
  let offset = 0;
  let hasEnded = false;
  /** Set while the next block is one of a sparse file's map: the size of the content after it. */
  let behindMap: number | undefined;
  /** Content, and padding after it, of what is being read. */
  let contentLeft = 0;
  let paddingLeft = 0;
  let extension: { readonly type: string; readonly parts: Buffer[] } | undefined;
  let extended: Extended = {};

  function write(chunk: Uint8Array): void {
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    for (let at = 0; at < bytes.length;) {
      if (hasEnded) return;
      const taken = contentLeft > 0 ? takeContent(bytes, at) : takeBlock(bytes, at);
      at += taken;
      offset += taken;
    }
  }

  function takeContent(bytes: Buffer, at: number): number {
    const part = bytes.subarray(at, at + contentLeft);
    contentLeft -= part.length;
    if (extension === undefined) handler.content?.(part);
    else extension.parts.push(Buffer.from(part));
    if (contentLeft === 0) finishExtension();
    return part.length;
  }

  function takeBlock(bytes: Buffer, at: number): number {
    if (paddingLeft > 0) {
      const taken = Math.min(paddingLeft, bytes.length - at);
      paddingLeft -= taken;
      return taken;
    }
    const taken = bytes.copy(block, filled, at, at + blockBytes - filled);
    filled += taken;
    if (filled === blockBytes) {
      filled = 0;
      if (behindMap === undefined) readHeader(offset + taken - blockBytes);
      // GNU's map of a sparse file goes on in blocks of its own, the last of which has no mark.
      else if (block[504] === 0) {
        startContent(behindMap);
        behindMap = undefined;
      }
    }
    return taken;
  }

  function readHeader(start: number): void {
    if (block.every((byte) => byte === 0)) {
      hasEnded = true;
      return;
    }
    if (!hasChecksum(block)) throw unreadable(`the checksum at byte ${start} is wrong`);
    const type = String.fromCharCode(block[156] ?? 0);
    if ('xgLK'.includes(type)) {
      const size = number(block, 124, 12);
      if (size > extensionLimit) throw unreadable(`the extended header at byte ${start} is too large`);
      startContent(size);
      extension = { type, parts: [] };
      if (size === 0) finishExtension();
      return;
    }
    const stored = storedSize(block, type, extended);
    if (type === 'S' && block[482] !== 0) behindMap = stored;
    else startContent(stored);
    const said = extended;
    extended = {};
    handler.entry(headerOf(block, type, stored, said));
  }

  function startContent(size: number): void {
    contentLeft = size;
    paddingLeft = padding(size);
  }

  function finishExtension(): void {
    if (extension === undefined) return;
    const { type, parts } = extension;
    extension = undefined;
    const content = Buffer.concat(parts);
    if (type === 'x') extended = { ...extended, ...records(content) };
    if (type === 'L') extended = { ...extended, path: text(content) };
    if (type === 'K') extended = { ...extended, linkpath: text(content) };
  }

  return {
    write,
    end() {
      if (contentLeft > 0) throw unreadable(`the content at byte ${offset} is cut off`);
      if (filled > 0 || behindMap !== undefined) throw unreadable(`the header at byte ${offset} is cut off`);
    },
    get hasEnded() {
      return hasEnded;
    },
  };
}

function headerOf(block: Buffer, type: string, stored: number, extended: Extended): TarHeader {
  const kind = typeOf(type, block);
  const name = extended['GNU.sparse.name'] ?? extended['path'] ?? nameOf(block);
  const link = extended['linkpath'] ?? text(block.subarray(157, 257));
  const isSparse = type === 'S' || Object.keys(extended).some((key) => key.startsWith('GNU.sparse.'));
  const full = extended['GNU.sparse.realsize'] ?? extended['GNU.sparse.size'];
  return {
    name: withoutSlashes(name),
    type: kind,
    mode: numberOr0(block, 100, 8) & 0o7777,
    uid: count(extended['uid']) ?? numberOr0(block, 108, 8),
    gid: count(extended['gid']) ?? numberOr0(block, 116, 8),
    size: kind !== 'file' ? 0 : type === 'S' ? number(block, 483, 12) : (count(full) ?? stored),
    modifiedAt: Math.floor(Number(extended['mtime'] ?? numberOr0(block, 136, 12))) || 0,
    link: kind === 'symlink' || kind === 'hardlink' ? link : '',
    isSparse,
  };
}

function withoutSlashes(name: string): string {
  let end = name.length;
  while (name[end - 1] === '/') end--;
  return name.slice(0, end);
}

/** Links and devices have no content; old programs put a size into their headers all the same. */
function storedSize(block: Buffer, type: string, { size }: Extended): number {
  if ('123456'.includes(type)) return 0;
  if (size === undefined) return number(block, 124, 12);
  const said = count(size);
  if (said === undefined) throw unreadable(`no size: ${JSON.stringify(size.slice(0, 20))}`);
  return said;
}

function typeOf(type: string, block: Buffer): TarType {
  switch (type) {
    case '0':
    case '\0':
    case '7':
    case 'S':
      // Before POSIX a slash at the end was all that told a directory.
      return nameOf(block).endsWith('/') ? 'directory' : 'file';
    case '1':
      return 'hardlink';
    case '2':
      return 'symlink';
    case '3':
    case '4':
      return 'device';
    case '5':
      return 'directory';
    case '6':
      return 'pipe';
    default:
      return 'other';
  }
}

function nameOf(block: Buffer): string {
  const name = text(block.subarray(0, 100));
  // GNU's own format ("ustar  ") has times where POSIX has the prefix.
  const isPosix = block.toString('latin1', 257, 263) === 'ustar\0';
  const prefix = isPosix ? text(block.subarray(345, 500)) : '';
  return prefix === '' ? name : `${prefix}/${name}`;
}

/** Octal digits between spaces and NULs; or, with the highest bit set, a number of the bytes (GNU tar, Go, star). */
function number(block: Buffer, offset: number, length: number): number {
  if (((block[offset] ?? 0) & 0x80) !== 0) return binary(block, offset, length);
  const digits = text(block.subarray(offset, offset + length)).trim();
  if (!/^[0-7]*$/.test(digits)) throw unreadable(`no octal number: ${JSON.stringify(digits)}`);
  return digits === '' ? 0 : parseInt(digits, 8);
}

function binary(block: Buffer, offset: number, length: number): number {
  let value = (block[offset] ?? 0) & 0x7f;
  for (const byte of block.subarray(offset + 1, offset + length)) value = value * 256 + byte;
  if (!Number.isSafeInteger(value)) throw unreadable('a number is negative, or larger than any file');
  return value;
}

/** For what a listing can do without: some programs leave it empty, or write -1. */
function numberOr0(block: Buffer, offset: number, length: number): number {
  try {
    return number(block, offset, length);
  } catch {
    return 0;
  }
}

function count(digits: string | undefined): number | undefined {
  return digits !== undefined && /^\d{1,15}$/.test(digits) ? Number(digits) : undefined;
}

/** Records of a pax extended header: `LENGTH KEY=VALUE\n`, where the length counts itself. */
function records(content: Buffer): Extended {
  const found: Record<string, string> = {};
  for (let offset = 0; offset < content.byteLength;) {
    const [, digits = ''] = /^(\d{1,9}) /.exec(content.toString('latin1', offset, offset + 10)) ?? [];
    const end = offset + Number(digits);
    const record = content.subarray(offset + digits.length + 1, end);
    const equals = record.indexOf('=');
    if (digits === '' || end > content.byteLength || equals < 1 || record.at(-1) !== 0x0a) {
      throw unreadable('an extended header is broken');
    }
    const key = record.toString('utf8', 0, equals);
    // A prototype is no record.
    if (key !== '__proto__') found[key] = record.toString('utf8', equals + 1, record.byteLength - 1);
    offset = end;
  }
  return found;
}

/** The sum of all bytes, those of the checksum itself taken as spaces; some programs added signed ones. */
function hasChecksum(block: Buffer): boolean {
  let sum = 8 * 0x20;
  let above = 0;
  for (let at = 0; at < blockBytes; at++) {
    if (at >= 148 && at < 156) continue;
    const byte = block[at] ?? 0;
    sum += byte;
    above += byte >> 7;
  }
  const said = number(block, 148, 8);
  return said === sum || said === sum - 256 * above;
}

/** The zeros after content of that size. */
export function padding(size: number): number {
  return (blockBytes - (size % blockBytes)) % blockBytes;
}

function text(field: Buffer): string {
  const end = field.indexOf(0);
  return field.toString('utf8', 0, end === -1 ? field.byteLength : end);
}

function unreadable(what: string): AppError {
  return new AppError('CONTENT_UNREADABLE', { message: `The archive cannot be read: ${what}.` });
}
