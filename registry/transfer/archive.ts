/**
 * What a bundle is read from: a tar file, one that is compressed, or the directory of an OCI image layout. Members can be
 * read in any order; a compressed file is unpacked next to the data first, since it cannot be read from the middle.
 */
import { constants } from 'node:fs';
import { type FileHandle, lstat, open, realpath, rm, stat } from 'node:fs/promises';
import { join, posix } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { systemCode } from '../disk/private-file.ts';
import { spool } from '../disk/spool.ts';
import { AppError, isAppError } from '../spec/errors.ts';
import { invalidBundle } from './invalid.ts';
import { scanTar, type TarMember } from './tar-scan.ts';

/** A file of an archive. */
export interface Entry {
  readonly name: string;
  readonly size: number;
  /** Reading in the order of these spares the disk; 0 in a directory. */
  readonly offset: number;
}

/** Disposing it closes the file, and removes what was unpacked. */
export interface Archive extends AsyncDisposable {
  readonly form: 'tar' | 'directory';
  readonly isCompressed: boolean;
  /**
   * The file of that name, `undefined` when there is none.
   * @throws AppError BUNDLE_INVALID where something else has the name
   */
  find(name: string): Promise<Entry | undefined>;
  /** The bytes of a file. */
  read(entry: Entry, options: { readonly signal: AbortSignal }): Readable;
}

export interface ArchiveOptions {
  /** Where a compressed file is unpacked. */
  readonly tempDirectory: string;
  /** @throws AppError STORAGE_FULL when nothing more may be unpacked */
  readonly checkRoom: () => Promise<void>;
  readonly signal: AbortSignal;
}

const blockBytes = 256 * 1024;

/**
 * Opens the file or directory at a path.
 * @throws AppError PATH_REFUSED, BUNDLE_INVALID, STORAGE_FULL
 */
export async function openArchive(path: string, options: ArchiveOptions): Promise<Archive> {
  const info = await stat(path).catch((error: unknown) => {
    throw refused(path, error);
  });
  if (info.isDirectory()) return directoryArchive(await realpath(path));
  if (!info.isFile()) {
    throw new AppError('PATH_REFUSED', { message: `"${path}" is neither a file nor a directory.` });
  }
  await using opening = new AsyncDisposableStack();
  const file = opening.use(await openFile(path));
  const head = await readAt(file, 0, 2);
  const isCompressed = head[0] === 0x1f && head[1] === 0x8b;
  const tar = isCompressed ? opening.use(await unpack(file, options)) : file;
  const { size } = await tar.stat();
  const members = await scanTar((at, length) => readAt(tar, at, length), { size, signal: options.signal });
  const owned = opening.move();
  return {
    form: 'tar',
    isCompressed,
    find: async (name) => findMember(members, name),
    read: ({ name, size: length, offset }, { signal }) =>
      Readable.from(bytesOf(tar, { name, offset, length, signal }), { objectMode: false }),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

function findMember(members: ReadonlyMap<string, TarMember>, name: string): Entry | undefined {
  const named = members.get(name);
  if (named === undefined) return undefined;
  const member = named.kind === 'link' ? members.get(named.target) : named;
  if (member?.kind !== 'file') throw invalidBundle(name, 'is a link that leads to no file');
  return { name, size: member.size, offset: member.offset };
}

function directoryArchive(directory: string): Archive {
  return {
    form: 'directory',
    isCompressed: false,
    async find(name) {
      const path = join(directory, name);
      const info = await lstat(path).catch((error: unknown) => {
        if (['ENOENT', 'ENOTDIR'].includes(systemCode(error) ?? '')) return undefined;
        throw refused(path, error);
      });
      if (info === undefined) return undefined;
      if (!info.isFile() || (await realpath(path)) !== path) {
        throw invalidBundle(name, 'is no file of the directory itself');
      }
      return { name, size: info.size, offset: 0 };
    },
    read({ name, size }, { signal }) {
      async function* bytes(): AsyncGenerator<Uint8Array> {
        await using file = await openFile(join(directory, ...name.split(posix.sep)), constants.O_NOFOLLOW);
        yield* bytesOf(file, { name, offset: 0, length: size, signal });
      }
      return Readable.from(bytes(), { objectMode: false });
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

async function unpack(
  file: FileHandle,
  { tempDirectory, checkRoom, signal }: ArchiveOptions,
): Promise<FileHandle> {
  const { size } = await file.stat();
  const name = 'the compressed file';
  const packed = Readable.from(bytesOf(file, { name, offset: 0, length: size, signal }), {
    objectMode: false,
  });
  const gunzip = createGunzip();
  // Whoever reads what is unpacked meets its failure; the event comes when nobody listens any more.
  gunzip.on('error', () => undefined);
  const feeding = pipeline(packed, gunzip).catch(() => undefined);
  let path: string;
  try {
    path = await spool(gunzip, tempDirectory, { signal, checkRoom });
  } catch (error) {
    if (signal.aborted || isAppError(error) || systemCode(error)?.startsWith('Z_') !== true) throw error;
    throw invalidBundle(name, 'is cut off or damaged', error);
  } finally {
    gunzip.destroy();
    await feeding;
  }
  try {
    return await open(path, 'r');
  } finally {
    // The open file keeps its bytes until it is closed, and a crash leaves nothing.
    await rm(path, { force: true });
  }
}

/** Fresh buffers, since whoever reads may keep them for a while. */
async function* bytesOf(
  file: FileHandle,
  {
    name,
    offset,
    length,
    signal,
  }: {
    readonly name: string;
    readonly offset: number;
    readonly length: number;
    readonly signal: AbortSignal;
  },
): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < length;) {
    signal.throwIfAborted();
    const bytes = await readAt(file, offset + at, Math.min(blockBytes, length - at));
    if (bytes.length === 0) throw invalidBundle(name, 'became shorter while it was read');
    at += bytes.length;
    yield bytes;
  }
}

async function readAt(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const block = Buffer.allocUnsafeSlow(length);
  let filled = 0;
  while (filled < length) {
    const { bytesRead } = await file.read(block, filled, length - filled, position + filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return block.subarray(0, filled);
}

async function openFile(path: string, flags = 0): Promise<FileHandle> {
  try {
    return await open(path, constants.O_RDONLY | flags);
  } catch (error) {
    throw refused(path, error);
  }
}

function refused(path: string, error: unknown): AppError {
  return new AppError('PATH_REFUSED', {
    message: `The registry cannot read "${path}": ${systemCode(error) ?? 'unknown error'}.`,
    cause: error,
  });
}
