/** The contrasts that the colours promise: WCAG 2.2, 1.4.3 (text) and 1.4.11 (controls). */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { suite, test } from 'node:test';

const css = await readFile(join(import.meta.dirname, '..', '..', 'renderer', 'parts', 'tokens.css'), 'utf8');

const grounds = ['bg', 'surface', 'sunken', 'raised'];
const pairs: readonly (readonly [front: string, grounds: readonly string[], least: number])[] = [
  ['text', grounds, 7],
  ['muted', grounds, 4.5],
  ['faint', grounds, 4.5],
  ['accent', [...grounds, 'accent-soft'], 4.5],
  ['ok', [...grounds, 'ok-soft'], 4.5],
  ['warn', [...grounds, 'warn-soft'], 4.5],
  ['err', [...grounds, 'err-soft'], 4.5],
  ['text', ['accent-soft', 'ok-soft', 'warn-soft', 'err-soft'], 7],
  ['on-accent', ['accent'], 4.5],
  ['on-err', ['err'], 4.5],
  ['control-border', ['surface', 'bg'], 3],
];

for (const theme of ['light', 'dark']) {
  suite(`colours of the ${theme} theme`, () => {
    const block = new RegExp(`:root\\[data-theme='${theme}'\\] \\{([^}]*)\\}`).exec(css)?.[1] ?? '';
    const colours = new Map(
      [...block.matchAll(/--([\w-]+): (#[0-9a-f]{6});/g)].map(([, name, value]) => [name, value]),
    );
    for (const [front, backs, least] of pairs) {
      for (const back of backs) {
        test(`${front} on ${back} is at least ${least}:1`, () => {
          const ratio = contrast(colours.get(front), colours.get(back));

          assert.ok(ratio >= least, `${ratio.toFixed(2)} of ${colours.get(front)} on ${colours.get(back)}`);
        });
      }
    }
  });
}

/** WCAG 2.2, "contrast ratio". */
function contrast(one: string | undefined, other: string | undefined): number {
  const [light = 0, dark = 0] = [luminance(one), luminance(other)].toSorted((a, b) => b - a);
  return (light + 0.05) / (dark + 0.05);
}

/** WCAG 2.2, "relative luminance". */
function luminance(colour: string | undefined): number {
  assert.ok(colour !== undefined);
  const [red = 0, green = 0, blue = 0] = [1, 3, 5]
    .map((at) => Number.parseInt(colour.slice(at, at + 2), 16) / 255)
    .map((value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4));
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}
