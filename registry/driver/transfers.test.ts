import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { closeSync, openSync } from 'node:fs';
import { mkdtempDisposable, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { createTransfers } from './transfers.ts';

const algorithm = 'sha256';
const kind = { algorithm } as const;
const bytes = Buffer.from('some bytes');

/** An open file that holds `bytes`. */
async function openFile(flags: string) {
  const directory = await mkdtempDisposable(join(tmpdir(), 'berth-transfers-'));
  const path = join(directory.path, 'file');
  await writeFile(path, bytes);
  const file = openSync(path, flags);
  return {
    file,
    async [Symbol.asyncDispose]() {
      closeSync(file);
      await directory.remove();
    },
  };
}

test('a hash that a thread has not begun is not gone on with', async () => {
  await using opened = await openFile('r+');
  const transfers = createTransfers();
  const hash = { name: 'a', kind, bytes: 3 } as const;

  const written = await transfers.append({ file: opened.file, position: 3, chunks: [bytes], hash });

  assert.deepEqual(written, { bytes: 10, isHashed: false });
  assert.equal(await transfers.takeHash({ name: 'a' }), undefined);
});

test('what could not be written says why, and how much was', async () => {
  const transfers = createTransfers();
  await using opened = await openFile('r');
  const place = { file: opened.file, position: 0, hash: { name: 'a', kind, bytes: 0 } } as const;

  const done = await transfers.append({ ...place, chunks: [bytes] });

  assert.deepEqual([done.bytes, done.failure?.system.code], [0, 'EBADF']);
});

test('what could not be read is thrown', async () => {
  const transfers = createTransfers();
  await using opened = await openFile('a');
  const place = { file: opened.file, position: 0, hash: { name: 'a', kind, bytes: 0 } } as const;

  await assert.rejects(transfers.read({ ...place, block: Buffer.alloc(10) }), { code: 'EBADF' });
});

test('a read past the end gives what is there, and its hash', async () => {
  await using opened = await openFile('r');
  const transfers = createTransfers();
  const hash = { name: 'a', kind, bytes: 0 } as const;

  const read = await transfers.read({ file: opened.file, position: 5, block: Buffer.alloc(20), hash });

  assert.deepEqual([String(read.bytes), read.isHashed], ['bytes', true]);
  const { digest } = (await transfers.takeHash({ name: 'a' })) ?? {};
  assert.equal(digest, createHash(algorithm).update('bytes').digest('hex'));
});

test('hashes that nobody ends are dropped, those longest unused first', async () => {
  await using opened = await openFile('r+');
  const transfers = createTransfers();
  const step = async (name: string, before: number): Promise<void> => {
    const hash = { name, kind, bytes: before } as const;
    await transfers.append({ file: opened.file, position: 0, chunks: [bytes], hash });
  };
  await step('old', 0);
  await step('used', 0);
  for (let at = 0; at < 510; at++) await step(`other ${at}`, 0);

  await step('used', 10);
  await step('last', 0);

  assert.equal(await transfers.takeHash({ name: 'old' }), undefined);
  const twice = createHash(algorithm).update(bytes).update(bytes).digest('hex');
  assert.equal((await transfers.takeHash({ name: 'used' }))?.digest, twice);
});
