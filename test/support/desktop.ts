/** The desktop app as it is built, in Electron where that is present, and in the stand-in of test/host elsewhere. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { type ElectronApplication, _electron, type Page } from 'playwright-core';
import type * as standInModule from '../host/electron.ts';
import { buildWhereOlder } from './build.ts';
import { childEnv } from './process.ts';
import { needs } from './tools.ts';

const root = join(import.meta.dirname, '..', '..');
export const desktopFolder = join(root, 'out', 'desktop');

/** What functions given to `app.evaluate` get: Electron, or the stand-in. */
export type DesktopModule = typeof standInModule;

const distribution = process.env['ELECTRON_OVERRIDE_DIST_PATH'] ?? join(root, 'node_modules/electron/dist');
const programs: Partial<Record<NodeJS.Platform, string>> = {
  darwin: 'Electron.app/Contents/MacOS/Electron',
  win32: 'electron.exe',
};
const program = programs[process.platform] ?? 'electron';

/** Whether the tests run in Electron itself. */
export const isReal = existsSync(join(distribution, program));

/** Options of tests that start the app: Electron brings its windows along, the stand-in shows them in Chromium. */
export function needsDesktop(...tools: readonly string[]): { skip?: string } {
  return needs(...(isReal ? tools : ['chromium', ...tools]));
}

const executablePath = isReal ? join(distribution, program) : join(root, 'test/host/electron');

export interface DesktopOptions {
  /** What the data directory shall be; a new one when absent. */
  readonly dataDir?: string;
  readonly args?: readonly string[];
  /** The text of the file with the preferences; those of an app whose set-up was put away when absent. */
  readonly preferences?: string;
  /** There are no preferences yet. */
  readonly isFirstRun?: boolean;
  readonly env?: Readonly<Record<string, string>>;
  /** The text of the configuration file of the registry; without one it listens on any free port. */
  readonly config?: string;
  /** Nothing says where the data directory is, so that the app decides it; `dataDir` is the default one. */
  readonly isPlaceFree?: boolean;
  /** The home directory, which stays; a new one that goes when absent. */
  readonly home?: string;
  /** The folder of the app; the built one when absent. */
  readonly folder?: string;
}

export interface TestDesktop extends AsyncDisposable {
  readonly app: ElectronApplication;
  readonly dataDir: string;
  /** The folder of the app's own files. */
  readonly userData: string;
  /** What the app wrote to standard error. */
  log(): string;
  /** The first window, when its page is there. */
  openPage(): Promise<Page>;
  /** Starts the app once more, and answers how that ended. */
  startAgain(...args: readonly string[]): Promise<number | null>;
  /** Who holds the data directory: the process, and the address over plain HTTP. */
  holder(): Promise<{ readonly pid: number; readonly plainUrl: string }>;
  /** `dev:PASSWORD`. */
  user(): Promise<string>;
}

/** Builds the app where a source is newer than it. */
export async function buildDesktop(): Promise<void> {
  await buildWhereOlder({
    result: 'out/desktop/app.mjs',
    folders: ['main', 'registry', 'renderer', 'build'],
    script: 'build/desktop.ts',
  });
}

/** Starts the built app with a home directory of its own. Disposing quits it. */
export async function startDesktop(options: DesktopOptions = {}): Promise<TestDesktop> {
  const { args = [], env: more = {}, isFirstRun = false, config, folder = desktopFolder } = options;
  const { isPlaceFree = false } = options;
  const preferences = options.preferences ?? (isFirstRun ? undefined : '{"isSetUp": true}');
  await buildDesktop();
  await using cleanup = new AsyncDisposableStack();
  const home = options.home ?? (await mkdtemp(join(tmpdir(), 'berth-desktop-')));
  if (options.home === undefined)
    cleanup.defer(() => rm(home, { recursive: true, force: true, maxRetries: 5 }));
  const dataDir = options.dataDir ?? (isPlaceFree ? join(home, 'share', 'berth') : join(home, 'data'));
  const userData = join(home, 'config', 'Berth');
  await mkdir(userData, { recursive: true });
  const preferenceFile = join(userData, 'preferences.json');
  if (preferences !== undefined) await writeFile(preferenceFile, preferences);
  if (config !== undefined) {
    await mkdir(join(dataDir, 'berth'), { recursive: true, mode: 0o700 });
    await writeFile(join(dataDir, 'berth', 'config.yml'), config, { mode: 0o600 });
  }
  // What an installed Podman needs is no matter of a test: it would be in the tray.
  const noEngines = join(home, 'no-engines');
  await mkdir(noEngines, { recursive: true });
  for (const name of ['podman', 'buildah', 'skopeo'])
    await writeFile(join(noEngines, name), '#!/bin/sh\nexit 127\n', { mode: 0o755 });
  const env = childEnv({
    HOME: home,
    PATH: [noEngines, process.env['PATH']].join(delimiter),
    XDG_CONFIG_HOME: join(home, 'config'),
    ...(isPlaceFree ? { XDG_DATA_HOME: join(home, 'share') } : { BERTH_DATA: dataDir }),
    ...(config === undefined ? { REGISTRY_HTTP_ADDR: 'localhost:0' } : {}),
    STAND_IN_NODE: process.execPath,
    ...more,
  });
  const app = await _electron.launch({
    executablePath,
    args: [folder, ...args],
    env,
    timeout: 60_000,
  });
  const child = app.process();
  let log = '';
  child.stderr?.setEncoding('utf8').on('data', (part: string) => {
    log += part;
  });
  cleanup.defer(async () => {
    if (child.exitCode === null && child.signalCode === null) await app.close();
  });
  const owned = cleanup.move();
  const holder: TestDesktop['holder'] = async () => {
    const text = await readFile(join(dataDir, 'berth', 'lock.json'), 'utf8');
    const { pid, urls } = JSON.parse(text) as { readonly pid: number; readonly urls: readonly string[] };
    return { pid, plainUrl: (urls[0] ?? '').replace('https:', 'http:') };
  };
  return {
    app,
    dataDir,
    userData,
    log: () => log,
    async openPage() {
      const page = await app.firstWindow();
      await page.getByRole('navigation', { name: 'Screens' }).waitFor();
      return page;
    },
    async startAgain(...again) {
      const second = spawn(executablePath, [folder, ...again], { env, stdio: 'ignore' });
      const [code] = (await once(second, 'exit')) as [number | null];
      return code;
    },
    holder,
    async user() {
      const password = await readFile(join(dataDir, 'berth', 'first-password'), 'utf8');
      return `dev:${password.trim()}`;
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}
