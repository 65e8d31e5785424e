import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import * as files from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';

import { isAppError } from '../spec/errors.ts';
import { checkPrivate, lockRoot, readHolder, sweepTemp } from './lock.ts';

const needsModes = { skip: process.platform === 'win32' && 'Windows has no file modes' };
const needsUser = {
  skip: (process.getuid?.() ?? 0) === 0 && 'root may write everywhere',
};

test('a second process is refused and told who holds the directory', async () => {
  await using directory = await files.mkdtempDisposable(join(tmpdir(), 'berth-lock-'));
  const holder = await startHolder(directory.path);
  try {
    const error: unknown = await lockRoot(directory.path).catch((caught: unknown) => caught);

    assert.ok(isAppError(error, 'DATA_LOCKED'), String(error));
    assert.match(
      error.message,
      new RegExp(`directory ${directory.path} is in use by process ${holder.pid} `),
    );
    assert.match(error.message, /\(since \d{4}-\d\d-\d\dT.*Z, listening on https:\/\/127\.0\.0\.1:5443\)/);
    assert.equal((await readHolder(directory.path))?.pid, holder.pid);
  } finally {
    await kill(holder);
  }
});

test('a holder that is killed holds nothing', async () => {
  await using directory = await files.mkdtempDisposable(join(tmpdir(), 'berth-lock-'));
  await kill(await startHolder(directory.path));

  await using _ = await lockRoot(directory.path);

  assert.equal((await readHolder(directory.path))?.pid, process.pid);
});

test('the same process is refused too, and again after others were refused', async () => {
  await using directory = await files.mkdtempDisposable(join(tmpdir(), 'berth-lock-'));
  const first = await lockRoot(directory.path);

  for (let attempt = 0; attempt < 3; attempt += 1)
    await assert.rejects(lockRoot(directory.path), (error) => isAppError(error, 'DATA_LOCKED'));
  await assert.rejects(startHolder(directory.path), /DATA_LOCKED/);

  await first[Symbol.asyncDispose]();
  assert.equal(await readHolder(directory.path), undefined);
  await (await lockRoot(directory.path))[Symbol.asyncDispose]();
});

for (const umask of [0o000, 0o022, 0o077]) {
  const name = umask.toString(8).padStart(3, '0');
  test(`under umask ${name} what the lock makes is private`, needsModes, async () => {
    await using directory = await files.mkdtempDisposable(join(tmpdir(), 'berth-lock-'));
    const root = join(directory.path, 'new/root');
    const before = process.umask(umask);
    try {
      await using lock = await lockRoot(root);
      await lock.announce(['127.0.0.1:5443']);

      const modes: Record<string, string> = {};
      for (const path of [
        '.',
        'berth',
        ...(await files.readdir(join(root, 'berth'))).map((n) => `berth/${n}`),
      ])
        modes[path] = ((await files.stat(join(root, path))).mode & 0o777).toString(8);
      assert.deepEqual(modes, {
        '.': '700',
        berth: '700',
        'berth/format': '600',
        'berth/lock': '600',
        'berth/lock.json': '600',
      });
    } finally {
      process.umask(before);
    }
  });
}

test('the format is written once and read by the next start', async () => {
  await using directory = await files.mkdtempDisposable(join(tmpdir(), 'berth-lock-'));
  const path = join(directory.path, 'berth/format');
  const cases = [
    { text: undefined, message: undefined },
    { text: '{"format":1}', message: undefined },
    {
      text: '{"format":2,"more":true}',
      message: /has format 2, written by a newer Berth; this version knows 1/,
    },
    { text: '', message: /berth\/format is damaged/ },
    { text: '{"format":"1"}', message: /berth\/format is damaged/ },
    { text: '{"format":0}', message: /berth\/format is damaged/ },
  ];
  for (const { text, message } of cases) {
    if (text !== undefined) await files.writeFile(path, text, { mode: 0o600 });

    const outcome: unknown = await lockRoot(directory.path).catch((caught: unknown) => caught);

    if (message === undefined) {
      await Object(outcome)[Symbol.asyncDispose]();
      assert.deepEqual(JSON.parse(await files.readFile(path, 'utf8')), { format: 1 });
    } else {
      assert.ok(isAppError(outcome, 'DATA_UNUSABLE'), String(outcome));
      assert.match(outcome.message, message);
      assert.equal(await files.readFile(path, 'utf8'), text);
    }
  }
});

