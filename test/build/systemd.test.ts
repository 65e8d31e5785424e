import assert from 'node:assert/strict';
import { mkdtempDisposable, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { before, suite, test } from 'node:test';
import { run } from '../support/process.ts';
import { needs } from '../support/tools.ts';

suite('the systemd unit', () => {
  let unit: string;
  before(async () => {
    unit = await readFile(join(import.meta.dirname, '../../build/systemd/berth.service'), 'utf8');
  });

  const promises = [
    'DynamicUser=yes',
    'StateDirectory=berth',
    'ProtectSystem=strict',
    'NoNewPrivileges=yes',
    'CapabilityBoundingSet=',
    'LimitNOFILE=65536',
    'Restart=on-failure',
    'Environment=MALLOC_ARENA_MAX=2',
  ];
  for (const line of promises) {
    test(`says ${line}`, () => {
      assert.ok(unit.split('\n').includes(line));
    });
  }

  test('leaves the compiler of Node alone', () => {
    assert.doesNotMatch(unit, /^MemoryDenyWriteExecute/m);
  });

  test(
    'is understood by systemd, whose exposure level for it is 2 of 10 at most',
    needs('systemd-analyze'),
    async () => {
      await using folder = await mkdtempDisposable(join(tmpdir(), 'berth-unit-'));
      const file = join(folder.path, 'berth.service');
      // The program has to be there for systemd to be content.
      await writeFile(file, unit.replace('/usr/local/bin/berth', process.execPath));

      const verified = await run('systemd-analyze', ['verify', '--man=no', file]);
      const judged = await run('systemd-analyze', ['security', '--offline=true', '--threshold=20', file]);

      assert.deepEqual({ code: verified.code, stderr: verified.stderr }, { code: 0, stderr: '' });
      assert.equal(judged.code, 0, judged.stdout);
    },
  );
});
