import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ruleSet } from '../spec/admin/rules.ts';
import { describeExpiry, describeQuota, describeRetention } from './rule-sentences.ts';

const retentions = [
  {
    rule: {
      repositories: ['team/*'],
      keep: { newest: 10, pulledWithinDays: 30 },
      never: ['v*', 'latest'],
    },
    says: 'Keep the newest 10 tags matching * in team/*. Delete the rest 30 days after the last pull. Never delete v*, latest.',
  },
  {
    rule: { repositories: ['a', 'b/**'], tags: ['pr-*'], keep: { newest: 1 } },
    says: 'Keep the newest tag matching pr-* in a, b/**. Delete the rest.',
  },
  {
    rule: { repositories: ['**'], keep: { pushedWithinDays: 1, pulledWithinDays: 7 }, enabled: false },
    says: 'Delete tags matching * in ** 1 day after the push and 7 days after the last pull. (switched off)',
  },
  { rule: { repositories: ['**'] }, says: 'Delete tags matching * in **.' },
];

for (const { rule, says } of retentions) {
  test(says, () => {
    const [parsed] = ruleSet.parse({ retention: [{ id: 'r', ...rule }] }).retention;
    assert.ok(parsed !== undefined);

    assert.equal(describeRetention(parsed), says);
  });
}

const expiries = [
  {
    rule: { kind: 'suffix' },
    says: 'Tags in team/* expire after the time that their name ends in, such as 2h in pr-12-2h.',
  },
  {
    rule: { kind: 'label' },
    says: 'Tags in team/* expire after the time in the label berth.expires-after or quay.expires-after.',
  },
  {
    rule: { kind: 'age', tags: ['pr-*'], after: '2d', since: 'pull' },
    says: 'Tags matching pr-* in team/* expire 2d after the last pull.',
  },
];

for (const { rule, says } of expiries) {
  test(says, () => {
    const [parsed] = ruleSet.parse({ expiry: [{ id: 'r', repositories: ['team/*'], ...rule }] }).expiry;
    assert.ok(parsed !== undefined);

    assert.equal(describeExpiry(parsed), says);
  });
}

test('a quota says what it limits', () => {
  const quota = { id: 'q', repositories: 'team/**', bytes: 10_000_000_000 };

  assert.equal(describeQuota(quota), 'team/** together take 10.0GB at most.');
  assert.equal(
    describeQuota({ ...quota, tags: 100 }),
    'team/** together take 10.0GB and have 100 tags at most.',
  );
});
