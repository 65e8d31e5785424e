/** Draws the icons of the tray: a ring or a disc, whose mark says the state by its shape. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { encodePng } from './png.ts';

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

/** Edges are smooth by 16 samples a pixel. */
function draw(shape: Shape, pixels: number, ink: readonly [number, number, number]): Buffer {
  const rgba = new Uint8Array(pixels * pixels * 4);
  const step = 2 / (pixels * samples);
  for (let y = 0; y < pixels; y += 1) {
    for (let x = 0; x < pixels; x += 1) {
      let inside = 0;
      for (let at = 0; at < samples * samples; at += 1) {
        const across = x * samples + (at % samples) + 0.5;
        const down = y * samples + Math.floor(at / samples) + 0.5;
        if (shape(across * step - 1, down * step - 1)) inside += 1;
      }
      rgba.set([...ink, Math.round((inside * 255) / (samples * samples))], (y * pixels + x) * 4);
    }
  }
  return encodePng({ pixels, rgba });
}
