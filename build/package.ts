/**
 * Makes the packages of the desktop app for this system, in out/packages, from what build/desktop.ts has written:
 *
 *     node build/package.ts [--prebuilt]
 *
 * The executables beside the app are in out/executables/SYSTEM-PROCESSOR. That of this machine is built, unless they are
 * prebuilt; packages are made for the processors that are there, on macOS one for both. Needs the network.
 *
 *     RELEASE_FEED_URL                   where the app looks for newer versions; nowhere when absent
 *     GITHUB_SERVER_URL, GITHUB_REPOSITORY    the home page that packages name
 *     CSC_LINK and others                https://www.electron.build/code-signing
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Arch, build, type CliOptions, type Configuration, Platform } from 'electron-builder';
import { writeExecutable } from './executable.ts';

const repository = join(import.meta.dirname, '..');

const systems = {
  darwin: { platform: Platform.MAC, name: 'mac' },
  win32: { platform: Platform.WINDOWS, name: 'win' },
  linux: { platform: Platform.LINUX, name: 'linux' },
} as const;

function thisSystem(): (typeof systems)[keyof typeof systems] {
  const { platform } = process;
  if (platform === 'darwin' || platform === 'win32' || platform === 'linux') return systems[platform];
  throw new Error(`there are no packages for ${platform}`);
}

function executablesOf(arch: 'x64' | 'arm64'): string {
  return join(repository, 'out', 'executables', `${thisSystem().name}-${arch}`);
}

/** The processors whose executable is there. */
function presentArchs(): readonly Arch[] {
  const present = (['x64', 'arm64'] as const).filter((arch) => existsSync(executablesOf(arch)));
  if (present.length === 0) throw new Error(`out/executables has none for ${thisSystem().name}`);
  if (process.platform === 'darwin' && present.length === 2) return [Arch.universal];
  return present.map((arch) => (arch === 'x64' ? Arch.x64 : Arch.arm64));
}

/** What the environment adds to build/electron-builder.yml. */
export function configurationFor(env: NodeJS.ProcessEnv): Configuration {
  const { GITHUB_SERVER_URL: server, GITHUB_REPOSITORY: name, RELEASE_FEED_URL: feed } = env;
  const homepage =
    server === undefined || name === undefined ? 'https://localhost:5443/' : `${server}/${name}`;
  const isSigned = env['CSC_LINK'] !== undefined || env['CSC_NAME'] !== undefined;
  return {
    extends: 'build/electron-builder.yml',
    extraMetadata: { homepage },
    ...(feed === undefined ? {} : { publish: { provider: 'generic', url: feed } }),
    // A hardened app loads what is signed by the same team alone: without one, not even its own framework.
    ...(isSigned ? {} : { mac: { hardenedRuntime: false } }),
  };
}

export async function writePackages(options: CliOptions): Promise<void> {
  await build({ projectDir: repository, publish: 'never', ...options });
}

if (import.meta.main) {
  // Secrets that are not there are empty texts in a workflow, and certificates to electron-builder.
  for (const [name, value] of Object.entries(process.env)) if (value === '') delete process.env[name];
  const { arch } = process;
  if (!process.argv.includes('--prebuilt') && (arch === 'x64' || arch === 'arm64')) {
    await writeExecutable(executablesOf(arch));
  }
  await writePackages({
    targets: thisSystem().platform.createTarget(null, ...presentArchs()),
    config: configurationFor(process.env),
  });
}
