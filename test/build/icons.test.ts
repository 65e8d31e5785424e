/** The icons of the packages, read back as the systems read them. */
import assert from 'node:assert/strict';
import { mkdtempDisposable, readdir, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { inflateSync } from 'node:zlib';
import { writeAppIcons } from '../../build/app-icons.ts';

const root = join(import.meta.dirname, '..', '..');
const blue = [0x0b, 0x6b, 0xcb, 255];
const white = [255, 255, 255, 255];
const nothing = [0, 0, 0, 0];

suite('the icons of the packages', () => {
  const resources = new AsyncDisposableStack();
  let folder: string;
  before(async () => {
    const { path } = resources.use(await mkdtempDisposable(join(tmpdir(), 'berth-icons-')));
    folder = join(path, 'icons');
    await writeAppIcons(folder);
  });
  after(() => resources.disposeAsync());

  test('are PNG for Linux, by their size: clear corners, a blue square, a white disc', async () => {
    const names = await readdir(join(folder, 'png'));

    const found = await Promise.all(
      names.map(async (name) => {
        const { size, at } = readPng(await readFile(join(folder, 'png', name)));
        return { name, size, points: [at(0, 0), at(0.5, 0.06), at(0.5, 0.44)] };
      }),
    );

    assert.deepEqual(
      found.map(({ size }) => size).toSorted((one, other) => one - other),
      [16, 24, 32, 48, 64, 128, 256, 512],
    );
    for (const { name, size, points } of found) {
      assert.equal(name, `${size}x${size}.png`);
      const [corner, ...others] = points;
      assert.deepEqual(others, [blue, white], name);
      assert.ok((corner?.[3] ?? 255) < 128, `${name}: the corner is not clear`);
    }
  });

  test('are one ICO for Windows: bitmaps from below with a mask, and a PNG of 256', async () => {
    const ico = await readFile(join(folder, 'icon.ico'));

    const count = ico.readUInt16LE(4);
    const entries = Array.from({ length: count }, (_, index) => {
      const entry = 6 + 16 * index;
      const [length, offset] = [ico.readUInt32LE(entry + 8), ico.readUInt32LE(entry + 12)];
      return {
        size: ico[entry] || 256,
        content: ico.subarray(offset, offset + length),
        end: offset + length,
      };
    });

    assert.deepEqual(
      [ico.readUInt16LE(0), ico.readUInt16LE(2), entries.map(({ size }) => size)],
      [0, 1, [16, 20, 24, 32, 40, 48, 64, 256]],
    );
    assert.equal(entries.at(-1)?.end, ico.length);
    for (const { size, content } of entries.slice(0, -1)) {
      const [width, height, bits] = [
        content.readInt32LE(4),
        content.readInt32LE(8),
        content.readUInt16LE(14),
      ];
      assert.deepEqual([width, height, bits], [size, size * 2, 32]);
      assert.equal(content.length, 40 + size * size * 4 + size * Math.ceil(size / 32) * 4);
      // The upper half of the disc, whose line comes late.
      const pixel = 40 + (Math.ceil(size * 0.56) * size + size / 2) * 4;
      assert.deepEqual([...content.subarray(pixel, pixel + 4)], white, String(size));
      const edge = 40 + (Math.floor(size * 0.96) * size + size / 2) * 4;
      assert.deepEqual([...content.subarray(edge, edge + 4)], [0xcb, 0x6b, 0x0b, 255], String(size));
    }
    assert.equal(readPng(entries.at(-1)?.content ?? Buffer.alloc(0)).size, 256);
  });

  test('are one ICNS for macOS, with the margin of its grid', async () => {
    const icns = await readFile(join(folder, 'icon.icns'));

    const parts: { readonly type: string; readonly size: number; readonly margin: unknown }[] = [];
    for (let at = 8; at < icns.length; at += icns.readUInt32BE(at + 4)) {
      const { size, at: pixelAt } = readPng(icns.subarray(at + 8, at + icns.readUInt32BE(at + 4)));
      parts.push({ type: icns.toString('latin1', at, at + 4), size, margin: pixelAt(0.5, 0.06) });
    }

    assert.deepEqual([icns.toString('latin1', 0, 4), icns.readUInt32BE(4)], ['icns', icns.length]);
    assert.deepEqual(
      parts,
      Object.entries({
        ic11: 32,
        ic12: 64,
        ic07: 128,
        ic13: 256,
        ic08: 256,
        ic14: 512,
        ic09: 512,
        ic10: 1024,
      }).map(([type, size]) => ({ type, size, margin: nothing })),
    );
  });

  test('are what the window shows in a browser', async () => {
    const [app, window] = await Promise.all(
      ['build/icons/app.svg', 'renderer/public/icon.svg'].map((path) => readFile(join(root, path), 'utf8')),
    );

    assert.equal(window, app);
  });
});

/** Reads what has no filter: 8 bits a channel, with alpha. The position goes from 0 to 1. */
function readPng(png: Buffer) {
  assert.equal(png.toString('latin1', 1, 4), 'PNG');
  const size = png.readUInt32BE(16);
  const end = png.indexOf('IEND') - 4;
  const start = png.indexOf('IDAT');
  const lines = inflateSync(png.subarray(start + 4, end - 4));
  const at = (x: number, y: number): readonly number[] => {
    const [column, line] = [Math.floor(x * size), Math.floor(y * size)];
    const offset = line * (1 + size * 4) + 1 + column * 4;
    return [...lines.subarray(offset, offset + 4)];
  };
  return { size, at };
}
