import assert from 'node:assert/strict';
import { mkdir, mkdtempDisposable, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { noRules, type RuleSet } from '../spec/admin/rules.ts';
import { isAppError } from '../spec/errors.ts';
import { openRules, type RulesOptions } from './rules.ts';

const dev = { user: 'dev', requestId: 'r' };
const protectsReleases: RuleSet = { ...noRules, protected: ['team/**:v*'] };

function open(root: string, more: Partial<RulesOptions> = {}) {
  return openRules({
    root,
    configured: () => [],
    shortestLifeMs: () => 1000,
    events: { rulesChanged: () => undefined },
    ...more,
  });
}

async function directory(t: { after(cleanup: () => unknown): void }): Promise<string> {
  const made = await mkdtempDisposable(join(tmpdir(), 'berth-rules-'));
  t.after(() => made.remove());
  return made.path;
}

test('rules are in force at once, outlive the process, and only their owner reads them', async (t) => {
  const root = await directory(t);
  const told: unknown[] = [];
  const rules = await open(root, { events: { rulesChanged: ({ actor }) => void told.push(actor) } });

  await rules.edit(() => protectsReleases, dev);
  const again = await open(root);

  for (const each of [rules, again]) {
    assert.equal(each.compiled().protectedBy('team/app', 'v1'), 'team/**:v*');
    assert.deepEqual(each.current(), protectsReleases);
  }
  assert.deepEqual(told, [dev]);
  assert.equal((await stat(join(root, 'berth', 'rules.json'))).mode & 0o777, 0o600);
});

test('two edits at once both count', async (t) => {
  const rules = await open(await directory(t));
  const add = (rule: string) =>
    rules.edit((present) => ({ ...present, protected: [...present.protected, rule] }), dev);

  await Promise.all(['a:*', 'b:*', 'c:*'].map(add));

  assert.deepEqual(rules.current().protected, ['a:*', 'b:*', 'c:*']);
});

test('an edit that throws changes nothing', async (t) => {
  const rules = await open(await directory(t));

  const failing = rules.edit(() => Promise.reject(new Error('no')), dev);

  await assert.rejects(failing, /no/);
  assert.deepEqual(rules.current(), noRules);
});

test('what the configuration protects stands beside, follows it, and comes first', async (t) => {
  let configured: readonly string[] = ['**:stable'];
  const rules = await open(await directory(t), { configured: () => configured });
  await rules.edit(() => protectsReleases, dev);

  const rows = rules.protections();
  const before = rules.compiled().protectedBy('app', 'stable');
  configured = [];
  const after = rules.compiled().protectedBy('app', 'stable');

  assert.deepEqual(rows, [
    { rule: '**:stable', source: 'configuration' },
    { rule: 'team/**:v*', source: 'rules' },
  ]);
  assert.deepEqual([before, after], ['**:stable', undefined]);
});

test('sections that are left out stay, and two rules with one id are refused', async (t) => {
  const rules = await open(await directory(t));
  await rules.edit(() => protectsReleases, dev);
  const quota = { id: 'q', repositories: '**', bytes: 1 };

  const changed = rules.changed({ quotas: [quota] });

  assert.deepEqual(changed, { ...protectsReleases, quotas: [quota] });
  assert.throws(
    () => rules.changed({ quotas: [quota, quota] }),
    (error) => isAppError(error, 'RULES_INVALID'),
  );
});

const broken: Readonly<Record<string, { readonly text: string; readonly says: RegExp }>> = {
  'no JSON': { text: '{\n  "version": 1,\n  oops\n}', says: /line 3 column 3: not JSON text/ },
  'a key that is unknown': {
    text: '{\n  "version": 1,\n  "retention": [\n    { "id": "a", "repositories": ["**"] },\n    { "id": "b", "repositories": ["**"], "kep": {} }\n  ]\n}',
    says: /line 5, retention\[1\]: /,
  },
  'a value that cannot be': {
    text: '{\n  "version": 1,\n  "quotas": [\n    {\n      "id": "a, [",\n      "repositories": "**",\n      "bytes": -1\n    }\n  ]\n}',
    says: /line (?:5|7), quotas\[0\]\.(?:id|bytes): /,
  },
  'another version': { text: '{ "version": 2 }', says: /line 1, version: / },
  'an id that comes twice': {
    text: JSON.stringify({
      version: 1,
      quotas: [1, 2].map((bytes) => ({ id: 'a', repositories: '**', bytes })),
    }),
    says: /two rules have the id "a"/,
  },
  'an empty file': { text: '', says: /not JSON text/ },
};
for (const [what, { text, says }] of Object.entries(broken)) {
  test(`a file with ${what} is kept as a copy and refused with the line`, async (t) => {
    const root = await directory(t);
    await mkdir(join(root, 'berth'));
    await writeFile(join(root, 'berth', 'rules.json'), text);

    await assert.rejects(
      open(root),
      (error) => isAppError(error, 'RULES_INVALID') && says.test(error.message),
    );

    const copy = (await readdir(join(root, 'berth'))).find((name) => name.startsWith('rules.json.bak-'));
    assert.equal(await readFile(join(root, 'berth', copy ?? ''), 'utf8'), text);
  });
}
