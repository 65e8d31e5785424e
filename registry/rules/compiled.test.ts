import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TagRecord } from '../derived/tidy-queries.ts';
import { noRules, ruleSet } from '../spec/admin/rules.ts';
import { compileRules } from './compiled.ts';

const at = Date.UTC(2026, 6, 1);
const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
const options = { alsoProtected: ['**:stable'], shortestLifeMs: 60_000 };

function record(tag: string, more: Partial<TagRecord> = {}): TagRecord {
  return { tag, digest: `digest of ${tag}`, pushedAt: at - 100 * dayMs, pulledAt: 0, bytes: 1, ...more };
}

/** What the rules say of tags, the newest push first, as `decision reason rule`. */
function judged(rules: object, records: readonly TagRecord[], repository = 'team/app') {
  const judge = compileRules(ruleSet.parse(rules), options).judge(repository, { at });
  return records
    .map((each) => judge(each))
    .map(({ decision, reason, rule }) => [decision, reason, rule].join(' ').trim());
}

const keepTwo = { id: 'two', repositories: ['team/*'], keep: { newest: 2 }, never: ['v*'] };

test('the newest are kept, counted among all that the rule matches, and what it never deletes', () => {
  const tags = ['c', 'v2', 'b', 'v1', 'stable', 'a'].map((tag) => record(tag));

  assert.deepEqual(judged({ retention: [keepTwo] }, tags), [
    'keep newest two',
    'keep never two',
    'delete not kept two',
    'keep never two',
    'keep protected **:stable',
    'delete not kept two',
  ]);
});

test('what no rule matches is kept: another repository, another tag, a rule that is off', () => {
  const cases = [
    judged({ retention: [keepTwo] }, [record('x')], 'other/app'),
    judged({ retention: [{ ...keepTwo, tags: ['pr-*'] }] }, [record('x')]),
    judged({ retention: [{ ...keepTwo, enabled: false }] }, [record('x')]),
    judged(noRules, [record('x')]),
  ];

  assert.deepEqual(
    cases.flat(),
    Array.from({ length: 4 }, () => 'keep no rule'),
  );
});

test('one condition of one rule is enough', () => {
  const rules = {
    retention: [
      { id: 'age', repositories: ['**'], keep: { pushedWithinDays: 10, pulledWithinDays: 30 } },
      { id: 'pr', repositories: ['**'], tags: ['pr-*'], keep: { newest: 1 } },
    ],
  };
  const tags = [
    record('new', { pushedAt: at - 9 * dayMs }),
    record('pulled', { pulledAt: at - 29 * dayMs }),
    record('fresh', { pushedAt: at - 29 * dayMs }),
    record('pr-1'),
    record('pr-0'),
    record('old', { pulledAt: at - 30 * dayMs }),
  ];

  assert.deepEqual(judged(rules, tags), [
    'keep pushed age',
    'keep pulled age',
    'keep pulled age',
    'keep newest pr',
    'delete not kept age',
    'delete not kept age',
  ]);
});

const lives = [
  { kind: 'suffix', tag: 'pr-12-2h', lives: 2 * hourMs },
  { kind: 'suffix', tag: '3d', lives: 3 * dayMs },
  { kind: 'suffix', tag: 'build-1w', lives: 7 * dayMs },
  { kind: 'suffix', tag: 'x-5s', lives: options.shortestLifeMs },
  { kind: 'suffix', tag: '0h', lives: undefined },
  { kind: 'suffix', tag: 'pr2h', lives: undefined },
  { kind: 'suffix', tag: '1.2.3', lives: undefined },
  { kind: 'suffix', tag: 'sha-1a2b3d', lives: undefined },
  { kind: 'suffix', tag: '-9999999h', lives: undefined },
  { kind: 'label', tag: 'any', more: { lifetimeMs: hourMs }, lives: hourMs },
  { kind: 'label', tag: 'any', lives: undefined },
  { kind: 'age', tag: 'any', rule: { after: '4h' }, more: { pulledAt: at }, lives: 4 * hourMs },
  { kind: 'age', tag: 'any', rule: { after: '4h', tags: ['pr-*'] }, lives: undefined },
  {
    kind: 'age',
    tag: 'any',
    rule: { after: '4h', since: 'pull' },
    more: { pulledAt: at },
    lives: 100 * dayMs + 4 * hourMs,
  },
  { kind: 'suffix', tag: 'stable', lives: undefined },
  { kind: 'age', tag: 'stable', rule: { after: '4h' }, lives: undefined },
] as const;

for (const { kind, tag, lives: wanted, ...each } of lives) {
  const title = JSON.stringify({ kind, tag, ...each });
  test(`${title} lives ${wanted === undefined ? 'on' : `${wanted} ms`} after its push`, () => {
    const rule = { id: 'e', kind, repositories: ['team/*'], ...('rule' in each ? each.rule : {}) };
    const compiled = compileRules(ruleSet.parse({ expiry: [rule] }), options);
    const facts = record(tag, 'more' in each ? each.more : {});

    const expiry = compiled.expiryOf('team/app', facts);

    assert.equal(expiry && expiry.at - facts.pushedAt, wanted);
    assert.equal(compiled.expiryOf('other/app', facts), undefined);
  });
}

test('a tag goes in the moment of its end, not before, and the earliest rule counts', () => {
  const rules = {
    expiry: [
      { id: 'late', kind: 'age', repositories: ['**'], after: '2h' },
      { id: 'early', kind: 'suffix', repositories: ['**'] },
    ],
    retention: [{ id: 'all', repositories: ['**'], keep: { newest: 100 } }],
  };
  const tags = [at - hourMs + 1, at - hourMs].map((pushedAt) => record('pr-1h', { pushedAt }));

  assert.deepEqual(judged(rules, tags), ['keep newest all', 'delete expired early']);
});

for (const [section, value] of Object.entries({
  'a repository pattern': { retention: [{ id: 'a', repositories: ['team/a**'] }] },
  'a tag pattern': { retention: [{ id: 'a', repositories: ['**'], tags: ['a b'] }] },
  'an unknown key': { retention: [{ id: 'a', repositories: ['**'], keeps: {} }] },
  'a time of nothing': { expiry: [{ id: 'a', kind: 'age', repositories: ['**'], after: '0h' }] },
  'an id': { quotas: [{ id: 'A b', repositories: '**', bytes: 1 }] },
  'a protection of tags in tags': { protected: ['a:b:c'] },
})) {
  test(`${section} that cannot be is refused`, () => {
    assert.equal(ruleSet.safeParse(value).success, false);
  });
}
