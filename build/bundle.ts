/**
 * Makes dist: the npm package, whose programs need nothing but Node.
 *
 *     dist/start.mjs                     what npm puts on the PATH as berth: it says so where Node is too old
 *     dist/berth.mjs                     registry/cli/main.ts and all it imports; the worker is inside, as text
 *     dist/docker-credential-berth.mjs   main/engine/login/docker-credential-berth.ts and what it imports
 *     dist/ui/                           the window for browsers, by build/renderer.ts
 *     dist/package.json                  the package, with the names of its programs
 *     dist/LICENSE, dist/NOTICES.txt     our licence, and those of the packages inside
 */
import { chmod, copyFile, mkdir, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { rolldown, type Plugin } from 'rolldown';
import { writeRenderer } from './renderer.ts';

const repository = join(import.meta.dirname, '..');
const source = (path: string): string => join(repository, ...path.split('/'));

/** The programs of the package, as npm puts them on the PATH. */
const programs = { berth: 'start.mjs', 'docker-credential-berth': 'docker-credential-berth.mjs' };
const commandLine = 'berth.mjs';

/**
 * For any Node: older ones stop at the syntax of the program, whose words for that help nobody. The allocator of glibc has two
 * arenas: with one for each of ten threads a process that was busy for an hour held 208 MiB and grew, in place of 192.
 */
const startCode = `#!/usr/bin/env -S MALLOC_ARENA_MAX=2 node --max-semi-space-size=4
const [major, minor] = process.versions.node.split('.').map(Number);
if (major > 24 || (major === 24 && minor >= 11)) {
  const { main } = await import('./${commandLine}');
  await main();
} else {
  process.stderr.write(
    \`Berth needs Node.js 24.11 or newer, and this is \${process.versions.node}: install it from https://nodejs.org.\\n\`,
  );
  process.exitCode = 1;
}
`;

/** What a bundle was made of: the paths of modules below the repository, and what each of them imports. */
export type ModuleGraph = ReadonlyMap<string, readonly string[]>;

export interface Bundle {
  readonly code: string;
  readonly modules: ModuleGraph;
}

/** Bundles the command line. Writes nothing. */
export async function bundleCli(): Promise<Bundle> {
  return await bundleWithWorker('registry/cli/main.ts', 'esm', {
    [source('registry/cli/helper-command.ts')]: helperCommandModule,
    [source('registry/cli/window-files.ts')]: windowFilesModule,
  });
}

/** Bundles what build/executable.ts puts into a Node: one CommonJS file. Writes nothing. */
export async function bundleExecutable(): Promise<Bundle> {
  return await bundleWithWorker('registry/cli/executable.ts', 'cjs', {
    [source('registry/cli/helper-command.ts')]:
      `export const helperCommand = [process.execPath, 'docker-credential-berth'];`,
    [source('registry/cli/own-command.ts')]: `export const ownCommand = () => [process.execPath];`,
    [source('registry/cli/window-files.ts')]: executableFilesModule,
  });
}

async function bundleWithWorker(
  input: string,
  format: 'esm' | 'cjs',
  replaced: Readonly<Record<string, string>>,
): Promise<Bundle> {
  const workers = await bundleWorkers();
  const { code, modules } = await bundle(source(input), format, {
    replaced: { ...workers.replaced, ...(await versionModule()), ...replaced },
    isMinified: format === 'cjs',
  });
  return { code, modules: new Map([...workers.modules, ...modules]) };
}

/** Bundles Docker's credential helper, which clients start for each command: it holds little. Writes nothing. */
export async function bundleHelper(): Promise<Bundle> {
  return await bundle(source('main/engine/login/docker-credential-berth.ts'), 'esm', {
    replaced: await versionModule(),
  });
}

/** The parts of the desktop app that run outside of its page, each one file. Electron itself is not inside. */
export interface DesktopBundles {
  readonly app: Bundle;
  readonly process: Bundle;
  readonly data: Bundle;
  readonly preload: Bundle;
}

/** Bundles them. Writes nothing. */
export async function bundleDesktop(): Promise<DesktopBundles> {
  const workers = await bundleWorkers();
  const replaced = { ...workers.replaced, ...(await versionModule()) };
  const options = { replaced, isMinified: true, external: ['electron'] };
  const [app, registry, data, preload] = await Promise.all([
    bundle(source('main/app.ts'), 'esm', options),
    bundle(source('main/registry-process.ts'), 'esm', options),
    bundle(source('main/data/data-process.ts'), 'esm', options),
    bundle(source('main/preload/preload.ts'), 'cjs', options),
  ]);
  const process = { code: registry.code, modules: new Map([...workers.modules, ...registry.modules]) };
  return { app, process, data, preload };
}

/** The code of the worker threads as text, in place of the module that says where their files are. */
async function bundleWorkers(): Promise<{
  readonly replaced: Readonly<Record<string, string>>;
  readonly modules: ModuleGraph;
}> {
  const [bcrypt, changes] = await Promise.all([
    bundle(source('registry/workers/bcrypt.ts'), 'cjs'),
    bundle(source('registry/workers/changes.ts'), 'cjs'),
  ]);
  const entries = { bcryptEntry: bcrypt, changesEntry: changes };
  const lines = Object.entries(entries).map(
    ([name, { code }]) => `export const ${name} = { source: ${JSON.stringify(code)} };`,
  );
  return {
    replaced: { [source('registry/workers/entries.ts')]: lines.join('\n') },
    modules: new Map([...bcrypt.modules, ...changes.modules]),
  };
}

/** The npm package that a module of the graph belongs to; `undefined` for our own and for built-ins of Node. */
export function packageOf(module: string): string | undefined {
  const [, name] = /(?:^|\/)node_modules\/((?:@[^/]+\/)?[^/]+)(?!.*\/node_modules\/)/.exec(module) ?? [];
  return name;
}

/** Writes the package into a directory, which it empties before. */
export async function writeBundle(out: string): Promise<void> {
  const [cli, helper] = await Promise.all([bundleCli(), bundleHelper()]);
  await rm(out, { recursive: true, force: true });
  await mkdir(out, { recursive: true });
  // The programs come last: they are what npm start compares with the sources.
  const window = await writeRenderer(join(out, 'ui'));
  await writeProgram(join(out, programs.berth), startCode);
  await writeProgram(join(out, commandLine), cli.code);
  await writeProgram(join(out, programs['docker-credential-berth']), helper.code);
  const { name, version, description, license, engines } = await readPackage();
  const manifest = {
    name,
    version,
    description,
    license,
    type: 'module',
    bin: programs,
    engines,
  };
  await writeFile(join(out, 'package.json'), `${JSON.stringify(manifest, undefined, 2)}\n`);
  await copyFile(join(repository, 'LICENSE'), join(out, 'LICENSE'));
  await writeFile(
    join(out, 'NOTICES.txt'),
    await notices([...cli.modules.keys(), ...helper.modules.keys(), ...window]),
  );
}

async function writeProgram(path: string, code: string): Promise<void> {
  await writeFile(path, code);
  await chmod(path, 0o755);
}

/** Where the helper is, seen from the command line in the same directory. */
const helperCommandModule = `
import { fileURLToPath } from 'node:url';
const helper = fileURLToPath(new URL('./${programs['docker-credential-berth']}', import.meta.url));
export const helperCommand = [process.execPath, helper];
`;

const windowFilesModule = `
import { fileURLToPath } from 'node:url';
export const windowFiles = fileURLToPath(new URL('./ui', import.meta.url));
`;

/** https://nodejs.org/docs/latest-v24.x/api/single-executable-applications.html: the assets are not copied. */
const executableFilesModule = `
import { getAssetKeys, getRawAsset } from 'node:sea';
export const windowFiles = new Map(getAssetKeys().map((name) => [name, new Uint8Array(getRawAsset(name))]));
`;

/**
 * To import `node:http` is to ask for each of its exports, and one of them loads Node's `fetch`, which nothing here uses: an eighth
 * of the time that a command takes, and 2 MB. Whoever asks for the module itself gets it without.
 */
const http = 'node:http';
const leanHttp = `\0${http}`;
const leanHttpModule = `
export const { Agent, STATUS_CODES, ServerResponse, createServer, request } = process.getBuiltinModule('${http}');
`;

/** The version as text, in place of the module that reads it from package.json. */
async function versionModule(): Promise<Readonly<Record<string, string>>> {
  const { version } = await readPackage();
  return { [source('registry/version.ts')]: `export const version = ${JSON.stringify(version)};` };
}

async function bundle(
  input: string,
  format: 'esm' | 'cjs',
  {
    replaced = {},
    isMinified = false,
    external = [],
  }: {
    /** The text of modules in place of their own, by path. */
    readonly replaced?: Readonly<Record<string, string>>;
    readonly isMinified?: boolean;
    readonly external?: string[];
  } = {},
): Promise<Bundle> {
  const modules = new Map<string, readonly string[]>();
  const texts: Readonly<Record<string, string>> = { ...replaced, [leanHttp]: leanHttpModule };
  const plugin: Plugin = {
    name: 'berth',
    resolveId: (id, _, { kind }) => (id === http && kind === 'import-statement' ? leanHttp : undefined),
    load: (id) => texts[id],
    buildEnd() {
      for (const id of this.getModuleIds()) {
        const info = this.getModuleInfo(id);
        const imported = [...(info?.importedIds ?? []), ...(info?.dynamicallyImportedIds ?? [])];
        modules.set(shortId(id), imported.map(shortId));
      }
    },
  };
  await using build = await rolldown({
    input,
    platform: 'node',
    // What is the program itself is the entry; CommonJS cannot ask.
    ...(format === 'cjs' ? { transform: { define: { 'import.meta.main': 'false' } } } : {}),
    external,
    plugins: [plugin],
    tsconfig: false,
    onLog: (level, log) => {
      if (level === 'warn') throw new Error(log.message);
    },
  });
  const { output } = await build.generate({
    format,
    codeSplitting: false,
    comments: { legal: false },
    minify: isMinified,
  });
  const [chunk, ...more] = output;
  if (more.length > 0) throw new Error(`${input} became more than one file`);
  return { code: escaped(chunk.code), modules };
}

/**
 * The same program in ASCII. V8 keeps the text of a program, with two bytes for each character where a single one of them is
 * beyond Latin-1: 4 MB more for the life of the process. Right for whatever stands in strings, regular expressions, names and
 * comments; in a text of String.raw, or behind a backslash, it would be read otherwise.
 */
function escaped(code: string): string {
  if (/\\[^\0-\x7f]|String\.raw`[^`]*[^`\0-\x7f]/.test(code))
    throw new Error('A character beyond ASCII cannot be escaped.');
  return code.replaceAll(/[^\0-\x7f]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

function shortId(id: string): string {
  return id.startsWith(repository) ? relative(repository, id).replaceAll(sep, '/') : id;
}

/** The licence of each package inside, whose texts ask to be passed on. */
export async function notices(modules: readonly string[]): Promise<string> {
  const folders = new Set<string>();
  for (const module of modules.map(shortId)) {
    const name = packageOf(module);
    if (name === undefined) continue;
    const end = module.lastIndexOf(`node_modules/${name}/`) + `node_modules/${name}`.length;
    folders.add(module.slice(0, end));
  }
  const parts = await Promise.all([...folders].toSorted().map(noticeOf));
  return `The programs and the window hold code of these packages.\n\n${parts.join('\n')}`;
}

async function noticeOf(folder: string): Promise<string> {
  const path = join(repository, folder);
  const { name, version, license } = await readPackage(path);
  const file = (await readdir(path)).find((each) => /^licen[cs]e/i.test(each));
  const text = file === undefined ? '' : await readFile(join(path, file), 'utf8');
  return `${'-'.repeat(80)}\n${name} ${version} (${license})\n\n${text.trim()}\n`;
}

interface PackageJson {
  readonly name: string;
  readonly version: string;
  readonly description: string;
  readonly license: string;
  readonly engines: object;
}

export async function readPackage(folder = repository): Promise<PackageJson> {
  return JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as PackageJson;
}

if (import.meta.main) {
  const out = process.argv[2] ?? join(repository, 'dist');
  await writeBundle(out);
  process.stdout.write(`${Object.values(programs).join(', ')} and the window written to ${out}\n`);
}
