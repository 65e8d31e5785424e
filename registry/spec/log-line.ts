/**
 * Records as lines. `text` is logfmt as logrus writes it for distribution: time, level and msg first, then the other
 * fields by name, quoted where a character asks for it. `json` has the same keys, flat.
 */

import type { FieldValue, Level, LogRecord } from './log-record.ts';

export type LineFormat = 'text' | 'json';

type Fields = Readonly<Record<string, FieldValue>>;

/** Answers one line with its line feed. The record has to be redacted already. */
export function formatRecord(record: LogRecord, format: LineFormat): string {
  if (format === 'json') return jsonFormatter({})(record);
  const { at, level, sys, event, msg, fields } = record;
  const rest = Object.entries({ ...fields, sys, event })
    .map(([name, value]) => [shown(name), value] as const)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => (value === undefined ? '' : ` ${name}=${quoteIfNeeded(textOf(value))}`));
  return `time="${new Date(at).toISOString()}" level=${wordOf(level)} msg=${quoteIfNeeded(msg)}${rest.join('')}\n`;
}

/** Makes what writes records as lines that carry the fields `always` as well. */
export function createFormatter(format: LineFormat, always: Fields = {}): (record: LogRecord) => string {
  return format === 'json' ? jsonFormatter(always) : textFormatter(always);
}

function jsonFormatter(always: Fields): (record: LogRecord) => string {
  return ({ at, level, sys, event, msg, fields }) => {
    const all = Object.entries({ ...always, ...fields, sys, event }).map(([name, value]) => [
      shown(name),
      value,
    ]);
    return formatJson({
      ...Object.fromEntries(all),
      time: new Date(at).toISOString(),
      level: wordOf(level),
      msg,
    });
  };
}

/** The fields of a line in their order; what is the same on each line of its kind is text already. */
interface Layout {
  /** Of the records that it is for. */
  readonly names: readonly string[];
  readonly parts: readonly { readonly text: string; readonly name?: string }[];
}

/** The records of one event have the same fields nearly always, so their order is worked out once. */
function textFormatter(always: Fields): (record: LogRecord) => string {
  const layouts = new Map<string, Layout>();

  function layoutOf(event: string, fields: Fields): Layout {
    const names = Object.keys(fields);
    const known = layouts.get(event);
    if (known !== undefined && isSame(known.names, names)) return known;
    const all = new Set([...Object.keys(always), ...names, 'sys', 'event']);
    const parts = [...all]
      .map((name) => ({ name, shown: shown(name) }))
      .toSorted((a, b) => (a.shown < b.shown ? -1 : 1))
      .flatMap(({ name, shown: as }) => {
        const fixed = name === 'event' ? event : always[name];
        if (name !== 'event' && (names.includes(name) || name === 'sys')) return [{ text: ` ${as}=`, name }];
        return fixed === undefined ? [] : [{ text: ` ${as}=${quoteIfNeeded(textOf(fixed))}` }];
      });
    if (layouts.size >= mostLayouts) layouts.clear();
    const layout = { names, parts };
    layouts.set(event, layout);
    return layout;
  }

  return ({ at, level, sys, event, msg, fields }) => {
    let line = `time="${isoTime(at)}" level=${wordOf(level)} msg=${quoteIfNeeded(msg)}`;
    for (const { text, name } of layoutOf(event, fields).parts) {
      const value = name === undefined ? '' : name === 'sys' ? sys : fields[name];
      if (value !== undefined) line += name === undefined ? text : text + quoteIfNeeded(textOf(value));
    }
    return `${line}\n`;
  };
}

/** Events have names in the code, but lines that are read may say anything. */
const mostLayouts = 500;

function isSame(some: readonly string[], others: readonly string[]): boolean {
  return some.length === others.length && some.every((name, at) => name === others[at]);
}

function wordOf(level: Level): string {
  return level === 'warn' ? 'warning' : level;
}

/** logrus writes a field that has one of its own names so. */
function shown(name: string): string {
  return own.has(name) ? `fields.${name}` : name;
}

const own = new Set(['time', 'level', 'msg']);

/** The last time that was written: a busy registry writes several lines a millisecond. */
let lastTime = { at: Number.NaN, text: '' };

function isoTime(at: number): string {
  if (lastTime.at !== at) lastTime = { at, text: new Date(at).toISOString() };
  return lastTime.text;
}

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
