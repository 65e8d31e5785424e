import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { renderDiff } from './diff.ts';

suite('a diff shows', () => {
  const ten = ['1', '2', '3', '4', '5', '6', '7', '8', '9', '10'];
  const text = (lines: readonly string[]): string => lines.map((line) => `${line}\n`).join('');
  const cases: readonly (readonly [name: string, before: string, after: string, diff: readonly string[]])[] =
    [
      ['nothing for equal texts', 'a\n', 'a\n', []],
      ['an absent file as added lines', '', 'a\nb\n', ['+a', '+b']],
      ['a removed file as removed lines', 'a\nb\n', '', ['-a', '-b']],
      ['a changed line, old before new', 'a\nb\nc\n', 'a\nx\nc\n', [' a', '-b', '+x', ' c']],
      [
        'two lines around, and the count of the others',
        text(ten),
        text(ten.with(4, 'x')),
        ['@@ 2 lines @@', ' 3', ' 4', '-5', '+x', ' 6', ' 7', '@@ 3 lines @@'],
      ],
      [
        'changes far from each other apart',
        text(ten),
        text(ten.with(0, 'x').with(9, 'y')),
        ['-1', '+x', ' 2', ' 3', '@@ 4 lines @@', ' 8', ' 9', '-10', '+y'],
      ],
      [
        'changes near each other together',
        text(ten),
        text(ten.with(2, 'x').with(6, 'y')),
        [' 1', ' 2', '-3', '+x', ' 4', ' 5', ' 6', '-7', '+y', ' 8', ' 9', '@@ 1 line @@'],
      ],
      ['a last line without an end', '{}\n', '{}', ['-{}', '+{}', '\\ no line end']],
      ['empty lines', 'a\n', 'a\n\n', [' a', '+']],
      ['no carriage returns where all lines have one', 'a\r\nb\r\n', 'a\r\n', [' a', '-b']],
      ['carriage returns where some lines have one', 'a\n', 'a\r\n', ['-a', '+a\\r']],
      ['carriage returns within a line', '', 'a\rb\r\n', ['+a\\rb']],
      ['control characters as escapes', '', '\u001b[2J\u0000\u007f\u0085\n', ['+\\x1b[2J\\x00\\x7f\\x85']],
      [
        'what turns or hides text as escapes',
        '',
        '\u202e\u2066\u200b\ufeff\u2028\u{e0041}\ud800\n',
        ['+\\u{202e}\\u{2066}\\u{200b}\\u{feff}\\u{2028}\\u{e0041}\\u{d800}'],
      ],
      ['tabs and letters as they are', '', '\té\u{1f600}\n', ['+\té\u{1f600}']],
    ];
  for (const [name, before, after, diff] of cases) {
    test(name, () => {
      assert.equal(renderDiff(before, after), diff.join('\n'));
    });
  }

  test('as many lines around as asked for', () => {
    assert.equal(renderDiff('a\nb\n', 'a\nx\n', { context: 0 }), '@@ 1 line @@\n-b\n+x');
  });
});

test('a diff holds both texts and keeps as many lines as can be kept', () => {
  // Oracle: the recursion that defines the longest common subsequence.
  const lines = fc.array(fc.constantFrom('a', 'b', 'c', ''), { maxLength: 9 });
  fc.assert(
    fc.property(lines, lines, (before, after) => {
      fc.pre(before.join('\n') !== after.join('\n') && before.length > 0 && after.length > 0);

      const diff = renderDiff(`${before.join('\n')}\n`, `${after.join('\n')}\n`, { context: 100 }).split(
        '\n',
      );

      const marked = (mark: string): readonly string[] =>
        diff.filter((line) => line.startsWith(' ') || line.startsWith(mark)).map((line) => line.slice(1));
      assert.deepEqual(marked('-'), before);
      assert.deepEqual(marked('+'), after);
      assert.equal(diff.filter((line) => line.startsWith(' ')).length, commonLength(before, after));
    }),
    { numRuns: 2000 },
  );
});

function commonLength(before: readonly string[], after: readonly string[]): number {
  const [old, ...olds] = before;
  const [fresh, ...freshes] = after;
  if (old === undefined || fresh === undefined) return 0;
  if (old === fresh) return 1 + commonLength(olds, freshes);
  return Math.max(commonLength(olds, after), commonLength(before, freshes));
}

test('thousands of changed lines are compared, more are shown as all old and all new', () => {
  const lines = (count: number, each: (at: number) => string): readonly string[] =>
    Array.from({ length: count }, (_, at) => each(at));
  const text = (all: readonly string[]): string => `${all.join('\n')}\n`;
  const marks = (diff: string): string => diff.replaceAll(/^(.).*\n?/gm, '$1').replaceAll(/(.)\1*/g, '$1');

  const some = renderDiff(
    text(lines(3000, (at) => `o${String(at)}`).with(1500, 'kept')),
    text(lines(3000, (at) => `n${String(at)}`).with(1500, 'kept')),
  );
  const many = renderDiff(
    text(['first', ...lines(5000, (at) => `o${String(at)}`).with(2500, 'kept'), 'last']),
    text(['first', ...lines(5000, (at) => `n${String(at)}`).with(2500, 'kept'), 'last']),
  );

  assert.equal(marks(some), '-+ -+');
  assert.equal(marks(many), ' -+ ');
});
