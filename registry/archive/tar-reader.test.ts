import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempDisposable, open, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import fc from 'fast-check';
import { isAppError } from '../spec/errors.ts';
import { createTarReader, type TarHeader } from './tar-reader.ts';
import { readTar, writeTar } from './tar.ts';

const run = promisify(execFile);

/** All entries and their contents, the archive arriving in blocks of these sizes, over and over. */
function readIn(archive: Buffer, sizes: readonly number[]) {
  const found: { readonly header: TarHeader; content: string }[] = [];
  const reader = createTarReader({
    entry: (header) => void found.push({ header, content: '' }),
    content(part) {
      const last = found.at(-1);
      if (last !== undefined) last.content += part.toString('latin1');
      part.fill(0);
    },
  });
  for (let at = 0, turn = 0; at < archive.length; turn++) {
    const size = sizes[turn % sizes.length] ?? 1;
    reader.write(Buffer.from(archive.subarray(at, at + size)));
    at += size;
  }
  reader.end();
  return found;
}

test('an archive reads the same in blocks of any size', () => {
  const archive = writeTar([
    { name: 'x', type: 'x', bytes: Buffer.from('21 path=another/name\n') },
    { name: 'file', bytes: Buffer.alloc(700, 'z') },
    { name: 'folder/' },
    { name: 'empty' },
    { name: 'last', bytes: Buffer.alloc(512, 'y') },
  ]);
  const whole = readTar(archive);
  const size = fc.integer({ min: 1, max: 1100 });

  // The oracle: what reading it at once gives.
  fc.assert(
    fc.property(fc.array(size, { minLength: 1, maxLength: 6 }), (sizes) => {
      assert.deepEqual(
        readIn(archive, sizes).map(({ header, content }) => [header.name, header.type, content]),
        whole.map(({ name, type, bytes }) => [name, type, bytes.toString('latin1')]),
      );
    }),
  );
});

for (const format of ['gnu', 'pax']) {
  test(`a sparse file of the format ${format} has its full size, and what follows it is read`, async () => {
    await using temp = await mkdtempDisposable(join(tmpdir(), 'berth-tar-'));
    const holes = join(temp.path, 'a-holes');
    // So many islands that the map does not fit into the first header.
    await using file = await open(holes, 'w');
    for (let at = 1; at <= 60; at++) await file.write('island', at * 65_536);
    await truncate(holes, 10_000_000);
    await writeFile(join(temp.path, 'b-after'), 'after');
    const args = ['--sparse', `--format=${format}`, '-cf', '-', 'a-holes', 'b-after'];

    const { stdout } = await run('tar', args, { cwd: temp.path, encoding: 'buffer', maxBuffer: 2 ** 26 });
    const found = readIn(stdout, [1000]);

    assert.deepEqual(
      found.map(({ header }) => [header.name, header.size, header.isSparse]),
      [
        ['a-holes', 10_000_000, true],
        ['b-after', 5, false],
      ],
    );
    assert.equal(found[1]?.content, 'after');
  });
}

test('numbers of eight bits, negative owners and signed checksums are read', () => {
  const archive = writeTar([{ name: 'file', bytes: Buffer.from('content') }]);
  archive.write('\x80\0\0\0\0\0\0\0\0\0\0\x07', 124, 'latin1');
  archive.write('\xff\xff\xff\xff\xff\xff\xff\xff', 108, 'latin1');
  archive.write('\x80\0\0\0\0\x0f\x42\x40', 116, 'latin1');
  const sum = (signed: boolean): number =>
    archive
      .subarray(0, 512)
      .fill(' ', 148, 156)
      .reduce((total, byte) => total + (signed && byte > 127 ? byte - 256 : byte), 0);

  for (const signed of [false, true]) {
    archive.write(`${sum(signed).toString(8).padStart(6, '0')}\0 `, 148);
    const [entry] = readTar(archive);

    assert.deepEqual(
      [entry?.size, entry?.uid, entry?.gid, String(entry?.bytes)],
      [7, 0, 1_000_000, 'content'],
    );
  }
});

test('owners, times and large sizes of pax count, global records do not', () => {
  const [entry, after] = readTar(
    writeTar([
      { name: 'g', type: 'g', bytes: Buffer.from('14 path=other\n') },
      { name: 'x', type: 'x', bytes: Buffer.from('13 uid=70000\n13 gid=80000\n23 mtime=1700000000.25\n') },
      { name: 'file' },
      { name: 'after' },
    ]),
  );

  assert.deepEqual(
    [entry?.name, entry?.uid, entry?.gid, entry?.modifiedAt, after?.uid],
    ['file', 70_000, 80_000, 1_700_000_000, 0],
  );
});

test('a key of pax that objects have of their own is no harm', () => {
  const [entry] = readTar(
    writeTar([{ name: 'x', type: 'x', bytes: Buffer.from('19 __proto__=path=\n') }, { name: 'file' }]),
  );

  assert.equal(entry?.name, 'file');
});

test('what cannot be read is refused before it is taken into memory', () => {
  const huge = writeTar([{ name: 'long', type: 'L' }]);
  huge.write('77777777777', 124);
  const negative = writeTar([{ name: 'file' }]);
  negative.write('\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff', 124, 'latin1');
  for (const [archive, message] of [
    [huge, /the extended header at byte 0 is too large/],
    [negative, /the member at byte 0 has a size that no file has/],
  ] as const) {
    archive.fill(' ', 148, 156);
    const sum = archive.subarray(0, 512).reduce((total, byte) => total + byte, 0);
    archive.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);

    assert.throws(
      () => readTar(archive),
      (error) => isAppError(error, 'CONTENT_UNREADABLE') && message.test(error.message),
    );
  }
});
