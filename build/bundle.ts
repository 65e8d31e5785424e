/**
 * Makes dist: the npm package, which is the whole command line as one file that needs nothing but Node.
 *
 *     dist/berth.mjs                     registry/cli/main.ts and all it imports; the worker is inside, as text
 *     dist/package.json                  the package, with `berth` as its program
 *     dist/LICENSE, dist/NOTICES.txt     our licence, and those of the packages inside
 */
import { chmod, copyFile, mkdir, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { rolldown, type Plugin } from 'rolldown';

const repository = join(import.meta.dirname, '..');
const source = (path: string): string => join(repository, 'registry', ...path.split('/'));

/** What the bundle was made of: the paths of modules below the repository, and what each of them imports. */
export type ModuleGraph = ReadonlyMap<string, readonly string[]>;

/** Bundles the command line. Writes nothing. */
export async function bundleCli(): Promise<{ readonly code: string; readonly modules: ModuleGraph }> {
  const { version } = await readPackage();
  const worker = await bundle(source('workers/bcrypt.ts'), 'cjs');
  const cli = await bundle(source('cli/main.ts'), 'esm', {
    [source('workers/entries.ts')]: `export const bcryptEntry = { source: ${JSON.stringify(worker.code)} };`,
    [source('version.ts')]: `export const version = ${JSON.stringify(version)};`,
  });
  return { code: cli.code, modules: new Map([...worker.modules, ...cli.modules]) };
}

/** The npm package that a module of the graph belongs to; `undefined` for our own and for built-ins of Node. */
export function packageOf(module: string): string | undefined {
  const [, name] = /(?:^|\/)node_modules\/((?:@[^/]+\/)?[^/]+)(?!.*\/node_modules\/)/.exec(module) ?? [];
  return name;
}

/** Writes the package into a directory, which it empties before. */
export async function writeBundle(out: string): Promise<void> {
  const { code, modules } = await bundleCli();
  await rm(out, { recursive: true, force: true });
  await mkdir(out, { recursive: true });
  await writeFile(join(out, 'berth.mjs'), code);
  await chmod(join(out, 'berth.mjs'), 0o755);
  const { name, version, description, license, engines } = await readPackage();
  const manifest = {
    name,
    version,
    description,
    license,
    type: 'module',
    bin: { berth: 'berth.mjs' },
    engines,
  };
  await writeFile(join(out, 'package.json'), `${JSON.stringify(manifest, undefined, 2)}\n`);
  await copyFile(join(repository, 'LICENSE'), join(out, 'LICENSE'));
  await writeFile(join(out, 'NOTICES.txt'), await notices(modules));
}

async function bundle(
  input: string,
  format: 'esm' | 'cjs',
  replaced: Readonly<Record<string, string>> = {},
): Promise<{ readonly code: string; readonly modules: ModuleGraph }> {
  const modules = new Map<string, readonly string[]>();
  const plugin: Plugin = {
    name: 'berth',
    load: (id) => replaced[id],
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
    plugins: [plugin],
    tsconfig: false,
    onLog: (level, log) => {
      if (level === 'warn') throw new Error(log.message);
    },
  });
  const { output } = await build.generate({ format, codeSplitting: false, comments: { legal: false } });
  const [chunk, ...more] = output;
  if (more.length > 0) throw new Error(`${input} became more than one file`);
  return { code: chunk.code, modules };
}

function shortId(id: string): string {
  return id.startsWith(repository) ? relative(repository, id).replaceAll(sep, '/') : id;
}

/** The licence of each package inside, whose texts ask to be passed on. */
async function notices(modules: ModuleGraph): Promise<string> {
  const folders = new Set<string>();
  for (const module of modules.keys()) {
    const name = packageOf(module);
    if (name === undefined) continue;
    const end = module.lastIndexOf(`node_modules/${name}/`) + `node_modules/${name}`.length;
    folders.add(module.slice(0, end));
  }
  const parts = await Promise.all([...folders].toSorted().map(noticeOf));
  return `The file berth.mjs holds code of these packages.\n\n${parts.join('\n')}`;
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

async function readPackage(folder = repository): Promise<PackageJson> {
  return JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as PackageJson;
}

if (import.meta.main) {
  const out = process.argv[2] ?? join(repository, 'dist');
  await writeBundle(out);
  process.stdout.write(`${join(out, 'berth.mjs')} written\n`);
}
