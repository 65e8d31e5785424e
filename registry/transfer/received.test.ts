import assert from 'node:assert/strict';
import { mkdtempDisposable, readdir, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { until } from '../../test/support/desktop-acts.ts';
import { AppError } from '../spec/errors.ts';
import { createReceivedFiles } from './received.ts';

const signal = new AbortController().signal;

async function* bytesOf(...parts: readonly string[]): AsyncGenerator<Uint8Array> {
  for (const part of parts) yield Buffer.from(part);
}

/** A source that ends the wait for it before it ends. */
async function* endless(stop: AbortController): AsyncGenerator<Uint8Array> {
  for (;;) {
    yield Buffer.from('more');
    stop.abort();
  }
}

test('a file is kept for its user, until it is discarded', async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'berth-received-'));
  await using files = createReceivedFiles({ directory: folder.path, checkRoom: async () => undefined });

  const { upload, bytes } = await files.receive(bytesOf('a', 'bc'), { user: 'dev', signal });
  const text = await readFile(files.find(upload, 'dev'), 'utf8');
  await files.discard(upload, 'root');
  assert.throws(() => files.find(upload, 'root'), { code: 'PATH_REFUSED' });
  const before = await readdir(folder.path);
  await files.discard(upload, 'dev');

  assert.deepEqual([text, bytes, before.length], ['abc', 3, 1]);
  assert.throws(() => files.find(upload, 'dev'), { code: 'PATH_REFUSED' });
  assert.deepEqual(await readdir(folder.path), []);
});

test('what nobody uses any more goes by itself, and the rest at the end', async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'berth-received-'));
  const open = (keepMs: number) =>
    createReceivedFiles({ directory: folder.path, checkRoom: async () => undefined, keepMs });
  await using short = open(10);
  const long = open(60_000);
  await long.receive(bytesOf('kept'), { user: 'dev', signal });
  await short.receive(bytesOf('gone'), { user: 'dev', signal });

  await until(async () => (await readdir(folder.path)).length === 1);
  await long[Symbol.asyncDispose]();

  assert.deepEqual(await readdir(folder.path), []);
});

test('without room, and without its sender, nothing is kept', async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'berth-received-'));
  let looks = 0;
  await using full = createReceivedFiles({
    directory: folder.path,
    async checkRoom() {
      looks += 1;
      if (looks > 1) throw new AppError('STORAGE_FULL');
    },
  });
  await using free = createReceivedFiles({ directory: folder.path, checkRoom: async () => undefined });
  const large = 'x'.repeat(65 * 1024 * 1024);
  const stop = new AbortController();

  await assert.rejects(full.receive(bytesOf(large, large), { user: 'dev', signal }), {
    code: 'STORAGE_FULL',
  });
  await assert.rejects(free.receive(endless(stop), { user: 'dev', signal: stop.signal }), {
    code: 'CANCELLED',
  });

  assert.deepEqual(await readdir(folder.path), []);
});
