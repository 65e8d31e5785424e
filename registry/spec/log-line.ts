/**
 * Records as lines. `text` is logfmt as logrus writes it for distribution: time, level and msg first, then the other
 * fields by name, quoted where a character asks for it. `json` has the same keys, flat.
 */

import type { FieldValue, LogRecord } from './log-record.ts';

export type LineFormat = 'text' | 'json';

type Fields = Readonly<Record<string, FieldValue>>;

/** Answers one line with its line feed. The record has to be redacted already. */
export function formatRecord(record: LogRecord, format: LineFormat, always: Fields = {}): string {
  const { at, level, sys, event, msg, fields } = record;
  const time = new Date(at).toISOString();
  const shown = level === 'warn' ? 'warning' : level;
  const all = withoutOwn({ ...always, ...fields, sys, event });
  if (format === 'json') return formatJson({ ...all, time, level: shown, msg });
  let line = `time="${time}" level=${shown} msg=${quoteIfNeeded(msg)}`;
  for (const name of Object.keys(all).toSorted()) {
    const value = all[name];
    if (value !== undefined) line += ` ${name}=${quoteIfNeeded(textOf(value))}`;
  }
  return `${line}\n`;
}

/** logrus writes a field that has one of its own names so. */
function withoutOwn(fields: Fields): Fields {
  if (!own.some((name) => name in fields)) return fields;
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [own.includes(name) ? `fields.${name}` : name, value]),
  );
}

const own = ['time', 'level', 'msg'];

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
  if (plain.test(text) && !text.includes('"') && !text.includes('\\')) return `"${text}"`;
  return `"${escapeControls(text.replace(/["\\]/g, String.raw`\$&`)).replaceAll('\t', String.raw`\t`)}"`;
}

/** logrus leaves an empty text bare too. */
function quoteIfNeeded(text: string): string {
  return /^[A-Za-z0-9\-._/@^+]*$/.test(text) ? text : quote(text);
}

function textOf(value: Exclude<FieldValue, undefined>): string {
  return typeof value === 'object' ? `[${value.join(' ')}]` : String(value);
}

/** Answers the text with control and other unprintable characters written out, as `\x0a` or `\u202e`. */
export function escapeControls(text: string): string {
  return plain.test(text) ? text : text.replace(unprintable, escapeCharacter);
}

const plain = /^[\x20-\x7e]*$/;

/** Whatever Go's strconv.IsPrint denies; the tab is left to the formats, which all have an escape for it. */
const unprintable = /[^\t\x20\p{L}\p{M}\p{N}\p{P}\p{S}]/gu;

function escapeCharacter(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  const hex = code.toString(16);
  if (code < 0x100) return `\\x${hex.padStart(2, '0')}`;
  return code < 0x10000 ? `\\u${hex.padStart(4, '0')}` : `\\U${hex.padStart(8, '0')}`;
}
