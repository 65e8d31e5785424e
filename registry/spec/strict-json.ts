/**
 * Finds what JSON.parse lets pass and other readers understand differently: duplicate keys (last wins here, first
 * wins elsewhere) and keys that equal a known field but for letter case (Go's encoding/json takes them as it).
 */

/** The fields that are read of an object: at most 31. */
export interface ReadFields {
  readonly known: ReadonlyMap<string, ReadField>;
  /** The fields by their name without letter case. */
  readonly twins: ReadonlyMap<string, string>;
}

interface ReadField {
  /** One that no other field of the object has. */
  readonly bit: number;
  /** What is read of the object, or of the objects of a list, below it. */
  readonly below: ReadFields;
}

/** Each value describes the object, or the objects of a list, below the field. */
export function readFields(fields: Readonly<Record<string, ReadFields>> = {}): ReadFields {
  const entries = Object.entries(fields);
  return {
    known: new Map(entries.map(([name, below], at) => [name, { bit: 1 << at, below }])),
    twins: new Map(entries.map(([name]) => [folded(name), name])),
  };
}

interface Frame {
  readonly isObject: boolean;
  /** The fields read of this object; `undefined` when nobody reads it. */
  readonly fields: ReadFields | undefined;
  /** The bits of the fields that came before, in an object that somebody reads; its other keys. */
  seen: number;
  ownKeys: Set<string> | undefined;
  /** The field whose value comes next, in an object. */
  field: ReadField | undefined;
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
    maxOwnKeys,
    fields,
  }: {
    readonly maxDepth: number;
    /** Of commas and opening brackets. */
    readonly maxParts: number;
    /** Of keys that are no fields: those of annotations, and of what nobody reads. */
    readonly maxOwnKeys: number;
    readonly fields: ReadFields;
  },
): string | undefined {
  const stack: Frame[] = [];
  let expectKey = false;
  let parts = 0;
  let ownKeys = 0;
  for (let at = 0; at < text.length; at++) {
    const char = text.charCodeAt(at);
    if (char === quote) {
      const end = stringEnd(text, at);
      const top = stack.at(-1);
      if (expectKey && top !== undefined) {
        if (top.fields !== undefined) {
          const key = unescaped(text.slice(at, end + 1));
          top.field = top.fields.known.get(key);
          const problem =
            top.field === undefined ? ownKeyProblem(top, top.fields, key) : fieldProblem(top, top.field);
          if (problem !== undefined) return problem;
        }
        if (top.field === undefined) {
          ownKeys += 1;
          if (ownKeys > maxOwnKeys) return `It has more than ${maxOwnKeys} keys that are no fields.`;
        }
        expectKey = false;
      }
      at = end;
    } else if (char === openBrace || char === openBracket) {
      if (stack.length === maxDepth) return `It is nested deeper than ${maxDepth} levels.`;
      parts += 1;
      const isObject = char === openBrace;
      const read = fieldsBelow(stack.at(-1), fields);
      stack.push({ isObject, fields: read, seen: 0, ownKeys: undefined, field: undefined });
      expectKey = isObject;
    } else if (char === closeBrace || char === closeBracket) {
      stack.pop();
      expectKey = false;
    } else if (char === comma) {
      parts += 1;
      expectKey = stack.at(-1)?.isObject === true;
    } else if (char !== colon) {
      at = nextMark(text, at) - 1;
    }
    if (parts > maxParts) return `It has more than ${maxParts} commas and opening brackets.`;
  }
  return undefined;
}

const [quote, openBrace, closeBrace, openBracket, closeBracket, comma, colon, backslash] = [
  0x22, 0x7b, 0x7d, 0x5b, 0x5d, 0x2c, 0x3a, 0x5c,
];

const mark = /["{}[\],]/g;

/** Past numbers, words and spaces; these may be megabytes. The length of the text if there is no more. */
function nextMark(text: string, from: number): number {
  mark.lastIndex = from;
  return mark.test(text) ? mark.lastIndex - 1 : text.length;
}

function fieldsBelow(above: Frame | undefined, root: ReadFields): ReadFields | undefined {
  if (above === undefined) return root;
  return above.isObject ? above.field?.below : above.fields;
}

const twice = 'An object has the same key twice.';

function fieldProblem(frame: Frame, { bit }: ReadField): string | undefined {
  if ((frame.seen & bit) !== 0) return twice;
  frame.seen |= bit;
  return undefined;
}

function ownKeyProblem(frame: Frame, { twins }: ReadFields, key: string): string | undefined {
  frame.ownKeys ??= new Set();
  if (frame.ownKeys.has(key)) return twice;
  frame.ownKeys.add(key);
  const twin = twins.size === 0 ? undefined : twins.get(folded(key));
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
  if (!literal.includes('\\')) return literal.slice(1, -1);
  try {
    return JSON.parse(literal) as string;
  } catch {
    // Not a JSON string: JSON.parse of the whole text will say so.
    return literal;
  }
}
