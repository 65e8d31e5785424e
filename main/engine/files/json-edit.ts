/**
 * The smallest edits of JSON files that belong to somebody else. Order, layout, line ends and every byte outside of
 * the edited member stay. Where readers differ (Go, JavaScript) the file is refused rather than guessed at.
 */
import { AppError } from '../../../registry/spec/errors.ts';

const maxBytes = 1024 * 1024;
const maxDepth = 64;

/** A JSON file whose top level is an object. */
export interface JsonText {
  /** Where it lies, for messages. */
  readonly path: string;
  /** What the file holds; nothing when it is absent. */
  readonly bytes: Uint8Array;
  readonly text: string;
  /** `undefined` for an absent or blank file, which counts as an empty object. */
  readonly root: JsonNode | undefined;
  /** What it says. */
  readonly value: Readonly<Record<string, unknown>>;
}

/** A value in the text, from the character `start` to before `end`. */
export interface JsonNode {
  readonly kind: 'object' | 'list' | 'string' | 'other';
  readonly start: number;
  readonly end: number;
  /** Members of an object, entries of a list. */
  readonly children: readonly JsonChild[];
  /** What a string says; empty for other kinds. */
  readonly string: string;
}

interface JsonChild {
  /** Empty in a list. */
  readonly key: string;
  /** In an object where the key starts and ends, in a list twice the start of the value. */
  readonly start: number;
  readonly keyEnd: number;
  readonly value: JsonNode;
}

/** How the children of an object or a list are laid out. */
interface Layout {
  /** `undefined` where everything stands on one line. */
  readonly lineEnd: string | undefined;
  /** In front of a child that starts a line. */
  readonly indent: string;
  /** One level deeper. */
  readonly unit: string;
  /** Between two children on one line. */
  readonly gap: string;
  readonly colon: string;
}

/**
 * Parses RFC 8259 JSON whose top level is an object; no bytes and a blank file are an empty object. Throws
 * CHANGE_REFUSED for anything else, for a byte order mark, a key that is there twice at the top level, more than
 * 64 levels, more than 1 MiB.
 */
export function readJsonObject(bytes: Uint8Array | undefined, path: string): JsonText {
  const source = { path, bytes: bytes ?? new Uint8Array(), text: '' };
  if (source.bytes.length > maxBytes) throw refusal(source, 'is larger than 1 MiB');
  const text = decode(source);
  if (/^[ \t\r\n]*$/.test(text)) return { ...source, text, root: undefined, value: {} };
  const root = parse({ ...source, text });
  const json: JsonText = { ...source, text, root, value: JSON.parse(text) as Record<string, unknown> };
  if (root.kind !== 'object') throw refusal(json, 'holds no JSON object', root.start);
  refuseDuplicates(json, root);
  return json;
}

/** Says why a file is not edited; `at` is the character in question. Code CHANGE_REFUSED. */
export function refusal(
  { path, text }: { readonly path: string; readonly text: string },
  what: string,
  at?: number,
): AppError {
  const place = at === undefined ? path : `${path}:${position(text, at)}`;
  return new AppError('CHANGE_REFUSED', {
    message: `${place} ${what}.`,
    hint: `Make the change in ${path} by hand.`,
    detail: { file: path },
  });
}

/**
 * The strings of a list and where they stand; `undefined` if the key is absent. Throws CHANGE_REFUSED if it is
 * something else than a list of strings, or if another key differs from it in letter case only.
 */
export function findList(json: JsonText, key: string): readonly JsonNode[] | undefined {
  return findStrings(json, key, 'list')?.children.map(({ value }) => value);
}

/** Adds an entry at the end of a list, and the list if there is none. Throws CHANGE_REFUSED as `findList` does. */
export function addListEntry(json: JsonText, key: string, entry: string): Uint8Array {
  const list = findStrings(json, key, 'list');
  if (list === undefined) return addMember(json, key, (layout) => listText([entry], layout));
  if (list.children.some(({ value }) => value.string === entry)) return json.bytes;
  return append(json, list, () => JSON.stringify(entry));
}

