/** A release, put together from small files in place of what six machines build. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtempDisposable, readdir, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { parse } from 'yaml';
import {
  bundleCli,
  bundleDesktop,
  bundleExecutable,
  bundleHelper,
  notices,
  readPackage,
} from '../../build/bundle.ts';
import { writeRelease } from '../../build/release.ts';
import { writeRenderer } from '../../build/renderer.ts';
import { run, succeed } from '../support/process.ts';
import { needs } from '../support/tools.ts';

const repository = join(import.meta.dirname, '..', '..');
const version = '1.2.3';
const env = { GITHUB_SERVER_URL: 'https://github.com', GITHUB_REPOSITORY: 'someone/berth' };
const download = 'https://github.com/someone/berth/releases/download/v1.2.3';
const targets = ['linux-arm64', 'linux-x64', 'mac-arm64', 'mac-x64', 'win-arm64', 'win-x64'];
const packages = ['mac-universal.dmg', 'win-x64.exe', 'win-arm64.exe', 'linux-amd64.deb'].map(
  (end) => `Berth-${version}-${end}`,
);

const onLinux =
  process.platform === 'linux' ? needs('zip', 'unzip') : { skip: 'it is put together on Linux' };

suite('a release', onLinux, () => {
  const resources = new AsyncDisposableStack();
  let folder: string;
  let out: string;
  let manifests: string;
  before(async () => {
    folder = resources.use(await mkdtempDisposable(join(tmpdir(), 'berth-release-'))).path;
    out = join(folder, 'release');
    await mkdir(out);
    for (const name of packages) await writeFile(join(out, name), name);
    for (const target of targets) {
      const executable = join(folder, 'executables', target);
      await mkdir(executable, { recursive: true });
      await writeFile(join(executable, target.startsWith('win') ? 'berth.exe' : 'berth'), target);
      await writeFile(join(executable, 'LICENSE'), '');
    }
    await writeRelease({ folder, version, env });
    manifests = join(folder, 'manifests');
    await mkdir(manifests);
    await succeed('tar', ['-xzf', join(out, `berth-${version}-manifests.tar.gz`), '-C', manifests]);
  });
  after(() => resources.disposeAsync());

  test('has an archive of each executable, with its licence and on Linux the systemd unit', async () => {
    const listed = await Promise.all(
      targets.map(async (target) => {
        const path = join(out, `berth-${version}-${target}`);
        return target.startsWith('win')
          ? await succeed('unzip', ['-Z1', `${path}.zip`])
          : await succeed('tar', ['-tvzf', `${path}.tar.gz`]);
      }),
    );

    for (const [at, target] of targets.entries()) {
      const list = listed[at] ?? '';
      assert.match(list, /LICENSE/, target);
      assert.match(list, target.startsWith('win') ? /^berth\.exe$/m : /^-rwxr-xr-x 0\/0 .* berth$/m, target);
      assert.equal(list.includes('berth.service'), target.startsWith('linux'), target);
    }
  });

  test('has the checksums of all of its files', async (t) => {
    const sums = await readFile(join(out, 'SHA256SUMS'), 'utf8');

    const lines = sums.trimEnd().split('\n');
    const named = lines.map((line) => line.slice(66));
    assert.deepEqual(named, (await readdir(out)).filter((name) => name !== 'SHA256SUMS').toSorted());
    for (const [at, name] of named.entries()) {
      assert.equal(lines[at]?.slice(0, 66), `${sumOf(await readFile(join(out, name)))}  `, name);
    }
    const check = () => run('sha256sum', ['--check', '--strict', 'SHA256SUMS'], { cwd: out });
    const verified = await check();
    assert.equal(verified.code, 0, verified.stderr);
    t.diagnostic(`${verified.stdout.match(/: OK$/gm)?.length} of ${named.length} checksums are right`);

    const [first = ''] = packages;
    await writeFile(join(out, first), `${first.slice(0, -1)}x`);
    const changed = await check();
    await writeFile(join(out, first), first);

    assert.equal(changed.code, 1);
    assert.ok(changed.stdout.includes(`${first}: FAILED`), changed.stdout);
  });

  test('has manifests for winget with addresses and sums', async () => {
    const read = async (name: string) =>
      parse(await readFile(join(manifests, 'winget', `Berth.Berth${name}.yaml`), 'utf8')) as Manifest;

    const [main, installer, locale] = await Promise.all(['', '.installer', '.locale.en-US'].map(read));

    for (const each of [main, installer, locale]) {
      assert.deepEqual([each?.PackageIdentifier, each?.PackageVersion], ['Berth.Berth', version]);
    }
    assert.deepEqual(
      installer?.Installers,
      ['x64', 'arm64'].map((processor) => ({
        Architecture: processor,
        InstallerUrl: `${download}/Berth-${version}-win-${processor}.exe`,
        InstallerSha256: sumOf(Buffer.from(`Berth-${version}-win-${processor}.exe`)),
      })),
    );
  });

  test('has a cask and a formula for Homebrew with addresses and sums', async (t) => {
    const read = (name: string) => readFile(join(manifests, 'homebrew', name), 'utf8');
    const [cask, formula] = await Promise.all(['Casks/berth.rb', 'Formula/berth.rb'].map(read));

    const pairs = [...(formula ?? '').matchAll(/url "(.*)"\n\s+sha256 "(.*)"/g)];
    for (const [, url = '', sum] of pairs) {
      const name = url.replace(`${download}/`, '');
      assert.equal(sum, sumOf(await readFile(join(out, name))), name);
    }
    assert.equal(pairs.length, 4);
    assert.ok(cask?.includes(`sha256 "${sumOf(Buffer.from(`Berth-${version}-mac-universal.dmg`))}"`));
    assert.ok(cask?.includes(`url "${download}/Berth-#{version}-mac-universal.dmg"`));
    if (!existsSync('/usr/bin/ruby')) return t.diagnostic('there is no ruby: their syntax was not looked at');
    for (const name of ['Casks/berth.rb', 'Formula/berth.rb']) {
      await succeed('/usr/bin/ruby', ['-c', join(manifests, 'homebrew', name)]);
    }
  });

  test('says what is not signed', async () => {
    const unsigned = await readFile(join(folder, 'release-notes.md'), 'utf8');
    await writeRelease({
      folder,
      version,
      env: { ...env, SIGNED_MAC: 'true', NOTARIZED_MAC: 'true', SIGNED_WIN: 'true' },
    });
    const signed = await readFile(join(folder, 'release-notes.md'), 'utf8');

    assert.match(unsigned, /macOS is \*\*not signed\*\*[^]*Windows are \*\*not signed\*\*/);
    assert.match(signed, /macOS is signed and notarized[^]*Windows are signed/);
    assert.doesNotMatch(signed, /\*\*|\{\{/);
    assert.ok(unsigned.includes(`curl -fLO ${download}/Berth-${version}-linux-amd64.deb`));
  });

  test('is refused where a file is missing that a manifest names', async () => {
    await using other = await mkdtempDisposable(join(tmpdir(), 'berth-release-'));
    await mkdir(join(other.path, 'executables'));

    await assert.rejects(writeRelease({ folder: other.path, version, env }), {
      message: /^(?:Berth|berth)-1\.2\.3-\S+ is not in the release$/,
    });
  });
});

