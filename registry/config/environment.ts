/**
 * REGISTRY_* and BERTH_*: one variable, one value of the configuration. The rules are distribution's:
 * the name is the path in upper case joined by `_`; items of a list by index, one past the end appends; new keys of a
 * map are made in lower case; the value is YAML; variables apply in the order of their names, so that
 * REGISTRY_AUTH=htpasswd comes before REGISTRY_AUTH_HTPASSWD_REALM, and REGISTRY_STORAGE=inmemory replaces all that
 * the file says about storage.
 */

import type { z } from 'zod';
import { configSchema } from '../spec/config.ts';
import { fields, metaOf, shapeOf } from './fields.ts';
import { nearest } from '../spec/nearest.ts';
import { emptyGroup, invalid, leaf, nameToGroup, parseYaml } from './tree.ts';
import type { Group, List, Notice, Source, Tree } from './tree.ts';

// distribution names these by the Go field, not by the key.
const otherNames: ReadonlyMap<string, string> = new Map([
  ['FILECHECKERS', 'FILE'],
  ['HTTPCHECKERS', 'HTTP'],
  ['TCPCHECKERS', 'TCP'],
  ['EVENTCONFIG', 'EVENTS'],
]);

const knownVariables = fields.map(({ env }) => env);

/**
 * Answers the tree with the values of the environment, and a notice for each variable that leads nowhere. Throws
 * CONFIG_INVALID that names the variable.
 */
export function applyEnvironment(
  tree: Group,
  env: Readonly<Record<string, string | undefined>>,
  otherVariables: readonly string[],
): { readonly tree: Group; readonly notices: readonly Notice[] } {
  const notices: Notice[] = [];
  const strangers = new Set(['REGISTRY_CONFIGURATION_PATH', ...otherVariables]);
  let result = tree;
  for (const name of Object.keys(env).toSorted()) {
    const text = env[name];
    if (text === undefined || strangers.has(name)) continue;
    const path = pathOf(name);
    if (name.startsWith('OTEL_'))
      notices.push(ignored(name, `${name} has no effect. Berth sends no traces.`));
    else if (name === 'REGISTRY_VERSION') notices.push(ignored(name, 'version cannot be set by a variable.'));
    else if (path) {
      const at: Source = { kind: 'env', where: name };
      const next = setValue(result, path, readValue(text, at), at);
      if (next) result = next;
      else notices.push(unknown(name));
    }
  }
  return { tree: result, notices };
}

/** The value of a variable is YAML; a star alone, which YAML reads as the start of an alias, means itself. */
function readValue(text: string, at: Source): Tree {
  return text === '*' ? leaf(text, at) : (parseYaml(text, () => at) ?? leaf('', at));
}

/** Answers the tree with a value at a path (letter case ignored), or `undefined` if the path leads nowhere. */
export function setValue(tree: Group, path: readonly string[], value: Tree, at: Source): Group | undefined {
  const [first = '', ...rest] = path;
  const key = first.toLowerCase();
  const named = rest.length === 0 && (key === 'storage' || key === 'auth') ? nameToGroup(key, value) : value;
  const result = put(tree, { schema: configSchema, path: [] }, path, named, at);
  return result?.kind === 'group' ? result : undefined;
}

/** Where in the schema one stands. Under an ignored or refused key there is no schema, and any key goes. */
interface Place {
  readonly schema: z.core.$ZodType | undefined;
  readonly path: readonly string[];
}

function put(
  old: Tree | undefined,
  place: Place,
  path: readonly string[],
  value: Tree,
  at: Source,
): Tree | undefined {
  const [part, ...rest] = path;
  if (part === undefined) return value;
  const { schema } = place;
  const shape =
    schema && (metaOf(schema)?.level ?? 'supported') === 'supported' ? shapeOf(schema) : undefined;
  if (shape?.kind === 'leaf') return undefined;
  if (shape?.kind === 'list') return putItem(old, { ...place, schema: shape.item }, part, rest, value, at);

  const group = asGroup(old, at);
  const same = (key: string): boolean => key.toUpperCase() === part.toUpperCase();
  const known = shape?.kind === 'group' ? [...shape.keys.keys()].find(same) : undefined;
  if (shape?.kind === 'group' && known === undefined && !namesProvider(place.path)) return undefined;
  const key = known ?? [...group.entries.keys()].find(same) ?? part.toLowerCase();
  const child = shape?.kind === 'group' ? shape.keys.get(key) : shape?.value;
  const next = put(
    group.entries.get(key)?.value,
    { schema: child, path: [...place.path, key] },
    rest,
    value,
    at,
  );
  if (!next) return undefined;
  const entries = new Map(group.entries).set(key, { keyAt: at, value: next });
  return { kind: 'group', entries, at: shape?.kind === 'group' ? group.at : at };
}

function putItem(
  old: Tree | undefined,
  place: Place,
  part: string,
  rest: readonly string[],
  value: Tree,
  at: Source,
): List | undefined {
  const items = old?.kind === 'list' ? old.items : [];
  if (!/^\d+$/.test(part)) throw invalid(at, `${place.path.join('.')} is a list: name an item by its index`);
  const index = Number(part);
  if (index > items.length)
    throw invalid(
      at,
      `${place.path.join('.')} has ${String(items.length)} items: the next index is that number`,
    );
  const item = put(items[index], place, rest, value, at);
  return item && { kind: 'list', items: [...items.slice(0, index), item, ...items.slice(index + 1)], at };
}

/** An item of a refused list is a key like any other, so that what the file says there is kept. */
function asGroup(tree: Tree | undefined, at: Source): Group {
  if (tree?.kind === 'group') return tree;
  if (tree?.kind !== 'list') return emptyGroup(at);
  const entries = tree.items.map((item, index) => [String(index), { keyAt: item.at, value: item }] as const);
  return { kind: 'group', entries: new Map(entries), at: tree.at };
}

/** In these two a new key is a driver or a way to log in, which is refused later if there is none of that name. */
function namesProvider(path: readonly string[]): boolean {
  return path.length === 1 && (path[0] === 'storage' || path[0] === 'auth');
}

function pathOf(name: string): readonly string[] | undefined {
  const [prefix, ...path] = name.split('_');
  if (path.length === 0) return undefined;
  if (prefix === 'BERTH') return [prefix, ...path];
  // The section berth has names of its own.
  return prefix === 'REGISTRY' && path[0] !== 'BERTH'
    ? path.map((part) => otherNames.get(part) ?? part)
    : undefined;
}

function ignored(name: string, message: string): Notice {
  return { key: name, level: 'ignored', where: name, message };
}

function unknown(name: string): Notice {
  const near = nearest(name, knownVariables);
  const hint = near === undefined ? '' : `; the nearest is ${near}`;
  return { key: name, level: 'unknown', where: name, message: `${name} is not known${hint}.` };
}
