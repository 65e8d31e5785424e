import assert from 'node:assert/strict';
import { fstatSync, openSync } from 'node:fs';
import {
  appendFile,
  link,
  mkdir,
  mkdtempDisposable,
  readFile,
  rename,
  rm,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { test, type TestContext } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { OpenedPart } from './changes.ts';
import { openFsDriver } from './fs.ts';
import { type Look, lookByPool, lookInPlace } from './look.ts';
import { createRestingFiles, type RestingOptions } from './resting-files.ts';

/** Files at rest in a directory of their own; `keep` makes one of three bytes and lays it down. */
async function openResting(
  t: TestContext,
  { look = lookInPlace, ...options }: RestingOptions & { look?: Look } = {},
) {
  const directory = await mkdtempDisposable(join(tmpdir(), 'berth-resting-'));
  const resting = createRestingFiles(look, options);
  t.after(async () => {
    await resting[Symbol.asyncDispose]();
    await directory[Symbol.asyncDispose]();
  });
  const pathOf = (name: string): string => join(directory.path, name);
  async function keep(name: string): Promise<OpenedPart> {
    const path = pathOf(name);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, 'abc');
    const file = openSync(path, 'r+');
    const { ino: inode, size } = fstatSync(file);
    const opened = { file, inode, size };
    resting.keep(path, opened);
    return opened;
  }
  return { resting, pathOf, keep };
}

function isOpen({ file, inode }: OpenedPart): boolean {
  try {
    return fstatSync(file).ino === inode;
  } catch {
    return false;
  }
}

async function isClosed(opened: OpenedPart): Promise<void> {
  while (isOpen(opened)) await nextTurn();
}

for (const look of [lookInPlace, lookByPool]) {
  test(`${look.name}: a file at rest is given to whoever opens it next, and to nobody else`, async (t) => {
    const { resting, pathOf, keep } = await openResting(t, { look });
    const opened = await keep('data');

    const first = resting.take(pathOf('data'));
    const second = resting.take(pathOf('data'));

    assert.deepEqual(await first, opened);
    assert.equal(second, undefined);
    resting.keep(pathOf('data'), opened);
  });
}

const meanwhile: Readonly<Record<string, (path: string) => Promise<unknown>>> = {
  removed: (path) => rm(path),
  replaced: async (path) => {
    await writeFile(`${path}.new`, 'abc');
    await rename(`${path}.new`, path);
  },
  longer: (path) => appendFile(path, 'd'),
  'moved, with its directory': (path) => rename(dirname(path), `${dirname(path)}.away`),
};
for (const [what, act] of Object.entries(meanwhile)) {
  test(`a file that was ${what} while it was at rest is closed and not given`, async (t) => {
    const { resting, pathOf, keep } = await openResting(t);
    const opened = await keep('upload/data');
    await act(pathOf('upload/data'));

    const taken = await resting.take(pathOf('upload/data'));

    assert.equal(taken, undefined);
    await isClosed(opened);
  });
}

test('a look that fails closes the file, and leaves it to the caller to meet the failure', async (t) => {
  const look = (): never => {
    throw new Error('EIO');
  };
  const { resting, pathOf, keep } = await openResting(t, { look });
  const opened = await keep('data');

  assert.equal(await resting.take(pathOf('data')), undefined);

  await isClosed(opened);
});

test('another name of a file does not wake it', async (t) => {
  const { resting, pathOf, keep } = await openResting(t);
  await keep('data');
  await link(pathOf('data'), pathOf('other'));

  assert.equal(resting.take(pathOf('other')), undefined);
});

test('a file that nobody takes is closed after its rest', async (t) => {
  const { keep } = await openResting(t, { restMs: 1 });
  const [first, second] = [await keep('first'), await keep('second')];

  await Promise.all([isClosed(first), isClosed(second)]);
});

test('of too many files the oldest are closed', async (t) => {
  const { keep } = await openResting(t, { most: 2 });
  const [first, second, third] = [await keep('first'), await keep('second'), await keep('third')];

  await isClosed(first);

  assert.deepEqual([second, third].map(isOpen), [true, true]);
});

test('those of a tree are closed when that is asked for, and others are not', async (t) => {
  const { resting, pathOf, keep } = await openResting(t);
  const inside = [await keep('tree/a/data'), await keep('tree/b')];
  const beside = await keep('tree.b');

  await resting.closeBelow(pathOf('tree'));

  assert.deepEqual([...inside, beside].map(isOpen), [false, false, true]);
});

test('in the end all are closed, and what comes later is closed at once', async (t) => {
  const { resting, pathOf, keep } = await openResting(t);
  const early = [await keep('a'), await keep('b')];

  await resting[Symbol.asyncDispose]();

  assert.deepEqual(early.map(isOpen), [false, false]);
  await isClosed(await keep('late'));
  assert.equal(resting.take(pathOf('late')), undefined);
});

test('a part that was let go goes on in its file, and becomes a key', async () => {
  await using directory = await mkdtempDisposable(join(tmpdir(), 'berth-resting-'));
  await using driver = await openFsDriver({ root: directory.path });
  async function append(bytes: string): Promise<number | undefined> {
    await using part = await driver.openPart('docker/data', { create: true });
    await part?.append(Readable.from([[Buffer.from(bytes)]]));
    return part?.size;
  }

  const sizes = [await append(''), await append('abc'), await append('def')];
  await using part = await driver.openPart('docker/data', { create: false });
  await part?.commit('docker/key');

  assert.deepEqual(sizes, [0, 3, 6]);
  assert.equal(await readFile(join(directory.path, 'docker/key'), 'utf8'), 'abcdef');
});
