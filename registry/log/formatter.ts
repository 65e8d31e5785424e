import { formatRecord, type LineFormat, quoteIfNeeded, shown, textOf, wordOf } from '../spec/log-line.ts';
import type { FieldValue, LogRecord } from '../spec/log-record.ts';

type Fields = Readonly<Record<string, FieldValue>>;

/**
 * Makes what writes the records of the log as lines, which carry the fields `always` as well: what `formatRecord` answers,
 * for less.
 */
export function createFormatter(format: LineFormat, always: Fields): (record: LogRecord) => string {
  return format === 'text'
    ? textFormatter(always)
    : (record) => formatRecord({ ...record, fields: { ...always, ...record.fields } }, 'json');
}

/** The fields of a line in their order; what is the same on each line of its kind is text already. */
interface Layout {
  /** Of the records that it is for. */
  readonly names: readonly string[];
  readonly parts: readonly Part[];
}

type Part = { readonly text: string; readonly name?: undefined } | VaryingPart;

/** A field, with what was written of it last: host, method and client are the same on many lines. */
interface VaryingPart {
  readonly text: string;
  readonly name: string;
  value: FieldValue;
  shown: string;
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
      .flatMap(({ name, shown: as }): readonly Part[] => {
        const fixed = name === 'event' ? event : always[name];
        if (name !== 'event' && (names.includes(name) || name === 'sys'))
          return [{ text: ` ${as}=`, name, value: undefined, shown: '' }];
        return fixed === undefined ? [] : [{ text: ` ${as}=${quoteIfNeeded(textOf(fixed))}` }];
      });
    if (layouts.size >= mostLayouts) layouts.clear();
    const layout = { names, parts };
    layouts.set(event, layout);
    return layout;
  }

  return ({ at, level, sys, event, msg, fields }) => {
    let line = `time="${isoTime(at)}" level=${wordOf(level)} msg=${quoteIfNeeded(msg)}`;
    for (const part of layoutOf(event, fields).parts) {
      line +=
        part.name === undefined ? part.text : shownField(part, part.name === 'sys' ? sys : fields[part.name]);
    }
    return `${line}\n`;
  };
}

function shownField(part: VaryingPart, value: FieldValue): string {
  if (value === undefined) return '';
  if (value !== part.value) {
    part.value = value;
    part.shown = part.text + quoteIfNeeded(textOf(value));
  }
  return part.shown;
}

/** Events have names in the code, but lines that are read may say anything. */
const mostLayouts = 500;

function isSame(some: readonly string[], others: readonly string[]): boolean {
  return some.length === others.length && some.every((name, at) => name === others[at]);
}

/** The last time that was written: a busy registry writes several lines a millisecond. */
let lastTime = { at: Number.NaN, text: '' };

function isoTime(at: number): string {
  if (lastTime.at !== at) lastTime = { at, text: new Date(at).toISOString() };
  return lastTime.text;
}
