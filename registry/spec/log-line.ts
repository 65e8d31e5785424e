/**
 * Records as lines. `text` is logfmt as logrus writes it for distribution: time, level and msg first, then the other
 * fields by name, quoted where a character asks for it. `json` has the same keys, flat.
 */

import type { FieldValue, Level, LogRecord } from './log-record.ts';

export type LineFormat = 'text' | 'json';

type Fields = Readonly<Record<string, FieldValue>>;

/** Answers one line with its line feed. The record has to be redacted already. */
export function formatRecord(record: LogRecord, format: LineFormat): string {
  const { at, level, sys, event, msg, fields } = record;
  const time = new Date(at).toISOString();
  const named = Object.entries({ ...fields, sys, event }).map(
    ([name, value]) => [shown(name), value] as const,
  );
  if (format === 'json') return formatJson({ ...Object.fromEntries(named), time, level: wordOf(level), msg });
  const rest = named
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => (value === undefined ? '' : ` ${name}=${quoteIfNeeded(textOf(value))}`));
  return `time="${time}" level=${wordOf(level)} msg=${quoteIfNeeded(msg)}${rest.join('')}\n`;
}

/** `level` as it stands in a line. */
export function wordOf(level: Level): string {
  return level === 'warn' ? 'warning' : level;
}

/** The name of a field as it stands in a line: logrus writes one that has a name of its own so. */
export function shown(name: string): string {
  return own.has(name) ? `fields.${name}` : name;
}

const own = new Set(['time', 'level', 'msg']);

/** Answers one JSON object with its line feed, the keys in order. */
export function formatJson(fields: Fields): string {
  const sorted = Object.keys(fields)
    .toSorted()
    .map((name) => [name, fields[name]] as const);
  return `${JSON.stringify(Object.fromEntries(sorted), (_, value: unknown) =>
    typeof value === 'string' ? escapeControls(value) : value,
  )}\n`;
}

/** Answers the text in double quotes with Go's escapes, control characters as `\xNN`. */
export function quote(text: string): string {
  if (harmless.test(text)) return `"${text}"`;
  return `"${escapeControls(text.replace(/["\\]/g, String.raw`\$&`)).replaceAll('\t', String.raw`\t`)}"`;
}

/** logrus leaves an empty text bare too. */
export function quoteIfNeeded(text: string): string {
  return /^[A-Za-z0-9\-._/@^+]*$/.test(text) ? text : quote(text);
}

export function textOf(value: Exclude<FieldValue, undefined>): string {
  return typeof value === 'object' ? `[${value.join(' ')}]` : String(value);
}

/** Answers the text with control and other unprintable characters written out, as `\x0a` or `\u202e`. */
export function escapeControls(text: string): string {
  return plain.test(text) ? text : text.replace(unprintable, escapeCharacter);
}

/** Most texts are printable at one look; the sign is that of microseconds, which each duration has. */
const plain = /^[\x20-\x7e\u00b5]*$/;

/** The same without what is escaped in quotes. */
const harmless = /^[ !#-[\]-~\u00b5]*$/;

/** Whatever Go's strconv.IsPrint denies; the tab is left to the formats, which all have an escape for it. */
const unprintable = /[^\t\x20\p{L}\p{M}\p{N}\p{P}\p{S}]/gu;

function escapeCharacter(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  const hex = code.toString(16);
  if (code < 0x100) return `\\x${hex.padStart(2, '0')}`;
  return code < 0x10000 ? `\\u${hex.padStart(4, '0')}` : `\\U${hex.padStart(8, '0')}`;
}
