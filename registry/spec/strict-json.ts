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
  readonly keys: Set<string>;
  /** The key whose value comes next, in an object. */
  key: string | undefined;
}

/**
 * Answers the rule that the text breaks, or `undefined`. One linear pass; text that is not JSON may pass, since
 * JSON.parse refuses it afterwards.
 */
export function strictJsonProblem(
  text: string,
  { maxDepth, fields }: { readonly maxDepth: number; readonly fields: ReadFields },
): string | undefined {
  const stack: Frame[] = [];
  let expectKey = false;
  for (let at = 0; at < text.length; at++) {
    const char = text.charCodeAt(at);
    if (char === quote) {
      const end = stringEnd(text, at);
      const top = stack.at(-1);
      if (expectKey && top !== undefined) {
        top.key = unescaped(text.slice(at, end + 1));
        const problem = keyProblem(top, top.key);
        if (problem !== undefined) return problem;
        expectKey = false;
      }
      at = end;
    } else if (char === openBrace || char === openBracket) {
      if (stack.length === maxDepth) return `It is nested deeper than ${maxDepth} levels.`;
      const isObject = char === openBrace;
      const above = stack.at(-1);
      stack.push({ isObject, fields: fieldsBelow(above, fields), keys: new Set(), key: undefined });
      expectKey = isObject;
    } else if (char === closeBrace || char === closeBracket) {
      stack.pop();
      expectKey = false;
    } else if (char === comma) {
      expectKey = stack.at(-1)?.isObject === true;
    }
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

function keyProblem(frame: Frame, key: string): string | undefined {
  if (frame.fields === undefined) return undefined;
  if (frame.keys.has(key)) return 'An object has the same key twice.';
  frame.keys.add(key);
  if (Object.hasOwn(frame.fields, key)) return undefined;
  const twin = Object.keys(frame.fields).find((field) => folded(field) === folded(key));
  return twin === undefined ? undefined : `A key differs from ${twin} only in letter case.`;
}

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
  try {
    return JSON.parse(literal) as string;
  } catch {
    // Not a JSON string: JSON.parse of the whole text will say so.
    return literal;
  }
}
