/**
 * Draws the little of SVG that our icons need, so that they are made on any system: a square viewBox from 0 0; rect with rx,
 * circle, and path of M, L, H, V, C, Z in absolute numbers; fill and stroke as #rrggbb. Strokes have round ends and corners.
 */
import type { Bitmap } from './png.ts';

type Attributes = Readonly<Record<string, string>>;

interface Layer {
  readonly ink: readonly [red: number, green: number, blue: number];
  /** How far a point is from the edge; less than zero inside. */
  readonly distance: (x: number, y: number) => number;
}

/** `margin` is left free on each side, as a part of the whole. Edges are as smooth as a pixel is wide. */
export function drawSvg(text: string, pixels: number, margin = 0): Bitmap {
  const [, side = ''] = /viewBox="0 0 ([\d.]+) \1"/.exec(text) ?? [];
  const layers = [...text.matchAll(/<(rect|circle|path)\s([^>]*)\/>/g)].flatMap(([, kind = '', list = '']) =>
    layersOf(kind, Object.fromEntries([...list.matchAll(/([\w-]+)="([^"]*)"/g)].map(([, ...pair]) => pair))),
  );
  const step = Number(side) / (1 - 2 * margin) / pixels;
  const offset = (0.5 - margin * pixels) * step;
  const rgba = new Uint8Array(pixels * pixels * 4);
  for (let y = 0; y < pixels; y += 1) {
    for (let x = 0; x < pixels; x += 1) {
      for (const { ink, distance } of layers) {
        const covered = 0.5 - distance(x * step + offset, y * step + offset) / step;
        if (covered > 0) paint(rgba, (y * pixels + x) * 4, ink, Math.min(1, covered));
      }
    }
  }
  return { pixels, rgba };
}

/** Lays an ink over a pixel. https://www.w3.org/TR/compositing-1/#porterduffcompositingoperators_srcover */
function paint(rgba: Uint8Array, at: number, ink: Layer['ink'], alpha: number): void {
  const below = ((rgba[at + 3] ?? 0) / 255) * (1 - alpha);
  const together = alpha + below;
  for (let channel = 0; channel < 3; channel += 1) {
    const mixed = (ink[channel] ?? 0) * alpha + (rgba[at + channel] ?? 0) * below;
    rgba[at + channel] = Math.round(mixed / together);
  }
  rgba[at + 3] = Math.round(together * 255);
}

/** What is filled, and over it what is stroked. */
function layersOf(kind: string, attributes: Attributes): readonly Layer[] {
  const number = (name: string): number => Number(attributes[name] ?? 0);
  const inked = (name: string, distance: Layer['distance']): readonly Layer[] => {
    const value = attributes[name] ?? 'none';
    return value === 'none' ? [] : [{ ink: inkOf(value), distance }];
  };
  if (kind === 'circle') {
    const [cx, cy, r] = [number('cx'), number('cy'), number('r')];
    return inked('fill', (x, y) => Math.hypot(x - cx, y - cy) - r);
  }
  if (kind === 'rect') {
    const r = number('rx');
    const [halfWidth, halfHeight] = [number('width') / 2, number('height') / 2];
    const [cx, cy] = [number('x') + halfWidth, number('y') + halfHeight];
    return inked('fill', (x, y) => {
      // From the box whose corners are the centres of the round ones.
      const across = Math.abs(x - cx) - halfWidth + r;
      const down = Math.abs(y - cy) - halfHeight + r;
      return Math.hypot(Math.max(across, 0), Math.max(down, 0)) + Math.min(Math.max(across, down), 0) - r;
    });
  }
  const lines = linesOf(attributes['d'] ?? '');
  const reach = number('stroke-width') / 2;
  return [
    ...inked('fill', (x, y) => awayFrom(lines, x, y) * (isInside(lines, x, y) ? -1 : 1)),
    ...inked('stroke', (x, y) => awayFrom(lines, x, y) - reach),
  ];
}

function inkOf(colour: string): Layer['ink'] {
  const [, red = '', green = '', blue = ''] = /^#(..)(..)(..)$/.exec(colour) ?? [];
  if (blue === '') throw new Error(`an icon has the colour ${colour}, which is not #rrggbb`);
  return [Number.parseInt(red, 16), Number.parseInt(green, 16), Number.parseInt(blue, 16)];
}

interface Line {
  readonly x1: number;
  readonly y1: number;
  readonly x2: number;
  readonly y2: number;
}

const curveParts = 16;

/** A path as straight lines. */
function linesOf(path: string): readonly Line[] {
  const lines: Line[] = [];
  let [startX, startY, x1, y1] = [0, 0, 0, 0];
  const go = (x2: number, y2: number): void => {
    lines.push({ x1, y1, x2, y2 });
    [x1, y1] = [x2, y2];
  };
  for (const [, command = '', list = ''] of path.matchAll(/([A-Za-z])([^A-Za-z]*)/g)) {
    const numbers = list
      .trim()
      .split(/[\s,]+/)
      .map(Number);
    const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0] = numbers;
    if (command === 'M') [startX, startY, x1, y1] = [a, b, a, b];
    else if (command === 'L') go(a, b);
    else if (command === 'H') go(a, y1);
    else if (command === 'V') go(x1, a);
    else if (command === 'Z') go(startX, startY);
    else if (command === 'C') {
      const [x, y] = [x1, y1];
      for (let part = 1; part <= curveParts; part += 1) {
        const t = part / curveParts;
        go(bezier(t, x, a, c, e), bezier(t, y, b, d, f));
      }
    } else throw new Error(`an icon has the path command ${command}, which is not drawn`);
  }
  return lines;
}

function bezier(t: number, from: number, first: number, second: number, to: number): number {
  const rest = 1 - t;
  return rest ** 3 * from + 3 * rest * rest * t * first + 3 * rest * t * t * second + t ** 3 * to;
}

function awayFrom(lines: readonly Line[], x: number, y: number): number {
  let least = Infinity;
  for (const { x1, y1, x2, y2 } of lines) {
    const width = x2 - x1;
    const height = y2 - y1;
    const length = width * width + height * height;
    const along = length === 0 ? 0 : ((x - x1) * width + (y - y1) * height) / length;
    const t = along < 0 ? 0 : Math.min(along, 1);
    const dx = x - x1 - t * width;
    const dy = y - y1 - t * height;
    least = Math.min(least, dx * dx + dy * dy);
  }
  return Math.sqrt(least);
}

/** Whether a ray to the right meets an odd number of lines. */
function isInside(lines: readonly Line[], x: number, y: number): boolean {
  const met = lines.filter(
    ({ x1, y1, x2, y2 }) => y1 > y !== y2 > y && x < ((x2 - x1) * (y - y1)) / (y2 - y1) + x1,
  );
  return met.length % 2 === 1;
}
