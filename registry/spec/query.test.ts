import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseQuery, type QueriedList } from './query.ts';

const dayMs = 24 * 60 * 60 * 1000;

const understood: readonly (readonly [q: string, ...conditions: object[]])[] = [
  [''],
  ['  \t '],
  ['Api  WEB', { key: 'word', text: 'api' }, { key: 'word', text: 'web' }],
  ['"two words" "arch:x"', { key: 'word', text: 'two words' }, { key: 'word', text: 'arch:x' }],
  [':latest', { key: 'tag', text: 'latest', isStart: false }],
  [':v1.*', { key: 'tag', text: 'v1.', isStart: true }],
  ['sha256:2C26', { key: 'digest', start: 'sha256:2c26' }],
  ['arch:ARM64', { key: 'arch', value: 'arm64' }],
  ['arch:arm/v7 os:Linux', { key: 'arch', value: 'arm/v7' }, { key: 'os', value: 'linux' }],
  ['kind:helm Kind:Wasm', { key: 'kind', value: 'helm' }, { key: 'kind', value: 'wasm' }],
  ['pushed:<7d', { key: 'pushed', order: '<', ageMs: 7 * dayMs }],
  ['pulled:>1.5h', { key: 'pulled', order: '>', ageMs: 1.5 * 3600e3 }],
  [
    'pulled:>2w pulled:<1y',
    { key: 'pulled', order: '>', ageMs: 14 * dayMs },
    { key: 'pulled', order: '<', ageMs: 365 * dayMs },
  ],
  ['pulled:never', { key: 'neverPulled' }],
  ['size:>1g size:<1.5m', { key: 'size', order: '>', bytes: 1e9 }, { key: 'size', order: '<', bytes: 1.5e6 }],
  [
    'size:>1ki size:>1KiB size:>7',
    { key: 'size', order: '>', bytes: 1024 },
    { key: 'size', order: '>', bytes: 1024 },
    { key: 'size', order: '>', bytes: 7 },
  ],
  ['by:dev by:"Anna B"', { key: 'by', value: 'dev' }, { key: 'by', value: 'Anna B' }],
  ['is:signed is:STALE', { key: 'is', state: 'signed' }, { key: 'is', state: 'stale' }],
  ['-', { key: 'word', text: '-' }],
];

for (const [q, ...conditions] of understood) {
  test(`"${q}" is understood`, () => {
    const { terms, problems } = parseQuery(q, 'repositories');

    assert.deepEqual(problems, []);
    assert.deepEqual(
      terms,
      conditions.map((condition) => ({ condition, isNegated: false })),
    );
  });
}

test('a minus denies the term after it, a quoted one is a part of the word', () => {
  const { terms } = parseQuery('-api -arch:arm64 "-x" --y', 'tags');

  assert.deepEqual(terms, [
    { condition: { key: 'word', text: 'api' }, isNegated: true },
    { condition: { key: 'arch', value: 'arm64' }, isNegated: true },
    { condition: { key: 'word', text: '-x' }, isNegated: false },
    { condition: { key: 'word', text: '-y' }, isNegated: true },
  ]);
});

