/** Draws the icons of the tray: a ring or a disc, whose mark says the state by its shape. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32, deflateSync } from 'node:zlib';

/** Whether a point is inside; the square goes from -1 to 1 in both directions, y downwards. */
type Shape = (x: number, y: number) => boolean;

const disc: Shape = (x, y) => Math.hypot(x, y) < 0.88;
const ring: Shape = (x, y) => Math.hypot(x, y) < 0.88 && Math.hypot(x, y) > 0.64;
const dot: Shape = (x, y) => Math.hypot(x - 0.6, y + 0.6) < 0.36;
const aroundDot: Shape = (x, y) => Math.hypot(x - 0.6, y + 0.6) < 0.52;
const bar: Shape = (x, y) => Math.abs(y) < 0.14 && Math.abs(x) < 0.5;
const cross: Shape = (x, y) => Math.hypot(x, y) < 0.5 && (Math.abs(x - y) < 0.22 || Math.abs(x + y) < 0.22);
const arrow: Shape = (x, y) =>
  (Math.abs(x) < 0.14 && y > -0.2 && y < 0.5) || (y < 0.05 && y > -0.5 && Math.abs(x) < y + 0.5);
const half: Shape = (x, y) => disc(x, y) && y > 0;

const either =
  (...shapes: readonly Shape[]): Shape =>
  (x, y) =>
    shapes.some((shape) => shape(x, y));
const without =
  (shape: Shape, hole: Shape): Shape =>
  (x, y) =>
    shape(x, y) && !hole(x, y);

/** By the names of main/tray-menu.ts. */
const shapes = {
  notSetUp: either(without(ring, aroundDot), dot),
  starting: either(ring, half),
  running: disc,
  transfer: without(disc, arrow),
  attention: either(without(disc, aroundDot), dot),
  readOnly: without(disc, bar),
  stopped: ring,
  error: either(ring, cross),
} as const;

/** A light glyph for dark bars, and a dark one; macOS takes the shape of a template and colours it itself. */
const inks = [
  { suffix: '', ink: [0xe7, 0xea, 0xf0] },
  { suffix: 'Dark', ink: [0x16, 0x1a, 0x20] },
  { suffix: 'Template', ink: [0, 0, 0] },
] as const;

const sizes = [
  { suffix: '', pixels: 22 },
  { suffix: '@2x', pixels: 44 },
] as const;

export async function writeIcons(out: string): Promise<void> {
  await mkdir(out, { recursive: true });
  for (const [name, shape] of Object.entries(shapes)) {
    for (const { suffix: kind, ink } of inks) {
      for (const { suffix, pixels } of sizes) {
        await writeFile(join(out, `${name}${kind}${suffix}.png`), draw(shape, pixels, ink));
      }
    }
  }
}

const samples = 4;

/** PNG, RGBA; edges are smooth by 16 samples a pixel. */
function draw(shape: Shape, pixels: number, ink: readonly [number, number, number]): Buffer {
  const lines = Buffer.alloc(pixels * (1 + pixels * 4));
  const step = 2 / (pixels * samples);
  for (let y = 0; y < pixels; y += 1) {
    for (let x = 0; x < pixels; x += 1) {
      let inside = 0;
      for (let at = 0; at < samples * samples; at += 1) {
        const across = x * samples + (at % samples) + 0.5;
        const down = y * samples + Math.floor(at / samples) + 0.5;
        if (shape(across * step - 1, down * step - 1)) inside += 1;
      }
      const alpha = Math.round((inside * 255) / (samples * samples));
      lines.set([...ink, alpha], y * (1 + pixels * 4) + 1 + x * 4);
    }
  }
  const header = Buffer.alloc(13);
  header.writeUInt32BE(pixels, 0);
  header.writeUInt32BE(pixels, 4);
  header.set([8, 6], 8);
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  return Buffer.concat([
    signature,
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(lines)),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

/** PNG specification, 5.3. */
function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(data.length);
  const check = Buffer.alloc(4);
  check.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, check]);
}
