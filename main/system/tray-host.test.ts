import assert from 'node:assert/strict';
import { mkdir, mkdtempDisposable, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { startBus } from '../../test/support/status-watcher.ts';
import { needs } from '../../test/support/tools.ts';
import { hasTrayHost } from './tray-host.ts';

suite('the tray of a desktop', () => {
  for (const program of ['gdbus', 'busctl', 'dbus-send']) {
    test(
      `is there when a host is registered, as ${program} says`,
      needs(program, 'dbus-daemon'),
      async () => {
        await using directory = await mkdtempDisposable(join(tmpdir(), 'berth-bus-'));
        const folder = join(directory.path, 'bin');
        await mkdir(folder);
        await symlink(join('/usr/bin', program), join(folder, program));
        await using bus = await startBus(directory.path);
        const env = { PATH: folder, DBUS_SESSION_BUS_ADDRESS: bus.address };

        const said = { noWatcher: await hasTrayHost(env), noHost: true, host: false };
        await bus.watch(false);
        said.noHost = await hasTrayHost(env);
        await bus.watch(true);
        said.host = await hasTrayHost(env);

        assert.deepEqual(said, { noWatcher: false, noHost: false, host: true });
      },
    );
  }

  test('is not there where nobody can be asked', async () => {
    assert.equal(await hasTrayHost({ PATH: '/nowhere' }), false);
  });

  test('is not there without a bus', needs('gdbus'), async () => {
    assert.equal(
      await hasTrayHost({ PATH: '/usr/bin', DBUS_SESSION_BUS_ADDRESS: 'unix:path=/nowhere/bus' }),
      false,
    );
  });
});
