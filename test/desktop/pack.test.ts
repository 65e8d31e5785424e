/** The package of the desktop app, made without a network: what is in it, its fuses, and that it starts. */
import assert from 'node:assert/strict';
import { mkdir, mkdtempDisposable, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { buildDesktop, startDesktop } from '../support/desktop.ts';
import { succeed } from '../support/process.ts';
import { needs } from '../support/tools.ts';

const root = join(import.meta.dirname, '..', '..');
const modules = join(root, 'node_modules');

const fuses = {
  RunAsNode: 'Disabled',
  EnableCookieEncryption: 'Enabled',
  EnableNodeOptionsEnvironmentVariable: 'Disabled',
  EnableNodeCliInspectArguments: 'Disabled',
  EnableEmbeddedAsarIntegrityValidation: 'Enabled',
  OnlyLoadAppFromAsar: 'Enabled',
  LoadBrowserProcessSpecificV8Snapshot: 'Disabled',
  GrantFileProtocolExtraPrivileges: 'Disabled',
};

test('the package for Linux', needs('chromium'), async (t) => {
  await using directory = await mkdtempDisposable(join(tmpdir(), 'berth-pack-'));
  const { path } = directory;
  await buildDesktop();
  await writeDistribution(join(path, 'dist'));
  const builder = [join(modules, 'electron-builder/cli.js'), '--linux', '--dir', '--x64'];
  const config = ['--config', 'build/electron-builder.yml'];
  const changed = [`-c.electronDist=${join(path, 'dist')}`, `-c.directories.output=${join(path, 'out')}`];
  await succeed(process.execPath, [...builder, ...config, ...changed], { cwd: root });
  const packed = join(path, 'out', 'linux-unpacked');
  const asar = (...args: readonly string[]): Promise<string> =>
    succeed(process.execPath, [join(modules, '@electron/asar/bin/asar.js'), ...args]);
  const archive = join(packed, 'resources', 'app.asar');

  await t.test('holds the app and nothing else', async () => {
    const names = (await asar('list', archive)).trim().split('\n');

    const kinds = new Set(
      names.map((name) =>
        name.replace(/^\/icons\/\w+(?:@2x)?\.png$/, '/icons/*').replace(/[\w-]+-[\w-]{8,}(?=\.\w+$)/, '*'),
      ),
    );
    assert.deepEqual(
      kinds,
      new Set([
        '/LICENSE',
        '/NOTICES.txt',
        '/app.mjs',
        '/icons',
        '/icons/*',
        '/package.json',
        '/preload.cjs',
        '/registry-process.mjs',
        '/ui',
        '/ui/assets',
        '/ui/assets/*.css',
        '/ui/assets/*.js',
        '/ui/icon.svg',
        '/ui/index.html',
      ]),
    );
  });

  await t.test('has the fuses of the list', async () => {
    const program = join(packed, 'berth-desktop');

    const said = await succeed(process.execPath, [
      join(modules, '@electron/fuses/dist/bin.js'),
      'read',
      '--app',
      program,
    ]);

    const found = Object.fromEntries(
      [...said.matchAll(/^ *(\w+) is (\w+)$/gm)].map(([, name = '', state = '']) => [name, state]),
    );
    assert.deepEqual({ ...found, ...fuses }, found);
  });

  await t.test('starts', async () => {
    const folder = join(path, 'app');
    await asar('extract', archive, folder);

    await using desktop = await startDesktop({ folder });
    const page = await desktop.openPage();

    await page.getByText('Running', { exact: true }).first().waitFor();
  });
});

/** A folder that looks like Electron's, whose program has fuses to set: the marker, version 1, and nine of them. */
async function writeDistribution(folder: string): Promise<void> {
  await mkdir(join(folder, 'resources'), { recursive: true });
  const marker = 'dL7pKGdnNz796PbbjQWNKmHXBZaB9tsX';
  const wire = Buffer.concat([Buffer.from(marker), Buffer.from([1, 9]), Buffer.from('1'.repeat(9))]);
  await writeFile(join(folder, 'electron'), Buffer.concat([Buffer.from('#!/bin/sh\nexit 0\n'), wire]), {
    mode: 0o755,
  });
  const { version } = JSON.parse(await readFile(join(modules, 'electron/package.json'), 'utf8')) as {
    readonly version: string;
  };
  await writeFile(join(folder, 'version'), version);
  await writeFile(join(folder, 'LICENSE'), '');
}
