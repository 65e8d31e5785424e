import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { AppError } from '../../../registry/spec/errors.ts';
import {
  addListEntry,
  findList,
  readJsonObject,
  removeKey,
  removeListEntry,
  removeMember,
  setList,
  setMember,
} from './json-edit.ts';
import type { JsonText } from './json-edit.ts';

const path = '/etc/docker/daemon.json';

function read(text: string): JsonText {
  return readJsonObject(Buffer.from(text), path);
}

function written(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('utf8');
}

suite('one edit changes one member and keeps the layout', () => {
  const add = (json: JsonText): Uint8Array => addListEntry(json, 'k', 'x');
  const remove = (json: JsonText): Uint8Array => removeListEntry(json, 'k', 'x');
  const drop = (json: JsonText): Uint8Array => removeKey(json, 'k');
  const set = (json: JsonText): Uint8Array => setMember(json, 'm', 'h:1', 'berth');
  const unset = (json: JsonText): Uint8Array => removeMember(json, 'm', 'h:1');
  const fill = (json: JsonText): Uint8Array => setList(json, 'k', ['x', 'y']);
  const empty = (json: JsonText): Uint8Array => setList(json, 'k', []);
  const cases: readonly (readonly [string, (json: JsonText) => Uint8Array, string, string])[] = [
    ['a blank file becomes a whole object', add, ' \n', '{\n  "k": [\n    "x"\n  ]\n}\n'],
    ['an empty object on one line stays there', add, '{}', '{"k": ["x"]}'],
    ['an empty object over two lines', add, '{\n}\n', '{\n  "k": [\n    "x"\n  ]\n}\n'],
    ['compact JSON stays compact', add, '{"a":1}', '{"a":1,"k":["x"]}'],
    ['one line with spaces', add, '{ "a": 1, "b": 2 }\n', '{ "a": 1, "b": 2, "k": ["x"] }\n'],
    ['two spaces', add, '{\n  "a": 1\n}\n', '{\n  "a": 1,\n  "k": [\n    "x"\n  ]\n}\n'],
    [
      'four spaces, no last line end',
      add,
      '{\n    "a": 1\n}',
      '{\n    "a": 1,\n    "k": [\n        "x"\n    ]\n}',
    ],
    ['tabs', add, '{\n\t"a": 1\n}\n', '{\n\t"a": 1,\n\t"k": [\n\t\t"x"\n\t]\n}\n'],
    ['CRLF', add, '{\r\n  "a":1\r\n}\r\n', '{\r\n  "a":1,\r\n  "k":[\r\n    "x"\r\n  ]\r\n}\r\n'],
    ['a list over lines', add, '{\n  "k": [\n    "y"\n  ]\n}', '{\n  "k": [\n    "y",\n    "x"\n  ]\n}'],
    ['a list on one line', add, '{\n  "k": ["y"]\n}', '{\n  "k": ["y", "x"]\n}'],
    ['a compact list', add, '{"k":["y","z"],"a":1}', '{"k":["y","z","x"],"a":1}'],
    ['a list with spaces in compact JSON', add, '{"k":["y", "z"],"a":1}', '{"k":["y", "z", "x"],"a":1}'],
    ['an empty list', add, '{\n  "k": [],\n  "a": 1\n}', '{\n  "k": ["x"],\n  "a": 1\n}'],
    ['an empty list over lines', add, '{\n  "k": [\n  ]\n}', '{\n  "k": [\n    "x"\n  ]\n}'],
    ['what is there is not added', add, '{"k": [ "x" ]}', '{"k": [ "x" ]}'],
    [
      'what is there in another spelling is not added',
      add,
      '{"\\u006b":["\\u0078"]}',
      '{"\\u006b":["\\u0078"]}',
    ],
    ['the first entry', remove, '{"k": ["x", "y"]}', '{"k": ["y"]}'],
    ['the last entry', remove, '{"k": [\n "y",\n "x"\n]}', '{"k": [\n "y"\n]}'],
    ['an entry that is there often', remove, '{"k":["x","x","y","x","z", "x"]}', '{"k":["y","z"]}'],
    ['the only entry leaves an empty list', remove, '{\n  "k": [\n    "x"\n  ]\n}', '{\n  "k": []\n}'],
    ['an entry that is not there', remove, '{"k":["y"]}', '{"k":["y"]}'],
    ['an entry of no list', remove, '{"a":1}', '{"a":1}'],
    ['the first key', drop, '{\n  "k": [],\n  "a": 1\n}\n', '{\n  "a": 1\n}\n'],
    ['the last key', drop, '{\n  "a": 1,\n\n  "k": {"b": [1]}\n}\n', '{\n  "a": 1\n}\n'],
    ['the only key', drop, '{\n  "k": null\n}\n', '{}\n'],
    ['a key that is not there', drop, '{"a":1}', '{"a":1}'],
    [
      'an object that is not there',
      set,
      '{\n\t"auths": {}\n}',
      '{\n\t"auths": {},\n\t"m": {\n\t\t"h:1": "berth"\n\t}\n}',
    ],
    ['an object in a blank file', set, '', '{\n  "m": {\n    "h:1": "berth"\n  }\n}\n'],
    ['a further member', set, '{"m":{"a":"b"}}', '{"m":{"a":"b","h:1":"berth"}}'],
    ['another value', set, '{"m": {"h:1" : "pass", "a":"b"}}', '{"m": {"h:1" : "berth", "a":"b"}}'],
    ['the same value', set, '{"m": {"h:1" : "berth"}}', '{"m": {"h:1" : "berth"}}'],
    ['the same value in another spelling', set, '{"m":{"h:1":"b\\u0065rth"}}', '{"m":{"h:1":"b\\u0065rth"}}'],
    ['the only member leaves an empty object', unset, '{"m":{ "h:1":"berth" },"a":1}', '{"m":{},"a":1}'],
    ['one of two members', unset, '{"m":{"h:1":"berth","a":"b"}}', '{"m":{"a":"b"}}'],
    ['a member of no object', unset, '{"a":1}', '{"a":1}'],
    ['a list is filled', fill, '{\n  "k": [\n    "z"\n  ]\n}', '{\n  "k": [\n    "x",\n    "y"\n  ]\n}'],
    ['a list on one line is filled', fill, '{"a":1,"k":[]}', '{"a":1,"k":["x","y"]}'],
    ['a list is made', fill, '{"a": 1}', '{"a": 1, "k": ["x", "y"]}'],
    ['a list is as wanted', fill, '{"k":[ "x","y" ]}', '{"k":[ "x","y" ]}'],
    ['a list has the same entries in another order', fill, '{"k":["y","x"]}', '{"k":["x","y"]}'],
    ['a list is emptied', empty, '{"k": [\n"x"\n]}', '{"k": []}'],
    ['a list is made empty', empty, '{\n "a": 1\n}', '{\n "a": 1,\n "k": []\n}'],
  ];
  for (const [name, edit, before, after] of cases) {
    test(`${name}: ${edit.name}`, () => {
      assert.equal(written(edit(read(before))), after);
    });
  }
});

