/** How values are written. Pure: the parts that show them are in parts/. */

const units = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'] as const;

/** Decimal, three digits, as docker writes it: `72.8MB`. */
export function formatBytes(bytes: number): string {
  let value = Math.abs(bytes);
  let unit = 0;
  // 999.5 would be rounded to four digits.
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  const text = unit === 0 ? String(Math.round(value)) : String(Number(value.toPrecision(3)));
  return `${bytes < 0 ? '-' : ''}${text}${units[unit] ?? ''}`;
}

/** `1,234,567 bytes`. */
export function formatExactBytes(bytes: number): string {
  return `${formatCount(bytes)} ${bytes === 1 ? 'byte' : 'bytes'}`;
}

/** `1,234,567`, of a whole number. */
export function formatCount(count: number): string {
  // The first number that Intl writes takes it several milliseconds, before the first paint.
  return String(count).replace(/\B(?=(?:\d{3})+$)/g, ',');
}

/** `1 tag`, `14 tags`. */
export function formatPlural(count: number, one: string, many = `${one}s`): string {
  return `${formatCount(count)} ${count === 1 ? one : many}`;
}

const steps = [
  [60, 'second'],
  [60, 'minute'],
  [24, 'hour'],
  [30, 'day'],
  [12, 'month'],
  [Number.POSITIVE_INFINITY, 'year'],
] as const;

/** `5 minutes ago`, `in 3 days`; within ten seconds `now`. */
export function formatRelative(at: string, now: number): string {
  let value = (Date.parse(at) - now) / 1000;
  if (Math.abs(value) < 10) return 'now';
  for (const [length, unit] of steps) {
    if (Math.abs(value) < length) {
      const amount = formatPlural(Math.trunc(Math.abs(value)), unit);
      return value < 0 ? `${amount} ago` : `in ${amount}`;
    }
    value /= length;
  }
  return at;
}

/** `2026-03-01 14:05:09`, in the time zone of the reader. */
export function formatAbsolute(at: string): string {
  const date = new Date(at);
  if (Number.isNaN(date.getTime())) return at;
  const local = new Date(date.getTime() - date.getTimezoneOffset() * 60_000);
  return local.toISOString().slice(0, 19).replace('T', ' ');
}

/** `14:05:09.123` of the reader's day, or of the day in UTC. */
export function formatClock(at: number, isUtc: boolean): string {
  const shift = isUtc ? 0 : new Date(at).getTimezoneOffset() * 60_000;
  return new Date(at - shift).toISOString().slice(11, 23);
}

/** `2d 4h`, `3m 20s`, `450ms`. */
export function formatDuration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)}ms`;
  const seconds = Math.floor(ms / 1000);
  const parts = [
    [Math.floor(seconds / 86_400), 'd'],
    [Math.floor(seconds / 3600) % 24, 'h'],
    [Math.floor(seconds / 60) % 60, 'm'],
    [seconds % 60, 's'],
  ] as const;
  const first = parts.findIndex(([value]) => value > 0);
  return parts
    .slice(first, first + 2)
    .filter(([value]) => value > 0)
    .map(([value, unit]) => `${value}${unit}`)
    .join(' ');
}

/** The first twelve digits of a digest, as docker shows ids. */
export function shortDigest(digest: string): string {
  return digest.replace(/^[^:]*:/, '').slice(0, 12);
}

/** Joins a repository with a tag or digest as clients write it. */
export function formatReference(repository: string, reference: string): string {
  return `${repository}${reference.includes(':') ? '@' : ':'}${reference}`;
}

/**
 * Text of somebody else as it is, with what cannot be seen, or turns the direction of what follows, written out:
 * `\u{202e}`. Line feeds and tabs stay.
 */
export function formatForeign(text: string): string {
  return text.replaceAll(unseen, (letter) => `\\u{${(letter.codePointAt(0) ?? 0).toString(16)}}`);
}

/** But for line ends, tabs, and what joins letters in many scripts and pictures. */
const unseen = /(?!\r\n|[\n\t\u200c\u200d])[\p{Cc}\p{Cf}\u2028\u2029]/gu;
