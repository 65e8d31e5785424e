import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RuleSet } from '../../../registry/spec/admin/rules.ts';
import {
  changedSections,
  formsOf,
  newId,
  newKey,
  problemsOf,
  type QuotaForm,
  type RetentionForm,
  rulesOf,
  writeSize,
} from './rule-forms.ts';

const rules: Pick<RuleSet, 'retention' | 'expiry' | 'quotas'> = {
  retention: [
    {
      id: 'all',
      repositories: ['team/*', 'x/**'],
      tags: ['*'],
      keep: { newest: 10, pushedWithinDays: 1.5, pulledWithinDays: 30 },
      never: ['v*', 'latest'],
      enabled: true,
    },
    { id: 'none', repositories: ['**'], tags: ['a', 'b'], keep: {}, never: [], enabled: false },
  ],
  expiry: [
    { id: 's', kind: 'suffix', repositories: ['a'], enabled: true },
    { id: 'l', kind: 'label', repositories: ['a'], enabled: false },
    { id: 'g', kind: 'age', repositories: ['a'], tags: ['pr-*'], after: '2w', since: 'pull', enabled: true },
  ],
  quotas: [
    { id: 'q', repositories: 'team/**', bytes: 10_000_000_001, tags: 3 },
    { id: 'r', repositories: 'x', bytes: 0 },
  ],
};

const retention: RetentionForm = {
  key: 0,
  id: 'keep-1',
  enabled: true,
  newest: '10',
  tags: '*',
  repositories: '**',
  pulledDays: '30',
  pushedDays: '',
  never: '',
};
const quota: QuotaForm = { key: 0, id: 'q', repositories: '**', bytes: '1GB', tags: '' };

test('forms lead to the rules that they were made of', () => {
  const forms = formsOf(rules);

  assert.deepEqual(rulesOf(forms), rules);
  assert.deepEqual(changedSections(forms, rules), {});
});

test('only the sections that differ are changed', () => {
  const forms = formsOf(rules);

  const changed = changedSections({ ...forms, quotas: forms.quotas.slice(1) }, rules);

  assert.deepEqual(changed, { quotas: [rules.quotas[1]] });
});

test('no days and no number are left out of a rule', () => {
  const [rule] = rulesOf({
    retention: [{ ...retention, newest: ' ', pulledDays: '0', pushedDays: '', tags: 'a,  b c' }],
    expiry: [],
    quotas: [],
  }).retention;

  assert.deepEqual([rule?.keep, rule?.tags], [{}, ['a', 'b', 'c']]);
});

test('what cannot be a rule is named by its blank', () => {
  const cases: readonly (readonly [Partial<RetentionForm>, readonly string[]])[] = [
    [{}, []],
    [{ id: 'Not An Id' }, ['id']],
    [{ newest: '-1' }, ['newest']],
    [{ newest: '1.5' }, ['newest']],
    [{ pulledDays: '1.5' }, []],
    [{ pulledDays: 'x', pushedDays: '1e3' }, ['pulledDays', 'pushedDays']],
    [{ tags: ' , ', repositories: '' }, ['repositories', 'tags']],
  ];
  for (const [change, expected] of cases) {
    assert.deepEqual(Object.keys(problemsOf('retention', { ...retention, ...change })), expected);
  }
  assert.deepEqual(Object.keys(problemsOf('quotas', { ...quota, bytes: 'much', tags: 'x' })), [
    'bytes',
    'tags',
  ]);
  assert.deepEqual(problemsOf('quotas', { ...quota, bytes: '4 GiB' }), {});
  assert.deepEqual(
    Object.keys(
      problemsOf('expiry', {
        key: 0,
        id: 'e',
        enabled: true,
        kind: 'age',
        tags: '*',
        repositories: '**',
        after: '2 weeks',
        since: 'push',
      }),
    ),
    ['after'],
  );
});

test('sizes are written so that they are read as the same number of bytes', () => {
  const cases = [
    [10_000_000_000, '10GB'],
    [1_500_000_000, '1.5GB'],
    [2 ** 30, '1GiB'],
    [999, '999'],
    [10_000_000_001, '10000000001'],
    [0, '0'],
  ] as const;
  for (const [bytes, text] of cases) {
    assert.equal(writeSize(bytes), text);
    const [read] = rulesOf({ retention: [], expiry: [], quotas: [{ ...quota, bytes: text }] }).quotas;
    assert.equal(read?.bytes, bytes);
  }
});

test('new rules have a name and a key of their own', () => {
  const forms = { retention: [retention], expiry: [], quotas: [] };

  assert.deepEqual(
    [newId('keep', forms), newId('quota', forms), newKey(forms.retention), newKey([])],
    ['keep-2', 'quota-1', 1, 0],
  );
});
