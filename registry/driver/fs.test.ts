import assert from 'node:assert/strict';
import { type ExecFileOptions, execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import * as files from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { mock, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { needs } from '../../test/support/tools.ts';
import { promisify } from 'node:util';

import { isAppError } from '../spec/errors.ts';
import { checked } from './checked.ts';
import { undefinedIfAbsent } from '../disk/directory.ts';
import type { Chunks } from './chunks.ts';
import { type DriverFixture, testDriver } from './driver.suite.ts';
import { openFsDriver } from './fs.ts';
import { createRunningHash } from './running-hash.ts';

const run = promisify(execFile);
const small = Buffer.from('sha256:0123');
const needsModes = { skip: process.platform === 'win32' && 'Windows has no file modes' };
const needsRoot = needs('root');
const needsStrace = needs('strace');

testDriver('fs', async (): Promise<DriverFixture> => {
  const root = await files.realpath(await files.mkdtemp(join(tmpdir(), 'berth-driver-')));
  return {
    driver: await openFsDriver({ root }),
    reopen: () => openFsDriver({ root }),
    leftovers: async () => [...(await unfinished(root)), ...(await openFiles(root))],
    [Symbol.asyncDispose]: () => files.rm(root, { recursive: true }),
  };
});

for (const umask of [0o000, 0o022, 0o077]) {
  const name = umask.toString(8).padStart(3, '0');
  test(`under umask ${name} directories are made with 0700 and files with 0600`, needsModes, async () => {
    await using directory = await files.mkdtempDisposable(join(tmpdir(), 'berth-driver-'));
    const root = join(directory.path, 'new/root');
    const before = process.umask(umask);
    try {
      const driver = await openFsDriver({ root });

      await driver.write('docker/a/link', small);
      await commitPart(driver, 'docker/uploads/1/data', 'docker/b/data');
      await (await driver.openPart('docker/uploads/2/data', { create: true }))?.[Symbol.asyncDispose]();
    } finally {
      process.umask(before);
    }

    const modes = await modesBelow(join(directory.path, 'new'));
    assert.deepEqual(
      modes.filter(({ mode, isDirectory }) => mode !== (isDirectory ? 0o700 : 0o600)),
      [],
    );
    assert.equal(modes.length, 12);
  });
}

test('modes that are found are kept', needsModes, async () => {
  await using directory = await files.mkdtempDisposable(join(tmpdir(), 'berth-driver-'));
  await files.mkdir(join(directory.path, 'docker/tags'), { recursive: true });
  await files.chmod(join(directory.path, 'docker/tags'), 0o755);
  const driver = await openFsDriver({ root: directory.path });

  await driver.write('docker/tags/link', small);

  assert.equal((await files.stat(join(directory.path, 'docker/tags'))).mode & 0o777, 0o755);
});

test('writing and removing follow no symbolic link below the root', needsModes, async () => {
  await using directory = await files.mkdtempDisposable(join(tmpdir(), 'berth-driver-'));
  const root = join(directory.path, 'root');
  const outside = join(directory.path, 'outside');
  await files.mkdir(join(root, 'docker/tree'), { recursive: true });
  await files.mkdir(outside);
  await files.writeFile(join(outside, 'data'), 'precious');
  await files.symlink(outside, join(root, 'docker/link'));
  await files.symlink(outside, join(root, 'docker/tree/link'));
  await files.symlink(join(outside, 'data'), join(root, 'docker/key'));
  const driver = checked(await openFsDriver({ root }));

  const refused: Record<string, () => Promise<unknown>> = {
    write: () => driver.write('docker/link/data', small),
    'write below': () => driver.write('docker/link/new/data', small),
    remove: () => driver.remove('docker/link/data'),
    removeTree: () => driver.removeTree('docker/link/data'),
    openPart: () => driver.openPart('docker/link/data', { create: false }),
    'openPart of a link': () => driver.openPart('docker/key', { create: false }),
    'openPart create': () => driver.openPart('docker/link/new', { create: true }),
    commit: () => commitPart(driver, 'docker/part', 'docker/link/data'),
  };
  for (const [name, call] of Object.entries(refused))
    await assert.rejects(call, (error) => isAppError(error, 'STORAGE_FAILED'), name);
  assert.equal(await driver.write('docker/key', small, { if: 'absent' }), false);
  await driver.write('docker/key', small);
  await driver.removeTree('docker/tree');
  await driver.removeTree('docker/link');

  assert.deepEqual(
    {
      outside: await files.readdir(outside),
      data: await files.readFile(join(outside, 'data'), 'utf8'),
      docker: await files.readdir(join(root, 'docker')),
      key: (await files.lstat(join(root, 'docker/key'))).isFile(),
    },
    { outside: ['data'], data: 'precious', docker: ['key', 'part'], key: true },
  );
});

test('unfinished writes do not go where a link at berth/tmp leads', needsModes, async () => {
  await using directory = await files.mkdtempDisposable(join(tmpdir(), 'berth-driver-'));
  const root = join(directory.path, 'root');
  await files.mkdir(join(root, 'berth'), { recursive: true });
  await files.symlink(directory.path, join(root, 'berth/tmp'));
  const driver = await openFsDriver({ root });

  await assert.rejects(driver.write('docker/key', small), /symbolic link/);
});

test('names that are no keys are not listed, and readers may follow links', needsModes, async () => {
  await using directory = await files.mkdtempDisposable(join(tmpdir(), 'berth-driver-'));
  const driver = await openFsDriver({ root: directory.path });
  await driver.write('real/key', small);
  for (const name of ['lost+found', 'data~1', 'ümlaut', 'a b']) await files.mkdir(join(directory.path, name));
  await files.symlink('real', join(directory.path, 'linked'));
  await files.symlink('nowhere', join(directory.path, 'dangling'));

  const found = [];
  for await (const entry of driver.list('')) found.push(entry);

  assert.deepEqual(found, [
    { name: 'berth', kind: 'tree' },
    { name: 'linked', kind: 'tree' },
    { name: 'real', kind: 'tree' },
  ]);
  assert.equal((await driver.stat('linked/key'))?.size, small.length);
});

test('a data directory that went away is not made again', async () => {
  await using directory = await files.mkdtempDisposable(join(tmpdir(), 'berth-driver-'));
  const root = join(directory.path, 'root');
  const driver = await openFsDriver({ root });
  await files.rename(root, join(directory.path, 'unmounted'));

  await assert.rejects(driver.write('docker/key', small), /is gone/);

  assert.deepEqual(await files.readdir(directory.path), ['unmounted']);
});

test('free room is told in bytes and inodes', async () => {
  await using directory = await files.mkdtempDisposable(join(tmpdir(), 'berth-driver-'));
  const driver = checked(await openFsDriver({ root: directory.path }));

  const free = await driver.free?.();

  assert.ok(free && free.bytes > 0 && free.bytes <= free.totalBytes && free.inodes > 0, JSON.stringify(free));
});

test('a write that fails behind a moved part ends the commit when what the part left behind is gone', async () => {
  await using directory = await files.mkdtempDisposable(join(tmpdir(), 'berth-driver-'));
  await using driver = checked(await openFsDriver({ root: directory.path }));
  // Enough to take longer than the failure.
  const left = Array.from({ length: 100 }, (_, at) => ({ key: `docker/up/1/states/${at}`, bytes: small }));
  await driver.commit([[...left, { key: 'docker/taken/by/a/tree', bytes: small }]]);
  await using part = await driver.openPart('docker/up/1/data', { create: true });

  const commit = part?.commit('docker/blob', {
    after: [[{ key: 'docker/taken', bytes: small }]],
    clear: 'docker/up/1',
  });

  await assert.rejects(Promise.resolve(commit), { code: 'STORAGE_FAILED' });
  assert.deepEqual(await unfinished(directory.path), []);
  assert.deepEqual(await Array.fromAsync(driver.list('docker/up')), []);
  assert.equal((await driver.stat('docker/blob'))?.size, 0);
});

test('what a moved part leaves behind serves the next part, and the end of the driver leaves none of it', async () => {
  await using directory = await files.mkdtempDisposable(join(tmpdir(), 'berth-driver-'));
  const root = directory.path;
  const driver = await openFsDriver({ root });
  const open = (id: string, bytes: string) =>
    driver.openPart(`docker/up/${id}/data`, {
      create: true,
      beside: { key: `docker/up/${id}/startedat`, bytes: Buffer.from(bytes) },
    });
  const move = async (id: string, bytes: string) => {
    await using part = await open(id, bytes);
    await part?.commit(`docker/b/${id}`, { clear: `docker/up/${id}` });
  };
  const read = async (id: string) => String(await files.readFile(join(root, 'docker/up', id, 'startedat')));

  await move('1', 'one');
  const kept = await spares(root);
  await using again = await open('2', 'two');
  const taken = { left: await spares(root), bytes: await read('2') };
  await move('3', 'three');
  await using longer = await open('4', 'x');
  // Distribution writes more into a session than Berth does.
  await driver.write('docker/up/5/hashstates/0', small);
  await move('5', 'two');
  await driver.removeTree('docker/up/2');
  await move('6', 'six');
  const last = await spares(root);
  for (const each of last) await files.rm(join(root, 'berth/spare', each), { recursive: true });
  await using fresh = await open('7', 'six');

  assert.equal(kept.length, 1);
  assert.deepEqual(taken, { left: [], bytes: 'two' });
  assert.deepEqual([again?.size, longer?.size, fresh?.size], [0, 0, 0]);
  assert.deepEqual(await files.readdir(join(root, 'docker/up')), ['4', '7']);
  assert.deepEqual([await read('4'), await read('7')], ['x', 'six']);
  assert.equal(last.length, 2);
  await driver[Symbol.asyncDispose]();
  assert.deepEqual([...(await spares(root)), ...(await unfinished(root))], []);
});

test('a part below the mount of another disk gets a directory there', needsRoot, async () => {
  await using disk = await mountTmpfs('docker/mounted', 'size=2m');
  await using driver = checked(await openFsDriver({ root: disk.root }));
  const move = async (folder: string) => {
    const beside = { key: `${folder}/startedat`, bytes: small };
    await using part = await driver.openPart(`${folder}/data`, { create: true, beside });
    await part?.commit('docker/blob', { clear: folder });
  };

  await move('docker/up/1');
  await move('docker/mounted/up/1');

  assert.deepEqual(await spares(disk.root), []);
  assert.deepEqual(await files.readdir(join(disk.root, 'docker/mounted/up')), []);
});

test('a full disk is STORAGE_FULL, harms nothing and leaves nothing', needsRoot, async () => {
  await using disk = await mountTmpfs('', 'size=2m,nr_inodes=40');
  const driver = checked(await openFsDriver({ root: disk.root }));
  await driver.write('docker/tag/link', small);
  await using part = await driver.openPart('docker/up/data', { create: true });
  assert.ok(part);

  await assert.rejects(part.append(repeat(64, Buffer.alloc(65_536, 1))), isFull);
  assert.ok(part.size > 1024 * 1024 && part.size <= 2 * 1024 * 1024, String(part.size));
  assert.equal((await driver.stat('docker/up/data'))?.size, part.size);
  await assert.rejects(driver.write('docker/tag/link', Buffer.alloc(65_536)), isFull);
  const stages = [small, Buffer.alloc(65_536)].map((bytes) => [{ key: 'docker/tag/link', bytes }]);
  await assert.rejects(driver.commit(stages), isFull);
  assert.deepEqual(await driver.readSmall('docker/tag/link', { limit: 100 }), new Uint8Array(small));
  assert.deepEqual(await unfinished(disk.root), []);

  await part.truncate(100_000);
  assert.equal(await part.append(repeat(2, Buffer.alloc(1000, 2))), 2000);
  await part.commit('docker/blob/data');
  assert.equal((await driver.stat('docker/blob/data'))?.size, 102_000);
});

test('a disk without inodes is STORAGE_FULL, and a tree can still be removed', needsRoot, async () => {
  await using disk = await mountTmpfs('', 'size=2m,nr_inodes=20');
  const driver = checked(await openFsDriver({ root: disk.root }));
  await driver.write('docker/tags/0', small);

  const filled = (async () => {
    for (let index = 1; ; index += 1) await driver.write(`docker/tags/${index}/link`, small);
  })();

  await assert.rejects(filled, isFull);
  assert.deepEqual(await unfinished(disk.root), []);
  await driver.removeTree('docker/tags');
  await driver.write('docker/tags/1/link', small);
});

test('a disk that turned read-only is STORAGE_READ_ONLY and can be read', needsRoot, async () => {
  await using disk = await mountTmpfs('', 'size=2m');
  const driver = checked(await openFsDriver({ root: disk.root }));
  await driver.write('docker/key', small);
  await run('mount', ['-o', 'remount,ro', disk.root]);

  await assert.rejects(driver.write('docker/key', small), isReadOnly);
  await assert.rejects(driver.write('docker/new/key', small), isReadOnly);
  await assert.rejects(driver.commit([[{ key: 'docker/key', bytes: small }]]), isReadOnly);
  await assert.rejects(driver.remove('docker/key'), isReadOnly);
  await assert.rejects(driver.removeTree('docker'), isReadOnly);
  await assert.rejects(driver.openPart('docker/up', { create: true }), isReadOnly);
  assert.deepEqual(await driver.readSmall('docker/key', { limit: 100 }), new Uint8Array(small));
  const again = checked(await openFsDriver({ root: disk.root }));
  assert.equal((await again.stat('docker/key'))?.size, small.length);
});

test('a tree on another file system is written, committed to and removed', needsRoot, async () => {
  await using disk = await mountTmpfs('docker', 'size=2m');
  const driver = checked(await openFsDriver({ root: disk.root }));

  await driver.write('docker/tag/link', small);
  await commitPart(driver, 'uploads/1/data', 'docker/blob/data');

  assert.deepEqual(await driver.readSmall('docker/tag/link', { limit: 100 }), new Uint8Array(small));
  assert.deepEqual(await driver.readSmall('docker/blob/data', { limit: 100 }), new Uint8Array(small));
  assert.deepEqual(await files.readdir(join(disk.root, 'docker/blob')), ['data']);
  assert.equal(await driver.stat('uploads/1/data'), undefined);
  await driver.removeTree('docker/tag');
  assert.deepEqual(await files.readdir(join(disk.root, 'docker')), ['blob']);
  assert.deepEqual(await unfinished(disk.root), []);
});

test(
  'file, rename, directory and every new parent: in this order, and no fsync more',
  needsStrace,
  async () => {
    await using directory = await files.mkdtempDisposable(join(tmpdir(), 'berth-driver-'));
    const root = await files.realpath(directory.path);
    const steps = {
      'first write': `await driver.write('docker/t/1/link', small);`,
      'write beside it': `await driver.write('docker/t/1/other', small);`,
      overwrite: `await driver.write('docker/t/1/link', small);`,
      'write in one new directory': `await driver.write('docker/t/2/link', small);`,
      'stages in one new tree': `await driver.commit([['a'], ['b']].map((stage) =>
        stage.map((name) => ({ key: 'docker/t/3/' + name + '/link', bytes: small }))));`,
      'refused write': `await driver.write('docker/t/2/link', small, { if: 'absent' });`,
      'open part': `const part = await driver.openPart('docker/up/1/data', {
        create: true, beside: { key: 'docker/up/1/startedat', bytes: small } });`,
      append: `await part.append(bytes(3, 65536));`,
      commit: `await part.commit('docker/b/1/data');`,
      remove: `await driver.remove('docker/t/1/other');`,
      'passing removal': `await driver.removeTree('docker/up/1', { durable: false });`,
      'commit that leaves a directory': `const left = await driver.openPart('docker/up/3/data', {
        create: true, beside: { key: 'docker/up/3/startedat', bytes: small } });
      await left.commit('docker/b/3/data', { clear: 'docker/up/3' });`,
      'part in that directory': `await driver.openPart('docker/up/4/data', {
        create: true, beside: { key: 'docker/up/4/startedat', bytes: small } });`,
      'remove tree': `await driver.removeTree('docker/t/1');`,
      'write below a directory that was made in passing': `await driver.openPart('docker/up/2/x', { create: true });
      await driver.write('docker/up/2/y', small);`,
    };
    const script = Object.entries(steps).map(([name, step]) => `mark('${name}');\n${step}`);

    const calls = await traceDriver(root, script.join('\n'));

    const found: Record<string, string[]> = {};
    let step = 'start';
    for (const { text, mark } of calls) {
      if (mark !== undefined) step = mark;
      else if (step !== 'start')
        (found[step] ??= []).push(
          text
            .replaceAll(/berth\/tmp\/[0-9a-f-]{36}/g, 'TEMP')
            .replaceAll(/berth\/spare\/[0-9a-f-]{36}/g, 'SPARE'),
        );
    }
    for (const [name, texts] of Object.entries(found)) found[name] = sortSyncs(texts);
    assert.deepEqual(found, {
      'first write': lines(
        'mkdir berth, mkdir berth/tmp, fdatasync TEMP, mkdir docker, mkdir docker/t, mkdir docker/t/1',
        'rename TEMP docker/t/1/link, fsync ., fsync docker, fsync docker/t, fsync docker/t/1',
      ),
      'write beside it': lines('fdatasync TEMP, rename TEMP docker/t/1/other, fsync docker/t/1'),
      overwrite: lines('fdatasync TEMP, rename TEMP docker/t/1/link, fsync docker/t/1'),
      'write in one new directory': lines(
        'fdatasync TEMP, mkdir docker/t/2, rename TEMP docker/t/2/link, fsync docker/t, fsync docker/t/2',
      ),
      'stages in one new tree': lines(
        'fdatasync TEMP, fdatasync TEMP, mkdir docker/t/3, mkdir docker/t/3/a, mkdir docker/t/3/b',
        'rename TEMP docker/t/3/a/link, fsync docker/t, fsync docker/t/3, fsync docker/t/3/a',
        'rename TEMP docker/t/3/b/link, fsync docker/t/3/b',
      ),
      'open part': lines('mkdir docker/up, mkdir docker/up/1'),
      commit: lines(
        'fdatasync docker/up/1/data, mkdir docker/b, mkdir docker/b/1',
        'rename docker/up/1/data docker/b/1/data, fsync docker, fsync docker/b, fsync docker/b/1',
      ),
      remove: lines('unlink docker/t/1/other, fsync docker/t/1'),
      'passing removal': lines('unlink docker/up/1/startedat, rmdir docker/up/1'),
      'commit that leaves a directory': lines(
        'mkdir docker/up/3, fdatasync docker/up/3/data, mkdir docker/b/3',
        'rename docker/up/3/data docker/b/3/data, fsync docker/b, fsync docker/b/3',
        'mkdir berth/spare, rename docker/up/3 SPARE',
      ),
      'part in that directory': lines('rename SPARE docker/up/4'),
      'remove tree': lines('rename docker/t/1 TEMP, fsync docker/t, unlink TEMP/link, rmdir TEMP'),
      'write below a directory that was made in passing': lines(
        'mkdir docker/up/2, fdatasync TEMP, rename TEMP docker/up/2/y',
        'fsync docker/up, fsync docker/up/2',
      ),
    });
  },
);

test(
  'writers share the fsync of a directory, but only one that began after their rename',
  needsStrace,
  async () => {
    await using directory = await files.mkdtempDisposable(join(tmpdir(), 'berth-driver-'));
    const root = await files.realpath(directory.path);
    const writers = 32;

    const calls = await traceDriver(
      root,
      `await Promise.all([0, 1, 2, 3].map(async (lane) => {
        for (let index = lane; index < ${writers}; index += 4) {
          await driver.write('docker/tags/' + index, small);
          mark(String(index));
        }
      }));`,
      // A slow disk: the renames of the other lanes fall into the time of an fsync that does not cover them.
      'fsync:delay_exit=20ms',
    );

    const syncs = calls.filter(({ text }) => text === 'fsync docker/tags');
    for (let index = 0; index < writers; index += 1) {
      const renamed = calls.find(
        ({ text }) => text.startsWith('rename ') && text.endsWith(`docker/tags/${index}`),
      );
      const answered = calls.find(({ mark }) => mark === String(index));
      assert.ok(renamed && answered, String(index));
      const served = syncs.some((sync) => sync.start > renamed.end && sync.end < answered.start);
      assert.ok(served, `no fsync between the rename and the answer of ${index}`);
    }
    assert.ok(syncs.length < writers, `${syncs.length} fsyncs for ${writers} writers`);
  },
);

const failures = {
  'in a commit': {
    inject: 'fdatasync:error=EIO:when=1',
    script: `const part = await driver.openPart('docker/up/data', { create: true });
      await part.append(bytes(3, 65536));
      await tell(() => part.commit('docker/blob'));
      await tell(() => part.append(bytes(1, 1)));`,
    told: ['STORAGE_FAILED', 'STORAGE_FAILED'],
    left: [],
  },
  'while bytes arrive': {
    inject: 'fdatasync:error=EIO:when=1',
    script: `const part = await driver.openPart('docker/up/data', { create: true });
      await tell(() => part.append(bytes(600, 65536)));`,
    told: ['STORAGE_FAILED'],
    left: [],
  },
  'behind the last byte': {
    inject: 'fdatasync:error=EIO:when=1',
    script: `const part = await driver.openPart('docker/up/data', { create: true });
      await tell(() => part.append(bytes(256, 65536)));
      await tell(() => part.commit('docker/blob'));`,
    told: ['done', 'STORAGE_FAILED'],
    left: [],
  },
  'of a small file': {
    inject: 'fdatasync:error=EIO:when=1',
    script: `await tell(() => driver.write('docker/link', small));`,
    told: ['STORAGE_FAILED'],
    left: [],
  },
  'of the directory of a part': {
    inject: 'fsync:error=EIO:when=1',
    script: `const part = await driver.openPart('docker/up/data', { create: true });
      await part.append(bytes(3, 65536));
      await tell(() => part.commit('docker/blob', { after: [[{ key: 'docker/link', bytes: small }]] }));`,
    told: ['STORAGE_FAILED'],
    left: [],
  },
  'in a second stage': {
    inject: 'fsync:error=EIO:when=2',
    script: `const [first, kept, taken] = ['first', 'docker/kept', 'docker/taken'].map((key) => ({ key, bytes: small }));
      await tell(() => driver.commit([[first], [kept, { ...taken, if: 'absent' }]]));
      await tell(() => driver.commit([[{ ...first, if: 'absent' }]]));`,
    told: ['STORAGE_FAILED', 'done'],
    left: ['kept'],
  },
  'of a directory': {
    inject: 'fsync:error=EIO:when=1',
    script: `await driver.openPart('docker/link', { create: true });
      await tell(() => driver.write('docker/link', small));`,
    told: ['STORAGE_FAILED'],
    left: ['link'],
  },
};
for (const [name, { inject, script, told, left }] of Object.entries(failures)) {
  test(`a failed fsync ${name} is told, not tried again, and its part dropped`, needsStrace, async () => {
    await using directory = await files.mkdtempDisposable(join(tmpdir(), 'berth-driver-'));
    const root = await files.realpath(directory.path);

    const calls = await traceDriver(root, script, inject);

    assert.deepEqual(
      calls.flatMap(({ mark }) => mark ?? []),
      told,
    );
    const syncs = calls.map(({ text }) => text).filter((text) => text.startsWith(`${inject.split(':')[0]} `));
    assert.ok(syncs.length > 0);
    assert.deepEqual(syncs, [...new Set(syncs)]);
    assert.deepEqual(await unfinished(root), []);
    const keys = (await files.readdir(join(root, 'docker')).catch(undefinedIfAbsent)) ?? [];
    assert.deepEqual(
      keys.filter((key) => key !== 'up'),
      left,
    );
    assert.deepEqual((await files.readdir(join(root, 'docker/up')).catch(undefinedIfAbsent)) ?? [], []);
  });
}

interface TracedCall {
  /** The call and the paths it is about, relative to the root. */
  readonly text: string;
  readonly mark?: string;
  /** Places in the order of all starts and ends. */
  readonly start: number;
  readonly end: number;
}

/**
 * Runs a script with a `driver` on the root under strace and answers what it asked of the file system. `mark(name)`
 * leaves a call of its own in the trace; `tell(act)` marks the code of the error that `act` throws.
 */
async function traceDriver(root: string, script: string, inject?: string) {
  const program = `
    import { existsSync } from 'node:fs';
    import { openFsDriver } from ${JSON.stringify(new URL('fs.ts', import.meta.url).href)};
    import { checked } from ${JSON.stringify(new URL('checked.ts', import.meta.url).href)};
    const driver = checked(await openFsDriver({ root: ${JSON.stringify(root)} }));
    const small = Buffer.from('sha256:0123');
    const mark = (name) => existsSync('/mark/' + name);
    const tell = (act) => act().then(() => mark('done'), (error) => mark(error.code));
    async function* bytes(count, size) {
      for (let at = 0; at < count; at += 1) yield [Buffer.alloc(size, at)];
    }
    ${script}`;
  await using output = await files.mkdtempDisposable(join(tmpdir(), 'berth-strace-'));
  const log = join(output.path, 'log');
  const trace = 'trace=/^(fsync|fdatasync|rename.*|mkdir.*|unlink.*|rmdir|f?access.*)$';
  const node = [process.execPath, '--input-type=module', '-e', program];
  const fault = inject === undefined ? [] : ['-e', `inject=${inject}`];
  await run('strace', ['-f', '-y', '-qq', '-s', '4096', '-o', log, '-e', trace, ...fault, ...node], {
    // One thread where a call is to fail, because strace counts the calls of each thread for itself.
    env: { PATH: process.env['PATH'], UV_THREADPOOL_SIZE: inject?.includes('when=') === true ? '1' : '4' },
  } satisfies ExecFileOptions);
  return parseTrace(await files.readFile(log, 'utf8'), root);
}

function parseTrace(log: string, root: string): readonly TracedCall[] {
  const calls: TracedCall[] = [];
  const unfinishedCalls = new Map<string, { readonly line: string; readonly start: number }>();
  for (const [at, whole] of log.split('\n').entries()) {
    const [, pid = '', line = ''] = /^(\d+) +(.*)$/.exec(whole) ?? [];
    if (line.endsWith('<unfinished ...>')) unfinishedCalls.set(pid, { line, start: at });
    const isResumed = line.startsWith('<... ');
    const begun = isResumed ? unfinishedCalls.get(pid) : undefined;
    const [, name] = /^(\w+)\(/.exec(begun?.line ?? line) ?? [];
    if (name === undefined || line.endsWith('<unfinished ...>')) continue;
    const paths = [...(begun?.line ?? line).matchAll(/"([^"]*)"|\d<([^>]*)>/g)].map(
      (match) => match[1] ?? match[2],
    );
    const call = { start: begun?.start ?? at, end: at };
    const mark = paths[0]?.startsWith('/mark/') === true ? paths[0].slice('/mark/'.length) : undefined;
    if (mark !== undefined) calls.push({ text: '', mark, ...call });
    const inside = paths.filter((path) => path?.startsWith(root) === true);
    // A failed attempt (EEXIST of a directory that another writer made) is no step.
    if (inside.length === 0 || /^f?access/.test(name) || /= -1 (?!EIO)/.test(line)) continue;
    const names = inside.map((path) => path?.slice(root.length + 1) || '.');
    calls.push({ text: [name.replace(/at2?$/, ''), ...names].join(' '), ...call });
  }
  return calls;
}

/** Where each write of bytes to a part began and how many it took, by the log of strace. */
async function writesOf(script: string): Promise<readonly { readonly at: number; readonly bytes: number }[]> {
  await using directory = await files.mkdtempDisposable(join(tmpdir(), 'berth-strace-'));
  const [driver, hash] = ['fs.ts', 'running-hash.ts'].map((name) => new URL(name, import.meta.url).href);
  const program = `
    import { openFsDriver } from ${JSON.stringify(driver)};
    import { createRunningHash } from ${JSON.stringify(hash)};
    await using driver = await openFsDriver({ root: ${JSON.stringify(join(directory.path, 'root'))} });
    await using part = await driver.openPart('docker/part', { create: true });
    async function* chunks(bytes, size) {
      for (let at = 0; at < bytes; at += size) yield [Buffer.alloc(Math.min(size, bytes - at), 1)];
    }
    ${script}`;
  const node = [process.execPath, '--input-type=module', '-e', program];
  // A log for each thread, whose lines are whole.
  const logs = join(directory.path, 'log');
  await run('strace', ['-ff', '-y', '-qq', '-o', logs, '-e', 'trace=pwritev,pwrite64', ...node]);
  const names = (await files.readdir(directory.path)).filter((name) => name.startsWith('log.'));
  const texts = await Promise.all(names.map((name) => files.readFile(join(directory.path, name), 'utf8')));
  return [...texts.join('').matchAll(/root\/docker\/.*, (\d+)\) += (\d+)$/gm)]
    .map(([, at, bytes]) => ({ at: Number(at), bytes: Number(bytes) }))
    .toSorted((one, other) => one.at - other.at);
}

/** Fsyncs that follow each other are waited for together: they come in any order, here in that of their names. */
function sortSyncs(texts: readonly string[]): string[] {
  const isSync = (text = ''): boolean => /^f(data)?sync /.test(text);
  const sorted: string[] = [];
  for (let at = 0; at < texts.length;) {
    let end = at + 1;
    while (isSync(texts[at]) && isSync(texts[end])) end++;
    sorted.push(...texts.slice(at, end).toSorted());
    at = end;
  }
  return sorted;
}

function lines(...steps: readonly string[]): readonly string[] {
  return steps.flatMap((line) => line.split(', '));
}

for (const how of ['{}', "{ hash: createRunningHash({ algorithm: 'sha256' }), isOwned: true }"]) {
  test(`batches of a part end at multiples of 1 MiB of its file: ${how}`, needsStrace, async () => {
    const MiB = 1024 * 1024;
    const writes = await writesOf(`
      await part.append(chunks(100_001, 65_000));
      await part.append(chunks(3_400_000, 65_000), ${how});`);

    assert.deepEqual(writes, [
      { at: 0, bytes: 100_001 },
      { at: 100_001, bytes: MiB - 100_001 },
      { at: MiB, bytes: MiB },
      { at: 2 * MiB, bytes: MiB },
      { at: 3 * MiB, bytes: 3_500_001 - 3 * MiB },
    ]);
  });
}

test('what a slow sender has sent is in the file soon', async () => {
  await using directory = await files.mkdtempDisposable(join(tmpdir(), 'berth-driver-'));
  await using driver = await openFsDriver({ root: directory.path });
  await using part = await driver.openPart('docker/part', { create: true });
  const going = Promise.withResolvers<void>();
  async function* slow(): AsyncGenerator<Chunks> {
    yield [Buffer.from('abc')];
    await going.promise;
    yield [Buffer.from('def')];
  }
  const appended = part?.append(slow());
  const standsAt = async (): Promise<number> => (await driver.stat('docker/part'))?.size ?? 0;

  for (const deadline = Date.now() + 5000; (await standsAt()) === 0 && Date.now() < deadline;)
    await delay(20);

  const early = await standsAt();
  going.resolve();
  await appended;
  assert.deepEqual([early, await standsAt()], [3, 6]);
});

test('many appends at once hold smaller batches', needsStrace, async () => {
  const writes = await writesOf(`
    await Promise.all(Array.from({ length: 9 }, async (_, at) => {
      await using other = await driver.openPart('docker/' + at, { create: true });
      await other.append(chunks(2_000_000, 65_000));
    }));`);

  const size = 256 * 1024;
  assert.equal(
    writes.reduce((sum, { bytes }) => sum + bytes, 0),
    9 * 2_000_000,
  );
  assert.ok(writes.every(({ bytes }) => bytes <= 1024 * 1024));
  assert.ok(writes.filter(({ bytes }) => bytes === size).length > 40);
});

for (const bytes of [200_000, 3_000_000]) {
  test(`the memory of ${bytes} bytes that are given away is free once they are written`, async () => {
    await using directory = await files.mkdtempDisposable(join(tmpdir(), 'berth-driver-'));
    await using driver = await openFsDriver({ root: directory.path });
    await using part = await driver.openPart('docker/part', { create: true });
    const chunks = Array.from({ length: bytes / 50_000 }, () => Buffer.allocUnsafeSlow(50_000));
    const shared = Buffer.from('from the memory that Node shares out');

    await part?.append(Readable.from([chunks, [shared]]), {
      hash: createRunningHash({ algorithm: 'sha256' }),
      isOwned: true,
    });

    assert.deepEqual(new Set(chunks.map(({ buffer }) => buffer.detached)), new Set([true]));
    assert.equal(String(shared), 'from the memory that Node shares out');
  });
}

for (const [bytes, isLeft] of [
  [1_900_000, false],
  [2_200_000, true],
] as const) {
  test(`a part of ${bytes} bytes is ${isLeft ? '' : 'not '}left to another thread`, async () => {
    await using directory = await files.mkdtempDisposable(join(tmpdir(), 'berth-driver-'));
    await using driver = await openFsDriver({ root: directory.path });
    await using part = await driver.openPart('docker/part', { create: true });
    const hash = createRunningHash({ algorithm: 'sha256' });
    const leave = mock.method(hash, 'leaveTo');

    await part?.append(repeat(bytes / 100_000, Buffer.alloc(100_000, 'a')), { hash });

    assert.equal(
      leave.mock.calls.some(({ result }) => result !== undefined),
      isLeft,
    );
    assert.equal(part?.size, bytes);
    assert.equal(
      (await hash.take())?.digest,
      createHash('sha256').update(Buffer.alloc(bytes, 'a')).digest('hex'),
    );
  });
}

async function commitPart(driver: Awaited<ReturnType<typeof openFsDriver>>, key: string, target: string) {
  await using part = await driver.openPart(key, { create: true });
  assert.ok(part);
  await part.append(repeat(1, small));
  await part.commit(target);
}

async function* repeat(count: number, chunk: Uint8Array): AsyncGenerator<Chunks> {
  for (let at = 0; at < count; at += 1) yield [chunk];
}

/** A data directory with a small file system of its own at `below`. */
async function mountTmpfs(below: string, options: string) {
  const root = await files.realpath(await files.mkdtemp(join(tmpdir(), 'berth-disk-')));
  const point = join(root, below);
  await files.mkdir(point, { recursive: true });
  await run('mount', ['-t', 'tmpfs', '-o', options, 'none', point]);
  return {
    root,
    async [Symbol.asyncDispose]() {
      await run('umount', [point]);
      await files.rm(root, { recursive: true });
    },
  };
}

function isReadOnly(error: unknown): boolean {
  return isAppError(error, 'STORAGE_READ_ONLY');
}

function isFull(error: unknown): boolean {
  return isAppError(error, 'STORAGE_FULL');
}

async function modesBelow(top: string) {
  const entries = await files.readdir(top, { recursive: true, withFileTypes: true });
  return Promise.all(
    entries.map(async (entry) => {
      const path = join(entry.parentPath, entry.name);
      return { path, mode: (await files.lstat(path)).mode & 0o777, isDirectory: entry.isDirectory() };
    }),
  );
}

async function spares(root: string): Promise<readonly string[]> {
  return await files.readdir(join(root, 'berth/spare'));
}

async function unfinished(root: string): Promise<readonly string[]> {
  return (await files.readdir(join(root, 'berth/tmp')).catch(undefinedIfAbsent)) ?? [];
}

/** The files below a directory that this process has open. */
async function openFiles(root: string): Promise<readonly string[]> {
  const descriptors = (await files.readdir('/proc/self/fd').catch(undefinedIfAbsent)) ?? [];
  const paths = await Promise.all(
    descriptors.map((descriptor) => files.readlink(`/proc/self/fd/${descriptor}`).catch(undefinedIfAbsent)),
  );
  return paths.flatMap((path) => (path?.startsWith(root) === true ? [path] : []));
}
