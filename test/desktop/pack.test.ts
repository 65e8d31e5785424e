/** The package of the desktop app, made without a network: what is in it, its fuses, and that it starts. */
import assert from 'node:assert/strict';
import { mkdir, mkdtempDisposable, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { Arch, Platform } from 'electron-builder';
import { parse } from 'yaml';
import { configurationFor, writePackages } from '../../build/package.ts';
import { buildWhereOlder } from '../support/build.ts';
import { buildDesktop, needsDesktop, startDesktop } from '../support/desktop.ts';
import { succeed } from '../support/process.ts';
import { goTo } from '../support/window.ts';

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

const onLinux = process.platform === 'linux' ? needsDesktop() : { skip: 'it is made on Linux' };

test('the package for Linux', onLinux, async (t) => {
  await using directory = await mkdtempDisposable(join(tmpdir(), 'berth-pack-'));
  const { path } = directory;
  await buildDesktop();
  await buildExecutable();
  await writeDistribution(join(path, 'dist'));
  const arch = process.arch === 'arm64' ? Arch.arm64 : Arch.x64;
  const effective: unknown[] = [];
  const launchers: string[] = [];
  await writePackages({
    targets: Platform.LINUX.createTarget(null, arch),
    config: {
      ...configurationFor({}),
      electronDist: join(path, 'dist'),
      directories: { output: join(path, 'out') },
    },
    // What follows is done by programs that would have to be downloaded.
    async effectiveOptionComputed(options: unknown) {
      effective.push(options);
      // It is gone afterwards.
      if (Array.isArray(options)) launchers.push(await readFile(String(options[1]), 'utf8'));
      return true;
    },
  });
  const packed = join(path, 'out', process.arch === 'arm64' ? 'linux-arm64-unpacked' : 'linux-unpacked');
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
        '/data-process.mjs',
        '/ui',
        '/ui/assets',
        '/ui/assets/*.css',
        '/ui/assets/*.js',
        '/ui/icon.svg',
        '/ui/index.html',
      ]),
    );
  });

  await t.test('has the fuses of the list', async (each) => {
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
    const equal = Object.entries(fuses).filter(([name, state]) => found[name] === state);
    each.diagnostic(`${equal.length} of ${Object.keys(fuses).length} fuses are as the list says`);
  });

  await t.test(
    'has the command line beside the app, which is the credential helper by its first word',
    async () => {
      const resources = await readdir(join(packed, 'resources'));
      const program = join(packed, 'resources', 'berth');

      const version = await succeed(program, ['--version']);
      const helper = await succeed(program, ['docker-credential-berth', 'version']);

      assert.deepEqual(
        resources.filter((name) => !['app.asar', 'apparmor-profile'].includes(name)),
        ['berth'],
      );
      assert.equal(helper, `docker-credential-berth ${version}`);
    },
  );

  await t.test(
    'becomes deb and rpm: on the PATH, with icons, actions and the profile for AppArmor',
    async () => {
      const packages = effective.filter((each): each is [string[], string] => Array.isArray(each));

      assert.equal(packages.length, 2);
      for (const [at, [args]] of packages.entries()) {
        const targets = args.map((arg) => arg.split('=')[1]);
        const desktop = launchers[at]?.split('\n') ?? [];
        for (const name of ['berth', 'docker-credential-berth']) {
          assert.ok(args.includes(`build/linux/${name}=/usr/bin/${name}`), name);
          assert.equal((await stat(join(root, 'build/linux', name))).mode & 0o777, 0o755);
        }
        for (const size of [16, 512])
          assert.ok(targets.includes(`/usr/share/icons/hicolor/${size}x${size}/apps/berth-desktop.png`));
        for (const line of [
          'Exec=/opt/Berth/berth-desktop %U',
          'StartupWMClass=berth-desktop',
          'Actions=Start;Stop;',
          '[Desktop Action Start]',
          'Exec=berth-desktop --start',
          '[Desktop Action Stop]',
          'Exec=berth-desktop --stop',
          'Categories=Development;',
        ])
          assert.ok(desktop.includes(line), `${line} is not in\n${desktop.join('\n')}`);
        assert.equal(args[args.indexOf('--url') + 1], 'https://localhost:5443/');
      }
      assert.match(
        await readFile(join(packed, 'resources', 'apparmor-profile'), 'utf8'),
        /profile "berth-desktop" "\/opt\/Berth\/berth-desktop" flags=\(unconfined\) \{\n {2}userns,/,
      );
    },
  );

  await t.test('becomes an AppImage, whose launcher has no actions', () => {
    const [image] = effective.filter((each): each is { desktop: string } => !Array.isArray(each));

    assert.match(image?.desktop ?? '', /^Exec=AppRun/m);
    assert.doesNotMatch(image?.desktop ?? '', /Action/);
  });

  await t.test('starts as a packaged app, and looks for no updates', async () => {
    const folder = join(path, 'app');
    await asar('extract', archive, folder);

    const env = { STAND_IN_RESOURCES: join(packed, 'resources') };
    await using desktop = await startDesktop({ folder, env });
    const page = await desktop.openPage();

    await page.getByText('Running', { exact: true }).first().waitFor();
    await goTo(page, '#/settings/desktop');
    await page.getByText('This build has no update feed').waitFor();
  });
});

test('what the environment adds: a feed of releases, a home page, and what needs a certificate', () => {
  const bare = configurationFor({});
  const full = configurationFor({
    RELEASE_FEED_URL: 'https://releases.example/berth',
    GITHUB_SERVER_URL: 'https://github.com',
    GITHUB_REPOSITORY: 'someone/berth',
    CSC_LINK: 'certificate.p12',
  });

  assert.deepEqual(
    [bare.publish, bare.mac, full.publish, full.mac, full.extraMetadata],
    [
      undefined,
      { hardenedRuntime: false },
      { provider: 'generic', url: 'https://releases.example/berth' },
      undefined,
      { homepage: 'https://github.com/someone/berth' },
    ],
  );
});

test('the files that the configuration names are there', async () => {
  const { mac, win, linux, deb } = parse(
    await readFile(join(root, 'build/electron-builder.yml'), 'utf8'),
  ) as Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  await buildDesktop();
  const named = [
    mac?.['icon'],
    mac?.['entitlements'],
    mac?.['entitlementsInherit'],
    win?.['icon'],
    linux?.['icon'],
  ];
  const placed = ((deb?.['fpm'] ?? []) as readonly string[]).map((each) => each.split('=')[0]);

  for (const path of [...named, ...placed]) await stat(join(root, String(path)));
});

/** That of this machine, where build/package.ts has it. */
async function buildExecutable(): Promise<void> {
  const folder = `out/executables/linux-${process.arch}`;
  await buildWhereOlder({
    result: `${folder}/berth`,
    folders: ['main', 'registry', 'renderer', 'build'],
    script: 'build/executable.ts',
    args: [folder],
  });
}

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
