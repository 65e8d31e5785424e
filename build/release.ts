/**
 * Puts a release together, on Linux: what is in out/release already, and the executables of out/executables/SYSTEM-PROCESSOR.
 *
 *     out/release/berth-VERSION-SYSTEM-PROCESSOR.tar.gz    the executable with its licences; for Windows .zip
 *     out/release/berth-VERSION-manifests.tar.gz           packaging/homebrew and packaging/winget, filled
 *     out/release/SHA256SUMS                               of all files there
 *     out/release-notes.md                                 packaging/notes.md, filled
 *
 * GITHUB_SERVER_URL and GITHUB_REPOSITORY say where it will lie; SIGNED_MAC, NOTARIZED_MAC and SIGNED_WIN are `true` where
 * that was done.
 */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import {
  chmod,
  copyFile,
  cp,
  mkdir,
  mkdtempDisposable,
  readdir,
  readFile,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import { readPackage } from './bundle.ts';

const run = promisify(execFile);
const repository = join(import.meta.dirname, '..');

export interface ReleaseOptions {
  /** Holds executables/ and release/. */
  readonly folder: string;
  readonly version: string;
  readonly env: NodeJS.ProcessEnv;
}

export async function writeRelease({ folder, version, env }: ReleaseOptions): Promise<void> {
  const { GITHUB_SERVER_URL: server, GITHUB_REPOSITORY: name } = env;
  if (server === undefined || name === undefined) {
    throw new Error('GITHUB_SERVER_URL and GITHUB_REPOSITORY say where the release will lie: set them');
  }
  const out = join(folder, 'release');
  await mkdir(out, { recursive: true });
  for (const target of await readdir(join(folder, 'executables'))) {
    await writeArchive(join(folder, 'executables', target), join(out, `berth-${version}-${target}`));
  }
  const facts = {
    version,
    name,
    repository: `${server}/${name}`,
    download: `${server}/${name}/releases/download/v${version}`,
    signatures: signaturesOf(env),
  };
  const sums = await sumsOf(out);
  await writeManifests(join(out, `berth-${version}-manifests.tar.gz`), (text) => fill(text, facts, sums));
  const notes = await readFile(join(repository, 'packaging', 'notes.md'), 'utf8');
  await writeFile(join(folder, 'release-notes.md'), fill(notes, facts, sums));
  const lines = [...(await sumsOf(out))].map(([file, sum]) => `${sum}  ${file}\n`);
  await writeFile(join(out, 'SHA256SUMS'), lines.join(''));
}

/** Archives, whose times and owners are nobody's. */
async function writeArchive(source: string, result: string): Promise<void> {
  await using temporary = await mkdtempDisposable(join(tmpdir(), 'berth-archive-'));
  const { path } = temporary;
  await cp(source, path, { recursive: true });
  const isWindows = (await readdir(path)).includes('berth.exe');
  await chmod(join(path, isWindows ? 'berth.exe' : 'berth'), 0o755);
  if (/-linux-[^-]+$/.test(result)) {
    await copyFile(join(repository, 'build/systemd/berth.service'), join(path, 'berth.service'));
  }
  const names = (await readdir(path)).toSorted();
  if (isWindows) await run('zip', ['-q', `${result}.zip`, ...names], { cwd: path });
  else await writeTar(`${result}.tar.gz`, path, names);
}

async function writeTar(result: string, folder: string, names: readonly string[]): Promise<void> {
  const nobody = ['--owner=0', '--group=0', '--numeric-owner', '--sort=name'];
  await run('tar', [...nobody, '-czf', result, '-C', folder, ...names]);
}

async function writeManifests(result: string, filled: (text: string) => string): Promise<void> {
  await using temporary = await mkdtempDisposable(join(tmpdir(), 'berth-manifests-'));
  const source = join(repository, 'packaging');
  const paths = (await readdir(source, { recursive: true })).filter((path) => /\.(?:rb|yaml)$/.test(path));
  for (const path of paths) {
    const target = join(temporary.path, path);
    await mkdir(dirname(target), { recursive: true });
    await writeFile(target, filled(await readFile(join(source, path), 'utf8')));
  }
  await writeTar(result, temporary.path, ['homebrew', 'winget']);
}

/** SHA-256 of each file by its name, in their order. */
async function sumsOf(folder: string): Promise<ReadonlyMap<string, string>> {
  const sums = new Map<string, string>();
  for (const name of (await readdir(folder)).toSorted()) {
    if (name === 'SHA256SUMS') continue;
    const hash = createHash('sha256');
    await pipeline(createReadStream(join(folder, name)), hash);
    sums.set(name, hash.digest('hex'));
  }
  return sums;
}

/** Puts facts in place of `{{fact}}`, and a sum in place of `{{sha256 FILE}}`, where FILE may hold `{version}`. */
function fill(
  text: string,
  facts: Readonly<Record<string, string>>,
  sums: ReadonlyMap<string, string>,
): string {
  return text
    .replaceAll(/\{\{sha256 (.+?)\}\}/g, (_, file: string) => {
      const name = file.replace('{version}', facts['version'] ?? '');
      const sum = sums.get(name);
      if (sum === undefined) throw new Error(`${name} is not in the release`);
      return sum;
    })
    .replaceAll(/\{\{(\w+)\}\}/g, (_, name: string) => {
      const fact = facts[name];
      if (fact === undefined) throw new Error(`nothing is known of {{${name}}}`);
      return fact;
    });
}

/** What people have to know before their system asks them. */
function signaturesOf(env: NodeJS.ProcessEnv): string {
  const mac =
    env['SIGNED_MAC'] !== 'true'
      ? 'The app for macOS is **not signed**: macOS says that it cannot check it. Open it by System Settings, Privacy & Security, Open Anyway.'
      : env['NOTARIZED_MAC'] !== 'true'
        ? 'The app for macOS is signed and **not notarized**: macOS asks before it opens it.'
        : 'The app for macOS is signed and notarized.';
  const win =
    env['SIGNED_WIN'] === 'true'
      ? 'The installers for Windows are signed.'
      : 'The installers for Windows are **not signed**: SmartScreen warns of them. More info, Run anyway.';
  return [
    mac,
    win,
    'Packages for Linux have no signature of their own. Checksums and provenance are below.',
  ].join('\n\n');
}

if (import.meta.main) {
  const { version } = await readPackage();
  await writeRelease({ folder: join(repository, 'out'), version, env: process.env });
  process.stdout.write('out/release and out/release-notes.md written\n');
}
