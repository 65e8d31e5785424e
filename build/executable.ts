/**
 * Makes the single executable, for the system and processor that this runs on: the running Node with the command line, the
 * credential helper and the window inside, https://nodejs.org/docs/latest-v24.x/api/single-executable-applications.html
 *
 *     node build/executable.ts [directory]      dist/executable when absent
 *
 *     berth, or berth.exe                registry/cli/executable.ts
 *     LICENSE, NOTICES.txt               our licence, and those of the packages inside
 */
import { execFile } from 'node:child_process';
import {
  chmod,
  copyFile,
  mkdir,
  mkdtempDisposable,
  readdir,
  readFile,
  rm,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, sep } from 'node:path';
import { promisify } from 'node:util';
import { inject } from 'postject';
import { bundleExecutable, notices } from './bundle.ts';
import { writeRenderer } from './renderer.ts';

const run = promisify(execFile);
const repository = join(import.meta.dirname, '..');

/** Writes the executable into a directory, which it empties before, and answers its path. */
export async function writeExecutable(out: string): Promise<string> {
  await using temporary = await mkdtempDisposable(join(tmpdir(), 'berth-executable-'));
  const window = join(temporary.path, 'ui');
  const [{ code, modules }, windowModules] = await Promise.all([bundleExecutable(), writeRenderer(window)]);
  const blob = await makeBlob(temporary.path, code, await listAssets(window));

  await rm(out, { recursive: true, force: true });
  await mkdir(out, { recursive: true });
  const program = join(out, process.platform === 'win32' ? 'berth.exe' : 'berth');
  await copyFile(process.execPath, program);
  await chmod(program, 0o755);
  await stripSymbols(program);
  if (process.platform === 'darwin') await run('codesign', ['--remove-signature', program]);
  await inject(program, 'NODE_SEA_BLOB', blob, {
    sentinelFuse: 'NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2',
    ...(process.platform === 'darwin' ? { machoSegmentName: 'NODE_SEA' } : {}),
  });
  // Processors of Apple start nothing without a signature; this one says nothing about who made it.
  if (process.platform === 'darwin') await run('codesign', ['--sign', '-', program]);
  await copyFile(join(repository, 'LICENSE'), join(out, 'LICENSE'));
  await writeFile(join(out, 'NOTICES.txt'), await notices([...modules.keys(), ...windowModules]));
  return program;
}

/** The bytes that a Node of this version runs when they are inside of it. */
async function makeBlob(
  folder: string,
  code: string,
  assets: Readonly<Record<string, string>>,
): Promise<Buffer> {
  const [main, output, config] = ['main.cjs', 'blob', 'sea.json'].map((name) => join(folder, name));
  await writeFile(main ?? '', code);
  const settings = {
    main,
    output,
    assets,
    disableExperimentalSEAWarning: true,
    useCodeCache: true,
    // As in registry/cli/main.ts.
    execArgv: ['--max-semi-space-size=4'],
  };
  await writeFile(config ?? '', JSON.stringify(settings));
  await run(process.execPath, ['--experimental-sea-config', config ?? '']);
  return await readFile(output ?? '');
}

/** The files of the window by the names under which they are asked for. */
async function listAssets(window: string): Promise<Readonly<Record<string, string>>> {
  const entries = await readdir(window, { recursive: true, withFileTypes: true });
  const paths = entries
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name));
  return Object.fromEntries(paths.map((path) => [path.slice(window.length + 1).replaceAll(sep, '/'), path]));
}

/** Takes the symbols out, 18 MB of Node 24, where the system has binutils. Afterwards it would break the executable. */
async function stripSymbols(path: string): Promise<void> {
  if (process.platform !== 'linux') return;
  try {
    await run('strip', [path]);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
    process.stderr.write('There is no strip (package binutils) here: the executable will be larger.\n');
  }
}

if (import.meta.main) {
  const out = process.argv[2] ?? join(repository, 'dist', 'executable');
  process.stdout.write(`${await writeExecutable(out)} written\n`);
}
