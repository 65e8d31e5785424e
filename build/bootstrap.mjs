/**
 * What `npm start`, `npm test` and `npm run test:full` run: plain JavaScript for any Node from 20 on, with nothing installed yet.
 * It installs the dependencies when they are missing or older than package-lock.json, finds a Node that can run
 * TypeScript (24.11 or newer), and hands over to it; for `start` to the desktop app where Electron can run, and to the bundle
 * elsewhere. It fetches Electron where there is a display for it, and builds both when a source is newer.
 *
 *     node build/bootstrap.mjs start                               the desktop app, or headless
 *     node build/bootstrap.mjs start [arguments of berth serve]    headless
 *     node build/bootstrap.mjs test
 *     node build/bootstrap.mjs test:full [rows]
 */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { constants } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const bin = join(root, 'node_modules', '.bin');
const bundle = join(root, 'dist', 'berth.mjs');
const desktop = join(root, 'out', 'desktop', 'app.mjs');
const isWindows = process.platform === 'win32';
const [verb, ...args] = process.argv.slice(2);

if (verb === 'start') {
  install();
  const node = findNode();
  build(node, 'bundle.ts', bundle);
  const electron = args.length === 0 ? findElectron(node) : undefined;
  if (electron === undefined) {
    const serve = ['--max-semi-space-size=4', bundle, 'serve', '--first-run', ...args];
    // As the first line of the bundle says it.
    const env = { ...process.env, MALLOC_ARENA_MAX: '2' };
    process.exitCode = await runToEnd(node, serve, { env });
  } else {
    build(node, 'desktop.ts', desktop);
    // The app is not Node: what clients start with Node later needs to know this one.
    const env = { ...process.env, npm_node_execpath: node };
    process.exitCode = await runToEnd(electron, [dirname(desktop)], { env });
  }
} else if (verb === 'test') {
  install();
  process.exitCode = await runTests(findNode());
} else if (verb === 'test:full') {
  install();
  process.exitCode = await runToEnd(findNode(), [join(root, 'test', 'full', 'run.ts'), ...args]);
} else {
  fail('use: node build/bootstrap.mjs start|test|test:full', 2);
}

function install() {
  if (isInstalled()) return;
  process.stderr.write('Installing the dependencies (npm ci) ...\n');
  const npm = process.env.npm_execpath;
  const [command, first] =
    npm === undefined ? [isWindows ? 'npm.cmd' : 'npm', []] : [process.execPath, [npm]];
  const { status, error } = spawnSync(
    command,
    [...first, 'ci', '--no-audit', '--no-fund', '--loglevel=error'],
    {
      cwd: root,
      stdio: ['ignore', 2, 2],
      shell: isWindows && npm === undefined,
    },
  );
  if (status !== 0) fail(`npm ci failed${error ? `: ${error.message}` : ''}. Mend that and try again.`);
}

/** Runs a build where its result is older than a source. Bundles start twice as fast, and take a quarter less memory. */
function build(node, script, result) {
  const builtAt = timeOf(result);
  const files = ['registry', 'main', 'renderer'].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true }).map((name) => join(folder, name)),
  );
  if (['package-lock.json', ...files].every((name) => timeOf(join(root, name)) < builtAt)) return;
  process.stderr.write('Building ...\n');
  const { status } = spawnSync(node, [join(root, 'build', script)], {
    cwd: root,
    stdio: ['ignore', 'ignore', 2],
  });
  if (status !== 0) fail('The build failed. Mend that and try again.');
}

/** Answers Electron's program; says why and answers `undefined` where the desktop app cannot run. */
function findElectron(node) {
  const names = { darwin: 'Electron.app/Contents/MacOS/Electron', win32: 'electron.exe' };
  const { DISPLAY, WAYLAND_DISPLAY, ELECTRON_OVERRIDE_DIST_PATH: override } = process.env;
  const folder = override ?? join(root, 'node_modules', 'electron', 'dist');
  const program = join(folder, names[process.platform] ?? 'electron');
  const hasScreen = process.platform !== 'linux' || Boolean(DISPLAY || WAYLAND_DISPLAY);
  if (hasScreen && override === undefined && !existsSync(program)) fetchElectron(node);
  if (existsSync(program) && hasScreen) return program;
  const why = hasScreen ? 'Electron is not here (npx install-electron fetches it)' : 'There is no display';
  process.stderr.write(`${why}: the registry runs without a desktop app, with its window in the browser.\n`);
  return undefined;
}

/**
 * Lets Electron's own installer fetch it, https://www.electronjs.org/docs/latest/tutorial/installation, which takes 110 MB
 * from GitHub or ELECTRON_MIRROR and checks them. Whether it could is seen by what is there afterwards.
 */
