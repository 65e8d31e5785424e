import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { isAppError } from '../spec/errors.ts';
import { unpack } from './unpack.ts';

const half = Buffer.alloc(300_000, 'a line of text, over and over\n');
const gzip = gzipSync(half);
const zstd = zstdCompressSync(half);
/** What zstd passes over, with four bytes in it. */
const skipped = Buffer.from([0x50, 0x2a, 0x4d, 0x18, 4, 0, 0, 0, 1, 2, 3, 4]);

/** Blocks of that size in one buffer that each overwrites, as blobs are read. */
function sourceOf(bytes: Uint8Array, size: number) {
  let isClosed = false;
  async function* blocks(): AsyncGenerator<Uint8Array> {
    const block = Buffer.alloc(size);
    try {
      for (let at = 0; at < bytes.length; at += size) {
        block.fill(0);
        block.set(bytes.subarray(at, at + size));
        yield block.subarray(0, Math.min(size, bytes.length - at));
      }
    } finally {
      isClosed = true;
    }
  }
  return { blocks: blocks(), isClosed: () => isClosed };
}

async function collect(source: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of unpack(source)) parts.push(Buffer.from(part));
  return Buffer.concat(parts);
}

const whole: Readonly<Record<string, readonly [packed: Uint8Array, copies: number]>> = {
  'plain bytes': [half, 1],
  nothing: [Buffer.alloc(0), 0],
  'two bytes': [Buffer.from('ab'), 0],
  gzip: [gzip, 1],
  'gzip in two members': [Buffer.concat([gzip, gzip]), 2],
  zstd: [zstd, 1],
  'zstd in three frames': [Buffer.concat([zstd, zstd, zstd]), 3],
  'zstd with parts to pass over': [Buffer.concat([skipped, zstd, skipped, zstd, skipped]), 2],
};
for (const [name, [packed, copies]] of Object.entries(whole)) {
  for (const size of [1, 7, zstd.length, 100_000]) {
    test(`${name} in blocks of ${size} is unpacked whole`, async () => {
      const source = sourceOf(packed, size);

      const found = await collect(source.blocks);

      const expected = copies === 0 ? packed : Buffer.concat(Array.from({ length: copies }, () => half));
      assert.ok(found.equals(Buffer.from(expected)), `${found.length} bytes`);
      assert.ok(source.isClosed());
    });
  }
}

const broken: Readonly<Record<string, readonly [packed: Uint8Array, message: RegExp]>> = {
  'gzip that is cut off': [gzip.subarray(0, -9), /damaged or cut off/],
  'zstd that is cut off': [zstd.subarray(0, -3), /damaged or cut off/],
  'gzip with other bytes inside': [
    Buffer.concat([gzip.subarray(0, 10), Buffer.alloc(5000, 'x')]),
    /damaged or cut off/,
  ],
  'zstd with other bytes behind': [Buffer.concat([zstd, Buffer.from('hello world')]), /damaged or cut off/],
  bzip2: [Buffer.from('BZh91AY&SY'), /compressed with bzip2/],
  xz: [Buffer.from([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0]), /compressed with xz/],
};
for (const [name, [packed, message]] of Object.entries(broken)) {
  for (const size of [7, 100_000]) {
    test(`${name} in blocks of ${size} is refused, and its source closed`, async () => {
      const source = sourceOf(packed, size);

      await assert.rejects(
        collect(source.blocks),
        (error) => isAppError(error, 'CONTENT_UNREADABLE') && message.test(error.message),
      );
      assert.ok(source.isClosed());
    });
  }
}

for (const [name, packed] of Object.entries({ gzip, zstd: Buffer.concat([zstd, zstd]), plain: half })) {
  test(`who leaves ${name} early closes the source`, async () => {
    const source = sourceOf(packed, 7);

    for await (const _ of unpack(source.blocks)) break;

    assert.ok(source.isClosed());
  });

  test(`a failure of the source of ${name} is passed on`, async () => {
    await assert.rejects(collect(failingAfter(packed.subarray(0, 20))), /the disk is gone/);
  });
}

async function* failingAfter(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
  throw new Error('the disk is gone');
}
