import assert from 'node:assert/strict';
import { test } from 'node:test';
import { launchOf } from './launch.ts';

const starts = [
  { args: ['berth-desktop'], expected: 'open' },
  { args: ['berth-desktop', '--hidden'], expected: 'hidden' },
  { args: ['berth-desktop', '--start'], expected: 'start' },
  // Chromium puts its own switches in between.
  { args: ['berth-desktop', '--allow-file-access-from-files', '--stop'], expected: 'stop' },
  { args: ['berth-desktop', '--start', '--stop'], expected: 'stop' },
] as const;
for (const { args, expected } of starts) {
  test(`${args.join(' ')} is to ${expected}`, () => {
    assert.equal(launchOf(args), expected);
  });
}