suite('a file that cannot be edited safely is refused with the place', () => {
  const start = '{\n  "a": 1';
  const cases: readonly (readonly [string, string | Uint8Array, string])[] = [
    ['a byte order mark', '\uFEFF{}', ':1:1 starts with a byte order mark'],
    ['UTF-16', Buffer.from('\uFEFF{}', 'utf16le'), ':1:1 is not UTF-8'],
    ['broken UTF-8', Buffer.from('{\n"\xff":1}', 'latin1'), ':2:2 is not UTF-8'],
    ['a line comment', `${start} // one\n}`, ':2:10 holds a comment'],
    ['a block comment', `/* one */ ${start}\n}`, ':1:1 holds a comment'],
    ['a trailing comma in an object', `${start},\n}`, ':3:1 holds a trailing comma'],
    ['a trailing comma in a list', '{"a":[1, ]}', ':1:10 holds a trailing comma'],
    ['a missing comma', `${start}\n"b": 2}`, ':3:1 is not valid JSON'],
    ['a missing value', '{"a":}', ':1:6 is not valid JSON'],
    ['a bare word', '{"a":yes}', ':1:6 is not valid JSON'],
    ['a number with a zero in front', '{"a":01}', ':1:7 is not valid JSON'],
    ['single quotes', "{'a':1}", ':1:2 is not valid JSON'],
    ['a second value', '{}\r\n{}', ':2:1 is not valid JSON'],
    ['a space of Unicode', '{\u00a0}', ':1:2 is not valid JSON'],
    ['nothing but a space of Unicode', '\u00a0', ':1:1 is not valid JSON'],
    ['a line end in a string', '{"a":"\n"}', ':1:6 holds a string that is not valid JSON'],
    ['an unknown escape', '{"\\x":1}', ':1:2 holds a string that is not valid JSON'],
    ['an end too early', start, ':2:9 ends in the middle of the JSON'],
    ['a string without an end', '{"a', ':1:2 holds a string that is not valid JSON'],
    ['a list', '\n[1]', ':2:1 holds no JSON object'],
    ['null', 'null', ':1:1 holds no JSON object'],
    ['a key twice', '{"a":1,\n"\\u0061":1}', ':2:1 holds the same key twice'],
    ['65 levels', `{"a":${'['.repeat(64)}${']'.repeat(64)}}`, ':1:69 is nested deeper than 64 levels'],
    ['a million levels', '{"a":'.repeat(100_000), ':1:321 is nested deeper than 64 levels'],
    ['more than 1 MiB', `{"a":"${'x'.repeat(1024 * 1024)}"}`, ' is larger than 1 MiB'],
  ];
  for (const [name, content, message] of cases) {
    test(name, () => {
      assert.throws(() => readJsonObject(Buffer.from(content), path), refused(`${path}${message}.`));
    });
  }

  test('64 levels and an absent file are taken', () => {
    assert.deepEqual(Object.keys(read(`{"a":${'['.repeat(63)}${']'.repeat(63)}}`).value), ['a']);
    assert.deepEqual(readJsonObject(undefined, path).value, {});
  });
});