/** Takes an entry out of a list, wherever it is in there. Throws CHANGE_REFUSED as `findList` does. */
export function removeListEntry(json: JsonText, key: string, entry: string): Uint8Array {
  const list = findStrings(json, key, 'list');
  return list === undefined ? json.bytes : cut(json, list, ({ value }) => value.string === entry);
}

/** Makes a list hold these entries and no others. Throws CHANGE_REFUSED as `findList` does. */
export function setList(json: JsonText, key: string, entries: readonly string[]): Uint8Array {
  const list = findStrings(json, key, 'list');
  if (list === undefined) return addMember(json, key, (layout) => listText(entries, layout));
  const isSame =
    list.children.length === entries.length &&
    list.children.every(({ value }, index) => value.string === entries[index]);
  if (isSame) return json.bytes;
  const { lineEnd, indent } = lineStart(json.text, list.end - 1);
  return splice(json, list, listText(entries, { ...layoutOf(json, list), lineEnd, indent }));
}

/** Takes out a member of the top level. Throws CHANGE_REFUSED if another key differs in letter case only. */
export function removeKey(json: JsonText, key: string): Uint8Array {
  const member = findMember(json, key);
  if (json.root === undefined || member === undefined) return json.bytes;
  return cut(json, json.root, (child) => child === member);
}

/**
 * Sets a string in an object one level below the top, and makes the object if there is none. Throws CHANGE_REFUSED
 * if the key holds something else than an object of strings, the same member twice, or differs from another key in
 * letter case only.
 */
export function setMember(json: JsonText, key: string, member: string, value: string): Uint8Array {
  const object = findStrings(json, key, 'object');
  const write = ({ colon }: Layout): string => `${JSON.stringify(member)}${colon}${JSON.stringify(value)}`;
  if (object === undefined) {
    return addMember(json, key, (layout) => bracketed('{', [write(layout)], '}', layout));
  }
  const old = object.children.find((child) => child.key === member);
  if (old === undefined) return append(json, object, write);
  return old.value.string === value ? json.bytes : splice(json, old.value, JSON.stringify(value));
}

/** Takes a member out of an object one level below the top; `{}` may be left. Throws as `setMember` does. */
export function removeMember(json: JsonText, key: string, member: string): Uint8Array {
  const object = findStrings(json, key, 'object');
  return object === undefined ? json.bytes : cut(json, object, (child) => child.key === member);
}

// --- finding -------------------------------------------------------------------------------------------------

function findMember(json: JsonText, key: string): JsonChild | undefined {
  const members = json.root?.children ?? [];
  // Go's encoding/json reads a key into a field whatever its letter case, and the last one wins.
  const twin = members.find((member) => member.key !== key && folded(member.key) === folded(key));
  if (twin !== undefined) {
    throw refusal(json, `holds a key that differs from "${key}" in letter case only`, twin.start);
  }
  return members.find((member) => member.key === key);
}

function findStrings(json: JsonText, key: string, kind: 'list' | 'object'): JsonNode | undefined {
  const value = findMember(json, key)?.value;
  if (value === undefined) return undefined;
  const other =
    value.kind === kind ? value.children.find((child) => child.value.kind !== 'string') : { value };
  if (other !== undefined) {
    const wanted = kind === 'list' ? 'a list of strings' : 'an object of strings';
    throw refusal(json, `holds something else in "${key}" than ${wanted}`, other.value.start);
  }
  if (kind === 'object') refuseDuplicates(json, value);
  return value;
}

/** Readers differ in which of two equal keys wins. */
function refuseDuplicates(json: JsonText, object: JsonNode): void {
  const keys = new Set<string>();
  for (const { key, start } of object.children) {
    if (keys.has(key)) throw refusal(json, 'holds the same key twice', start);
    keys.add(key);
  }
}

/** Letter case as Go folds it: the long s counts as s, the Kelvin sign as k. */
function folded(key: string): string {
  return key.toUpperCase().toLowerCase();
}

// --- editing -------------------------------------------------------------------------------------------------

