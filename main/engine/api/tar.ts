/**
 * Small archives in memory, in the one form that the API of engines takes: POSIX ustar (IEEE Std 1003.1, pax, "ustar
 * Interchange Format"). Go's archive/tar and GNU tar add headers of their own, which are read where they hold a name or
 * a size, and skipped otherwise.
 *
 *     header (512)  0 name 100  mode 108  uid 116  gid 124  size 136  mtime 148  checksum 156  type 157  link name
 *                   257 "ustar\0" "00"  345 prefix of the name ... 500
 *     content, padded with zeros to 512        two blocks of zeros at the end
 */
import { AppError } from '../../../registry/spec/errors.ts';

export interface TarEntry {
  /** Without a slash at the end. */
  readonly name: string;
  /** `link` is a symbolic or hard one; `other` a device, a pipe or what only one program knows. */
  readonly kind: 'file' | 'directory' | 'link' | 'other';
  /** Permission bits. */
  readonly mode: number;
  /** Empty for everything but files. */
  readonly bytes: Buffer;
}

/** What an archive is made of; owner and group are 0. */
export interface TarInput {
  /** At most 255 bytes, with a `/` near the middle if more than 100; a slash at the end makes a directory. */
  readonly name: string;
  /** 0644 when absent, 0755 for a directory. */
  readonly mode?: number;
  readonly bytes?: Uint8Array;
  /** Seconds since 1970; 0 when absent, so that the same input makes the same bytes. */
  readonly modifiedAt?: number;
  /** A letter for a type that no program knows, instead of file or directory. */
  readonly type?: string;
}

const blockBytes = 512;

/** Makes an archive of the entries in their order. Throws an Error for a name that ustar cannot hold. */
export function writeTar(entries: readonly TarInput[]): Buffer {
  const blocks = entries.flatMap((entry) => {
    const bytes = entry.bytes ?? Buffer.alloc(0);
    return [header(entry, bytes.byteLength), bytes, Buffer.alloc(padding(bytes.byteLength))];
  });
  return Buffer.concat([...blocks, Buffer.alloc(2 * blockBytes)]);
}

/** Reads all entries of an archive. Throws ENGINE_FAILED for bytes that are none, or are cut off. */
export function readTar(archive: Uint8Array): readonly TarEntry[] {
  const bytes = Buffer.from(archive.buffer, archive.byteOffset, archive.byteLength);
  const entries: TarEntry[] = [];
  let extended: Readonly<Record<string, string>> = {};
  for (let offset = 0; ;) {
    const block = bytes.subarray(offset, offset + blockBytes);
    if (block.byteLength < blockBytes) throw malformed('it ends without two blocks of zeros');
    if (block.every((byte) => byte === 0)) return entries;
    if (number(block, 148, 8) !== checksum(block)) throw malformed(`the checksum at byte ${offset} is wrong`);

    const type = String.fromCharCode(block[156] ?? 0);
    const isExtension = type === 'x' || type === 'g' || type === 'L' || type === 'K';
    const size = isExtension ? number(block, 124, 12) : sizeOf(block, type, extended);
    const start = offset + blockBytes;
    const content = bytes.subarray(start, start + size);
    if (content.byteLength < size) throw malformed(`the content at byte ${start} is cut off`);
    offset = start + size + padding(size);

    if (type === 'x') extended = { ...extended, ...records(content) };
    else if (type === 'L') extended = { ...extended, path: text(content) };
    else if (!isExtension) {
      const kind = kindOf(type, block);
      const name = (extended['path'] ?? nameOf(block)).replace(/\/+$/, '');
      entries.push({
        name,
        kind,
        mode: number(block, 100, 8) & 0o7777,
        bytes: kind === 'file' ? content : Buffer.alloc(0),
      });
      extended = {};
    }
  }
}

function header({ name, mode, modifiedAt = 0, type }: TarInput, size: number): Buffer {
  const isDirectory = name.endsWith('/');
  const [prefix, rest] = splitName(name);
  const block = Buffer.alloc(blockBytes);
  block.write(rest, 0);
  block.write(octal(mode ?? (isDirectory ? 0o755 : 0o644), 8), 100);
  block.write(octal(0, 8), 108);
  block.write(octal(0, 8), 116);
  block.write(octal(size, 12), 124);
  block.write(octal(modifiedAt, 12), 136);
  block.write(type ?? (isDirectory ? '5' : '0'), 156);
  block.write('ustar\x0000', 257);
  block.write(prefix, 345);
  block.write(`${checksum(block).toString(8).padStart(6, '0')}\0 `, 148);
  return block;
}

