/**
 * Records as lines. `text` is logfmt as logrus writes it for distribution: time, level and msg first, then the other
 * fields by name, quoted where a character asks for it. `json` has the same keys, flat.
 */

import type { FieldValue, LogRecord } from './log-record.ts';

export type LineFormat = 'text' | 'json';

/** Answers one line with its line feed. The record has to be redacted already. */
export function formatRecord(
  record: LogRecord,
  format: LineFormat,
  always: Readonly<Record<string, FieldValue>> = {},
): string {
  const { at, level, sys, event, msg, fields } = record;
  const time = new Date(at).toISOString();
  const shown = level === 'warn' ? 'warning' : level;
  const pairs = Object.entries({ ...always, ...fields, sys, event }).flatMap(([name, value]) =>
    value === undefined ? [] : [[own.has(name) ? `fields.${name}` : name, value] as const],
  );
  if (format === 'json') return formatJson([...pairs, ['time', time], ['level', shown], ['msg', msg]]);
  const sorted = pairs.toSorted(byName).map(([name, value]) => `${name}=${quoteIfNeeded(textOf(value))}`);
  return `${[`time="${time}"`, `level=${shown}`, `msg=${quoteIfNeeded(msg)}`, ...sorted].join(' ')}\n`;
}

/** Answers one JSON object with its line feed, the keys in order. */
export function formatJson(pairs: readonly (readonly [string, Exclude<FieldValue, undefined>])[]): string {
  return `${JSON.stringify(Object.fromEntries(pairs.toSorted(byName)), (_, value: unknown) =>
    typeof value === 'string' ? escapeControls(value) : value,
  )}\n`;
}

/** Answers the text in double quotes with Go's escapes, control characters as `\xNN`. */
export function quote(text: string): string {
  return `"${escapeControls(text.replace(/["\\]/g, String.raw`\$&`)).replaceAll('\t', String.raw`\t`)}"`;
}

// logrus writes a field that has one of its own names so.
const own = new Set(['time', 'level', 'msg']);

/** logrus leaves an empty text bare too. */
function quoteIfNeeded(text: string): string {
  return /^[A-Za-z0-9\-._/@^+]*$/.test(text) ? text : quote(text);
}

function textOf(value: Exclude<FieldValue, undefined>): string {
  return typeof value === 'object' ? `[${value.join(' ')}]` : String(value);
}

function byName([left]: readonly [string, unknown], [right]: readonly [string, unknown]): number {
  return left < right ? -1 : 1;
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