suite('a member that is not what it should be is refused with the place', () => {
  const cases: readonly (readonly [string, string, string])[] = [
    [
      'another letter case',
      '{"a":1,\n"K":["x"]}',
      ':2:1 holds a key that differs from "k" in letter case only',
    ],
    ['the Kelvin sign', '{"\u212a":["x"]}', ':1:2 holds a key that differs from "k" in letter case only'],
    ['null as the list', '{"k":null}', ':1:6 holds something else in "k" than a list of strings'],
    ['an object as the list', '{"k":{"a":"b"}}', ':1:6 holds something else in "k" than a list of strings'],
    ['a number in the list', '{"k":["a",1]}', ':1:11 holds something else in "k" than a list of strings'],
  ];
  for (const [name, text, message] of cases) {
    test(name, () => {
      const json = read(text);

      for (const edit of [addListEntry, removeListEntry, findList]) {
        assert.throws(() => edit(json, 'k', 'x'), refused(`${path}${message}.`));
      }
      assert.throws(() => setList(json, 'k', []), refused(`${path}${message}.`));
    });
  }

  const members: readonly (readonly [string, string, string])[] = [
    ['another letter case', '{"K":{}}', ':1:2 holds a key that differs from "k" in letter case only'],
    ['a list as the object', '{"k":["a"]}', ':1:6 holds something else in "k" than an object of strings'],
    [
      'a number in the object',
      '{"k":{"a":1}}',
      ':1:11 holds something else in "k" than an object of strings',
    ],
    ['a member twice', '{"k":{"a":"1",\n "a":"1"}}', ':2:2 holds the same key twice'],
  ];
  for (const [name, text, message] of members) {
    test(`${name}, for members`, () => {
      const json = read(text);

      assert.throws(() => setMember(json, 'k', 'x', 'y'), refused(`${path}${message}.`));
      assert.throws(() => removeMember(json, 'k', 'x'), refused(`${path}${message}.`));
    });
  }

  test('members that differ in letter case only are two members', () => {
    assert.equal(written(setMember(read('{"k":{"A":"1"}}'), 'k', 'a', '2')), '{"k":{"A":"1","a":"2"}}');
  });

  test('removing a key whose twin is there is refused', () => {
    assert.throws(() => removeKey(read('{"K":1,"k":1}'), 'k'), AppError);
    assert.throws(() => removeKey(read('{"\u017f":1}'), 's'), AppError, 'the long s');
  });
});

