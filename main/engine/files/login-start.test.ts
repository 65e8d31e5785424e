import assert from 'node:assert/strict';
import { mkdtempDisposable } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import type { Host, RunResult } from '../host.ts';
import { autostartFile, isAutostarted, setAutostart } from './autostart.ts';
import { findLoginStart, unseenLoginStart } from './login-start.ts';

const run = String.raw`HKCU\Software\Microsoft\Windows\CurrentVersion\Run`;
const approved = String.raw`HKCU\Software\Microsoft\Windows\CurrentVersion\Explorer\StartupApproved\Run`;

/** A computer with values of keys, for which `reg` is what reg.exe is: 0 where the value is there, else 1. */
function windows(values: Map<string, string>, { canDelete = true } = {}): Host {
  return {
    platform: 'win32',
    env: {},
    home: String.raw`C:\Users\anna`,
    uid: undefined,
    systemPath: (path) => path,
    find: async (program) => program,
    async run(program, [verb = '', key = '', flag, name, ...more]): Promise<RunResult> {
      assert.deepEqual([program, flag], ['reg', '/v']);
      const id = `${key} ${name}`;
      const isThere = values.has(id);
      if (verb === 'query') {
        assert.deepEqual(more, []);
        return { code: isThere ? 0 : 1, stdout: values.get(id) ?? '', stderr: '' };
      }
      assert.deepEqual([verb, ...more], ['delete', '/f']);
      if (canDelete) values.delete(id);
      const isDone = isThere && canDelete;
      return { code: isDone ? 0 : 1, stdout: '', stderr: isDone ? '' : 'ERROR: Access is denied.\r\n' };
    },
  };
}

suite('what starts the app when somebody logs in', () => {
  test('on Windows it is a value of the key Run, which is deleted, with what the task manager says of it', async () => {
    const others = `${run} OneDrive`;
    const values = new Map([
      [others, 'theirs'],
      [`${run} io.berth.desktop`, String.raw`C:\Berth\Berth.exe --hidden`],
      [`${approved} io.berth.desktop`, '02'],
    ]);
    const host = windows(values);

    const found = await findLoginStart(host);
    await found?.end();
    const again = await findLoginStart(host);

    assert.equal(found?.place, `${run}\\io.berth.desktop`);
    assert.deepEqual(found.byHand, [`reg delete ${run} /v io.berth.desktop /f`]);
    assert.deepEqual([...values.keys()], [others]);
    assert.equal(again, undefined);
  });

  test('on Windows it says why it stays', async () => {
    const values = new Map([[`${run} io.berth.desktop`, 'x']]);
    const found = await findLoginStart(windows(values, { canDelete: false }));

    await assert.rejects(async () => await found?.end(), {
      code: 'CHANGE_FAILED',
      message: 'reg.exe did not delete it: ERROR: Access is denied.',
    });
  });

  test('without reg.exe nothing is found', async () => {
    const host: Host = { ...windows(new Map()), run: async () => undefined };

    assert.equal(await findLoginStart(host), undefined);
  });

  test('on Linux it is the file of the autostart', async () => {
    await using directory = await mkdtempDisposable(join(tmpdir(), 'berth-login-start-'));
    const host: Host = { ...windows(new Map()), platform: 'linux', home: directory.path };
    const path = autostartFile(join(directory.path, '.config'));
    await setAutostart(path, ['berth']);

    const found = await findLoginStart(host);
    await found?.end();

    assert.deepEqual([found?.place, found?.byHand], [path, [`rm ${path}`]]);
    assert.equal(await isAutostarted(path), false);
    assert.equal(await findLoginStart(host), undefined);
  });

  test('on a Mac it is not seen, and it is said who ends it', async () => {
    const host: Host = { ...windows(new Map()), platform: 'darwin', run: () => assert.fail() };

    assert.equal(await findLoginStart(host), undefined);
    assert.match(unseenLoginStart(host) ?? '', /System Settings, General, Login Items/);
    for (const platform of ['linux', 'win32'] as const)
      assert.equal(unseenLoginStart({ platform }), undefined);
  });
});
