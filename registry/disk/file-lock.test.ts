import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempDisposable, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { withFileLock } from './file-lock.ts';

/** Whether another process could take the lock now. */
async function isFree(path: string): Promise<boolean> {
  const script = `
    const { DatabaseSync } = require('node:sqlite');
    try { new DatabaseSync(process.argv[1], { timeout: 0 }).exec('BEGIN EXCLUSIVE'); console.log('free'); }
    catch (error) { console.log(error.errcode === 5 ? 'held' : String(error)); }`;
  const { stdout } = await promisify(execFile)(process.execPath, ['-e', script, path]);
  return stdout.trim() === 'free';
}

test('edits take turns, and a waiting one does not let another process in', async () => {
  await using directory = await mkdtempDisposable(join(tmpdir(), 'berth-file-lock-'));
  const path = join(directory.path, 'lock');
  const gate = Promise.withResolvers<void>();
  const started = Promise.withResolvers<void>();
  const log: string[] = [];

  const first = withFileLock(path, async () => {
    started.resolve();
    await gate.promise;
    log.push('first');
  });
  await started.promise;
  const second = withFileLock(path, async () => void log.push('second'));
  const whileHeld = await isFree(path);
  gate.resolve();
  await Promise.all([first, second]);

  assert.deepEqual(
    { whileHeld, log, afterwards: await isFree(path) },
    { whileHeld: false, log: ['first', 'second'], afterwards: true },
  );
  assert.equal((await stat(path)).mode & 0o777, 0o600);
});

test('an edit that fails frees the lock', async () => {
  await using directory = await mkdtempDisposable(join(tmpdir(), 'berth-file-lock-'));
  const path = join(directory.path, 'lock');

  await assert.rejects(
    withFileLock(path, () => Promise.reject(new Error('no'))),
    /no/,
  );

  assert.equal(await isFree(path), true);
});
