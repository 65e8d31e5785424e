import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatCount, formatForeign, formatRelative } from './format.ts';

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

test('whole numbers and times are written as Intl writes them in English', () => {
  const counts = [0, 7, 999, 1000, 12_345, 123_456, 1_234_567, -1234, 9_007_199_254_740_991];
  const words = new Intl.RelativeTimeFormat('en', { numeric: 'always' });
  const now = Date.parse('2026-03-01T12:00:00Z');
  const times = [
    [10, 10, 'second'],
    [59.9, 59, 'second'],
    [60, 1, 'minute'],
    [3599, 59, 'minute'],
    [2 * 3600, 2, 'hour'],
    [86_400, 1, 'day'],
    [29 * 86_400, 29, 'day'],
    [45 * 86_400, 1, 'month'],
    [800 * 86_400, 2, 'year'],
  ] as const;

  for (const count of counts) assert.equal(formatCount(count), count.toLocaleString('en-US'));
  for (const [seconds, amount, unit] of times) {
    const [past, future] = [-seconds, seconds].map((each) => new Date(now + each * 1000).toISOString());
    assert.equal(formatRelative(past ?? '', now), words.format(-amount, unit));
    assert.equal(formatRelative(future ?? '', now), words.format(amount, unit));
  }
  assert.equal(formatRelative(new Date(now - 9000).toISOString(), now), 'now');
  // A time that cannot be read stays as it is.
  assert.equal(formatRelative('soon', now), 'soon');
});