/** What is marked, with carets under it, and what the message must say. */
const marked: readonly (readonly [list: QueriedList, q: string, carets: string, message: RegExp])[] = [
  ['tags', 'api arhc:arm64', '    ^^^^^', /"arhc:" is no key; did you mean arch:\?/],
  ['tags', '-siez:>1g x', ' ^^^^^', /did you mean size:/],
  ['tags', 'team/api:1.2', '^^^^^^^^^', /is no key; there are arch: .* and :tag\. Quote/],
  ['tags', 'constructor:x', '^^^^^^^^^^^^', /is no key/],
  ['tags', 'is:sigend', '   ^^^^^^', /did you mean signed\?/],
  ['tags', 'is:untagged', '   ^^^^^^^^', /"untagged" is none of unsigned/],
  ['repositories', 'is:fallback', '   ^^^^^^^^', /is none of untagged, unsigned/],
  ['repositories', 'kind:chart', '     ^^^^^', /"chart" is none of image, helm/],
  ['tags', 'kind:mixed', '     ^^^^^', /"mixed"/],
  ['tags', 'pushed:7d', '       ^^', /"7d" is no age; write pushed:<7d or pushed:>90d\./],
  ['tags', 'pulled:>90', '       ^^^', /or pulled:never/],
  ['tags', 'pushed:never', '       ^^^^^', /is no age/],
  ['tags', 'size:1g', '     ^^', /"1g" is no size/],
  ['tags', 'size:>1x', '     ^^^', /is no size/],
  ['tags', 'size:>', '     ^', /is no size/],
  ['tags', 'size:>99999999t', '     ^^^^^^^^^^', /is no size/],
  ['tags', 'arch: x', '^^^^^', /nothing after "arch:"/],
  ['tags', 'by:""', '^^^', /nothing after "by:"/],
  ['tags', ': x', '^', /nothing after ":"/],
  ['tags', ':v*1', ' ^^^', /"v\*1" is no tag/],
  ['tags', ':*', ' ^', /is no tag/],
  ['tags', 'arch:a/b/c', '     ^^^^^', /is none; write arch:arm64/],
  ['tags', 'sha256:xyz', '       ^^^', /up to 64 of the digits/],
  ['tags', `sha256:${'a'.repeat(65)}`, `       ${'^'.repeat(65)}`, /up to 64/],
  ['tags', '""', '^^', /nothing to look for/],
  ['tags', 'x "api y', '  ^^^^^^', /no other at the end/],
  ['tags', 'by:"anna b', '   ^^^^^^^', /no other at the end/],
];

for (const [list, q, carets, message] of marked) {
  test(`${list}: "${q}" is marked`, () => {
    const { problems } = parseQuery(q, list);

    assert.deepEqual(
      problems.map(({ start, end }) => `${' '.repeat(start)}${'^'.repeat(end - start)}`),
      [carets],
    );
    assert.match(problems[0]?.message ?? '', message);
  });
}

test('every term is understood or marked, whatever the text, and no mark is outside of it', () => {
  const piece = fc.oneof(
    fc.constantFrom(
      'arch:',
      'size:>',
      ':',
      '"',
      '-',
      ' ',
      'sha256:',
      'is:signed',
      '*',
      '1g',
      '\u2028',
      '😀',
      '__proto__:',
    ),
    fc.string({ unit: 'binary', maxLength: 5 }),
  );
  fc.assert(
    fc.property(
      fc.array(piece).map((pieces) => pieces.join('')),
      (q) => {
        const { terms, problems } = parseQuery(q, 'tags');

        let last = 0;
        for (const { start, end, message } of problems) {
          assert.ok(last <= start && start < end && end <= q.length && message !== '', `${start} ${end}`);
          last = end;
        }
        assert.equal(terms.length + problems.length, (q.match(/(?:"[^"]*"?|[^\s"])+/g) ?? []).length);
      },
    ),
  );
});

test('terms that are joined by spaces are read as each alone', () => {
  // Oracle: each term parsed by itself, and marks moved by where it stands.
  const term = fc.constantFrom(
    'api',
    '-x',
    ':v*',
    ':é',
    'is:signed',
    'is:x',
    '"a b"',
    'size:>1g',
    'foo:1',
    'arch:',
  );
  fc.assert(
    fc.property(fc.array(term), (parts) => {
      const all = parseQuery(parts.join(' '), 'tags');

      let at = 0;
      const alone = parts.map((part) => {
        const { terms, problems } = parseQuery(part, 'tags');
        const start = at;
        at += part.length + 1;
        const moved = problems.map((each) => ({ ...each, start: each.start + start, end: each.end + start }));
        return { terms, problems: moved };
      });
      assert.deepEqual(all, {
        terms: alone.flatMap(({ terms }) => terms),
        problems: alone.flatMap(({ problems }) => problems),
      });
    }),
  );
});