function addMember(json: JsonText, key: string, write: (layout: Layout) => string): Uint8Array {
  const member = (layout: Layout): string => `${JSON.stringify(key)}${layout.colon}${write(layout)}`;
  if (json.root !== undefined) return append(json, json.root, member);
  // A whole object, since dockerd 20.10 refuses a file that is empty.
  const layout = { lineEnd: '\n', indent: '  ', unit: '  ', gap: ' ', colon: ': ' };
  return encode(`{\n  ${member(layout)}\n}\n`);
}

/** Adds a child behind the last one of an object or a list. */
function append(json: JsonText, parent: JsonNode, write: (layout: Layout) => string): Uint8Array {
  const layout = layoutOf(json, parent);
  const { lineEnd, indent, gap } = layout;
  const last = parent.children.at(-1);
  const comma = last === undefined ? '' : ',';
  const space = lineEnd === undefined ? (last === undefined ? '' : gap) : `${lineEnd}${indent}`;
  const at = last?.value.end ?? parent.start + 1;
  return splice(json, { start: at, end: at }, `${comma}${space}${write(layout)}`);
}

/** Takes out children with one comma each; the others keep what stands around them. */
function cut(json: JsonText, parent: JsonNode, isGone: (child: JsonChild) => boolean): Uint8Array {
  const { children } = parent;
  const firstKept = children.findIndex((child) => !isGone(child));
  if (firstKept === -1) {
    if (children.length === 0) return json.bytes;
    return splice(json, { start: parent.start + 1, end: parent.end - 1 }, '');
  }
  const kept: string[] = [];
  let from = 0;
  for (const [index, child] of children.entries()) {
    if (!isGone(child)) continue;
    const isAhead = index < firstKept;
    kept.push(json.text.slice(from, isAhead ? child.start : children[index - 1]?.value.end));
    from = isAhead ? (children[index + 1]?.start ?? child.value.end) : child.value.end;
  }
  return kept.length === 0 ? json.bytes : encode([...kept, json.text.slice(from)].join(''));
}

function splice(
  { text }: JsonText,
  { start, end }: { readonly start: number; readonly end: number },
  replacement: string,
): Uint8Array {
  return encode(text.slice(0, start) + replacement + text.slice(end));
}

function encode(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

// --- layout --------------------------------------------------------------------------------------------------

/** The layout that a further child of an object or a list takes over from its neighbours. */
function layoutOf({ text, root }: JsonText, parent: JsonNode): Layout {
  const members = root?.children ?? [];
  const unit = members
    .map(({ start }) => lineStart(text, start))
    .find(({ lineEnd }) => lineEnd !== undefined)?.indent;
  const [first] = members;
  const between = first === undefined ? '' : text.slice(first.keyEnd, first.value.start);
  const colon = /^ ?: ?$/.test(between) ? between : ': ';
  const last = parent.children.at(-1);
  const { lineEnd, indent } = lineStart(text, last?.start ?? parent.end - 1);
  const spaceBefore = last === undefined ? '' : text.slice(spaceStart(text, last.start), last.start);
  return {
    lineEnd,
    // An empty one is closed one level above its children.
    indent: last === undefined ? indent + (unit ?? '  ') : indent,
    unit: unit ?? '  ',
    gap: parent.children.length > 1 ? spaceBefore : colon.endsWith(' ') ? ' ' : '',
    colon,
  };
}

/** The line end and the indentation in front of what starts a line there; no line end if it does not. */
function lineStart(
  text: string,
  at: number,
): { readonly lineEnd: string | undefined; readonly indent: string } {
  const space = text.slice(spaceStart(text, at), at);
  const [, lineEnd, indent = ''] = /(\r\n|[\r\n])([ \t]*)$/.exec(space) ?? [];
  return { lineEnd, indent };
}

function spaceStart(text: string, at: number): number {
  let start = at;
  while (start > 0 && ' \t\r\n'.includes(text.charAt(start - 1))) start--;
  return start;
}

function listText(entries: readonly string[], layout: Layout): string {
  return bracketed(
    '[',
    entries.map((entry) => JSON.stringify(entry)),
    ']',
    layout,
  );
}

/** `layout` is that of the list or object itself as a child. */
function bracketed(open: string, items: readonly string[], close: string, layout: Layout): string {
  const { lineEnd, indent, unit, gap } = layout;
  if (lineEnd === undefined || items.length === 0) return `${open}${items.join(`,${gap}`)}${close}`;
  const lines = items.map((item) => `${lineEnd}${indent}${unit}${item}`);
  return `${open}${lines.join(',')}${lineEnd}${indent}${close}`;
}

// --- parsing -------------------------------------------------------------------------------------------------

type Source = Pick<JsonText, 'path' | 'bytes' | 'text'>;

function decode(source: Source): string {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(source.bytes);
  } catch {
    const lossy = new TextDecoder('utf-8', { ignoreBOM: true }).decode(source.bytes);
    throw refusal({ ...source, text: lossy }, 'is not UTF-8', lossy.indexOf('\uFFFD'));
  }
  // dockerd 20.10 refuses it, 28 does not.
  if (text.startsWith('\uFEFF')) throw refusal({ ...source, text }, 'starts with a byte order mark', 0);
  return text;
}

