/** What is installed is what the lockfile says, to the byte: twice into folders of its own, without scripts of packages. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import {
  copyFile,
  lstat,
  mkdir,
  mkdtempDisposable,
  readdir,
  readFile,
  readlink,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { runNpm } from '../support/npm.ts';
import { forEachOf } from '../support/parallel.ts';

const repository = join(import.meta.dirname, '..', '..');

test('npm ci gives the same tree each time', async (t) => {
  await using directory = await mkdtempDisposable(join(tmpdir(), 'berth-install-'));
  const folders = ['one', 'two'].map((name) => join(directory.path, name));

  await Promise.all(folders.map(install));

  const [one, two] = await Promise.all(folders.map(describeTree));
  assert.deepEqual(two?.lines, one?.lines);
  assert.equal(two?.hash, one?.hash);
  t.diagnostic(
    `npm ci --ignore-scripts, twice: ${one?.lines.length} files, folders and links, the same hash, ${one?.hash.slice(0, 16)}`,
  );

  await t.test('and one changed byte is seen', async () => {
    const [, folder = ''] = folders;
    const file = join(folder, 'node_modules', 'ws', 'index.js');
    const bytes = await readFile(file);
    bytes[bytes.length - 2] = (bytes.at(-2) ?? 0) ^ 1;
    await writeFile(file, bytes);

    const [same, changed] = await Promise.all(
      folders.map((each) => describeTree(join(each, 'node_modules', 'ws'))),
    );

    assert.notEqual(changed?.hash, same?.hash);
    assert.deepEqual(
      changed?.lines.filter((line) => same?.lines.includes(line) !== true).map((line) => line.split(' ')[0]),
      ['index.js'],
    );
  });
});

/** Installs what package-lock.json names into a folder. */
async function install(folder: string): Promise<void> {
  await mkdir(folder);
  for (const name of ['package.json', 'package-lock.json', '.npmrc'])
    await copyFile(join(repository, name), join(folder, name));
  const { code, stderr } = await runNpm(folder, 'ci');
  assert.equal(
    code,
    0,
    `npm ci could not install the packages of package-lock.json: the registry of npm has to answer for what its cache lacks.\n${stderr}`,
  );
}

/** A line for each file with its mode and hash, in the order of their names, and the hash of all lines. */
async function describeTree(
  root: string,
): Promise<{ readonly lines: readonly string[]; readonly hash: string }> {
  const names = (await readdir(root, { recursive: true })).toSorted();
  const lines: string[] = Array.from(names);
  await forEachOf(names.keys(), 8, async (at) => {
    const name = names[at] ?? '';
    const path = join(root, name);
    const { mode } = await lstat(path);
    const kind = mode & 0o170000;
    const content =
      kind === 0o040000
        ? ''
        : kind === 0o120000
          ? await readlink(path)
          : createHash('sha256')
              .update(await readFile(path))
              .digest('hex');
    lines[at] = `${name} ${mode.toString(8)} ${content}`;
  });
  return { lines, hash: createHash('sha256').update(lines.join('\n')).digest('hex') };
}
