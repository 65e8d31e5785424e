import assert from 'node:assert/strict';
import { copyFile, mkdtempDisposable, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { before, suite, test } from 'node:test';
import {
  bundleCli,
  bundleDesktop,
  bundleExecutable,
  type ModuleGraph,
  packageOf,
} from '../../build/bundle.ts';
import { runNpm } from '../support/npm.ts';

const repository = join(import.meta.dirname, '..', '..');

/** What our own code may import. A new one is a new line here, and a sentence in the commit that says why. */
const allowed = ['bcryptjs', 'commander', 'express', 'node-forge', 'prom-client', 'ws', 'yaml', 'zod'];

/** With what those bring along. */
const packageLimit = 80;

/** The way of a blob between socket and disk: nothing of others stands on it. */
const dataPath = [
  'registry/driver/checked.ts',
  'registry/driver/fs.ts',
  'registry/store/store.ts',
  'registry/http/blobs.ts',
  'registry/http/lists.ts',
  'registry/http/manifests.ts',
  'registry/http/uploads.ts',
];

suite('packages of the command line', () => {
  let modules: ModuleGraph = new Map();
  before(async () => {
    ({ modules } = await bundleCli());
  });

  test('our code imports the packages of the list, and all of them', () => {
    const ours = [...modules].filter(([module]) => /^(?:registry|main)\//.test(module));
    const direct = new Set(ours.flatMap(([, imports]) => imports.flatMap((each) => packageOf(each) ?? [])));

    assert.deepEqual(direct, new Set(allowed));
  });

  test(`no more than ${packageLimit} packages are inside`, (t) => {
    const inside = new Set([...modules.keys()].flatMap((each) => packageOf(each) ?? []));

    t.diagnostic(`${inside.size} packages`);
    assert.ok(inside.size <= packageLimit, `${inside.size}: ${[...inside].join(' ')}`);
  });

  for (const module of dataPath) {
    test(`${module} reaches built-ins of Node only`, () => {
      assert.ok(modules.has(module), `${module} is not in the bundle`);
      assert.equal(wayToPackage(modules, module)?.join(' > '), undefined);
    });
  }
});

test('the single executable holds the packages of the command line, and no others', async () => {
  const insideOf = ({ modules }: { readonly modules: ModuleGraph }) =>
    [...new Set([...modules.keys()].flatMap((each) => packageOf(each) ?? []))].toSorted();

  const [cli, executable] = await Promise.all([bundleCli(), bundleExecutable()]);

  assert.deepEqual(insideOf(executable), insideOf(cli));
  // V8 would keep their text with two bytes for each character.
  for (const { code } of [cli, executable]) assert.ok(/^\p{ASCII}*$/u.test(code));
});

/** What builds import. Nothing of it is shipped but what they make of our own sources. */
const allowedInBuild = ['commander', 'electron-builder', 'postject', 'prettier', 'rolldown', 'vite', 'zod'];

test('the builds import the packages of their list, and all of them', async () => {
  const folder = join(repository, 'build');
  const names = (await readdir(folder)).filter((name) => /(?<!\.test|\.d)\.(?:ts|mjs)$/.test(name));
  const texts = await Promise.all(names.map((name) => readFile(join(folder, name), 'utf8')));
  const imported = texts.flatMap((text) =>
    [...text.matchAll(/^import .* from '((?!node:|\.)[^']+)';$/gm)].map(([, name]) => name),
  );

  assert.deepEqual(new Set(imported), new Set(allowedInBuild));
});

/** What each part of the desktop app imports itself. Of the registry, the same as the command line. */
const allowedInDesktop = {
  // Installers differ from system to system, and what is wrong with one is wrong for everybody: electron-updater knows them.
  app: ['electron-store', 'electron-updater', 'zod'],
  process: allowed,
  preload: [],
} as const;

/** With what those bring along: a checker of JSON Schema, and readers of YAML and XML. */
const desktopPackageLimit = 40;

test('no package of the command line has a script at install, and of all others none is allowed', async (t) => {
  const lock = await readLock();
  const { allowScripts } = await readManifest();
  const { modules } = await bundleCli();
  const inside = new Set([...modules.keys()].flatMap((each) => folderOf(each) ?? []));

  const scripts = Object.entries(lock.packages).filter(
    ([, { hasInstallScript = false }]) => hasInstallScript,
  );

  for (const folder of inside) assert.ok(Object.hasOwn(lock.packages, folder), folder);
  const ofCli = scripts.filter(([path]) => inside.has(path));
  const allowedToRun = Object.entries(allowScripts).filter(([, isAllowed]) => isAllowed);
  t.diagnostic(
    `${inside.size} packages in the command line: ${ofCli.length} with a script at install; ${Object.keys(lock.packages).length - 1} in the lockfile: ${scripts.length} with one, ${allowedToRun.length} that may run it`,
  );
  assert.deepEqual([ofCli, allowedToRun], [[], []]);
  assert.match(await readFile(join(repository, '.npmrc'), 'utf8'), /^strict-allow-scripts=true$/m);
});

/** PACKAGE_AGES=1: npm asks its registry for what its cache does not know, which is all packages the first time. */
const areAgesJudged = process.env['PACKAGE_AGES'] === '1';

if (areAgesJudged) {
  test('no package is younger than a week', async (t) => {
    await using directory = await mkdtempDisposable(join(tmpdir(), 'berth-ages-'));
    const { path } = directory;
    const days = /^min-release-age=(\d+)$/m.exec(await readFile(join(repository, '.npmrc'), 'utf8'))?.[1];
    assert.equal(days, '7');
    // What npm chooses anew may be no younger than that: nothing that is locked may be newer than what it chooses.
    const choose = async (age: string) => {
      for (const name of ['package.json', '.npmrc']) await copyFile(join(repository, name), join(path, name));
      await rm(join(path, 'package-lock.json'), { force: true });
      return await runNpm(path, 'install', ['--package-lock-only', `--min-release-age=${age}`]);
    };

    const chosen = await choose(days ?? '');
    assert.equal(chosen.code, 0, `npm could not judge the ages of all packages.\n${chosen.stderr}`);
    const old = (JSON.parse(await readFile(join(path, 'package-lock.json'), 'utf8')) as Lockfile).packages;
    const ours = Object.entries((await readLock()).packages).filter(([place]) => place !== '');
    const isNewer = (version = '', than = '') =>
      version.localeCompare(than, 'en', { numeric: true }) > 0 && version.split('-')[0] !== than;
    const younger = ours.filter(([place, { version }]) => isNewer(version, old[place]?.version ?? version));

    const same = ours.filter(([place, { version }]) => old[place]?.version === version);
    const elsewhere = ours.filter(([place]) => old[place] === undefined);
    t.diagnostic(
      `${ours.length} packages judged: ${same.length} are what npm chooses among those of ${days} days and older, ${ours.length - same.length - elsewhere.length - younger.length} are older than that, ${elsewhere.length} lie elsewhere, ${younger.length} are younger`,
    );
    assert.deepEqual(
      younger.map(([place]) => place),
      [],
    );

    await t.test('and one that is younger than what is asked for is refused', async () => {
      const { code, stderr } = await choose('20000');

      assert.notEqual(code, 0);
      assert.match(stderr, /ETARGET|No matching version|notarget/i);
    });
  });
}

suite('packages of the desktop app', () => {
  let bundles: Awaited<ReturnType<typeof bundleDesktop>>;
  before(async () => {
    bundles = await bundleDesktop();
  });

  for (const part of ['app', 'process', 'preload'] as const) {
    test(`${part} imports the packages of its list, and all of them`, () => {
      const ours = [...bundles[part].modules].filter(([module]) => /^(?:registry|main)\//.test(module));
      const direct = new Set(ours.flatMap(([, imports]) => imports.flatMap((each) => packageOf(each) ?? [])));

      assert.deepEqual(direct, new Set(allowedInDesktop[part]));
    });
  }

  test(`no more than ${desktopPackageLimit} packages are inside of app`, (t) => {
    const inside = new Set([...bundles.app.modules.keys()].flatMap((each) => packageOf(each) ?? []));

    t.diagnostic(`${inside.size} packages, ${bundles.app.code.length} bytes`);
    assert.ok(inside.size <= desktopPackageLimit, [...inside].join(' '));
  });

  test('the shell holds nothing of the registry but facts', () => {
    const modules = [...bundles.app.modules.keys()].filter((each) => each.startsWith('registry/'));

    assert.deepEqual(
      modules.filter(
        (each) => !/^registry\/(?:spec|disk|archive)\/|^registry\/(?:version|cli\/format)\.ts$/.test(each),
      ),
      [],
    );
  });

  test('the preload script needs Electron alone', () => {
    assert.deepEqual(
      [...bundles.preload.code.matchAll(/require\(([^)]*)\)/g)].map(([, name]) => name?.slice(1, -1)),
      ['electron'],
    );
  });
});

/** The shortest way from a module to one of a package, as the modules on it. */
function wayToPackage(modules: ModuleGraph, from: string): readonly string[] | undefined {
  const ways: (readonly string[])[] = [[from]];
  const seen = new Set<string>();
  for (const way of ways) {
    const last = way.at(-1) ?? '';
    if (packageOf(last) !== undefined) return way;
    if (seen.has(last)) continue;
    seen.add(last);
    for (const next of modules.get(last) ?? []) ways.push([...way, next]);
  }
  return undefined;
}

test('the lockfile is whole, and only from the public registry', async () => {
  const lock = await readLock();
  const { allowScripts } = await readManifest();
  const complaints: string[] = [];
  for (const [path, entry] of Object.entries(lock.packages)) {
    const { resolved = '', integrity = '', hasInstallScript = false, optionalDependencies = {} } = entry;
    // npm drops optional packages that it cannot find without a word, and the next npm ci fails.
    for (const name of Object.keys(optionalDependencies)) {
      if (!isLocked(lock, path, name)) complaints.push(`${path}: ${name} has no entry`);
    }
    if (path === '') continue;
    if (!resolved.startsWith('https://registry.npmjs.org/')) complaints.push(`${path}: from ${resolved}`);
    if (!integrity.startsWith('sha512-')) complaints.push(`${path}: integrity ${integrity}`);
    if (hasInstallScript && !Object.hasOwn(allowScripts, packageOf(path) ?? ''))
      complaints.push(`${path}: an install script that package.json does not judge`);
  }

  assert.deepEqual(complaints, []);
});

async function readLock(): Promise<Lockfile> {
  return JSON.parse(await readFile(join(repository, 'package-lock.json'), 'utf8')) as Lockfile;
}

async function readManifest(): Promise<{ readonly allowScripts: Readonly<Record<string, boolean>> }> {
  return JSON.parse(await readFile(join(repository, 'package.json'), 'utf8')) as Awaited<
    ReturnType<typeof readManifest>
  >;
}

/** Where the package of a module lies: `node_modules/a/node_modules/b`. */
function folderOf(module: string): string | undefined {
  const name = packageOf(module);
  if (name === undefined) return undefined;
  return module.slice(0, module.lastIndexOf(`node_modules/${name}/`) + `node_modules/${name}`.length);
}

interface Lockfile {
  readonly packages: Readonly<
    Record<
      string,
      {
        readonly version?: string;
        readonly resolved?: string;
        readonly integrity?: string;
        readonly hasInstallScript?: boolean;
        readonly optionalDependencies?: Readonly<Record<string, string>>;
      }
    >
  >;
}

/** Whether a package that is named at a path has an entry there or further up, where Node looks for it. */
function isLocked({ packages }: Lockfile, path: string, name: string): boolean {
  for (let at = path; ; at = at.slice(0, Math.max(0, at.lastIndexOf('node_modules/') - 1))) {
    if (Object.hasOwn(packages, `${at}${at === '' ? '' : '/'}node_modules/${name}`)) return true;
    if (at === '') return false;
  }
}