/** At most 155 bytes before some slash, at most 100 after it. */
function splitName(name: string): readonly [prefix: string, rest: string] {
  if (name === '' || name.includes('\0')) throw new Error(`no name for an archive: ${JSON.stringify(name)}`);
  if (Buffer.byteLength(name) <= 100) return ['', name];
  for (let slash = name.indexOf('/'); slash !== -1; slash = name.indexOf('/', slash + 1)) {
    const prefix = name.slice(0, slash);
    const rest = name.slice(slash + 1);
    const fits = Buffer.byteLength(prefix) <= 155 && Buffer.byteLength(rest) <= 100;
    if (fits && prefix !== '' && rest !== '') return [prefix, rest];
  }
  throw new Error(`too long for an archive: ${JSON.stringify(name)}`);
}

function octal(value: number, length: number): string {
  const digits = value.toString(8);
  if (!Number.isSafeInteger(value) || value < 0 || digits.length >= length) {
    throw new Error(`no number for an archive: ${value}`);
  }
  return digits.padStart(length - 1, '0');
}

/** Octal digits between spaces and NULs; Go and GNU tar write large numbers in base 256, which no small archive has. */
function number(block: Buffer, offset: number, length: number): number {
  const digits = text(block.subarray(offset, offset + length)).trim();
  if (!/^[0-7]*$/.test(digits)) throw malformed(`no octal number: ${JSON.stringify(digits)}`);
  return digits === '' ? 0 : parseInt(digits, 8);
}

/** Only files have content; old programs put a size into the headers of links and directories all the same. */
function sizeOf(block: Buffer, type: string, extended: Readonly<Record<string, string>>): number {
  if ('123456'.includes(type)) return 0;
  const size = extended['size'];
  if (size === undefined) return number(block, 124, 12);
  if (!/^\d{1,15}$/.test(size)) throw malformed(`no size: ${JSON.stringify(size)}`);
  return Number(size);
}

function kindOf(type: string, block: Buffer): TarEntry['kind'] {
  switch (type) {
    case '0':
    case '\0':
    case '7':
      // Before POSIX a slash at the end was all that told a directory.
      return nameOf(block).endsWith('/') ? 'directory' : 'file';
    case '5':
      return 'directory';
    case '1':
    case '2':
      return 'link';
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

/** Records of a pax extended header: `LENGTH KEY=VALUE\n`, where the length counts itself. */
function records(content: Buffer): Readonly<Record<string, string>> {
  const found: Record<string, string> = {};
  for (let offset = 0; offset < content.byteLength;) {
    const [, digits = ''] = /^(\d{1,9}) /.exec(content.toString('latin1', offset, offset + 10)) ?? [];
    const end = offset + Number(digits);
    const record = content.subarray(offset + digits.length + 1, end);
    const equals = record.indexOf('=');
    if (digits === '' || end > content.byteLength || equals < 1 || record.at(-1) !== 0x0a) {
      throw malformed('an extended header is broken');
    }
    found[record.toString('utf8', 0, equals)] = record.toString('utf8', equals + 1, record.byteLength - 1);
    offset = end;
  }
  return found;
}

/** The sum of all bytes, those of the checksum itself taken as spaces. */
function checksum(block: Buffer): number {
  return block.reduce((sum, byte, at) => sum + (at >= 148 && at < 156 ? 0x20 : byte), 0);
}

function padding(size: number): number {
  return (blockBytes - (size % blockBytes)) % blockBytes;
}

function text(field: Buffer): string {
  const end = field.indexOf(0);
  return field.toString('utf8', 0, end === -1 ? field.byteLength : end);
}

function malformed(what: string): AppError {
  return new AppError('ENGINE_FAILED', {
    message: `The engine sent an archive that cannot be read: ${what}.`,
    hint: 'Try again; if it stays so, report the version of the engine.',
  });
}
