/**
 * Settings before they are checked: a tree that knows of each value where it was said. Scalars keep the text that was
 * written, because what `0123` or `off` means depends on the setting (distribution decodes into typed fields too).
 */

import { isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument } from 'yaml';
import type { Document, YAMLMap } from 'yaml';
import { AppError } from '../spec/errors.ts';

/** Where a value comes from. `where` is `<file>:<line>:<column>`, the name of a variable, or the option. */
export interface Source {
  readonly kind: 'default' | 'file' | 'env' | 'flag';
  readonly where: string;
}

/** A key that has no effect. `where` is `<file>:<line>:<column>` or the name of a variable. */
export interface Notice {
  readonly key: string;
  readonly level: 'ignored' | 'unknown';
  readonly where: string;
  readonly message: string;
}

export type Tree = Leaf | Group | List;
export interface Leaf {
  readonly kind: 'leaf';
  readonly text: string;
  readonly at: Source;
}
export interface Group {
  readonly kind: 'group';
  readonly entries: ReadonlyMap<string, Entry>;
  readonly at: Source;
}
interface Entry {
  readonly keyAt: Source;
  readonly value: Tree;
}
export interface List {
  readonly kind: 'list';
  readonly items: readonly Tree[];
  readonly at: Source;
}

// Enough for any real file; aliases that unfold without end, or contain themselves, stop here.
const maxNodes = 20_000;
const maxDepth = 32;

/**
 * Reads YAML (1.2 core, with merge keys). Answers `undefined` for an empty document. Throws CONFIG_INVALID that
 * names the place; no text of the document is quoted, for it may be a secret.
 */
export function parseYaml(text: string, place: (line: number, column: number) => Source): Tree | undefined {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, merge: true });
  const at = (offset: number): Source => {
    const { line, col } = lines.linePos(offset);
    return place(Math.max(line, 1), Math.max(col, 1));
  };
  const fault = document.errors[0] ?? document.warnings[0];
  if (fault) throw invalid(at(fault.pos[0]), yamlFaults[fault.code] ?? 'is not valid YAML here');

  let nodes = 0;
  const convert: Convert = (node, around, depth) => {
    nodes += 1;
    if (nodes > maxNodes || depth > maxDepth)
      throw invalid(around, 'holds too many values, or an alias that contains itself');
    if (isAlias(node)) {
      const anchored = node.resolve(document);
      if (!anchored) throw invalid(positionOf(node, at) ?? around, 'the alias names no anchor before it');
      return convert(anchored, around, depth + 1);
    }
    const here = positionOf(node, at) ?? around;
    if (isMap(node))
      return {
        kind: 'group',
        entries: entriesOf(node, document, here, (child, near) => convert(child, near, depth + 1), at),
        at: here,
      };
    if (isSeq(node))
      return {
        kind: 'list',
        items: node.items.map((item) => convert(item, here, depth + 1) ?? leaf('', here)),
        at: here,
      };
    if (!isScalar(node) || node.value === null) return undefined;
    return leaf(typeof node.value === 'string' ? node.value : (node.source ?? ''), here);
  };
  return convert(document.contents, at(0), 0);
}

/** Makes a tree of a value that code gives. */
export function treeOf(value: unknown, at: Source): Tree | undefined {
  if (value === undefined || value === null) return undefined;
  if (Array.isArray(value))
    return { kind: 'list', items: value.map((item) => treeOf(item, at) ?? leaf('', at)), at };
  if (typeof value === 'string') return leaf(value, at);
  if (typeof value !== 'object') return leaf(JSON.stringify(value), at);
  const entries = Object.entries(value).map(
    ([key, child]) => [key, { keyAt: at, value: treeOf(child, at) ?? leaf('', at) }] as const,
  );
  return { kind: 'group', entries: new Map(entries), at };
}

/** The values alone. */
export function plainOf(tree: Tree): unknown {
  if (tree.kind === 'leaf') return tree.text;
  if (tree.kind === 'list') return tree.items.map(plainOf);
  return Object.fromEntries([...tree.entries].map(([key, { value }]) => [key, plainOf(value)]));
}