// --- properties: JSON.parse is the oracle of what a text says -----------------------------------------------------

const space = fc.constantFrom('', '', ' ', '\n', '\r\n', '\n  ', '\n\t', '\t', '\n\n    ');
const leaf = fc.constantFrom(
  '1',
  '-0.5e3',
  'true',
  'null',
  '"x"',
  '"\\ud800 \\"["',
  '"é\u2028"',
  '[ ]',
  '{}',
);
const entries = fc.array(fc.constantFrom('x', 'y', 'a:5000', '"', '\\', 'é\u0000'), { maxLength: 5 });
const names = fc.uniqueArray(fc.constantFrom('a', '1', '__proto__', 'log-opts', 'é"', 'constructor'));

/** Objects in any layout, in half of which the key `k` is a list. */
const document = fc
  .record({ names, leaves: fc.array(leaf, { minLength: 6, maxLength: 6 }), entries: fc.option(entries) })
  .chain((parts) => {
    const members = parts.names.map((name, at) => [JSON.stringify(name), ':', parts.leaves[at] ?? '0']);
    if (parts.entries !== null) {
      const list = joined(parts.entries.map((entry) => [JSON.stringify(entry)]));
      members.splice(members.length >> 1, 0, ['"k"', ':', '[', ...list, ']']);
    }
    const tokens = ['{', ...joined(members), '}'];
    return fc
      .array(space, { minLength: tokens.length + 1, maxLength: tokens.length + 1 })
      .map((spaces) => spaces.map((each, at) => each + (tokens[at] ?? '')).join(''));
  });

function joined(items: readonly (readonly string[])[]): readonly string[] {
  return items.flatMap((item, at) => (at === 0 ? item : [',', ...item]));
}

function parsed(text: string): Record<string, unknown> {
  return JSON.parse(text) as Record<string, unknown>;
}

/** True if the longer text is the shorter one with a single piece put in. */
function isInsertion(shorter: string, longer: string): boolean {
  let head = 0;
  while (head < shorter.length && shorter[head] === longer[head]) head++;
  return longer.endsWith(shorter.slice(head)) && longer.length >= shorter.length;
}

test('adding changes the list alone, once, and nothing around it', () => {
  fc.assert(
    fc.property(document, fc.constantFrom('x', 'new', '"\n'), (text, entry) => {
      const old = parsed(text)['k'] as readonly string[] | undefined;

      const after = written(addListEntry(read(text), 'k', entry));

      const list = old?.includes(entry) === true ? old : [...(old ?? []), entry];
      assert.deepEqual(parsed(after), { ...parsed(text), k: list });
      assert.ok(isInsertion(text, after));
      assert.equal(written(addListEntry(read(after), 'k', entry)), after);
    }),
    { numRuns: 3000 },
  );
});

