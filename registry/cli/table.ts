/**
 * Rows as text: aligned under a head for a person on a terminal, tab-separated without a head in a pipe. No rows on
 * a terminal give the head alone.
 */
export function formatTable(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  { isTTY }: { readonly isTTY: boolean },
): string {
  if (!isTTY) return rows.map((row) => `${row.join('\t')}\n`).join('');
  const all = [head, ...rows];
  const widths = head.map((_, column) => Math.max(...all.map((row) => row[column]?.length ?? 0)));
  return all
    .map(
      (row) =>
        `${row
          .map((cell, at) => cell.padEnd(widths[at] ?? 0))
          .join('  ')
          .trimEnd()}\n`,
    )
    .join('');
}
