import assert from 'node:assert/strict';
import { chmod, mkdir, mkdtempDisposable, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { tmpdir } from 'node:os';
import { test } from 'node:test';
import { AppError, isAppError } from '../spec/errors.ts';
import { watchFile } from './watched-file.ts';
import type { Loaded, WatchOptions } from './watched-file.ts';

/** A file in a new folder, watched as text; the word "broken" breaks it. */
async function watch(text: string | undefined, more: Partial<WatchOptions<string>> = {}) {
  const folder = await mkdtempDisposable(join(tmpdir(), 'berth-watch-'));
  const path = join(folder.path, 'file');
  if (text !== undefined) await writeFile(path, text, { mode: 0o600 });
  const seen: string[] = [];
  const options: WatchOptions<string> = {
    path,
    parse(bytes) {
      const content = Buffer.from(bytes).toString();
      if (content === 'broken') throw new AppError('USERS_INVALID', { message: 'broken' });
      return content;
    },
    isPrivate: false,
    onLoad: (loaded) => seen.push(show(loaded)),
    checkEveryMs: 0,
    ...more,
  };
  try {
    const file = await watchFile(options);
    return {
      path,
      seen,
      file,
      current: async () => show(await file.current()),
      [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
    };
  } catch (error) {
    await folder.remove();
    throw error;
  }
}

test('every way of changing the file is seen', async () => {
  await using one = await watch('first');
  const other = `${one.path}.new`;
  const found = [await one.current()];

  await writeFile(one.path, 'in place');
  found.push(await one.current());
  await writeFile(other, 'renamed');
  await rename(other, one.path);
  found.push(await one.current());
  await writeFile(other, 'linked');
  await rm(one.path);
  await symlink(other, one.path);
  found.push(await one.current());
  await writeFile(`${other}2`, 'swapped');
  await symlink(`${other}2`, `${one.path}.link`);
  await rename(`${one.path}.link`, one.path);
  found.push(await one.current());

  assert.deepEqual(found, ['first', 'in place', 'renamed', 'linked', 'swapped']);
  assert.deepEqual(one.seen, found);
});

test('a young file is read at each look, an old one only when it changed', async () => {
  let reads = 0;
  const parse = (bytes: Uint8Array): string => `${Buffer.from(bytes).toString()} ${++reads}`;
  await using young = await watch('young', { parse });
  const found = [await young.current(), await young.current()];
  reads = 0;
  await using old = await watch('old', { parse, now: () => Date.now() + 3000 });
  found.push(await old.current(), await old.current());
  await writeFile(old.path, 'new');
  found.push(await old.current(), await old.current());

  assert.deepEqual(found, ['young 2', 'young 3', 'old 1', 'old 1', 'new 2', 'new 2']);
});

test('a file that breaks, vanishes or becomes unreadable is an error until it is mended', async () => {
  await using one = await watch('first', { absent: 'nothing' });
  const found: string[] = [];

  await writeFile(one.path, 'broken');
  found.push(await one.current());
  await writeFile(one.path, 'mended');
  found.push(await one.current());
  await rm(one.path);
  found.push(await one.current());
  await mkdir(one.path);
  found.push(await one.current());
  await rm(one.path, { recursive: true });
  await writeFile(one.path, 'back');
  found.push(await one.current());

  assert.deepEqual(found, [
    'broken',
    'mended',
    `Cannot read "${one.path}": it does not exist.`,
    `Cannot read "${one.path}": it is not a file.`,
    'back',
  ]);
});

test('a file that was never there has the value of absence, and may come later', async () => {
  await using one = await watch(undefined, { absent: 'nothing' });
  const before = await one.current();
  await writeFile(one.path, 'made');

  assert.deepEqual([before, await one.current()], ['nothing', 'made']);
});

test('the first read throws', async () => {
  await assert.rejects(watch('broken'), (error) => isAppError(error, 'USERS_INVALID'));
  await assert.rejects(
    watch(undefined),
    (error) => isAppError(error, 'USERS_INVALID') && /does not exist/.test(error.message),
  );
});

test('a private file that others can read is refused, also later', async () => {
  await using one = await watch('secret', { isPrivate: true });
  const found = [await one.current()];

  await chmod(one.path, 0o604);
  found.push(await one.current());
  await chmod(one.path, 0o600);
  found.push(await one.current());

  assert.match(found[1] ?? '', /has the mode 0604: other users of this computer can reach it/);
  assert.deepEqual([found[0], found[2]], ['secret', 'secret']);
});

test('the file is looked at no more often than asked, and at once by reload', async () => {
  await using one = await watch('first', { checkEveryMs: 60_000 });

  await writeFile(one.path, 'second');
  const before = await one.current();
  await one.file.reload();

  assert.deepEqual([before, await one.current()], ['first', 'second']);
});

function show(loaded: Loaded<string>): string {
  return 'value' in loaded ? loaded.value : loaded.error.message;
}
