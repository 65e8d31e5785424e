/**
 * Bytes that may be compressed, unpacked as they arrive. What they are is told by their first bytes, as containerd does:
 * media types are wrong often enough.
 */
import { createGunzip, createZstdDecompress, type Gunzip, type ZstdDecompress } from 'node:zlib';
import { AppError } from '../spec/errors.ts';

type Decoder = Gunzip | ZstdDecompress;

const chunkSize = 64 * 1024;
const decoders: readonly { readonly magic: readonly number[]; readonly make: () => Decoder }[] = [
  { magic: [0x1f, 0x8b], make: () => createGunzip({ chunkSize }) },
  { magic: [0x28, 0xb5, 0x2f, 0xfd], make: () => createZstdDecompress({ chunkSize }) },
  // What zstd passes over: zstd:chunked may begin with it. The last 4 bits of the first byte are free.
  ...Array.from({ length: 16 }, (_, low) => ({
    magic: [0x50 + low, 0x2a, 0x4d, 0x18],
    make: () => createZstdDecompress({ chunkSize }),
  })),
];
const unsupported = [
  { name: 'bzip2', magic: [0x42, 0x5a, 0x68] },
  { name: 'xz', magic: [0xfd, 0x37, 0x7a, 0x58, 0x5a] },
];

/**
 * Unpacks gzip and zstd; anything else passes as it is. A source may overwrite what it gave once it is asked for more,
 * and so may this. Leaving the loop early closes the source.
 * @throws AppError CONTENT_UNREADABLE for damaged or cut off bytes, and for other compressions
 */
export async function* unpack(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void> {
  const blocks = source[Symbol.asyncIterator]();
  try {
    const first = await readStart(blocks);
    const begins = ({ magic }: { readonly magic: readonly number[] }): boolean =>
      magic.every((byte, at) => first[at] === byte);
    const other = unsupported.find(begins);
    if (other !== undefined)
      throw unreadable(`it is compressed with ${other.name}, which is not unpacked here`);
    const decoder = decoders.find(begins);
    yield* decoder === undefined ? passOn(first, blocks) : decode(decoder.make, first, blocks);
  } finally {
    await blocks.return?.();
  }
}

/** The first block, with as much of the next ones as tells what it is. */
async function readStart(blocks: AsyncIterator<Uint8Array>): Promise<Uint8Array> {
  let start: Uint8Array = Buffer.of();
  while (start.length < 6) {
    const next = await blocks.next();
    if (next.done === true) break;
    start = start.length === 0 && next.value.length >= 6 ? next.value : Buffer.concat([start, next.value]);
  }
  return start;
}

async function* passOn(
  first: Uint8Array,
  blocks: AsyncIterator<Uint8Array>,
): AsyncGenerator<Uint8Array, void> {
  yield first;
  for (let next = await blocks.next(); next.done !== true; next = await blocks.next()) yield next.value;
}

/** Node's decoder of zstd ends after the first frame, with bytes left over: the next frame gets a new one. */
async function* decode(
  make: () => Decoder,
  first: Uint8Array,
  blocks: AsyncIterator<Uint8Array>,
): AsyncGenerator<Uint8Array, void> {
  let left: Uint8Array | undefined = first;
  while (left !== undefined) {
    const decoder = make();
    const feeding: Promise<Uint8Array | undefined | void> = feed(decoder, left).catch((error: unknown) => {
      decoder.destroy(asError(error));
    });
    try {
      for await (const chunk of decoder) yield chunk as Buffer;
    } catch (error) {
      throw isOfDecoder(error) ? unreadable('it is damaged or cut off', error) : error;
    } finally {
      decoder.destroy();
      left = (await feeding) ?? undefined;
    }
  }

  /** Answers what the decoder has left over; `undefined` when all was taken. */
  async function feed(decoder: Decoder, start: Uint8Array): Promise<Uint8Array | undefined> {
    for (let block = start; ;) {
      const before = decoder.bytesWritten;
      await write(decoder, block);
      if (decoder.destroyed) return undefined;
      const taken = decoder.bytesWritten - before;
      if (taken < block.length) {
        if (taken === 0 && block === start) throw unreadable('it holds what no compression knows');
        return block.subarray(taken);
      }
      const next = await blocks.next();
      if (next.done === true) return void decoder.end();
      block = next.value;
    }
  }
}

/** Resolves when the bytes are taken, or never will be: a decoder that fails does not answer what it was just given. */
function write(decoder: Decoder, bytes: Uint8Array): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      decoder.off('close', done);
      resolve();
    };
    decoder.once('close', done);
    decoder.write(bytes, done);
  });
}

function isOfDecoder(error: unknown): boolean {
  return error instanceof Error && 'code' in error && /^(?:Z|ZSTD)_/.test(String(error.code));
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}

function unreadable(what: string, cause?: unknown): AppError {
  return new AppError('CONTENT_UNREADABLE', { message: `The content cannot be read: ${what}.`, cause });
}