function fetchElectron(node) {
  const installer = join(root, 'node_modules', 'electron', 'install.js');
  const seconds = Number(process.env.ELECTRON_FETCH_SECONDS ?? 120);
  if (!existsSync(installer) || !(seconds > 0)) return;
  process.stderr.write(`Fetching Electron, for ${seconds} s at most ...\n`);
  spawnSync(node, [installer], {
    cwd: root,
    stdio: 'ignore',
    timeout: seconds * 1000,
    killSignal: 'SIGKILL',
  });
}

/** When a file was written, in milliseconds since the epoch; 0 for an absent one. */
function timeOf(path) {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

/**
 * Compares the two lockfiles package by package: their times say nothing in a fresh checkout. What npm left out
 * (optional packages of other platforms) is missing from the inner one.
 */
function isInstalled() {
  const wanted = readPackages(join(root, 'package-lock.json'));
  const present = readPackages(join(root, 'node_modules', '.package-lock.json'));
  if (wanted === undefined || present === undefined) return false;
  delete wanted['']; // the project itself
  return (
    Object.keys(present).every((path) => path in wanted) &&
    Object.entries(wanted).every(([path, { version, integrity, optional }]) => {
      const found = present[path];
      return found === undefined
        ? optional === true
        : found.version === version && found.integrity === integrity;
    })
  );
}

function readPackages(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8')).packages;
  } catch {
    return undefined;
  }
}

/** Answers the path of a Node of 24.11 or newer: the running one, or the one among the dependencies. */
function findNode() {
  if (isNewEnough(process.versions.node)) return process.execPath;
  const local = join(bin, 'node');
  const { stdout } = spawnSync(local, ['--version'], { encoding: 'utf8' });
  if (stdout && isNewEnough(stdout.trim().slice(1))) return local;
  return fail(
    `Berth needs Node.js 24.11 or newer, and this is ${process.versions.node}: install it from https://nodejs.org.`,
  );
}

function isNewEnough(version) {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major > 24 || (major === 24 && minor >= 11);
}

/** The checks of `npm run check`, then what crosses areas, with the bundle. The runner's summary comes last. */
async function runTests(node) {
  const PATH = [bin, process.env.PATH].join(delimiter);
  // Each file of tests is a process, and would make JavaScript of the same sources again.
  const NODE_COMPILE_CACHE = join(root, 'node_modules', '.cache', 'node');
  const options = { cwd: root, env: { ...process.env, PATH, NODE_COMPILE_CACHE } };
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const checked = await runToEnd(scripts.check, [], { ...options, shell: true });
  build(node, 'bundle.ts', bundle);
  const bundled = { ...options, env: { ...options.env, BERTH_CLI: bundle } };
  const tested = await runToEnd(node, ['--test', '--test-reporter=spec', 'test/**/*.test.ts'], bundled);
  if (checked !== 0) process.stderr.write('npm run check failed: see further up.\n');
  return checked === 0 ? tested : 1;
}

/**
 * Runs a child that gets each of our signals once and does not outlive us. It leads a process group of its own:
 * a terminal or a supervisor that signals our whole group would reach it twice, and the second SIGTERM cuts the
 * drain of the registry short. Answers the exit code as a shell counts it.
 */
async function runToEnd(command, commandArgs, options = {}) {
  const child = spawn(command, commandArgs, { ...options, stdio: 'inherit', detached: !isWindows });
  const send = (signal) => {
    try {
      process.kill(isWindows ? child.pid : -child.pid, signal);
    } catch {
      // it has ended
    }
  };
  const kill = () => send('SIGKILL');
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'];
  for (const signal of signals) process.on(signal, send);
  process.on('exit', kill);
  const watch = watchParent(() => send('SIGTERM'));
  const [code, signal] = await new Promise((resolve) => {
    child.on('error', (error) => fail(`${command} does not start: ${error.message}`));
    child.on('exit', (...end) => resolve(end));
  });
  clearInterval(watch);
  for (const name of signals) process.off(name, send);
  process.off('exit', kill);
  return code ?? 128 + constants.signals[signal];
}

/** npm passes a signal on to its shell alone, which ends without a word to us: so look whether it is there. */
function watchParent(onGone) {
  if (process.env.npm_lifecycle_event === undefined) return undefined;
  const parent = process.ppid;
  return setInterval(() => process.ppid !== parent && onGone(), 500);
}

function fail(message, code = 1) {
  process.stderr.write(`${message}\n`);
  process.exit(code);
}
