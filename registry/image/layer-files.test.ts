import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import {
  mkdir,
  mkdtempDisposable,
  readlink,
  readdir,
  lstat,
  symlink,
  writeFile,
  link,
  chmod,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { promisify } from 'node:util';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import fc from 'fast-check';
import { type TarInput, writeTar } from '../archive/tar.ts';
import type { FileRow } from '../spec/admin/image.ts';
import { type ErrorCode, isAppError } from '../spec/errors.ts';
import { blobData, quarantined } from '../store/paths.ts';
import { type OpenStore, openStore, pushBlob, repository } from '../store/store.suite.ts';
import {
  compareWithBelow,
  createLayerFiles,
  fileLimit,
  findRow,
  type LayerLimits,
  layerLimits,
  type LayerListing,
  pageOfFiles,
} from './layer-files.ts';
import { createPause } from './rows.ts';

const run = promisify(execFile);
const { signal } = new AbortController();
const pause = createPause(signal);

/** A layer with those bytes in a store of its own, and who reads it. */
async function openLayer(bytes: Uint8Array, limits: Partial<LayerLimits> = {}) {
  const opened = await openStore();
  const digest = await pushBlob(opened.store, repository, bytes);
  const files = createLayerFiles(opened.store.blobs, { ...layerLimits, ...limits });
  return { ...opened, digest, files, layer: { digest, size: bytes.length } };
}

async function listOf(bytes: Uint8Array, limits?: Partial<LayerLimits>): Promise<LayerListing> {
  await using opened = await openLayer(bytes, limits);
  return await opened.files.list(opened.layer, signal);
}

async function rowsOf(listing: LayerListing): Promise<readonly FileRow[]> {
  return (await pageOfFiles(listing, { limit: 1_000_000 }, pause)).rows;
}

const layerOf = (...entries: readonly (string | TarInput)[]): Buffer =>
  writeTar(entries.map((entry) => (typeof entry === 'string' ? { name: entry } : entry)));

function fails(code: ErrorCode, message: RegExp) {
  return (error: unknown): boolean => isAppError(error, code) && message.test(error.message);
}

// --- what the program tar packs ---

interface Made {
  readonly path: string;
  readonly kind: 'file' | 'directory' | 'symlink' | 'hardlink';
  readonly mode: number;
  readonly size: number;
}

const nameOf = fc
  .stringMatching(/^[a-zA-Z0-9 ._é~+-]{1,12}$/)
  .filter((name) => !/^\.{1,2}$|^\.wh\./.test(name));
const made = fc.record({
  path: fc.array(nameOf, { minLength: 1, maxLength: 5 }).map((names) => names.join('/')),
  kind: fc.constantFrom<Made['kind'][]>('file', 'file', 'directory', 'symlink', 'hardlink'),
  mode: fc.constantFrom(0o644, 0o600, 0o755, 0o4755),
  size: fc.oneof(fc.constantFrom(0, 1, 511, 512, 513), fc.integer({ min: 0, max: 9000 })),
});

/** Makes what it can of a wish: a path may be taken, or lead through a file. */
async function make(root: string, { path, kind, mode, size }: Made): Promise<void> {
  const target = join(root, path);
  try {
    await mkdir(dirname(target), { recursive: true });
    if (kind === 'directory') await mkdir(target, { recursive: true });
    if (kind === 'symlink') await symlink(`../${path}/somewhere`, target);
    if (kind === 'hardlink') await link(join(root, 'top'), target);
    if (kind === 'file') {
      await writeFile(target, Buffer.alloc(size, path), { flag: 'wx' });
      await chmod(target, mode);
    }
  } catch (error) {
    assert.match(String(error), /EEXIST|ENOTDIR|ENAMETOOLONG/);
  }
}

/** The tree as the disk tells. A name that stands after another of the same file is a hard link for tar. */
async function treeOf(root: string): Promise<ReadonlyMap<string, object>> {
  const seen = new Set<number>();
  const found = new Map<string, object>();
  const paths = (await readdir(root, { recursive: true })).toSorted(inTreeOrder);
  for (const path of paths) {
    const info = await lstat(join(root, path));
    const mode = info.mode & 0o7777;
    if (info.isDirectory()) found.set(path, { type: 'directory', mode, size: 0 });
    else if (info.isSymbolicLink())
      found.set(path, { type: 'symlink', mode, size: 0, link: await readlink(join(root, path)) });
    else if (info.nlink > 1 && seen.has(info.ino)) found.set(path, { type: 'hardlink', mode, size: 0 });
    else found.set(path, { type: 'file', mode, size: info.size });
    seen.add(info.ino);
  }
  return found;
}

function inTreeOrder(a: string, b: string): number {
  const [one, other] = [a.replaceAll('/', '\0'), b.replaceAll('/', '\0')];
  return one < other ? -1 : one > other ? 1 : 0;
}

const packers = { plain: (bytes: Buffer) => bytes, gzip: gzipSync, zstd: zstdCompressSync };

test('a tree that the program tar packed is listed as it is', async () => {
  const seed = Number(process.env['SEED'] ?? Date.now() % 2 ** 31);
  // The oracle: the tree on disk.
  await fc.assert(
    fc.asyncProperty(
      fc.array(made, { maxLength: 25 }),
      fc.constantFrom('gnu', 'pax', 'ustar', 'oldgnu'),
      fc.constantFrom<(keyof typeof packers)[]>('plain', 'gzip', 'zstd'),
      async (wishes, format, packer) => {
        await using temp = await mkdtempDisposable(join(tmpdir(), 'berth-layer-'));
        await writeFile(join(temp.path, 'top'), 'the first of all');
        for (const wish of wishes) await make(temp.path, wish);
        const args = ['--sort=name', `--format=${format}`, '-cf', '-', '.'];
        const { stdout } = await run('tar', args, {
          cwd: temp.path,
          encoding: 'buffer',
          maxBuffer: 2 ** 26,
          env: { ...process.env, LC_ALL: 'C' },
        });

        const rows = await rowsOf(await listOf(packers[packer](stdout)));

        const expected = await treeOf(temp.path);
        // Which of several names of one file is its first is tar's choice.
        const plain = new Map(
          rows.map(({ path, type, mode, size, link: to }) => [
            path,
            { type, mode, size, ...(type === 'symlink' ? { link: to } : {}) },
          ]),
        );
        const linked = (map: ReadonlyMap<string, object>) =>
          [...map].filter(([path]) => !isHard(expected.get(path)) && !isHard(plain.get(path)));
        assert.deepEqual(
          rows.map(({ path }) => path),
          [...expected.keys()],
        );
        assert.deepEqual(linked(plain), linked(expected));
        assert.equal([...plain.values()].filter(isHard).length, [...expected.values()].filter(isHard).length);
      },
    ),
    { numRuns: 40, seed },
  );
});

function isHard(row: object | undefined): boolean {
  return row !== undefined && 'type' in row && row.type === 'hardlink';
}

// --- what a layer changes ---

test('whiteouts remove, opaque directories hide, and what the same layer adds stays', async () => {
  const listing = await listOf(
    layerOf(
      'etc/',
      'etc/.wh.gone',
      { name: 'etc/back', bytes: Buffer.from('x') },
      'etc/.wh.back',
      'var/.wh..wh..opq',
      'srv/',
      'srv/.wh..wh..opq',
      { name: 'srv/new', bytes: Buffer.from('yy') },
      '.wh..wh.aufs',
      '.wh..wh.plnk/',
      'folder/',
      '.wh.folder',
    ),
  );

  const rows = await rowsOf(listing);

  assert.deepEqual(
    rows.map(({ path, type, change, isOpaque }) => [path, type, change, isOpaque]),
    [
      ['etc', 'directory', undefined, false],
      ['etc/back', 'file', undefined, false],
      ['etc/gone', 'other', 'removed', false],
      ['folder', 'directory', undefined, true],
      ['srv', 'directory', undefined, true],
      ['srv/new', 'file', undefined, false],
      ['var', 'directory', undefined, true],
    ],
  );
  assert.deepEqual([listing.files, listing.isOpaque], [2, false]);
  assert.equal((await listOf(layerOf('.wh..wh..opq', 'a'))).isOpaque, true);
});

test('of several entries with one path the last counts, and directories that are only named are there', async () => {
  const rows = await rowsOf(
    await listOf(
      layerOf(
        { name: './a/b/c', bytes: Buffer.from('old') },
        { name: '/a//b/./c', bytes: Buffer.from('newer') },
        'a-b',
        'a.b/c',
      ),
    ),
  );

  assert.deepEqual(
    rows.map(({ path, type, size, mode }) => [path, type, size, mode]),
    [
      ['a', 'directory', 0, undefined],
      ['a/b', 'directory', 0, undefined],
      ['a/b/c', 'file', 5, 0o644],
      ['a-b', 'file', 0, 0o644],
      ['a.b', 'directory', 0, undefined],
      ['a.b/c', 'file', 0, 0o644],
    ],
  );
});

test('hostile names are data', async () => {
  const names = ['../../x', '/etc/passwd', 'a\u001b[2Jb', '__proto__', 'con\\..\\x', '-rf', 'a\nb'];

  const rows = await rowsOf(await listOf(layerOf(...names)));

  assert.deepEqual(
    rows.map(({ path }) => path).toSorted(),
    [...names.map((name) => name.replace(/^\//, '')), '..', '../..', 'etc'].toSorted(),
  );
});

type Tree = Map<string, { readonly content: string; readonly isDirectory: boolean }>;

test('what a layer changes in those below is what unpacking them one after the other shows', async () => {
  const path = fc
    .array(fc.constantFrom('a', 'b', 'c'), { minLength: 1, maxLength: 3 })
    .map((names) => names.join('/'));
  const entry = fc.record({ path, kind: fc.constantFrom('file', 'whiteout', 'opaque', 'directory') });

  // The oracle: a model that unpacks as OCI image-spec, "Applying Changesets" says.
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(entry, { maxLength: 6 }), { minLength: 1, maxLength: 4 }),
      async (all) => {
        const layers = all.map((entries, at) => packed(entries, `layer ${at}`));
        const listings = await Promise.all(layers.map((each) => listOf(each.archive)));
        const below: Tree = new Map();
        for (const each of layers.slice(0, -1)) applyTo(below, each);
        const top = layers.at(-1);
        const listing = listings.at(-1);
        if (top === undefined || listing === undefined) throw new Error('one layer at least');

        const lower = listings.slice(0, -1).toReversed();
        const rows = await compareWithBelow(
          await rowsOf(listing),
          lower.map((each) => async () => each),
        );

        for (const row of rows) {
          const was = below.get(row.path);
          if (row.change === 'removed')
            assert.equal(row.wastedBytes ?? 0, was?.content.length ?? 0, row.path);
          else if (row.type === 'file') {
            assert.equal(row.change, was === undefined ? 'added' : 'modified', row.path);
            assert.equal(row.wastedBytes ?? 0, was?.content.length ?? 0, row.path);
          } else if (was === undefined) assert.equal(row.change, 'added', row.path);
          else if (was.isDirectory && !row.isOpaque) assert.equal(row.change, undefined, row.path);
          else assert.equal(row.change, 'modified', row.path);
        }
      },
    ),
    { numRuns: 300 },
  );
});

interface Packed {
  readonly archive: Buffer;
  readonly files: readonly string[];
  readonly directories: readonly string[];
  readonly whiteouts: readonly string[];
  readonly opaque: readonly string[];
  readonly content: string;
}

/** A layer as builders make it: no path is both file and directory, none is removed and added. */
function packed(
  entries: readonly { readonly path: string; readonly kind: string }[],
  content: string,
): Packed {
  const kept = new Map<string, string>();
  const leads = (a: string, b: string): boolean => b.startsWith(`${a}/`);
  for (const { path, kind } of entries) {
    const collides = [...kept].some(
      ([other, otherKind]) =>
        other === path ||
        (leads(other, path) && (otherKind === 'file' || otherKind === 'whiteout')) ||
        (leads(path, other) && (kind === 'file' || kind === 'whiteout')),
    );
    if (!collides) kept.set(path, kind);
  }
  const of = (kind: string): string[] => [...kept].filter(([, each]) => each === kind).map(([path]) => path);
  const dir = (path: string): string => (path.includes('/') ? `${dirname(path)}/` : '');
  const archive = writeTar([
    ...of('directory').map((path) => ({ name: `${path}/` })),
    ...of('whiteout').map((path) => ({ name: `${dir(path)}.wh.${path.split('/').at(-1)}` })),
    ...of('opaque').map((path) => ({ name: `${path}/.wh..wh..opq` })),
    ...of('file').map((path) => ({ name: path, bytes: Buffer.from(content) })),
  ]);
  return {
    archive,
    files: of('file'),
    directories: [...of('directory'), ...of('opaque')],
    whiteouts: of('whiteout'),
    opaque: of('opaque'),
    content,
  };
}

function applyTo(tree: Tree, { files, directories, whiteouts, opaque, content }: Packed): void {
  const removeBelow = (path: string): void => {
    for (const key of tree.keys()) if (key.startsWith(`${path}/`)) tree.delete(key);
  };
  const makeDirectories = (path: string): void => {
    const names = path.split('/');
    for (const [at] of names.entries()) {
      const above = names.slice(0, at + 1).join('/');
      if (tree.get(above)?.isDirectory !== true) tree.set(above, { content: '', isDirectory: true });
    }
  };
  for (const path of whiteouts) {
    removeBelow(path);
    tree.delete(path);
  }
  for (const path of opaque) removeBelow(path);
  for (const path of [...whiteouts, ...files]) if (path.includes('/')) makeDirectories(dirname(path));
  for (const path of directories) makeDirectories(path);
  for (const path of files) {
    removeBelow(path);
    tree.set(path, { content, isDirectory: false });
  }
}

// --- pages ---

test('pages of any size hold the whole list once; a directory holds what is directly in it', async () => {
  const name = fc.constantFrom('a', 'b', 'ab', 'a\u0001', 'b-', 'B');
  const path = fc.array(name, { minLength: 1, maxLength: 4 }).map((names) => names.join('/'));

  // The oracle: filters over the whole list.
  await fc.assert(
    fc.asyncProperty(
      fc.uniqueArray(path, { maxLength: 30 }),
      fc.integer({ min: 1, max: 7 }),
      fc.option(fc.constantFrom('a', 'B', 'a/b', 'none'), { nil: undefined }),
      async (paths, limit, q) => {
        const listing = await listOf(layerOf(...paths.map((each) => `${each}/`)));
        const all = (await rowsOf(listing)).map((row) => row.path);
        const directories = ['', ...all];
        const matching = (each: string): boolean =>
          q === undefined || each.toLowerCase().includes(q.toLowerCase());

        for (const directory of [undefined, ...directories]) {
          const found = await everyPage(listing, { path: directory, q, limit });
          const below = all.filter(
            (each) => directory === undefined || directory === '' || each.startsWith(`${directory}/`),
          );
          const depth = directory === undefined || directory === '' ? 1 : directory.split('/').length + 1;
          const isFlat = directory !== undefined && q === undefined;
          assert.deepEqual(
            found,
            below.filter((each) => matching(each) && (!isFlat || each.split('/').length === depth)),
          );
        }
      },
    ),
    { numRuns: 100 },
  );
});

async function everyPage(
  listing: LayerListing,
  query: { readonly path?: string | undefined; readonly q?: string | undefined; readonly limit: number },
): Promise<readonly string[]> {
  const found: string[] = [];
  let after: string | undefined;
  do {
    const page = await pageOfFiles(listing, { ...query, after }, pause);
    assert.ok(page.rows.length <= query.limit);
    found.push(...page.rows.map(({ path }) => path));
    after = page.next;
    if (after === undefined) assert.equal(page.total, found.length);
  } while (after !== undefined);
  return found;
}

test('a page ends before it is too large for a message, whatever names there are', async () => {
  const names = Array.from({ length: 600 }, (_, at) => `${'\u0001'.repeat(90)}${at}`);
  const long = names.map((name) => [name, '\u0001'.repeat(50)].join('/'));
  const listing = await listOf(layerOf(...long.map((name) => name.slice(0, 200))));

  const page = await pageOfFiles(listing, { limit: 1000 }, pause);

  assert.ok(page.next !== undefined);
  assert.ok(JSON.stringify(page).length < 300 * 1024, String(JSON.stringify(page).length));
});

test('what is no directory has no page', async () => {
  const listing = await listOf(layerOf('a', 'b/c', '.wh.d'));

  for (const path of ['a', 'd', 'none', 'b/c/d']) {
    await assert.rejects(
      pageOfFiles(listing, { path, limit: 1 }, pause),
      fails('FILE_UNKNOWN', /no directory/),
    );
  }
  assert.deepEqual(findRow(listing, './/b/c')?.type, 'file');
});

// --- contents ---

test('a file is read, by its own name or by a hard link to it', async () => {
  const hard = writeTar([{ name: 'hard', type: '1' }]);
  hard.write('etc/motd', 157);
  hard.fill(' ', 148, 156);
  const sum = hard.subarray(0, 512).reduce((total, byte) => total + byte, 0);
  hard.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  const archive = Buffer.concat([
    layerOf(
      { name: 'etc/motd', bytes: Buffer.from('old') },
      { name: 'etc/motd', bytes: Buffer.from('welcome') },
      { name: 'large', bytes: Buffer.alloc(fileLimit + 1) },
      { name: 'largest', bytes: Buffer.alloc(fileLimit, 'x') },
      'etc/',
      '.wh.gone',
    ).subarray(0, -1024),
    hard,
  ]);
  await using opened = await openLayer(gzipSync(archive));
  const read = (path: string): Promise<Buffer> => opened.files.read(opened.layer, path, signal);

  assert.equal(String(await read('etc/motd')), 'welcome');
  assert.equal(String(await read('/hard')), 'welcome');
  assert.equal((await read('largest')).length, fileLimit);
  await assert.rejects(read('large'), fails('CONTENT_TOO_LARGE', /"large" has 262145 bytes/));
  for (const path of ['none', 'etc', 'gone', '../etc/motd', '']) {
    await assert.rejects(read(path), fails('FILE_UNKNOWN', /has no file/), path);
  }
});

test('a file of any size is read in parts, as often as it is asked for', async () => {
  const large = randomBytes(3 * 1024 * 1024);
  const archive = Buffer.concat([
    layerOf(
      'etc/',
      { name: 'etc/motd', bytes: Buffer.from('welcome') },
      { name: 'large', bytes: large },
    ).subarray(0, -1024),
    layerOf({ name: 'empty' }, { name: 'behind', bytes: large }),
  ]);
  for (const bytes of [archive, gzipSync(archive), zstdCompressSync(archive)]) {
    await using opened = await openLayer(bytes, { durationMs: 5000 });
    const get = (path: string) => opened.files.get(opened.layer, path, signal);
    const file = await get('large');

    const first = await Array.fromAsync(file.read(signal));
    const second = await Array.fromAsync(file.read(signal));
    const small = await Array.fromAsync((await get('/etc/motd')).read(signal));
    const empty = await Array.fromAsync((await get('empty')).read(signal));

    assert.equal(file.size, large.length);
    assert.ok(first.length > 3 && first.every((part) => part.length <= 1024 * 1024), String(first.length));
    assert.ok(Buffer.concat(first).equals(large) && Buffer.concat(second).equals(large));
    assert.deepEqual([String(Buffer.concat(small)), empty], ['welcome', []]);
    await assert.rejects(get('none'), fails('FILE_UNKNOWN', /has no file/));
  }
});

test('who reads a file slowly is not cut off, and who goes ends the reading', async () => {
  const large = randomBytes(3 * 1024 * 1024);
  await using opened = await openLayer(layerOf({ name: 'large', bytes: large }), { durationMs: 200 });
  const file = await opened.files.get(opened.layer, 'large', signal);
  const late = once(AbortSignal.timeout(300), 'abort');
  const gone = new AbortController();

  const parts: Uint8Array[] = [];
  for await (const part of file.read(signal)) {
    await late;
    parts.push(part);
  }
  const reading = file.read(gone.signal)[Symbol.asyncIterator]();
  await reading.next();
  gone.abort();

  assert.ok(Buffer.concat(parts).equals(large));
  await assert.rejects(
    (async () => {
      while ((await reading.next()).done !== true);
    })(),
    { name: 'AbortError' },
  );
});

// --- bad input ---

const oneFile = layerOf({ name: 'file', bytes: Buffer.from('content') });
const zeros = Buffer.alloc(100 * 1024 * 1024);
const bad: Readonly<
  Record<
    string,
    readonly [bytes: () => Buffer, code: ErrorCode, message: RegExp, limits?: Partial<LayerLimits>]
  >
> = {
  'a layer that is no archive': [
    () => Buffer.from('{"not":"a layer"}'.repeat(100)),
    'CONTENT_UNREADABLE',
    /has a header that is no tar header|checksum/,
  ],
  'a short text': [() => Buffer.from('hello'), 'CONTENT_UNREADABLE', /the header at byte 5 is cut off/],
  'gzip that is cut off': [() => gzipSync(oneFile).subarray(0, -10), 'CONTENT_UNREADABLE', /cut off/],
  'an archive that is cut off': [() => oneFile.subarray(0, 515), 'CONTENT_UNREADABLE', /cut off/],
  'a bomb of zstd': [
    () => zstdCompressSync(layerOf({ name: 'zeros', bytes: zeros })),
    'CONTENT_TOO_LARGE',
    /more than 2000 times its size/,
  ],
  'more bytes than are unpacked': [
    () => gzipSync(layerOf({ name: 'zeros', bytes: zeros.subarray(0, 5000) })),
    'CONTENT_TOO_LARGE',
    /more than 4000 bytes/,
    { unpackedBytes: 4000 },
  ],
  'a path that is too long': [
    () => layerOf({ name: 'long', type: 'L', bytes: Buffer.from('d/'.repeat(3000)) }, 'file'),
    'CONTENT_TOO_LARGE',
    /a path has more than 4096 characters/,
  ],
  'deep paths that each name thousands of directories': [
    () =>
      layerOf(
        ...Array.from({ length: 200 }, (_, at) => [
          { name: 'long', type: 'L', bytes: Buffer.from(`${at}/${'d/'.repeat(2000)}`) },
          { name: 'file' },
        ]).flat(),
      ),
    'CONTENT_TOO_LARGE',
    /more than 200000 entries|names have more than/,
  ],
  'what takes too long': [
    () => gzipSync(layerOf({ name: 'zeros', bytes: zeros })),
    'CONTENT_TOO_LARGE',
    /longer than 0.001 seconds/,
    { durationMs: 1 },
  ],
};
for (const [name, [bytes, code, message, limits]] of Object.entries(bad)) {
  test(`${name} is refused`, async () => {
    await assert.rejects(listOf(bytes(), limits), fails(code, message));
  });
}

test('a million entries are refused after the first 200,000', async () => {
  const entry = layerOf('x').subarray(0, 512);
  const thousand = gzipSync(Buffer.concat(Array.from({ length: 1000 }, () => entry)));
  const archive = Buffer.concat(Array.from({ length: 1000 }, () => thousand));

  await assert.rejects(listOf(archive), fails('CONTENT_TOO_LARGE', /more than 200000 entries/));
});

test('a layer that is damaged on disk is told so, and put aside for the next push', async () => {
  await using opened = await openLayer(gzipSync(layerOf({ name: 'file', bytes: Buffer.alloc(2000, 'abc') })));
  const stored = await opened.driver.readSmall(blobData(opened.digest), { limit: 1_000_000 });
  const damaged = Buffer.from(stored ?? []);
  damaged.fill('!', 20, 30);
  await opened.driver.write(blobData(opened.digest), damaged);

  await assert.rejects(
    opened.files.list(opened.layer, signal),
    fails('STORAGE_FAILED', /is damaged on disk/),
  );

  assert.ok((await opened.driver.stat(quarantined(opened.digest))) !== undefined);
});

test('an abort ends a reading, and the next caller gets the list', async () => {
  await using opened = await openLayer(gzipSync(layerOf({ name: 'zeros', bytes: zeros })));
  const controller = new AbortController();
  const first = opened.files.list(opened.layer, controller.signal);
  const second = opened.files.list(opened.layer, signal);

  controller.abort(new Error('the window was closed'));

  await assert.rejects(first, /the window was closed/);
  assert.equal((await second).files, 1);
});

test('what was read is kept: the most recent, up to a number', async () => {
  await using opened = await openStore();
  const reads: string[] = [];
  const { blobs } = opened.store;
  const files = createLayerFiles({
    read(blob, options) {
      reads.push(blob.digest);
      return blobs.read(blob, options);
    },
  });
  const layers = await Promise.all(
    Array.from({ length: 17 }, async (_, at) => {
      const bytes = layerOf(`file ${at}`);
      return { digest: await pushBlob(opened.store, repository, bytes), size: bytes.length };
    }),
  );
  const [first, second] = layers;
  if (first === undefined || second === undefined) throw new Error('there are 17');

  for (const layer of [...layers.slice(0, 16), first, ...layers.slice(16), first, second]) {
    await files.list(layer, signal);
  }

  assert.equal(reads.filter((digest) => digest === first.digest).length, 1);
  assert.equal(reads.filter((digest) => digest === second.digest).length, 2);
});

// --- cost ---

test('a large layer is read without holding up others', async (t) => {
  // 30,000 small files, whose order makes the sort work.
  const entries = Array.from({ length: 30_000 }, (_, at) => ({
    name: `usr/lib/${(at * 7919) % 400}/module-${(at * 104_729) % 30_000}.js`,
    bytes: Buffer.from(String(at)),
  }));
  await using opened: Awaited<ReturnType<typeof openLayer>> & OpenStore = await openLayer(
    gzipSync(layerOf(...entries)),
  );
  const watch = watchThread();
  const start = performance.now();

  const listing = await opened.files.list(opened.layer, signal);
  const took = performance.now() - start;
  await pageOfFiles(listing, { q: 'module-5', limit: 100 }, pause);
  const longest = await watch.end();

  t.diagnostic(
    `${listing.rows.length} rows in ${took.toFixed(0)} ms; others waited ${longest.toFixed(1)} ms at most`,
  );
  assert.equal(listing.files, 30_000);
  assert.ok(listing.rows.every((row, at) => at === 0 || (listing.rows[at - 1] ?? '') < row));
  // A few milliseconds, and what the garbage collector takes.
  assert.ok(longest < 50, `${longest} ms`);
});

/** The longest time that the thread computed between two turns of its loop: unlike a delay, not what other programs took. */
function watchThread() {
  let longest = 0;
  const over = new AbortController();
  const cpuMs = (): number => {
    const { user, system } = process.threadCpuUsage();
    return (user + system) / 1000;
  };
  const watching = (async () => {
    for (let before = cpuMs(); !over.signal.aborted;) {
      await turn();
      const at = cpuMs();
      longest = Math.max(longest, at - before);
      before = at;
    }
  })();
  return {
    async end() {
      over.abort();
      await watching;
      return longest;
    },
  };
}
