import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { createTurnLines } from './turn-lines.ts';

test('lines of one turn are written at once, in order, and those of the next turn after them', async () => {
  const written: string[] = [];
  using lines = createTurnLines((text) => written.push(text));

  lines.write('a\n');
  lines.write('b\n');
  const before = [...written];
  await turn();
  lines.write('c\n');
  await turn();

  assert.deepEqual([before, written], [[], ['a\nb\n', 'c\n']]);
});

test('what waits is written when the writer is disposed, once', async () => {
  const written: string[] = [];

  {
    using lines = createTurnLines((text) => written.push(text));
    lines.write('last\n');
  }
  await turn();

  assert.deepEqual(written, ['last\n']);
});

for (const { name, end } of [
  { name: 'process.exit', end: 'process.exit(3)' },
  { name: 'an error that nobody catches', end: 'throw new Error("unexpected")' },
]) {
  test(`what waits is written when the process ends by ${name}`, () => {
    const program = `
      import { createTurnLines } from ${JSON.stringify(new URL('turn-lines.ts', import.meta.url).href)};
      createTurnLines((text) => process.stdout.write(text)).write('before the end\\n');
      ${end};`;

    const { stdout } = spawnSync(process.execPath, ['--input-type=module', '--eval', program], {
      encoding: 'utf8',
    });

    assert.equal(stdout, 'before the end\n');
  });
}
