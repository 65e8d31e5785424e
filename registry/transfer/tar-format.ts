/**
 * Headers of tar archives (IEEE Std 1003.1, pax: "ustar Interchange Format", "pax Header Block"; GNU tar for what GNU
 * adds). What is written is ustar, with a pax header before it where a name or a size does not fit.
 *
 *     header (512)  0 name 100  mode 108  uid 116  gid 124  size 136  mtime 148  checksum 156  type 157  link name
 *                   257 "ustar\0" "00"  345 prefix of the name ... 500
 *     content, padded with zeros to 512        two blocks of zeros at the end
 */

export const blockBytes = 512;

/** Bytes between content of that size and the next header. */
export function paddingAfter(size: number): number {
  return (blockBytes - (size % blockBytes)) % blockBytes;
}

/** The end of an archive. */
export const archiveEnd: Uint8Array = new Uint8Array(2 * blockBytes);

/** What stands before the content of a file: owner and group 0, no times, so that the same input makes the same bytes. */
export function fileHeader(name: string, size: number): Buffer {
  const fits = Buffer.byteLength(name) <= 100 && size < 8 ** 11;
  if (fits) return header({ name, size, type: '0' });
  const records = Buffer.from(record('path', name) + record('size', String(size)));
  return Buffer.concat([
    header({ name: 'PaxHeaders/file', size: records.length, type: 'x' }),
    records,
    Buffer.alloc(paddingAfter(records.length)),
    // Readers take name and size from the records.
    header({ name: name.slice(-100), size: size < 8 ** 11 ? size : 0, type: '0' }),
  ]);
}

function header({
  name,
  size,
  type,
}: {
  readonly name: string;
  readonly size: number;
  readonly type: string;
}) {
  const block = Buffer.alloc(blockBytes);
  block.write(name, 0, 100);
  block.write('0000644', 100);
  block.write('0000000', 108);
  block.write('0000000', 116);
  block.write(size.toString(8).padStart(11, '0'), 124);
  block.write('00000000000', 136);
  block.write(type, 156);
  block.write('ustar\x0000', 257);
  block.write(`${checksum(block).toString(8).padStart(6, '0')}\0 `, 148);
  return block;
}

/** `LENGTH KEY=VALUE\n`, where the length counts itself. */
function record(key: string, value: string): string {
  const rest = Buffer.byteLength(` ${key}=${value}\n`);
  let length = rest + 1;
  while (String(length).length + rest !== length) length = String(length).length + rest;
  return `${length} ${key}=${value}\n`;
}

export interface TarHeader {
  readonly name: string;
  /** The letter of the type. */
  readonly type: string;
  readonly size: number;
  readonly linkName: string;
}

/** Reads a block that is not all zeros. Throws an Error that says what is wrong with it. */
export function parseHeader(block: Buffer): TarHeader {
  if (octal(block, 148, 8) !== checksum(block)) throw new Error('has a header whose checksum is wrong');
  const letter = block.toString('latin1', 156, 157);
  const name = text(block.subarray(0, 100));
  // GNU's own format ("ustar  ") has times where POSIX has the prefix.
  const prefix = block.toString('latin1', 257, 263) === 'ustar\0' ? text(block.subarray(345, 500)) : '';
  return {
    name: prefix === '' ? name : `${prefix}/${name}`,
    type: letter === '\0' || letter === '7' ? '0' : letter,
    size: number(block, 124, 12),
    linkName: text(block.subarray(157, 257)),
  };
}

/** The records of a pax header. Throws an Error that says what is wrong with them. */
export function parseRecords(content: Buffer): ReadonlyMap<string, string> {
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

/** Text up to the first NUL. */
export function text(field: Buffer): string {
  const end = field.indexOf(0);
  return field.toString('utf8', 0, end === -1 ? field.length : end);
}

/** Large numbers are in base 256, marked by the first bit. */
function number(block: Buffer, offset: number, length: number): number {
  if (((block[offset] ?? 0) & 0x80) === 0) return octal(block, offset, length);
  const value = block.readBigUInt64BE(offset + length - 8);
  const high = block.subarray(offset + 1, offset + length - 8);
  if (block[offset] !== 0x80 || high.some((byte) => byte !== 0) || value > BigInt(Number.MAX_SAFE_INTEGER)) {
    throw new Error('has a size that no file has');
  }
  return Number(value);
}

function octal(block: Buffer, offset: number, length: number): number {
  const digits = text(block.subarray(offset, offset + length)).trim();
  if (!/^[0-7]*$/.test(digits)) throw new Error('has a header that is no tar header');
  return digits === '' ? 0 : parseInt(digits, 8);
}

/** The sum of all bytes, those of the checksum itself taken as spaces. */
function checksum(block: Buffer): number {
  return block.reduce((sum, byte, at) => sum + (at >= 148 && at < 156 ? 0x20 : byte), 0);
}
