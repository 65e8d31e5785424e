/**
 * Finds what JSON.parse lets pass and other readers understand differently: duplicate keys (last wins here, first
 * wins elsewhere) and keys that equal a known field but for letter case (Go's encoding/json takes them as it).
 */

/** The fields that are read of an object; each value describes the object, or the objects of a list, below it. */
export interface ReadFields {
  readonly [field: string]: ReadFields;
}

interface Frame {
  readonly isObject: boolean;
  /** The fields read of this object; `undefined` when nobody reads it. */
  readonly fields: ReadFields | undefined;
  /** Those that came before, in an object that somebody reads. */
  readonly keys: Set<string> | undefined;
  /** The key whose value comes next, in an object. */
  key: string | undefined;
}

/**
 * Answers the rule that the text breaks, or `undefined`. One linear pass; text that is not JSON may pass, since
 * JSON.parse refuses it afterwards.
 */
export function strictJsonProblem(
  text: string,
  {
    maxDepth,
    maxParts,
    fields,
  }: { readonly maxDepth: number; readonly maxParts: number; readonly fields: ReadFields },
): string | undefined {
  const stack: Frame[] = [];
  let expectKey = false;
  let parts = 0;
  for (let at = 0; at < text.length; at++) {
    const char = text.charCodeAt(at);
    if (char === quote) {
      const end = stringEnd(text, at);
      const top = stack.at(-1);
      if (expectKey && top !== undefined) {
        if (top.fields !== undefined) {
          top.key = unescaped(text.slice(at, end + 1));
          const problem = keyProblem(top, top.key);
          if (problem !== undefined) return problem;
        }
        expectKey = false;
      }
      at = end;
    } else if (char === openBrace || char === openBracket) {
      if (stack.length === maxDepth) return `It is nested deeper than ${maxDepth} levels.`;
      parts += 1;
      const isObject = char === openBrace;
      const above = stack.at(-1);
      const below = fieldsBelow(above, fields);
      const keys = isObject && below !== undefined ? new Set<string>() : undefined;
      stack.push({ isObject, fields: below, keys, key: undefined });
      expectKey = isObject;
    } else if (char === closeBrace || char === closeBracket) {
      stack.pop();
      expectKey = false;
    } else if (char === comma) {
      parts += 1;
      expectKey = stack.at(-1)?.isObject === true;
    }
    if (parts > maxParts) return `It has more than ${maxParts} commas and opening brackets.`;
  }
  return undefined;
}

const [quote, openBrace, closeBrace, openBracket, closeBracket, comma, backslash] = [
  0x22, 0x7b, 0x7d, 0x5b, 0x5d, 0x2c, 0x5c,
];

function fieldsBelow(above: Frame | undefined, root: ReadFields): ReadFields | undefined {
  if (above === undefined) return root;
  if (!above.isObject) return above.fields;
  if (above.fields === undefined || above.key === undefined) return undefined;
  return Object.hasOwn(above.fields, above.key) ? above.fields[above.key] : undefined;
}

function keyProblem({ fields, keys }: Frame, key: string): string | undefined {
  if (fields === undefined || keys === undefined) return undefined;
  if (keys.has(key)) return 'An object has the same key twice.';
  keys.add(key);
  if (Object.hasOwn(fields, key)) return undefined;
  const twin = twinsOf(fields).get(folded(key));
  return twin === undefined ? undefined : `A key differs from ${twin} only in letter case.`;
}

/** The fields by their name without letter case, made once: an object may have hundreds of thousands of keys. */
function twinsOf(fields: ReadFields): ReadonlyMap<string, string> {
  let twins = knownTwins.get(fields);
  if (twins === undefined) {
    twins = new Map(Object.keys(fields).map((field) => [folded(field), field]));
    knownTwins.set(fields, twins);
  }
  return twins;
}

const knownTwins = new WeakMap<ReadFields, ReadonlyMap<string, string>>();

/** Letter case as Go folds it: the long s counts as s, the Kelvin sign as k. */
function folded(key: string): string {
  return key.toUpperCase().toLowerCase();
}

/** The index of the closing quote, or the end of the text. */
function stringEnd(text: string, start: number): number {
  let end = text.indexOf('"', start + 1);
  while (end !== -1) {
    let slashes = 0;
    while (text.charCodeAt(end - 1 - slashes) === backslash) slashes++;
    if (slashes % 2 === 0) return end;
    end = text.indexOf('"', end + 1);
  }
  return text.length - 1;
}

function unescaped(literal: string): string {
  if (!literal.includes('\\')) return literal.slice(1, -1);
  try {
    return JSON.parse(literal) as string;
  } catch {
    // Not a JSON string: JSON.parse of the whole text will say so.
    return literal;
  }
}
