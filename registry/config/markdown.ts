/** Answers a row of a Markdown table. Cells are text; one that begins with a backtick is code already. */
export function tableRow(cells: readonly string[]): string {
  return `| ${cells.map((cell) => (cell.startsWith('`') ? cell : escaped(cell))).join(' | ')} |`;
}

function escaped(text: string): string {
  return text.replace(/[\\|*`]/g, String.raw`\$&`).replaceAll('<', '&lt;');
}
