import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { createGathering } from './gathering.ts';

test('what comes within milliseconds is handed over together, in order, and what comes later after it', async () => {
  const taken: (readonly number[])[] = [];
  using gathering = createGathering<number>((items) => taken.push(items));

  gathering.add(1);
  gathering.add(2);
  const before = [...taken];
  await delay(50);
  gathering.add(3);
  await delay(50);

  assert.deepEqual([before, taken], [[], [[1, 2], [3]]]);
});

test('no more than a thousand wait', () => {
  const taken: number[] = [];
  using gathering = createGathering<number>((items) => taken.push(items.length));

  for (let at = 0; at < 2500; at++) gathering.add(at);

  assert.deepEqual(taken, [1000, 1000]);
});

test('what waits is handed over when asked for, once', async () => {
  const taken: (readonly string[])[] = [];
  using gathering = createGathering<string>((items) => taken.push(items));

  gathering.add('now');
  gathering.flush();
  gathering.flush();
  await delay(50);

  assert.deepEqual(taken, [['now']]);
});

test('what waits is handed over at the end, once', async () => {
  const taken: (readonly string[])[] = [];

  {
    using gathering = createGathering<string>((items) => taken.push(items));
    gathering.add('last');
  }
  await delay(50);

  assert.deepEqual(taken, [['last']]);
});

for (const { name, end } of [
  { name: 'process.exit', end: 'process.exit(3)' },
  { name: 'an error that nobody catches', end: 'throw new Error("unexpected")' },
]) {
  test(`what waits is handed over when the process ends by ${name}`, () => {
    const program = `
      import { createGathering } from ${JSON.stringify(new URL('gathering.ts', import.meta.url).href)};
      createGathering((lines) => process.stdout.write(lines.join(''))).add('before the end\\n');
      ${end};`;

    const { stdout } = spawnSync(process.execPath, ['--input-type=module', '--eval', program], {
      encoding: 'utf8',
    });

    assert.equal(stdout, 'before the end\n');
  });
}
