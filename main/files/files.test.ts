import assert from 'node:assert/strict';
import { mkdtempDisposable, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { createAskingDownloads } from './asking-downloads.ts';
import { freePath } from './free-path.ts';
import { createGivenFiles, filesOf } from './given-files.ts';
import { createKnownFiles } from './known-files.ts';

const names = [
  { name: 'berth.log', taken: [], path: 'berth.log' },
  { name: 'berth.log', taken: ['berth.log'], path: 'berth (1).log' },
  { name: 'app.tar.gz', taken: ['app.tar.gz', 'app (1).tar.gz'], path: 'app (2).tar.gz' },
  { name: '.htaccess', taken: ['.htaccess'], path: '.htaccess (1)' },
  { name: '../../etc/passwd', taken: [], path: 'passwd' },
  { name: String.raw`..\..\passwd`, taken: [], path: 'passwd' },
  { name: '..', taken: [], path: 'download' },
  { name: '', taken: [], path: 'download' },
];

for (const { name, taken, path } of names) {
  test(`"${name}" beside ${taken.length} others is saved as ${path}`, () => {
    const places = new Set(taken.map((each) => join('/downloads', each)));

    assert.equal(
      freePath('/downloads', name, (each) => places.has(each)),
      join('/downloads', path),
    );
  });
}

test('what is given waits for the window, and is taken once', async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'berth-given-'));
  const file = join(folder.path, 'app.tar');
  await writeFile(file, 'four');
  const given = createGivenFiles();

  const isSome = [given.give([file, 'relative.tar']), given.give([file, folder.path]), given.give([])];
  const taken = await given.take();

  assert.deepEqual(isSome, [true, true, false]);
  assert.deepEqual(taken, [
    { path: file, name: 'app.tar', bytes: 4 },
    { path: folder.path, name: folder.path.split('/').at(-1) },
  ]);
  assert.deepEqual(await given.take(), []);
});

test('what is no list of paths gives nothing, and a thousand files are twenty', async () => {
  const given = createGivenFiles();
  const wrong = [undefined, null, 'text', [1], [''], ['x'.repeat(5000)], {}].map((each) => given.give(each));

  given.give(Array.from({ length: 1000 }, (_, index) => resolve(`/${index}.tar`)));

  assert.deepEqual(new Set(wrong), new Set([false]));
  assert.equal((await given.take()).length, 20);
});

const commands = [
  { argv: ['/opt/berth'], isPackaged: true, files: [] },
  { argv: ['/opt/berth', '--hidden', 'a.tar', '/b'], isPackaged: true, files: ['/home/a.tar', '/b'] },
  { argv: ['electron', '--inspect=0', '/app', 'a.tar'], isPackaged: false, files: ['/home/a.tar'] },
  { argv: ['electron', '/app', '--hidden'], isPackaged: false, files: [] },
];

for (const { argv, isPackaged, files } of commands) {
  test(`${argv.join(' ')} names ${files.length} files`, () => {
    assert.deepEqual(filesOf(argv, { isPackaged, directory: '/home' }), files);
  });
}

test('a download asks once, where it was wanted; the last 20 wishes are kept', () => {
  const asking = createAskingDownloads();
  for (let wish = 0; wish < 21; wish += 1) asking.add(`ticket-${wish}`);

  const urls = [
    'berth://app/download/ticket-0',
    'berth://app/download/ticket-1',
    'blob:berth://app/ticket-20',
  ];

  assert.deepEqual(
    [...urls, ...urls, 'berth://app/other'].map((url) => asking.take(url)),
    [false, true, true, false, false, false, false],
  );
});

test('a file is known by its id, the last 200 are', () => {
  const known = createKnownFiles();
  const ids = Array.from({ length: 201 }, (_, index) => known.add(`/${index}`));

  assert.deepEqual(
    [ids[0], ids[1], ids[200], '/1', '__proto__'].map((id) => known.find(id ?? '')),
    [undefined, '/1', '/200', undefined, undefined],
  );
});
