/**
 * The blocks of tar archives, in all forms that there are: POSIX ustar and pax (IEEE Std 1003.1, pax, "ustar Interchange
 * Format", "pax Header Block"), what GNU tar adds, and what came before. What is written is ustar, with a pax header before it
 * where a name or a size does not fit.
 *
 *     header (512)  0 name 100  mode 108  uid 116  gid 124  size 136  mtime 148  checksum 156  type 157  link name
 *                   257 "ustar\0" "00"  345 prefix of the name ... 500
 *     content, padded with zeros to 512        two blocks of zeros at the end
 *
 * A member may have extensions before it, which are archived like files: `x` pax records, `L` and `K` a long name and link
 * name. As in Go's archive/tar, which docker and containerd unpack layers with, global pax records (`g`) change nothing.
 *
 * What cannot be read throws an Error that says what is wrong with the block: `has a header whose checksum is wrong`.
 */

export const blockBytes = 512;
/** Longer extensions are nobody's names. */
export const extensionLimit = 1024 * 1024;

/** The zeros after content of that size. */
export function padding(size: number): number {
  return (blockBytes - (size % blockBytes)) % blockBytes;
}

/** The end of an archive. */
export const archiveEnd: Uint8Array = new Uint8Array(2 * blockBytes);

/** What a header says, as it stands there. */
export interface TarBlock {
  readonly name: string;
  /** The letter of the type; `0` for all kinds of files that are whole. */
  readonly type: string;
  /** Of the content after it, in bytes: links and devices have none, whatever old programs put there. */
  readonly size: number;
  readonly link: string;
}

/** What extensions say about the member after them, by the keys of pax. */
export type Extended = ReadonlyMap<string, string>;

/** Whether a header is that of an extension. */
export function isExtension({ type }: TarBlock): boolean {
  return 'xgLK'.includes(type);
}

/** Reads a block that is not all zeros. */
export function parseHeader(block: Buffer): TarBlock {
  if (!hasChecksum(block)) throw new Error('has a header whose checksum is wrong');
  const letter = block.toString('latin1', 156, 157);
  const name = text(block.subarray(0, 100));
  // GNU's own format ("ustar  ") has times where POSIX has the prefix.
  const prefix = block.toString('latin1', 257, 263) === 'ustar\0' ? text(block.subarray(345, 500)) : '';
  return {
    name: prefix === '' ? name : `${prefix}/${name}`,
    type: letter === '\0' || letter === '7' ? '0' : letter,
    size: hasContent(letter) ? number(block, 124, 12) : 0,
    link: text(block.subarray(157, 257)),
  };
}

/** The header of a member with what the extensions before it say. */
export function withExtensions(header: TarBlock, extended: Extended): TarBlock {
  const said = extended.get('size');
  const size = said === undefined || !hasContent(header.type) ? header.size : count(said);
  if (size === undefined) throw new Error('has a size that no file has');
  return {
    type: header.type,
    name: extended.get('path') ?? header.name,
    link: extended.get('linkpath') ?? header.link,
    size,
  };
}

/** What the content of an extension says. */
export function extensionOf(type: string, content: Buffer): Extended {
  switch (type) {
    case 'x':
      return records(content);
    case 'L':
      return new Map([['path', text(content)]]);
    case 'K':
      return new Map([['linkpath', text(content)]]);
    default:
      return new Map();
  }
}

function hasContent(type: string): boolean {
  return !'123456'.includes(type);
}

/** `LENGTH KEY=VALUE\n`, where the length counts itself. */
function records(content: Buffer): Extended {
  const found = new Map<string, string>();
  for (let offset = 0; offset < content.length;) {
    const [, digits = ''] = /^(\d{1,9}) /.exec(content.toString('latin1', offset, offset + 10)) ?? [];
    const end = offset + Number(digits);
    const line = content.subarray(offset + digits.length + 1, end);
    const equals = line.indexOf('=');
    if (digits === '' || end > content.length || equals < 1 || line.at(-1) !== 0x0a) {
      throw new Error('has a broken extended header');
    }
    found.set(line.toString('utf8', 0, equals), line.toString('utf8', equals + 1, line.length - 1));
    offset = end;
  }
  return found;
}

