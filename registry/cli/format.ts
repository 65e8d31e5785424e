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

const secondsOf = { day: 86_400, hour: 3600, minute: 60, second: 1 } as const;

/** A time of the last or next week as people say it (`3 minutes ago`), another one by its date and minute, in UTC. */
export function formatTime(time: string, now: number = Date.now()): string {
  const seconds = Math.round((Date.parse(time) - now) / 1000);
  if (Math.abs(seconds) >= 7 * secondsOf.day) return `${time.slice(0, 10)} ${time.slice(11, 16)}`;
  const units = Object.entries(secondsOf);
  const [unit, length] = units.find(([, each]) => Math.abs(seconds) >= each) ?? ['second', 1];
  const count = Math.trunc(Math.abs(seconds) / length);
  const words = `${count} ${unit}${count === 1 ? '' : 's'}`;
  return seconds > 0 ? `in ${words}` : `${words} ago`;
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
