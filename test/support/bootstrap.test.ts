import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createHash } from 'node:crypto';
import {
  chmod,
  copyFile,
  mkdir,
  mkdtempDisposable,
  readFile,
  stat,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { childEnv, run, succeed } from './process.ts';
import { needs } from './tools.ts';

const bootstrap = 'build/bootstrap.mjs';
const modules = join(import.meta.dirname, '../../node_modules');

/** A project whose command line does as its arguments say, and whose npm only leaves a note. */
async function makeProject(t: TestContext, installed: object | undefined): Promise<string> {
  const project = await mkdtempDisposable(join(tmpdir(), 'berth-bootstrap-'));
  t.after(() => project.remove());
  for (const folder of ['build', 'electron', 'main', 'registry/cli', 'renderer', 'node_modules']) {
    await mkdir(join(project.path, folder), { recursive: true });
  }
  const files = {
    'package.json': '{"type":"module"}',
    'package-lock.json': JSON.stringify({
      packages: {
        '': { name: 'berth' },
        'node_modules/a': { version: '1.0.0', integrity: 'x' },
        'node_modules/elsewhere': { version: '1.0.0', integrity: 'z', optional: true },
      },
    }),
    ...(installed === undefined ? {} : { 'node_modules/.package-lock.json': JSON.stringify(installed) }),
    'registry/cli/main.ts': `
      const args = process.argv.slice(2);
      if (args.includes('--wait')) {
        const timer = setInterval(() => undefined, 1000);
        let count = 0;
        process.on('SIGTERM', () => {
          process.exitCode = count++ === 0 ? 7 : 8;
          setTimeout(() => clearInterval(timer), 100);
        });
      } else process.exitCode = 3;
      process.stdout.write(JSON.stringify({ pid: process.pid, args }) + '\\n');`,
    'renderer/index.html': '',
    'build/bundle.ts': `
      import { copyFileSync, mkdirSync } from 'node:fs';
      mkdirSync('dist', { recursive: true });
      copyFileSync('registry/cli/main.ts', 'dist/berth.mjs');`,
    'build/desktop.ts': `
      import { mkdirSync, writeFileSync } from 'node:fs';
      mkdirSync('out/desktop', { recursive: true });
      writeFileSync('out/desktop/app.mjs', '');`,
    'electron/electron': `#!/bin/sh\necho "$npm_node_execpath" "$@"\nexit 5\n`,
    'npm.cjs': `process.stdout.write('npm ' + process.argv.slice(2).join(' '));`,
  };
  for (const [name, content] of Object.entries(files)) await writeFile(join(project.path, name), content);
  await copyFile(
    join(import.meta.dirname, '../../build/bootstrap.mjs'),
    join(project.path, 'build/bootstrap.mjs'),
  );
  return project.path;
}

/** Without it a fault of the script under test would run the real npm. */
function fakeNpm(project: string): Record<string, string> {
  return { npm_execpath: join(project, 'npm.cjs') };
}

const noDisplay =
  'There is no display: the registry runs without a desktop app, with its window in the browser.\n';
const noElectron =
  'Electron is not here (npx install-electron fetches it): the registry runs without a desktop app, with its window in the browser.\n';

const upToDate = { packages: { 'node_modules/a': { version: '1.0.0', integrity: 'x' } } };

test('start runs the command line with its arguments and exit code', async (t) => {
  const project = await makeProject(t, upToDate);

  const result = await run(process.execPath, [join(project, bootstrap), 'start', '--listen', 'x'], {
    env: fakeNpm(project),
  });

  const { args } = JSON.parse(result.stdout) as { args: unknown };
  assert.deepEqual(
    { code: result.code, args, stderr: result.stderr },
    { code: 3, args: ['serve', '--first-run', '--listen', 'x'], stderr: 'Building ...\n' },
  );
});

test('start builds again only when a source is newer than the bundle', async (t) => {
  const project = await makeProject(t, upToDate);
  const start = () => run(process.execPath, [join(project, bootstrap), 'start'], { env: fakeNpm(project) });
  const later = new Date(Date.now() + 60_000);

  const first = await start();
  const second = await start();
  const touched: string[] = [];
  for (const source of ['registry/cli/main.ts', 'renderer/index.html']) {
    const { atime, mtime } = await stat(join(project, source));
    await utimes(join(project, source), later, later);
    touched.push((await start()).stderr);
    await utimes(join(project, source), atime, mtime);
  }

  assert.deepEqual(
    [first.stderr, second.stderr, touched]
      .flat()
      .map((text) => text.replace(noDisplay, '').replace(noElectron, '')),
    ['Building ...\n', '', 'Building ...\n', 'Building ...\n'],
  );
});

const desktops = [
  {
    name: 'with Electron and a display the desktop app starts',
    env: { DISPLAY: ':9', ELECTRON_OVERRIDE_DIST_PATH: 'electron' },
    args: [],
    expected: { code: 5, stderr: 'Building ...\nBuilding ...\n', isDesktop: true },
  },
  {
    name: 'without a display the registry starts headless, and it is said',
    env: { ELECTRON_OVERRIDE_DIST_PATH: 'electron' },
    args: [],
    expected: { code: 3, stderr: `Building ...\n${noDisplay}`, isDesktop: false },
  },
  {
    name: 'without Electron the registry starts headless, and it is said',
    env: { DISPLAY: ':9' },
    args: [],
    expected: { code: 3, stderr: `Building ...\n${noElectron}`, isDesktop: false },
  },
  {
    name: 'with arguments of berth serve the registry starts headless',
    env: { DISPLAY: ':9', ELECTRON_OVERRIDE_DIST_PATH: 'electron' },
    args: ['--listen', 'x'],
    expected: { code: 3, stderr: 'Building ...\n', isDesktop: false },
  },
];
for (const { name, env, args, expected } of desktops) {
  test(name, { skip: process.platform !== 'linux' }, async (t) => {
    const project = await makeProject(t, upToDate);
    await chmod(join(project, 'electron/electron'), 0o755);

    const { code, stdout, stderr } = await run(
      process.execPath,
      [join(project, bootstrap), 'start', ...args],
      { env: { ...fakeNpm(project), ...env }, cwd: project },
    );

    const isDesktop = stdout === `${process.execPath} ${join(project, 'out/desktop')}\n`;
    assert.deepEqual({ code, stderr, isDesktop }, expected);
  });
}

/** Electron's own installer in a project, which trusts this archive. */
async function addInstaller(project: string, archive: Buffer): Promise<string> {
  const folder = join(project, 'node_modules/electron');
  await mkdir(folder, { recursive: true });
  for (const name of ['install.js', 'package.json'])
    await copyFile(join(modules, 'electron', name), join(folder, name));
  for (const name of ['@electron', '@electron-internal']) {
    await symlink(join(modules, name), join(project, 'node_modules', name));
  }
  const { version } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as {
    readonly version: string;
  };
  const file = `electron-v${version}-linux-${process.arch}.zip`;
  const sum = createHash('sha256').update(archive).digest('hex');
  await writeFile(join(folder, 'checksums.json'), JSON.stringify({ [file]: sum }));
  return `/v${version}/${file}`;
}

/** Electron as it is published: an archive with its program, which here says how it was started. */
async function makeArchive(project: string): Promise<Buffer> {
  const folder = join(project, 'archive');
  await mkdir(folder);
  await copyFile(join(project, 'electron/electron'), join(folder, 'electron'));
  await chmod(join(folder, 'electron'), 0o755);
  await succeed('zip', ['-q', 'electron.zip', 'electron'], { cwd: folder });
  return await readFile(join(folder, 'electron.zip'));
}

const mirrors = [
  {
    name: 'where a mirror has Electron it is fetched once, and the desktop app starts',
    respond: (response: ServerResponse, archive: Buffer) => response.end(archive),
    expected: { code: 5, isDesktop: true, said: 'Fetching Electron, for 60 s at most ...\n' },
    again: { code: 5, isDesktop: true, said: '' },
  },
  {
    name: 'where the mirror has other bytes than those that are known, the registry starts headless',
    respond: (response: ServerResponse, archive: Buffer) =>
      response.end(Buffer.concat([archive, Buffer.from('x')])),
    expected: { code: 3, isDesktop: false, said: `Fetching Electron, for 60 s at most ...\n${noElectron}` },
    again: { code: 3, isDesktop: false, said: `Fetching Electron, for 60 s at most ...\n${noElectron}` },
  },
  {
    name: 'where the mirror has none, the registry starts headless',
    respond: (response: ServerResponse) => response.writeHead(404).end(),
    expected: { code: 3, isDesktop: false, said: `Fetching Electron, for 60 s at most ...\n${noElectron}` },
    again: { code: 3, isDesktop: false, said: `Fetching Electron, for 60 s at most ...\n${noElectron}` },
  },
  {
    name: 'where the mirror does not answer in time, the registry starts headless',
    respond: () => undefined,
    seconds: '2',
    expected: { code: 3, isDesktop: false, said: `Fetching Electron, for 2 s at most ...\n${noElectron}` },
    again: { code: 3, isDesktop: false, said: `Fetching Electron, for 2 s at most ...\n${noElectron}` },
  },
  {
    name: 'where it shall not be fetched, nobody is asked, and the registry starts headless',
    respond: () => assert.fail('it was asked'),
    seconds: '0',
    expected: { code: 3, isDesktop: false, said: noElectron },
    again: { code: 3, isDesktop: false, said: noElectron },
  },
];
for (const { name, respond, seconds = '60', expected, again } of mirrors) {
  test(
    name,
    process.platform === 'linux' ? needs('zip') : { skip: 'the archive is one for Linux' },
    async (t) => {
      const project = await makeProject(t, upToDate);
      const archive = await makeArchive(project);
      const path = await addInstaller(project, archive);
      const asked: (string | undefined)[] = [];
      const mirror = createServer((request, response) => {
        asked.push(request.url);
        respond(response, archive);
      });
      mirror.listen(0, '127.0.0.1');
      await once(mirror, 'listening');
      t.after(() => {
        mirror.closeAllConnections();
        mirror.close();
      });
      const { port } = mirror.address() as AddressInfo;
      const start = async () => {
        const { code, stdout, stderr } = await run(process.execPath, [join(project, bootstrap), 'start'], {
          env: {
            ...fakeNpm(project),
            DISPLAY: ':9',
            ELECTRON_MIRROR: `http://127.0.0.1:${port}/`,
            ELECTRON_FETCH_SECONDS: seconds,
            electron_config_cache: join(project, 'cache'),
          },
          cwd: project,
        });
        const isDesktop = stdout === `${process.execPath} ${join(project, 'out/desktop')}\n`;
        return { code, isDesktop, said: stderr.replaceAll('Building ...\n', '') };
      };

      const first = await start();
      const second = await start();

      assert.deepEqual([first, second], [expected, again]);
      assert.deepEqual(new Set(asked), new Set(seconds === '0' ? [] : [path]));
      if (expected.isDesktop) assert.equal(asked.length, 1);
    },
  );
}

const stops = [
  {
    name: 'a signal to start reaches the command line',
    command: (file: string) => [process.execPath, file, 'start', '--wait'],
    end: [7, null],
  },
  {
    name: 'a signal to the shell of npm, which passes nothing on, ends the command line',
    command: (file: string) => [
      '/bin/sh',
      '-c',
      '"$0" "$@"; true',
      process.execPath,
      file,
      'start',
      '--wait',
    ],
    end: [null, 'SIGTERM'],
  },
];
for (const { name, command, end } of stops) {
  test(`${name}, and nobody is left`, async (t) => {
    const project = await makeProject(t, upToDate);
    const [program = '', ...args] = command(join(project, bootstrap));
    const env = childEnv({ ...fakeNpm(project), npm_lifecycle_event: 'start' });
    const child = spawn(program, args, { env, stdio: ['ignore', 'pipe', 'inherit'] });
    const [line] = await once(child.stdout, 'data');
    const { pid } = JSON.parse(String(line)) as { pid: number };

    child.kill('SIGTERM');

    // The output closes when the last process that holds it has ended.
    assert.deepEqual(await once(child, 'close'), end);
    assert.throws(() => process.kill(pid, 0), { code: 'ESRCH' });
  });
}

test('a signal to the whole process group arrives at the command line only once', async (t) => {
  const project = await makeProject(t, upToDate);
  const child = spawn(process.execPath, [join(project, bootstrap), 'start', '--wait'], {
    env: childEnv(fakeNpm(project)),
    stdio: ['ignore', 'pipe', 'inherit'],
    detached: true,
  });
  await once(child.stdout, 'data');

  process.kill(-(child.pid ?? 0), 'SIGTERM');

  assert.deepEqual(await once(child, 'close'), [7, null]);
});

const installs = [
  { name: 'are missing', installed: undefined, expected: 'npm ci --no-audit --no-fund --loglevel=error' },
  {
    name: 'lack a package',
    installed: { packages: {} },
    expected: 'npm ci --no-audit --no-fund --loglevel=error',
  },
  {
    name: 'have another version',
    installed: { packages: { 'node_modules/a': { version: '1.0.1', integrity: 'x' } } },
    expected: 'npm ci --no-audit --no-fund --loglevel=error',
  },
  {
    name: 'have a package too many',
    installed: { packages: { ...upToDate.packages, 'node_modules/b': { version: '1.0.0' } } },
    expected: 'npm ci --no-audit --no-fund --loglevel=error',
  },
  { name: 'lack only an optional package', installed: upToDate, expected: undefined },
];
for (const { name, installed, expected } of installs) {
  test(`when the dependencies ${name}, npm ${expected === undefined ? 'is not run' : 'installs them'}`, async (t) => {
    const project = await makeProject(t, installed);

    const { stderr } = await run(process.execPath, [join(project, bootstrap), 'start'], {
      env: fakeNpm(project),
    });

    assert.equal(
      stderr,
      `${expected === undefined ? '' : `Installing the dependencies (npm ci) ...\n${expected}`}Building ...\n${process.platform === 'linux' ? noDisplay : noElectron}`,
    );
  });
}

test('a command that it does not know is refused with 2', async (t) => {
  const project = await makeProject(t, upToDate);

  const { code, stderr } = await run(process.execPath, [join(project, bootstrap), 'stop']);

  assert.deepEqual(
    { code, stderr },
    { code: 2, stderr: 'use: node build/bootstrap.mjs start|test|test:full\n' },
  );
});
