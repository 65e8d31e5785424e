import assert from 'node:assert/strict';
import { mkdtempDisposable, readdir, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Worker } from 'node:worker_threads';
import { openChangeThread } from './change-thread.ts';
import { openFsDriver } from './fs.ts';

/** Answers jobs, but for one that ends it. */
const fragile = {
  source: `const { parentPort } = require('node:worker_threads');
    parentPort.on('message', (requests) => {
      for (const { id, job } of requests) {
        if (job.key === 'break') process.exit(1);
        parentPort.postMessage([{ id, value: undefined }]);
      }
    });`,
};

test('a thread that breaks fails the jobs it had, and the next job starts another one', async () => {
  await using thread = openChangeThread({ root: '/', tmp: '/tmp', spare: '/tmp', entry: fragile });
  await thread.run({ kind: 'remove', key: 'fine' });

  const had = await Promise.allSettled([
    thread.run({ kind: 'remove', key: 'break' }),
    thread.run({ kind: 'remove', key: 'behind' }),
  ]);
  await thread.run({ kind: 'remove', key: 'fine' });

  const reasons = had.map((each) => each.status === 'rejected' && String(each.reason));
  assert.deepEqual(reasons, Array(2).fill('Error: the thread that writes to the disk ended'));
});

test('a thread that cannot start fails its jobs', async () => {
  for (const [entry, cause] of [
    [{ source: 'throw new Error("no")' }, /no/],
    ['no path', /must be an absolute path/],
  ] as const) {
    await using thread = openChangeThread({ root: '/', tmp: '/tmp', spare: '/tmp', entry });

    await assert.rejects(thread.run({ kind: 'remove', key: 'a' }), (error: Error) => {
      assert.equal(error.message, 'the thread that writes to the disk ended');
      assert.match(String(error.cause), cause);
      return true;
    });
  }
});

test('the end of a driver waits for what is under way and refuses what comes later', async () => {
  await using directory = await mkdtempDisposable(join(tmpdir(), 'berth-thread-'));
  const driver = await openFsDriver({ root: directory.path });
  const bytes = Buffer.from('x');
  await driver.write('docker/first', bytes);
  const under = Array.from({ length: 40 }, (_, at) => driver.write(`docker/${at}/key`, bytes));

  await driver[Symbol.asyncDispose]();

  assert.deepEqual(await Promise.all(under), Array(40).fill(true));
  assert.equal((await readdir(join(directory.path, 'docker'))).length, 41);
  assert.deepEqual(await readdir(join(directory.path, 'berth/tmp')), []);
  await assert.rejects(driver.write('docker/late', bytes), /closed/);
});

test('a file that a thread opened is not closed by its end', async () => {
  await using directory = await mkdtempDisposable(join(tmpdir(), 'berth-thread-'));
  const driver = await openFsDriver({ root: directory.path });
  const part = await driver.openPart('docker/part', { create: true });

  await driver[Symbol.asyncDispose]();

  assert.equal(
    await part?.append(
      (async function* () {
        yield [Buffer.from('abc')];
      })(),
    ),
    3,
  );
  await part?.[Symbol.asyncDispose]();
});

test('what is asked for in one turn may lie in one buffer', async () => {
  await using directory = await mkdtempDisposable(join(tmpdir(), 'berth-thread-'));
  await using driver = await openFsDriver({ root: directory.path });
  const bytes = Buffer.from('one two three');
  const parts = [bytes.subarray(0, 3), bytes.subarray(4, 7), bytes.subarray(8), bytes];

  // The first one ends while the others wait for the end of it.
  for (let round = 0; round < 20; round++)
    await Promise.all(parts.map((part) => driver.write('docker/key', part)));
  await Promise.all(parts.map((part, at) => driver.write(`docker/${at}`, part)));

  const written = await Promise.all(
    parts.map((_, at) => readFile(join(directory.path, `docker/${at}`), 'utf8')),
  );
  assert.deepEqual(written, ['one', 'two', 'three', 'one two three']);
  assert.equal(await readFile(join(directory.path, 'docker/key'), 'utf8'), 'one two three');
});

test('the thread keeps nothing of the bytes that it has written', async () => {
  await using directory = await mkdtempDisposable(join(tmpdir(), 'berth-thread-'));
  const started = Promise.withResolvers<Worker>();
  process.once('worker', started.resolve);
  await using driver = await openFsDriver({ root: directory.path });
  await driver.write('docker/key', Buffer.from('x'));
  const worker = await started.promise;
  const outsideMiB = async () => (await worker.getHeapStatistics()).external_memory / 1024 / 1024;
  const before = await outsideMiB();

  const large = Buffer.alloc(4 * 1024 * 1024);
  for (let round = 0; round < 8; round++) await driver.write(`docker/${round}`, large);

  const grown = (await outsideMiB()) - before;
  assert.ok(grown < 9, `${grown} MiB more`);
});
