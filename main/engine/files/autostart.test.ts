import assert from 'node:assert/strict';
import { chmod, mkdir, mkdtempDisposable, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { suite, test } from 'node:test';
import { until } from '../../../test/support/desktop-acts.ts';
import { succeed } from '../../../test/support/process.ts';
import { needs } from '../../../test/support/tools.ts';
import { isAutostarted, setAutostart } from './autostart.ts';

const rows = [
  { name: 'no file', text: undefined, isOn: false },
  { name: 'an entry', text: '[Desktop Entry]\nType=Application\nExec=x --hidden\n', isOn: true },
  {
    name: 'an entry with other groups',
    text: '# x\n[Desktop Entry]\nExec=x\n[Desktop Action A]\nHidden=true\n',
    isOn: true,
  },
  { name: 'Hidden=true, of somebody else', text: '[Desktop Entry]\nExec=x\nHidden=true\n', isOn: false },
  { name: 'Hidden with spaces', text: '[Desktop Entry]\nHidden = true\nExec=x\n', isOn: false },
  { name: 'Hidden=false', text: '[Desktop Entry]\nExec=x\nHidden=false\n', isOn: true },
  {
    name: 'switched off by GNOME',
    text: '[Desktop Entry]\nExec=x\nX-GNOME-Autostart-enabled=false\n',
    isOn: false,
  },
  { name: 'no command', text: '[Desktop Entry]\nType=Application\n', isOn: false },
  { name: 'another group', text: '[Other]\nExec=x\n', isOn: false },
  { name: 'nothing', text: '', isOn: false },
];

suite('the file of the autostart', () => {
  for (const { name, text, isOn } of rows) {
    test(`with ${name} is ${isOn ? 'on' : 'off'}`, async () => {
      await using directory = await mkdtempDisposable(join(tmpdir(), 'berth-autostart-'));
      const path = join(directory.path, 'berth.desktop');
      if (text !== undefined) await writeFile(path, text);

      assert.equal(await isAutostarted(path), isOn);
    });
  }

  test('is written whole, also over one that was switched off, and removed', async () => {
    await using directory = await mkdtempDisposable(join(tmpdir(), 'berth-autostart-'));
    const path = join(directory.path, 'config', 'autostart', 'berth.desktop');

    await setAutostart(path, undefined);
    assert.equal(await isAutostarted(path), false);
    await setAutostart(path, ['/opt/Berth/berth-desktop', '--hidden']);
    await writeFile(path, `${await readFile(path, 'utf8')}Hidden=true\n`);
    assert.equal(await isAutostarted(path), false);
    await setAutostart(path, ['/opt/Berth/berth-desktop', '--hidden']);

    assert.equal(await isAutostarted(path), true);
    assert.match(await readFile(path, 'utf8'), /^Exec=\/opt\/Berth\/berth-desktop --hidden$/m);
    assert.equal((await stat(path)).mode & 0o777, 0o600);
    await setAutostart(path, undefined);
    assert.deepEqual(await readdir(dirname(path)), []);
  });

  test('quotes the command as the specification has it', async () => {
    await using directory = await mkdtempDisposable(join(tmpdir(), 'berth-autostart-'));
    const path = join(directory.path, 'berth.desktop');

    await setAutostart(path, ['/opt/a b', '$(x) "y" `z` \\', '50%', '--hidden']);

    // Each escape of the quotes is escaped again as one of a string.
    const [, exec] = /^Exec=(.*)$/m.exec(await readFile(path, 'utf8')) ?? [];
    assert.equal(exec, '"/opt/a b" "\\\\$(x) \\\\"y\\\\" \\\\`z\\\\` \\\\\\\\" "50%%" --hidden');
  });

  // GLib, as GNOME has it, is the oracle of the quotes. It finds no program with % in its own path.
  test('starts the program with its arguments, whatever is in them', needs('gio'), async () => {
    await using directory = await mkdtempDisposable(join(tmpdir(), 'berth-autostart-'));
    const folder = join(directory.path, 'a folder with $HOME "quotes" `ticks` \\ & ünï');
    const program = join(folder, 'berth');
    const said = join(directory.path, 'said');
    await mkdir(folder);
    await writeFile(program, `#!/bin/sh\nprintf '%s\\0' "$@" > '${said}.new'; mv '${said}.new' '${said}'\n`);
    await chmod(program, 0o755);
    const args = ['--hidden', '', "it's", 'a\tb', '%f %%', '$(touch x)', '\\\\', '*', 'ü;|<>'];
    const path = join(directory.path, 'berth.desktop');
    await setAutostart(path, [program, ...args]);

    await succeed('gio', ['launch', path]);

    const read = (): Promise<string> => readFile(said, 'utf8');
    await until(async () => (await read()) !== '');
    assert.deepEqual((await read()).split('\0').slice(0, -1), args);
  });
});