test('private files that others can reach stop the start, by name', needsModes, async () => {
  await using directory = await files.mkdtempDisposable(join(tmpdir(), 'berth-lock-'));
  const root = directory.path;
  await checkPrivate(root);
  await files.mkdir(join(root, 'berth/tls'), { recursive: true, mode: 0o700 });
  for (const name of ['users', 'tls/ca.key'])
    await files.writeFile(join(root, 'berth', name), '', { mode: 0o600 });
  await files.mkdir(join(root, 'docker'), { mode: 0o755 });
  await checkPrivate(root);

  for (const { name, mode, found } of [
    { name: '.', mode: 0o755, found: '0755' },
    { name: '.', mode: 0o710, found: '0710' },
    { name: 'users', mode: 0o640, found: '0640' },
    { name: 'users', mode: 0o604, found: '0604' },
    { name: 'tls/ca.key', mode: 0o644, found: '0644' },
  ]) {
    const path = join(root, 'berth', name);
    const before = (await files.stat(path)).mode;
    await files.chmod(path, mode);

    const error: unknown = await lockRoot(root).catch((caught: unknown) => caught);

    assert.ok(isAppError(error, 'DATA_UNUSABLE'), `${name} ${found}: ${String(error)}`);
    assert.equal(
      error.message,
      `"${path}" has the mode ${found}: other users of this computer can reach it.`,
    );
    await files.chmod(path, before);
  }
});

test('a place that cannot be a data directory is named', async () => {
  await using directory = await files.mkdtempDisposable(join(tmpdir(), 'berth-lock-'));
  await files.writeFile(join(directory.path, 'file'), '');
  await files.mkdir(join(directory.path, 'odd'));
  await files.symlink(directory.path, join(directory.path, 'odd/berth'));

  for (const name of ['file', 'file/below', 'odd']) {
    const root = join(directory.path, name);
    const error: unknown = await lockRoot(root).catch((caught: unknown) => caught);
    assert.ok(isAppError(error, 'DATA_UNUSABLE'), `${name}: ${String(error)}`);
    assert.ok(error.message.includes(root), error.message);
  }
});

test('a directory that may only be read is STORAGE_READ_ONLY', needsUser, async () => {
  await using directory = await files.mkdtempDisposable(join(tmpdir(), 'berth-lock-'));
  await files.chmod(directory.path, 0o500);

  await assert.rejects(lockRoot(directory.path), (error) => isAppError(error, 'STORAGE_READ_ONLY'));
});

test('the sweep empties berth/tmp and berth/spare, and follows no link', needsModes, async () => {
  await using directory = await files.mkdtempDisposable(join(tmpdir(), 'berth-lock-'));
  const root = directory.path;
  assert.equal(await sweepTemp(root), 0);
  await files.mkdir(join(root, 'berth/tmp/tree/deep'), { recursive: true });
  await files.writeFile(join(root, 'berth/tmp/tree/deep/data'), '');
  await files.writeFile(join(root, 'berth/tmp/temp'), '');
  await files.mkdir(join(root, 'berth/spare/left'), { recursive: true });
  await files.writeFile(join(root, 'berth/spare/left/startedat'), '');
  await files.writeFile(join(root, 'berth/users'), '');
  await files.symlink(join(root, 'berth'), join(root, 'berth/tmp/link'));

  assert.equal(await sweepTemp(root), 3);
  for (const name of ['tmp', 'spare']) {
    assert.deepEqual(await files.readdir(join(root, 'berth', name)), []);
    await files.rmdir(join(root, 'berth', name));
    await files.symlink(join(root, 'berth'), join(root, 'berth', name));
  }

  assert.equal(await sweepTemp(root), 0);
  assert.deepEqual((await files.readdir(join(root, 'berth'))).toSorted(), ['spare', 'tmp', 'users']);
});

/** A process of its own that holds the directory until it is killed. Rejects with what it says if it is refused. */
async function startHolder(root: string): Promise<ChildProcess> {
  const program = `
    import { lockRoot } from ${JSON.stringify(new URL('lock.ts', import.meta.url).href)};
    const lock = await lockRoot(${JSON.stringify(root)}).catch((error) => error);
    if (lock.code !== undefined) process.stdout.write(lock.code);
    else {
      await lock.announce(['https://127.0.0.1:5443']);
      process.stdout.write('held');
      process.stdin.resume();
    }`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
    env: { PATH: process.env['PATH'] },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const [said] = await once(child.stdout, 'data');
  if (String(said) === 'held') return child;
  await kill(child);
  throw new Error(String(said));
}

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGKILL');
  await exited;
}
