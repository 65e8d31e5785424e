/** Bytes as docker prints them: decimal units, three digits. */
export function formatBytes(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'];
  let value = bytes;
  let unit = 0;
  // 999.5 would be printed as 1000.
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  const digits = unit === 0 || value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2;
  return `${value.toFixed(digits)}${units[unit] ?? ''}`;
}

/**
 * Text that came from an image, for a terminal: control characters, which could move the cursor or change colours, and marks
 * that turn the direction of reading, as `\\xNN` or `\\u{NNNN}`. Lines stay lines where `multiline` is set.
 */
export function printable(text: string, { multiline = false } = {}): string {
  return text.replaceAll(/[\p{Cc}\u200e\u200f\u2028-\u202e\u2066-\u2069]/gu, (letter) => {
    if (multiline && (letter === '\n' || letter === '\t')) return letter;
    const code = letter.codePointAt(0) ?? 0;
    return code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u{${code.toString(16)}}`;
  });
}