test('removing after adding says what was said before, to the byte when the list has other entries', () => {
  fc.assert(
    fc.property(document, (text) => {
      const old = parsed(text)['k'] as readonly string[] | undefined;

      const after = written(removeListEntry(read(written(addListEntry(read(text), 'k', 'new'))), 'k', 'new'));

      assert.deepEqual(parsed(after), { ...parsed(text), k: old ?? [] });
      if (old !== undefined && old.length > 0) assert.equal(after, text);
      if (old === undefined) assert.deepEqual(parsed(written(removeKey(read(after), 'k'))), parsed(text));
    }),
    { numRuns: 3000 },
  );
});

test('removing takes out every such entry and nothing else', () => {
  fc.assert(
    fc.property(document, (text) => {
      const old = parsed(text)['k'] as readonly string[] | undefined;

      const after = written(removeListEntry(read(text), 'k', 'x'));

      const list = old === undefined ? {} : { k: old.filter((entry) => entry !== 'x') };
      assert.deepEqual(parsed(after), { ...parsed(text), ...list });
      if (old?.filter((entry) => entry === 'x').length === 1) assert.ok(isInsertion(after, text));
      assert.equal(written(removeListEntry(read(after), 'k', 'x')), after);
    }),
    { numRuns: 3000 },
  );
});

test('a key is dropped with its own characters and one comma', () => {
  fc.assert(
    fc.property(document, names, (text, [key = 'k']) => {
      const after = written(removeKey(read(text), key));

      const { [key]: _, ...rest } = parsed(text);
      assert.deepEqual(parsed(after), rest);
      assert.ok(isInsertion(after, text));
    }),
    { numRuns: 3000 },
  );
});

test('members and whole lists are set as asked', () => {
  fc.assert(
    fc.property(document, entries, (text, list) => {
      const withMember = written(setMember(read(text), 'm', 'h:1', 'berth'));
      const withBoth = written(setMember(read(withMember), 'm', 'h:2', 'berth'));
      const without = written(removeMember(read(withBoth), 'm', 'h:2'));
      const withList = written(setList(read(text), 'k', list));

      assert.deepEqual(parsed(withBoth), { ...parsed(text), m: { 'h:1': 'berth', 'h:2': 'berth' } });
      assert.ok(isInsertion(text, withMember));
      assert.ok(isInsertion(withMember, withBoth));
      assert.equal(without, withMember);
      assert.deepEqual(parsed(withList), { ...parsed(text), k: list });
    }),
    { numRuns: 2000 },
  );
});

test('a text is taken exactly when JSON.parse takes it as an object', () => {
  const change = fc.record({
    at: fc.nat(200),
    length: fc.nat(2),
    text: fc.constantFrom(...'{}[]",:\\/u019eE+-. \n\tt'.split(''), '//', '/*', 'null', '\u00a0', '\u0001'),
  });
  fc.assert(
    fc.property(document, fc.array(change, { minLength: 1, maxLength: 3 }), (text, changes) => {
      let mutant = text;
      for (const { at, length, text: piece } of changes) {
        const from = at % (mutant.length + 1);
        mutant = mutant.slice(0, from) + piece + mutant.slice(from + length);
      }

      const problem = problemOf(() => read(mutant));

      if (problem?.includes('the same key twice') === true) return;
      assert.equal(problem === undefined, isObject(mutant), `${JSON.stringify(mutant)}: ${String(problem)}`);
    }),
    { numRuns: 10_000 },
  );
});

function isObject(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value);
  } catch {
    return /^[ \t\r\n]*$/.test(text);
  }
}

function problemOf(act: () => unknown): string | undefined {
  try {
    act();
    return undefined;
  } catch (error) {
    assert.ok(error instanceof AppError);
    return error.message;
  }
}

function refused(message: string): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof AppError);
    assert.deepEqual(
      { code: error.code, message: error.message, hint: error.hint },
      { code: 'CHANGE_REFUSED', message, hint: `Make the change in ${path} by hand.` },
    );
    return true;
  };
}
