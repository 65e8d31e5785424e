/** Reads archives as they arrive: the layers of images, whoever packed them. tar-format.ts draws what is in them. */
import { AppError } from '../spec/errors.ts';
import {
  blockBytes,
  count,
  type Extended,
  extensionLimit,
  extensionOf,
  isExtension,
  number,
  padding,
  parseHeader,
  type TarBlock,
  withExtensions,
} from './tar-format.ts';

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
  let extension: { readonly type: string; readonly start: number; readonly parts: Buffer[] } | undefined;
  let extended: Extended = new Map();

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
    const header = attempt(start, () => parseHeader(block));
    if (isExtension(header)) {
      const { type, size } = header;
      if (size > extensionLimit) throw unreadable(`the extended header at byte ${start} is too large`);
      startContent(size);
      extension = { type, start, parts: [] };
      if (size === 0) finishExtension();
      return;
    }
    const said = extended;
    extended = new Map();
    const { stored, entry } = attempt(start, () => readEntry(block, withExtensions(header, said), said));
    if (header.type === 'S' && block[482] !== 0) behindMap = stored;
    else startContent(stored);
    handler.entry(entry);
  }

  function startContent(size: number): void {
    contentLeft = size;
    paddingLeft = padding(size);
  }

  function finishExtension(): void {
    if (extension === undefined) return;
    const { type, start, parts } = extension;
    extension = undefined;
    const found = attempt(start, () => extensionOf(type, Buffer.concat(parts)));
    extended = new Map([...extended, ...found]);
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

/** The member as it is told, and how many bytes of it are in the archive. */
function readEntry(
  block: Buffer,
  header: TarBlock,
  extended: Extended,
): { readonly stored: number; readonly entry: TarHeader } {
  const { type, size: stored } = header;
  const kind = typeOf(header);
  const isSparse = type === 'S' || extended.keys().some((key) => key.startsWith('GNU.sparse.'));
  const full = extended.get('GNU.sparse.realsize') ?? extended.get('GNU.sparse.size');
  const entry = {
    name: withoutSlashes(extended.get('GNU.sparse.name') ?? header.name),
    type: kind,
    mode: numberOr0(block, 100, 8) & 0o7777,
    uid: count(extended.get('uid')) ?? numberOr0(block, 108, 8),
    gid: count(extended.get('gid')) ?? numberOr0(block, 116, 8),
    size: kind !== 'file' ? 0 : type === 'S' ? number(block, 483, 12) : (count(full) ?? stored),
    modifiedAt: Math.floor(Number(extended.get('mtime') ?? numberOr0(block, 136, 12))) || 0,
    link: kind === 'symlink' || kind === 'hardlink' ? header.link : '',
    isSparse,
  };
  return { stored, entry };
}

function withoutSlashes(name: string): string {
  let end = name.length;
  while (name[end - 1] === '/') end--;
  return name.slice(0, end);
}

function typeOf({ type, name }: TarBlock): TarType {
  switch (type) {
    case '0':
    case 'S':
      // Before POSIX a slash at the end was all that told a directory.
      return name.endsWith('/') ? 'directory' : 'file';
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

/** For what a listing can do without: some programs leave it empty, or write -1. */
function numberOr0(block: Buffer, offset: number, length: number): number {
  try {
    return number(block, offset, length);
  } catch {
    return 0;
  }
}

function attempt<T>(start: number, act: () => T): T {
  try {
    return act();
  } catch (error) {
    const what = error instanceof Error ? error.message : String(error);
    throw unreadable(`the member at byte ${start} ${what}`);
  }
}

function unreadable(what: string): AppError {
  return new AppError('CONTENT_UNREADABLE', { message: `The archive cannot be read: ${what}.` });
}
