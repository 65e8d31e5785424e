/** The difference between two texts, to be read by a person before consenting. */

type Row = readonly [mark: ' ' | '-' | '+', line: string];

/**
 * The changed lines with `context` unchanged ones around them, marked by a first character as in unified diffs: ` `,
 * `-`, `+`. Lines that are left out are counted (`@@ 12 lines @@`), a last line without a line end is followed by
 * `\ no line end`. Characters that could steer a terminal appear as escapes; carriage returns too, unless all lines
 * end with them. An absent file is an empty text. Empty when nothing differs.
 */
export function renderDiff(
  before: string,
  after: string,
  { context = 2 }: { readonly context?: number } = {},
): string {
  if (before === after) return '';
  const lineEnd = [before, after].some((text) => /(?<!\r)\n/.test(text)) ? '\n' : '\r\n';
  const rows = compare(splitLines(before), splitLines(after));
  const changes = rows.flatMap(([mark], index) => (mark === ' ' ? [] : [index]));
  const lines: string[] = [];
  let next = 0;
  for (const change of changes) {
    const start = Math.max(next, change - context);
    const end = Math.min(rows.length, change + context + 1);
    pushSkipped(lines, start - next);
    for (const row of rows.slice(start, end)) lines.push(renderRow(row, lineEnd));
    next = Math.max(next, end);
  }
  pushSkipped(lines, rows.length - next);
  return lines.join('\n');
}

function pushSkipped(lines: string[], count: number): void {
  if (count > 0) lines.push(`@@ ${String(count)} ${count === 1 ? 'line' : 'lines'} @@`);
}

function renderRow([mark, line]: Row, lineEnd: string): string {
  if (!line.endsWith('\n')) return `${mark}${escapeControls(line)}\n\\ no line end`;
  return `${mark}${escapeControls(line.slice(0, -lineEnd.length))}`;
}

/** Tabs stay. The others of Cc and Cf move the cursor, colour, or turn the direction of text. */
function escapeControls(line: string): string {
  return line.replaceAll(/(?!\t)[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu, (char) => {
    if (char === '\r') return '\\r';
    const code = (char.codePointAt(0) ?? 0).toString(16);
    return code.length <= 2 ? `\\x${code.padStart(2, '0')}` : `\\u{${code}}`;
  });
}

/** Lines with their ends; the last one may have none. */
function splitLines(text: string): readonly string[] {
  return text.match(/[^\n]*\n|[^\n]+/g) ?? [];
}

/** All lines in order, deleted ones before added ones. */
function compare(before: readonly string[], after: readonly string[]): readonly Row[] {
  const shortest = Math.min(before.length, after.length);
  let head = 0;
  while (head < shortest && before[head] === after[head]) head++;
  let tail = 0;
  while (tail < shortest - head && before.at(-1 - tail) === after.at(-1 - tail)) tail++;
  return [
    ...before.slice(0, head).map((line): Row => [' ', line]),
    ...compareMiddle(before.slice(head, before.length - tail), after.slice(head, after.length - tail)),
    ...before.slice(before.length - tail).map((line): Row => [' ', line]),
  ];
}

/** Memory for the table of `compareMiddle`: 32 MiB, 4,000 changed lines against 4,000. */
const maxCells = 16 * 1024 * 1024;

/** By the longest common subsequence; beyond `maxCells` everything old goes and everything new comes. */
function compareMiddle(before: readonly string[], after: readonly string[]): readonly Row[] {
  const width = after.length + 1;
  const isTooLarge = (before.length + 1) * width > maxCells;
  // common[i * width + j]: how many lines before[i...] and after[j...] have in common; below 4,096 by maxCells.
  const common = new Uint16Array(isTooLarge ? 0 : (before.length + 1) * width);
  const cell = (i: number, j: number): number => common[i * width + j] ?? 0;
  if (!isTooLarge) {
    for (let i = before.length - 1; i >= 0; i--) {
      for (let j = after.length - 1; j >= 0; j--) {
        common[i * width + j] =
          before[i] === after[j] ? cell(i + 1, j + 1) + 1 : Math.max(cell(i + 1, j), cell(i, j + 1));
      }
    }
  }
  const rows: Row[] = [];
  let [i, j] = [0, 0];
  for (;;) {
    const [old, fresh] = [before[i], after[j]];
    if (old !== undefined && old === fresh && !isTooLarge) {
      rows.push([' ', old]);
      i++;
      j++;
    } else if (old !== undefined && (fresh === undefined || cell(i + 1, j) >= cell(i, j + 1))) {
      rows.push(['-', old]);
      i++;
    } else if (fresh !== undefined) {
      rows.push(['+', fresh]);
      j++;
    } else {
      return rows;
    }
  }
}
