import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import {
  mkdir,
  mkdtempDisposable,
  readFile,
  readdir,
  stat,
  symlink,
  link,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import fc from 'fast-check';
import { isAppError } from '../spec/errors.ts';
import { readTar, writeTar } from './tar.ts';

const run = promisify(execFile);
const long = `${'d'.repeat(90)}/${'e'.repeat(60)}/${'f'.repeat(90)}`;

test('the program tar unpacks what is written, with names, modes and times', async () => {
  await using temp = await mkdtempDisposable(join(tmpdir(), 'berth-tar-'));
  const archive = writeTar([
    { name: 'certs.d/registry:5443/', modifiedAt: 1_700_000_000 },
    { name: 'certs.d/registry:5443/berth.crt', mode: 0o640, bytes: Buffer.alloc(513, 'x') },
    { name: 'empty', bytes: Buffer.alloc(0), modifiedAt: 1_700_000_000 },
    { name: long, bytes: Buffer.from('deep') },
    { name: 'grüße', bytes: Buffer.from('umlaut') },
  ]);
  await writeFile(join(temp.path, 'a.tar'), archive);

  const listed = await run('tar', ['--numeric-owner', '-tvf', 'a.tar'], {
    cwd: temp.path,
    env: { TZ: 'UTC' },
  });
  await run('tar', ['-xpf', 'a.tar'], { cwd: temp.path });

  assert.equal(listed.stderr, '');
  assert.match(listed.stdout, /^drwxr-xr-x 0\/0 +0 2023-11-14 22:13 certs\.d\/registry:5443\/$/m);
  assert.match(listed.stdout, /^-rw-r----- 0\/0 +513 1970-01-01 00:00 certs\.d\/registry:5443\/berth\.crt$/m);
  const { mode } = await stat(join(temp.path, 'certs.d/registry:5443/berth.crt'));
  assert.equal(mode & 0o777, 0o640);
  assert.deepEqual(
    await readFile(join(temp.path, 'certs.d/registry:5443/berth.crt')),
    Buffer.alloc(513, 'x'),
  );
  assert.equal(await readFile(join(temp.path, long), 'utf8'), 'deep');
  assert.equal(await readFile(join(temp.path, 'grüße'), 'utf8'), 'umlaut');
});

for (const format of ['ustar', 'gnu', 'oldgnu', 'pax', 'v7']) {
  test(`what the program tar packs in the format ${format} is read`, async () => {
    await using temp = await mkdtempDisposable(join(tmpdir(), 'berth-tar-'));
    const deep = format === 'v7' ? 'short' : format === 'ustar' ? long : `${long}/${'g'.repeat(120)}`;
    await mkdir(join(temp.path, 'top', deep), { recursive: true });
    await writeFile(join(temp.path, 'top', deep, 'file'), Buffer.alloc(1024, 'y'), { mode: 0o600 });
    await writeFile(join(temp.path, 'top/zero'), '', { mode: 0o755 });
    await symlink('zero', join(temp.path, 'top/soft'));
    await link(join(temp.path, 'top/zero'), join(temp.path, 'top/zz-hard'));
    const args = ['--sort=name', `--format=${format}`, '-cf', '-', 'top'];

    const { stdout } = await run('tar', args, { cwd: temp.path, encoding: 'buffer' });
    const entries = readTar(stdout);

    const found = new Map(
      entries.map(({ name, type, mode, size, link: to, bytes }) => [
        name,
        { type, mode, size, link: to, content: String(bytes) },
      ]),
    );
    const expected = await readdir(temp.path, { recursive: true });
    const plain = { mode: 0o755, size: 0, link: '', content: '' };
    assert.deepEqual([...found.keys()].toSorted(), expected.toSorted());
    assert.deepEqual(found.get(`top/${deep}/file`), {
      ...plain,
      type: 'file',
      mode: 0o600,
      size: 1024,
      content: 'y'.repeat(1024),
    });
    assert.deepEqual(found.get('top/zero'), { ...plain, type: 'file' });
    assert.deepEqual(found.get('top/soft'), { ...plain, type: 'symlink', mode: 0o777, link: 'zero' });
    assert.deepEqual(found.get('top/zz-hard'), { ...plain, type: 'hardlink', link: 'top/zero' });
    assert.equal(found.get('top')?.type, 'directory');
  });
}

test('every archive reads back as it was written, and the same input makes the same bytes', () => {
  const name = fc
    .array(fc.stringMatching(/^[a-z0-9.:_é-]{1,30}$/), { minLength: 1, maxLength: 4 })
    .map((names) => names.join('/'))
    .filter((text) => Buffer.byteLength(text) <= 100);
  const entry = fc.record({
    name,
    mode: fc.integer({ min: 0, max: 0o7777 }),
    bytes: fc.uint8Array({ maxLength: 2000 }).map((bytes) => Buffer.from(bytes)),
  });

  fc.assert(
    fc.property(fc.array(entry, { maxLength: 5 }), (entries) => {
      const archive = writeTar(entries);

      assert.deepEqual(
        readTar(archive).map(({ name: found, type, mode, bytes }) => ({ name: found, type, mode, bytes })),
        entries.map((each) => ({ ...each, type: 'file' })),
      );
      assert.deepEqual(writeTar(entries), archive);
    }),
  );
});

test('a type that no program knows is written and read', () => {
  const [entry] = readTar(writeTar([{ name: 'certs.d/x', type: 'V' }]));

  assert.deepEqual([entry?.name, entry?.type, entry?.mode], ['certs.d/x', 'other', 0o644]);
});

test('the size of what has no content is ignored, and the times in a header of GNU are no name', () => {
  const folder = writeTar([{ name: 'folder/' }]).subarray(0, 512);
  folder.write('00000001000', 124);
  const gnu = writeTar([{ name: 'file', bytes: Buffer.from('content') }]);
  gnu.write('ustar  \0', 257, 'latin1');
  gnu.write('15123456701', 345);
  for (const header of [folder, gnu.subarray(0, 512)]) sign(header);

  const entries = readTar(Buffer.concat([folder, gnu]));

  assert.deepEqual(
    entries.map(({ name, bytes }) => [name, String(bytes)]),
    [
      ['folder', ''],
      ['file', 'content'],
    ],
  );
});

test('names that ustar cannot hold are not written', () => {
  const names = ['', 'a\0b', 'x'.repeat(101), `${'a'.repeat(156)}/b`, `a/${'b'.repeat(101)}`, 'é'.repeat(51)];

  for (const name of names) assert.throws(() => writeTar([{ name }]), /for an archive/, name);
});

test('malformed archives are refused with their reason', () => {
  const good = writeTar([{ name: 'file', bytes: Buffer.from('content') }]);
  const change = (offset: number, text: string): Buffer => {
    const bytes = Buffer.from(good);
    bytes.write(text, offset, 'latin1');
    return bytes;
  };
  const extended = (records: string): Buffer =>
    writeTar([{ name: 'x', type: 'x', bytes: Buffer.from(records) }]);
  const cases = [
    ['nothing', Buffer.alloc(0), /it ends without two blocks of zeros/],
    ['no end', good.subarray(0, 1024), /it ends without two blocks of zeros/],
    ['half a header', good.subarray(0, 300), /the header at byte 300 is cut off/],
    ['half a content', good.subarray(0, 515), /the content at byte 515 is cut off/],
    ['another name', change(0, 'F'), /the member at byte 0 has a header whose checksum is wrong/],
    ['no checksum', change(148, 'zzzzzz'), /has a header that is no tar header/],
    ['an HTML page', Buffer.from('<html>'.repeat(200)), /has a header that is no tar header/],
    ['no record', extended('path=x\n'), /the member at byte 0 has a broken extended header/],
    ['a record of length 0', extended('0 a=b\n'), /the member at byte 0 has a broken extended header/],
    ['a record without a key', extended('5 =b\n'), /the member at byte 0 has a broken extended header/],
    ['a record past the end', extended('99 path=x\n'), /the member at byte 0 has a broken extended header/],
    [
      'a record that is too short',
      extended('8 path=xyz\n'),
      /the member at byte 0 has a broken extended header/,
    ],
  ] as const;

  for (const [name, archive, message] of cases) {
    assert.throws(
      () => readTar(archive),
      (error) => isAppError(error, 'CONTENT_UNREADABLE') && message.test(error.message),
      name,
    );
  }
  const size = Buffer.concat([extended('18 size=12345678x\n').subarray(0, 1024), good]);
  assert.throws(() => readTar(size), /the member at byte 1024 has a size that no file has/);
});

test('bytes of any kind are read or refused, in time that grows with their number', () => {
  const good = writeTar([
    { name: 'x', type: 'x', bytes: Buffer.from('20 path=another/name\n') },
    { name: 'file', bytes: Buffer.alloc(700, 'z') },
  ]);
  const change = fc.record({ at: fc.nat(good.byteLength - 1), to: fc.integer({ min: 0, max: 255 }) });

  fc.assert(
    fc.property(fc.array(change, { maxLength: 4 }), fc.boolean(), (changes, keepsChecksum) => {
      const bytes = Buffer.from(good);
      for (const { at, to } of changes) bytes[at] = to;
      if (keepsChecksum) for (const start of [0, 1024]) sign(bytes.subarray(start, start + 512));
      try {
        readTar(bytes);
      } catch (error) {
        assert.ok(isAppError(error, 'CONTENT_UNREADABLE'), String(error));
      }
    }),
    { numRuns: 500 },
  );
});

/** Puts the right checksum into a header. */
function sign(header: Buffer): void {
  header.fill(' ', 148, 156);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
}