/** Digits of a record; `undefined` for what is no number of bytes, or of a user. */
export function count(digits: string | undefined): number | undefined {
  return digits !== undefined && /^\d{1,15}$/.test(digits) ? Number(digits) : undefined;
}

/** Text up to the first NUL. */
function text(field: Buffer): string {
  const end = field.indexOf(0);
  return field.toString('utf8', 0, end === -1 ? field.length : end);
}

/** Octal digits between spaces and NULs; or, with the highest bit set, a number of the bytes (GNU tar, Go, star). */
export function number(block: Buffer, offset: number, length: number): number {
  if (((block[offset] ?? 0) & 0x80) !== 0) return binary(block, offset, length);
  const digits = text(block.subarray(offset, offset + length)).trim();
  if (!/^[0-7]*$/.test(digits)) throw new Error('has a header that is no tar header');
  return digits === '' ? 0 : parseInt(digits, 8);
}

function binary(block: Buffer, offset: number, length: number): number {
  let value = (block[offset] ?? 0) & 0x7f;
  for (const byte of block.subarray(offset + 1, offset + length)) value = value * 256 + byte;
  if (!Number.isSafeInteger(value)) throw new Error('has a size that no file has');
  return value;
}

/** The sum of all bytes, those of the checksum itself taken as spaces; some programs added signed ones. */
function hasChecksum(block: Buffer): boolean {
  const said = number(block, 148, 8);
  const sum = checksum(block);
  if (said === sum) return true;
  const above = block.reduce((many, byte, at) => many + (at >= 148 && at < 156 ? 0 : byte >> 7), 0);
  return said === sum - 256 * above;
}

function checksum(block: Buffer): number {
  let sum = 8 * 0x20;
  for (let at = 0; at < blockBytes; at++) if (at < 148 || at >= 156) sum += block[at] ?? 0;
  return sum;
}

/** What a header is written from; owner and group are 0, so that the same input makes the same bytes. */
export interface BlockInput {
  /** At most 100 bytes. */
  readonly name: string;
  /** At most 155 bytes before the name. */
  readonly prefix?: string;
  readonly size: number;
  readonly type: string;
  readonly mode?: number;
  /** Seconds since 1970. */
  readonly modifiedAt?: number;
}

/** Throws an Error for a number that ustar cannot hold. */
export function headerBlock({
  name,
  prefix = '',
  size,
  type,
  mode = 0o644,
  modifiedAt = 0,
}: BlockInput): Buffer {
  const block = Buffer.alloc(blockBytes);
  block.write(name, 0, 100);
  block.write(octal(mode, 8), 100);
  block.write(octal(0, 8), 108);
  block.write(octal(0, 8), 116);
  block.write(octal(size, 12), 124);
  block.write(octal(modifiedAt, 12), 136);
  block.write(type, 156);
  block.write('ustar\x0000', 257);
  block.write(prefix, 345, 155);
  block.write(`${checksum(block).toString(8).padStart(6, '0')}\0 `, 148);
  return block;
}

function octal(value: number, length: number): string {
  const digits = value.toString(8);
  if (!Number.isSafeInteger(value) || value < 0 || digits.length >= length) {
    throw new Error(`no number for an archive: ${value}`);
  }
  return digits.padStart(length - 1, '0');
}

/** What stands before the content of a file, however long its name is and however large it is. */
export function fileHeader(name: string, size: number): Buffer {
  const isSmall = size < 8 ** 11;
  if (Buffer.byteLength(name) <= 100 && isSmall) return headerBlock({ name, size, type: '0' });
  const said = Buffer.from(record('path', name) + record('size', String(size)));
  return Buffer.concat([
    headerBlock({ name: 'PaxHeaders/file', size: said.length, type: 'x' }),
    said,
    Buffer.alloc(padding(said.length)),
    // Readers take name and size from the records.
    headerBlock({ name: name.slice(-100), size: isSmall ? size : 0, type: '0' }),
  ]);
}

function record(key: string, value: string): string {
  const rest = Buffer.byteLength(` ${key}=${value}\n`);
  let length = rest + 1;
  while (String(length).length + rest !== length) length = String(length).length + rest;
  return `${length} ${key}=${value}\n`;
}