/** The grammar of RFC 8259. JSON.parse would not say where things stand. */
function parse(source: Source): JsonNode {
  const { text } = source;
  let at = 0;
  const root = parseValue(1);
  skipSpace();
  if (at < text.length) throw unexpected();
  return root;

  function parseValue(depth: number): JsonNode {
    skipSpace();
    const start = at;
    const char = text.charAt(at);
    if (char === '{' || char === '[') {
      if (depth > maxDepth) throw refusal(source, `is nested deeper than ${String(maxDepth)} levels`, at);
      const children = parseChildren(char === '{' ? '}' : ']', depth);
      return { kind: char === '{' ? 'object' : 'list', start, end: at, children, string: '' };
    }
    if (char === '"') return { kind: 'string', string: parseString(), start, end: at, children: [] };
    scalar.lastIndex = at;
    if (!scalar.test(text)) throw unexpected();
    at = scalar.lastIndex;
    return { kind: 'other', start, end: at, children: [], string: '' };
  }

  function parseChildren(close: '}' | ']', depth: number): readonly JsonChild[] {
    const children: JsonChild[] = [];
    at++;
    skipSpace();
    if (text.charAt(at) === close) {
      at++;
      return children;
    }
    for (;;) {
      skipSpace();
      const start = at;
      const key = close === '}' ? parseString() : '';
      const keyEnd = at;
      if (close === '}') expect(':');
      children.push({ key, start, keyEnd, value: parseValue(depth + 1) });
      skipSpace();
      if (text.charAt(at) === close) break;
      expect(',');
    }
    at++;
    return children;
  }

  function parseString(): string {
    if (text.charAt(at) !== '"') throw unexpected();
    let end = at + 1;
    while (end < text.length && text.charAt(end) !== '"') end += text.charAt(end) === '\\' ? 2 : 1;
    try {
      const string = JSON.parse(text.slice(at, end + 1)) as string;
      at = end + 1;
      return string;
    } catch {
      throw refusal(source, 'holds a string that is not valid JSON', at);
    }
  }

  function expect(char: ':' | ','): void {
    skipSpace();
    if (text.charAt(at) !== char) throw unexpected();
    at++;
  }

  function skipSpace(): void {
    while (at < text.length && ' \t\r\n'.includes(text.charAt(at))) at++;
  }

  function unexpected(): AppError {
    if (at >= text.length) return refusal(source, 'ends in the middle of the JSON', at);
    if (/^\/[/*]/.test(text.slice(at, at + 2))) return refusal(source, 'holds a comment', at);
    const isTrailing = '}]'.includes(text.charAt(at)) && text.charAt(spaceStart(text, at) - 1) === ',';
    return refusal(source, isTrailing ? 'holds a trailing comma' : 'is not valid JSON', at);
  }
}

const scalar = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null/y;

/** `line:column`, both from 1. */
function position(text: string, at: number): string {
  const lines = text.slice(0, at).split(/\r\n|[\r\n]/);
  return `${String(lines.length)}:${String((lines.at(-1)?.length ?? 0) + 1)}`;
}
