/** Small archives in memory, written in the one form that every program reads: POSIX ustar. */
import { AppError } from '../spec/errors.ts';
import { archiveEnd, headerBlock, padding } from './tar-format.ts';
import { createTarReader, type TarHeader } from './tar-reader.ts';

export interface TarEntry extends TarHeader {
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

/** Makes an archive of the entries in their order. Throws an Error for a name that ustar cannot hold. */
export function writeTar(entries: readonly TarInput[]): Buffer {
  const blocks = entries.flatMap((entry) => {
    const bytes = entry.bytes ?? Buffer.alloc(0);
    return [headerOf(entry, bytes.byteLength), bytes, Buffer.alloc(padding(bytes.byteLength))];
  });
  return Buffer.concat([...blocks, archiveEnd]);
}

/** Reads all entries of an archive. Throws CONTENT_UNREADABLE for bytes that are none, or are cut off. */
export function readTar(archive: Uint8Array): readonly TarEntry[] {
  const found: { readonly header: TarHeader; readonly parts: Buffer[] }[] = [];
  const reader = createTarReader({
    entry: (header) => void found.push({ header, parts: [] }),
    content: (part) => void found.at(-1)?.parts.push(part),
  });
  reader.write(archive);
  reader.end();
  if (!reader.hasEnded) {
    throw new AppError('CONTENT_UNREADABLE', {
      message: 'The archive cannot be read: it ends without two blocks of zeros.',
    });
  }
  return found.map(({ header, parts }) => ({
    ...header,
    bytes: header.type === 'file' ? Buffer.concat(parts) : Buffer.alloc(0),
  }));
}

function headerOf({ name, mode, modifiedAt, type }: TarInput, size: number): Buffer {
  const isDirectory = name.endsWith('/');
  const [prefix, rest] = splitName(name);
  return headerBlock({
    name: rest,
    prefix,
    size,
    type: type ?? (isDirectory ? '5' : '0'),
    mode: mode ?? (isDirectory ? 0o755 : 0o644),
    ...(modifiedAt === undefined ? {} : { modifiedAt }),
  });
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
