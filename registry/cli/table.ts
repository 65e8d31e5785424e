import { formatTime, printable } from './format.ts';

/**
 * Rows as text. For a person on a terminal: aligned under a head, cut to its width, times as people say them. In a pipe:
 * tab-separated, whole and without a head. No rows on a terminal give the head alone.
 */
export function formatTable(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  { isTTY, columns }: { readonly isTTY: boolean; readonly columns?: number | undefined },
): string {
  const cells = rows.map((row) => row.map((cell) => printable(cell)));
  if (!isTTY) return cells.map((row) => `${row.join('\t')}\n`).join('');
  const all = [
    head,
    ...cells.map((row) => row.map((cell) => (rfc3339.test(cell) ? formatTime(cell) : cell))),
  ];
  const widest = head.map((_, column) => Math.max(...all.map((row) => row[column]?.length ?? 0)));
  const widths = columns === undefined ? widest : fit(widest, columns);
  return all
    .map(
      (row) =>
        `${row
          .map((cell, at) => cut(cell, widths[at] ?? 0).padEnd(widths[at] ?? 0))
          .join('  ')
          .trimEnd()}\n`,
    )
    .join('');
}

const rfc3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z$/;

/** A column is not made narrower than this: a table of many columns then is wider than the terminal. */
const narrowest = 8;

/** Takes from the widest columns, equally, what the terminal has no room for. */
function fit(widest: readonly number[], columns: number): readonly number[] {
  const room = columns - 2 * (widest.length - 1);
  const total = (limit: number): number => widest.reduce((sum, width) => sum + Math.min(width, limit), 0);
  let limit = Math.max(...widest);
  while (limit > narrowest && total(limit) > room) limit -= 1;
  return widest.map((width) => Math.min(width, limit));
}

function cut(cell: string, width: number): string {
  return cell.length <= width ? cell : `${cell.slice(0, Math.max(0, width - 1))}…`;
}
