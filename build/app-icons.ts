/**
 * Makes the icons of the packages from build/icons/app.svg:
 *
 *     png/16x16.png ...    Linux
 *     icon.ico             Windows
 *     icon.icns            macOS
 */
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Bitmap, encodePng } from './png.ts';
import { drawSvg } from './svg.ts';

const source = join(import.meta.dirname, 'icons', 'app.svg');

const pngSizes = [16, 24, 32, 48, 64, 128, 256, 512];

/** Of a screen at 100 to 400 %; the largest one last. */
const icoSizes = [16, 20, 24, 32, 40, 48, 64, 256];

/** https://en.wikipedia.org/wiki/Apple_Icon_Image_format: those that hold PNG. `ic11` is 16 points on a fine screen. */
const icnsTypes = [
  ['ic11', 32],
  ['ic12', 64],
  ['ic07', 128],
  ['ic13', 256],
  ['ic08', 256],
  ['ic14', 512],
  ['ic09', 512],
  ['ic10', 1024],
] as const;

/** Apple's grid for icons leaves 100 of 1024 free on each side. */
const macMargin = 100 / 1024;

/** Writes them into a directory, which it empties before. */
export async function writeAppIcons(out: string): Promise<void> {
  const svg = await readFile(source, 'utf8');
  await rm(out, { recursive: true, force: true });
  await mkdir(join(out, 'png'), { recursive: true });
  for (const size of pngSizes) {
    await writeFile(join(out, 'png', `${size}x${size}.png`), encodePng(drawSvg(svg, size)));
  }
  await writeFile(join(out, 'icon.ico'), encodeIco(icoSizes.map((size) => drawSvg(svg, size))));
  const images = new Map<number, Buffer>();
  for (const [, size] of icnsTypes) {
    if (!images.has(size)) images.set(size, encodePng(drawSvg(svg, size, macMargin)));
  }
  await writeFile(join(out, 'icon.icns'), encodeIcns(images));
}

/** A head, and after it type, length and content of each image. */
function encodeIcns(images: ReadonlyMap<number, Buffer>): Buffer {
  const parts = icnsTypes.map(([type, size]) => icnsPart(type, images.get(size) ?? Buffer.alloc(0)));
  return icnsPart('icns', Buffer.concat(parts));
}

function icnsPart(type: string, content: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(8 + content.length);
  return Buffer.concat([Buffer.from(type, 'latin1'), length, content]);
}

/** A head, 16 bytes about each image, the images. https://learn.microsoft.com/en-us/previous-versions/ms997538(v=msdn.10) */
function encodeIco(bitmaps: readonly Bitmap[]): Buffer {
  const contents = bitmaps.map((bitmap) => (bitmap.pixels < 256 ? encodeDib(bitmap) : encodePng(bitmap)));
  const head = Buffer.alloc(6 + 16 * bitmaps.length);
  head.writeUInt16LE(1, 2);
  head.writeUInt16LE(bitmaps.length, 4);
  let offset = head.length;
  for (const [at, { pixels }] of bitmaps.entries()) {
    const size = contents[at]?.length ?? 0;
    const entry = 6 + 16 * at;
    // 0 stands for 256.
    head.set([pixels % 256, pixels % 256], entry);
    head.writeUInt16LE(1, entry + 4);
    head.writeUInt16LE(32, entry + 6);
    head.writeUInt32LE(size, entry + 8);
    head.writeUInt32LE(offset, entry + 12);
    offset += size;
  }
  return Buffer.concat([head, ...contents]);
}

/** Lines from below, blue first, and a mask of one bit a pixel that nothing reads where there is alpha. */
function encodeDib({ pixels, rgba }: Bitmap): Buffer {
  const head = Buffer.alloc(40);
  head.writeUInt32LE(40, 0);
  head.writeInt32LE(pixels, 4);
  // Colours and mask.
  head.writeInt32LE(pixels * 2, 8);
  head.writeUInt16LE(1, 12);
  head.writeUInt16LE(32, 14);
  const lines = Array.from({ length: pixels }, (_, y) => {
    const line = Buffer.from(rgba.subarray(y * pixels * 4, (y + 1) * pixels * 4));
    for (let at = 0; at < line.length; at += 4) line.subarray(at, at + 3).reverse();
    return line;
  });
  return Buffer.concat([head, ...lines.toReversed(), Buffer.alloc(pixels * Math.ceil(pixels / 32) * 4)]);
}