interface Manifest {
  readonly PackageIdentifier: string;
  readonly PackageVersion: string;
  readonly Installers?: unknown;
}

function sumOf(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}

test('the bills of materials name every package that is shipped, in its version', async (t) => {
  const workflow = await readFile(join(repository, '.github/workflows/release.yml'), 'utf8');
  const commands = [...workflow.matchAll(/run: npm (sbom .*) >out\/release\/berth\.(\w+)\.json$/gm)];
  assert.deepEqual(
    commands.map(([, , kind]) => kind),
    ['cdx', 'spdx'],
  );
  const shipped = await shippedPackages();

  for (const [, args = '', kind = ''] of commands) {
    const listed = namesIn(await succeed('npm', args.split(' '), { cwd: repository }));

    const missing = shipped.filter((each) => !listed.has(each));
    assert.deepEqual(missing, [], kind);
    t.diagnostic(
      `${kind}: ${shipped.length - missing.length} of ${shipped.length} shipped packages are among ${listed.size}`,
    );
    listed.delete(shipped[0] ?? '');
    assert.deepEqual(
      shipped.filter((each) => !listed.has(each)),
      shipped.slice(0, 1),
    );
  }
});

/** `NAME@VERSION` of the packages inside of the programs and the window, and Electron beside them. */
async function shippedPackages(): Promise<readonly string[]> {
  await using window = await mkdtempDisposable(join(tmpdir(), 'berth-shipped-'));
  const [cli, executable, helper, desktop, page] = await Promise.all([
    bundleCli(),
    bundleExecutable(),
    bundleHelper(),
    bundleDesktop(),
    writeRenderer(window.path),
  ]);
  const bundles = [cli, executable, helper, ...Object.values(desktop)];
  const text = await notices([...bundles.flatMap(({ modules }) => [...modules.keys()]), ...page]);
  const inside = [...text.matchAll(/^-{80}\n(\S+) (\S+) \(/gm)].map(([, name, at]) => `${name}@${at}`);
  assert.ok(inside.length > 80, String(inside.length));
  const electron = await readPackage(join(repository, 'node_modules/electron'));
  return [...inside, `electron@${electron.version}`];
}

/** The same of what npm sbom has written, as CycloneDX or as SPDX. */
function namesIn(text: string): Set<string> {
  const { components, packages: listed } = JSON.parse(text) as {
    readonly components?: readonly { readonly name: string; readonly version: string }[];
    readonly packages?: readonly { readonly name: string; readonly versionInfo: string }[];
  };
  return new Set([
    ...(components ?? []).map((each) => `${each.name}@${each.version}`),
    ...(listed ?? []).map((each) => `${each.name}@${each.versionInfo}`),
  ]);
}
