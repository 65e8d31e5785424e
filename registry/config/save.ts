/** The configuration file as a text that is edited: what is not changed keeps its words, order and comments. */
import { join } from 'node:path';
import {
  Document,
  isCollection,
  isMap,
  isNode,
  isScalar,
  type Node,
  parse,
  parseDocument,
  stringify,
  YAMLMap,
  YAMLParseError,
} from 'yaml';
import { AppError } from '../spec/errors.ts';

/** One value of the file; `undefined` takes it out. */
export interface FileEdit {
  readonly path: readonly string[];
  readonly value: unknown;
}

/** The configuration file of a data directory. */
export function ownConfigFile(root: string): string {
  return join(root, 'berth', 'config.yml');
}

/**
 * Answers the text of a configuration file (`undefined`: there is none) with other values. Throws CONFIG_INVALID where
 * the place is written in a way that only a person can edit, such as an alias.
 */
export function editConfig(text: string | undefined, edits: readonly FileEdit[]): string {
  const document: Document =
    text === undefined ? new Document({ version: '0.1' }) : parseDocument(text, { merge: true });
  const map = isMap(document.contents) ? document.contents : new YAMLMap(document.schema);
  document.contents = map;
  const [first] = map.items;
  for (const { path, value } of edits) {
    openGroups(document, path);
    if (value === undefined) remove(document, path);
    else put(document, path, value);
  }
  if (map.items.length === 0) map.set('version', '0.1');
  keepHead(document, map, first?.key);
  return document.toString({ lineWidth: 0 });
}

/** What is said at the head of a file is about the file, and stays when the first key goes. */
function keepHead(document: Document, { items: [pair] }: YAMLMap, first: unknown): void {
  if (pair === undefined || first === pair.key || !isNode(first)) return;
  const next: Node = document.createNode(pair.key);
  const comments = [first.commentBefore, next.commentBefore].filter((each) => typeof each === 'string');
  next.commentBefore = comments.length === 0 ? null : comments.join('\n');
  pair.key = next;
}

/** Makes maps of what stands above a value: an empty key, and `storage: inmemory`, which is short for a map. */
function openGroups(document: Document, path: readonly string[]): void {
  for (const depth of path.keys()) {
    const above = path.slice(0, depth);
    const node = depth === 0 ? document.contents : document.getIn(above, true);
    if (node === undefined) return;
    if (isMap(node)) continue;
    const [key = ''] = above;
    const isName = depth === 1 && (key === 'storage' || key === 'auth');
    const isShort = isName && isScalar(node) && typeof node.value === 'string';
    if (!isShort && !(isScalar(node) && node.value === null)) throw byHand(above);
    document.setIn(above, document.createNode(typeof node.value === 'string' ? { [node.value]: {} } : {}));
  }
}

function put(document: Document, path: readonly string[], value: unknown): void {
  const old: unknown = document.getIn(path, true);
  const node = document.createNode(value);
  if (isCollection(node)) node.flow = true;
  if (isNode(old) && isNode(node)) {
    node.comment = old.comment ?? null;
    node.commentBefore = old.commentBefore ?? null;
  }
  document.setIn(path, node);
}

/** A group that has become empty goes as well, unless its name alone says something. */
function remove(document: Document, path: readonly string[]): void {
  if (!document.hasIn(path)) return;
  document.deleteIn(path);
  const above = path.slice(0, -1);
  const group: unknown = document.getIn(above, true);
  const isProvider = /^(?:auth\.[^.]+|storage\.(?:filesystem|inmemory))$/.test(above.join('.'));
  if (above.length > 0 && isMap(group) && group.items.length === 0 && !isProvider) remove(document, above);
}

function byHand(path: readonly string[]): AppError {
  return new AppError('CONFIG_INVALID', {
    message: `${path.join('.')} is written in the file in a way that cannot be edited safely, such as an alias.`,
    hint: 'Edit the file by hand, then send SIGHUP to the registry or restart it.',
  });
}

/** Reads a value as one types it on a command line: YAML, as in the file. Throws USAGE. */
export function parseValue(text: string): unknown {
  // A star alone would be an alias. A number that is written in another way (007) is a text.
  if (text === '*') return text;
  try {
    const value: unknown = parse(text);
    return typeof value === 'number' && String(value) !== text ? text : value;
  } catch (error) {
    if (!(error instanceof YAMLParseError)) throw error;
    throw new AppError('USAGE', {
      message: 'The value is not YAML.',
      hint: "Put the value into quotes: berth config set berth.auth.anonymous '[public/**]'",
    });
  }
}

/** Writes a value as `parseValue` and environment variables read it, on one line. */
export function formatValue(value: unknown): string {
  if (typeof value === 'object' && value !== null) return JSON.stringify(value);
  return typeof value === 'string'
    ? stringify(value, { lineWidth: 0, blockQuote: false, defaultStringType: 'PLAIN' }).trimEnd()
    : String(value);
}
