import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatForeign } from './format.ts';

test('what cannot be seen is written out; line ends, tabs and joined letters stay', () => {
  const cases: readonly (readonly [text: string, shown: string])[] = [
    ['api', 'api'],
    ['a\tb\nc\r\nd', 'a\tb\nc\r\nd'],
    ['over\rwritten', String.raw`over\u{d}written`],
    ['\u001b[2J\u009b\u0000', String.raw`\u{1b}[2J\u{9b}\u{0}`],
    ['safe\u202eexe.txt', String.raw`safe\u{202e}exe.txt`],
    ['a\u200bb\ufeff', String.raw`a\u{200b}b\u{feff}`],
    ['\u{e0041}', String.raw`\u{e0041}`],
    ['👩\u200d💻 שלום', '👩\u200d💻 שלום'],
  ];

  for (const [text, shown] of cases) assert.equal(formatForeign(text), shown);
});