/** Where the value at a path was said, or the nearest thing around it. */
export function sourceAt(tree: Tree, path: readonly PropertyKey[]): Source {
  const [first, ...rest] = path;
  if (first === undefined || tree.kind === 'leaf') return tree.at;
  const child = tree.kind === 'list' ? tree.items[Number(first)] : tree.entries.get(String(first))?.value;
  return child ? sourceAt(child, rest) : tree.at;
}

/** True if nothing is said, or that the thing is off: such a value of a refused key does no harm. */
export function isOff(tree: Tree): boolean {
  if (tree.kind === 'leaf') return tree.text === '' || /^(?:false|no|off)$/i.test(tree.text);
  const children = tree.kind === 'list' ? tree.items : [...tree.entries.values()].map(({ value }) => value);
  return children.every(isOff);
}

export function leaf(text: string, at: Source): Leaf {
  return { kind: 'leaf', text, at };
}

export function emptyGroup(at: Source): Group {
  return { kind: 'group', entries: new Map(), at };
}

/** `storage: inmemory` and `auth: none` are short for a map with that one key, as in distribution. */
export function nameToGroup(key: 'storage' | 'auth', value: Tree): Tree {
  if (value.kind !== 'leaf' || value.text === '') return value;
  const name = key === 'auth' ? value.text.toLowerCase() : value.text;
  const entry = { keyAt: value.at, value: emptyGroup(value.at) };
  return { kind: 'group', entries: new Map([[name, entry]]), at: value.at };
}

/** The error of everything that is wrong with a configuration. */
export function invalid(at: Source, reason: string): AppError {
  return new AppError('CONFIG_INVALID', { message: at.where === '' ? reason : `${at.where}: ${reason}` });
}

type Convert = (node: unknown, around: Source, depth: number) => Tree | undefined;

function entriesOf(
  map: YAMLMap,
  document: Document,
  here: Source,
  convert: (node: unknown, around: Source) => Tree | undefined,
  at: (offset: number) => Source,
): Group['entries'] {
  const merged = new Map<string, Entry>();
  const own = new Map<string, Entry>();
  for (const { key, value } of map.items) {
    const keyAt = positionOf(key, at) ?? here;
    if (isScalar(key) && key.source === '<<') {
      const other = convert(value, keyAt);
      for (const group of other?.kind === 'list' ? other.items.toReversed() : [other])
        if (group?.kind === 'group') for (const [name, entry] of group.entries) merged.set(name, entry);
      continue;
    }
    const named = isAlias(key) ? key.resolve(document) : key;
    if (!isScalar(named)) throw invalid(keyAt, 'a key has to be a single name');
    const name = typeof named.value === 'string' ? named.value : (named.source ?? '');
    own.set(name, { keyAt, value: convert(value, keyAt) ?? leaf('', keyAt) });
  }
  return new Map([...merged, ...own]);
}

function positionOf(node: unknown, at: (offset: number) => Source): Source | undefined {
  const range =
    typeof node === 'object' && node !== null && 'range' in node && Array.isArray(node.range)
      ? node.range
      : [];
  const offset: unknown = range[0];
  return typeof offset === 'number' ? at(offset) : undefined;
}

const yamlFaults: Readonly<Record<string, string>> = {
  ALIAS_PROPS: 'an alias can have no anchor and no tag',
  BAD_DQ_ESCAPE: 'a text in double quotes holds an unknown escape',
  BAD_INDENT: 'the indentation does not fit the lines around it',
  BAD_SCALAR_START: 'a text that begins with this character needs quotes',
  BLOCK_AS_IMPLICIT_KEY: 'a key is followed by a second colon or by a list on the same line',
  DUPLICATE_KEY: 'the key stands twice in this map',
  MISSING_CHAR: 'a character is missing, such as a closing quote or bracket, or a comma',
  MULTILINE_IMPLICIT_KEY: 'a key without its colon, or with a line break in it',
  MULTIPLE_DOCS: 'holds more than one document',
  TAB_AS_INDENT: 'a tab is used for indentation; YAML wants spaces',
  TAG_RESOLVE_FAILED: 'an unknown tag, or a value that its tag does not allow',
  UNEXPECTED_TOKEN: 'this was not expected here',
};
