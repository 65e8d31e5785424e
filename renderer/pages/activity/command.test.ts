import assert from 'node:assert/strict';
import { test } from 'node:test';
import { activityCommand } from './command.ts';

test('the command has what is filtered, each value as one word of a shell', () => {
  const commands = [
    activityCommand({}),
    activityCommand({ user: 'ci', withoutChecks: true }),
    activityCommand({ kind: 'pushed', repository: 'team/api', since: '2026-03-01T10:00:00.000Z' }),
    activityCommand({ user: "$(rm -rf ~)'; x", q: '-v' }, 'csv'),
  ];

  assert.deepEqual(commands, [
    'berth activity',
    'berth activity --without-checks --user ci',
    'berth activity --kind pushed --repository team/api --since 2026-03-01T10:00:00.000Z',
    String.raw`berth activity --user '$(rm -rf ~)'\''; x' --filter -v --export csv`,
  ]);
});
