/**
 * Durations and sizes as people write them in configuration files. Durations follow Go's time package, because
 * distribution's files and log lines do: `1h30m`, `250ms`, `24h0m0s`.
 */

const nanosecondsOf = { ns: 1, us: 1e3, µs: 1e3, μs: 1e3, ms: 1e6, s: 1e9, m: 60e9, h: 3600e9 } as const;
const bytesOf = {
  '': 1,
  b: 1,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  tb: 1e12,
  kib: 2 ** 10,
  mib: 2 ** 20,
  gib: 2 ** 30,
  tib: 2 ** 40,
} as const;

const duration = /^(?:(?:\d+(?:\.\d*)?|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+$/;
const durationPart = /(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h)/g;
const size = /^(\d+(?:\.\d+)?)\s*([kmgt]?i?b|)$/i;

/** Answers milliseconds, rounded up, or `undefined` if the text is not a duration of 0 or more with its unit. */
export function parseDuration(text: string): number | undefined {
  if (text === '0') return 0;
  if (!duration.test(text)) return undefined;
  const parts = [...text.matchAll(durationPart)];
  const nanoseconds = parts.reduce(
    (sum, [, count, unit]) => sum + Number(count) * nanosecondsOf[unit as keyof typeof nanosecondsOf],
    0,
  );
  return Number.isSafeInteger(Math.ceil(nanoseconds / 1e6)) ? Math.ceil(nanoseconds / 1e6) : undefined;
}

/** Writes milliseconds as Go does: `884.819µs`, `2.021411ms`, `1.5s`, `24h0m0s`. */
export function formatDuration(milliseconds: number): string {
  const nanoseconds = Math.round(milliseconds * 1e6);
  if (nanoseconds === 0) return '0s';
  if (nanoseconds < 1e3) return `${String(nanoseconds)}ns`;
  if (nanoseconds < 1e6) return `${fraction(nanoseconds / 1e3, 3)}µs`;
  if (nanoseconds < 1e9) return `${fraction(nanoseconds / 1e6, 6)}ms`;
  const minutes = Math.floor(nanoseconds / 60e9);
  const seconds = `${fraction((nanoseconds - minutes * 60e9) / 1e9, 9)}s`;
  if (minutes === 0) return seconds;
  return minutes < 60
    ? `${String(minutes)}m${seconds}`
    : `${String(Math.floor(minutes / 60))}h${String(minutes % 60)}m${seconds}`;
}

/** Answers bytes, or `undefined` if the text is not a size: `4194304`, `4 MiB` (binary), `10MB` (decimal). */
export function parseBytes(text: string): number | undefined {
  const [, count, unit] = size.exec(text) ?? [];
  if (count === undefined || unit === undefined) return undefined;
  const bytes = Number(count) * (bytesOf[unit.toLowerCase() as keyof typeof bytesOf] ?? Number.NaN);
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}

function fraction(value: number, digits: number): string {
  const text = value.toFixed(digits);
  let end = text.length;
  while (text[end - 1] === '0') end--;
  return text.slice(0, text[end - 1] === '.' ? end - 1 : end);
}
