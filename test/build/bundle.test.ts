import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { copyFile, mkdir, mkdtempDisposable, readdir, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { bundleHelper, packageOf, writeBundle } from '../../build/bundle.ts';
import { request } from '../support/http.ts';
import { run, succeed } from '../support/process.ts';

const onUnix = process.platform === 'win32' ? { skip: 'npm reads the first line there' } : {};
const programs = ['berth.mjs', 'docker-credential-berth.mjs'];

suite('the bundle', () => {
  const resources = new AsyncDisposableStack();
  let out: string;
  let alone: string;
  before(async () => {
    const { path } = resources.use(await mkdtempDisposable(join(tmpdir(), 'berth-bundle-')));
    out = join(path, 'dist');
    alone = join(path, 'alone');
    await writeBundle(out);
    await mkdir(alone);
    for (const program of programs) await copyFile(join(out, program), join(alone, program));
  });
  after(() => resources.disposeAsync());

  test('alone in an empty directory it serves: a user logs in, a blob is pushed and comes back', async () => {
    process.env['BERTH_CLI'] = join(alone, 'berth.mjs');
    const { startRegistry } = await import('../support/registry.ts');
    const password = 'correct horse';
    const blob = Buffer.from('hello from berth');
    const digest = `sha256:${createHash('sha256').update(blob).digest('hex')}`;

    await using registry = await startRegistry({
      auth: 'htpasswd',
      users: { dev: { role: 'admin', password } },
    });
    const ask = (method: string, path: string, user: string, body = Buffer.alloc(0)) =>
      request(registry.url, { method, path, user, body, ca: registry.ca });
    const wrong = await ask('GET', '/v2/', 'dev:wrong');
    const right = await ask('GET', '/v2/', `dev:${password}`);
    const pushed = await ask('POST', `/v2/app/blobs/uploads/?digest=${digest}`, `dev:${password}`, blob);
    const pulled = await ask('GET', `/v2/app/blobs/${digest}`, `dev:${password}`);

    assert.deepEqual(
      [wrong.status, right.status, pushed.status, pulled.status, String(pulled.body)],
      [401, 200, 201, 200, 'hello from berth'],
    );
  });

  test('in its package it serves the window, which loads nothing but its own files', async () => {
    await using registry = await startWindow(join(out, 'berth.mjs'));
    const get = (path: string, headers = {}) =>
      request(registry.url, { path, ca: registry.ca, headers: { host: registry.address, ...headers } });

    const page = await get('/ui/');
    const html = String(page.body);
    const urls = [...html.matchAll(/(?:src|href)="([^"]*)"/g)].map(([, url = '']) => url);
    const answers = await Promise.all(
      urls.map((url) => get(new URL(url, `${registry.url}/ui/`).pathname, { 'accept-encoding': 'gzip' })),
    );

    assert.equal(page.status, 200);
    assert.ok(urls.length >= 2 && urls.every((url) => url.startsWith('./')), urls.join(' '));
    assert.doesNotMatch(html, /<script(?![^>]*\ssrc=)|<style|\sstyle=|\son\w+=/);
    for (const [at, { status, headers }] of answers.entries()) {
      assert.deepEqual([status, headers['content-encoding']], [200, 'gzip'], urls[at]);
      if (urls[at]?.includes('/assets/'))
        assert.equal(headers['cache-control'], 'public, max-age=31536000, immutable');
    }
  });

  test('the programs say their version, which is that of the package', async () => {
    const manifest = JSON.parse(await readFile(join(out, 'package.json'), 'utf8')) as {
      readonly version: string;
    };

    const printed = await succeed(process.execPath, [join(alone, 'berth.mjs'), '--version']);
    const helper = await succeed(process.execPath, [join(alone, 'docker-credential-berth.mjs'), 'version']);
    const started = await succeed(process.execPath, [join(out, 'start.mjs'), '--version']);

    assert.equal(started, printed);
    assert.equal(printed, `${manifest.version}\n`);
    assert.equal(helper, `docker-credential-berth ${manifest.version}\n`);
  });

  test('they load nothing of the fetch of Node, which they do not use', async () => {
    const tell = join(alone, 'loaded.mjs');
    await writeFile(
      tell,
      `process.on('exit', () => process.stderr.write(JSON.stringify(process.moduleLoadList.filter((name) => / (internal\\/deps\\/undici|http$)/.test(name)))));`,
    );

    const loaded = programs.map(async (program) => {
      const args = [
        `--import=${tell}`,
        join(alone, program),
        program === 'berth.mjs' ? '--version' : 'version',
      ];
      const { stderr } = await run(process.execPath, args);
      return stderr;
    });

    assert.deepEqual(await Promise.all(loaded), ['["NativeModule http"]', '[]']);
  });

  test('what npm puts on the PATH starts Node as it should run', onUnix, async () => {
    const tell = join(alone, 'tell.mjs');
    await writeFile(
      tell,
      `process.stdout.write(JSON.stringify([process.env.MALLOC_ARENA_MAX, process.execArgv])); process.exit();`,
    );
    const env = {
      PATH: [dirname(process.execPath), process.env['PATH']].join(delimiter),
      NODE_OPTIONS: `--import=${tell}`,
    };

    const told = await succeed(join(out, 'start.mjs'), ['--version'], { env });

    assert.deepEqual(JSON.parse(told), ['2', ['--max-semi-space-size=4']]);
  });

  test('under a Node that is too old it says which one it needs, and nothing else', async () => {
    const older = `Object.defineProperty(process, 'versions', { value: { node: '22.18.0' } })`;
    const flags = ['--import', `data:text/javascript,${encodeURIComponent(older)}`];

    const { code, stdout, stderr } = await run(process.execPath, [...flags, join(out, 'start.mjs'), 'serve']);

    assert.deepEqual([code, stdout], [1, '']);
    assert.equal(
      stderr,
      'Berth needs Node.js 24.11 or newer, and this is 22.18.0: install it from https://nodejs.org.\n',
    );
  });

  test('the credential helper keeps a login alone in an empty directory, and says nothing on standard error', async () => {
    const env = { HOME: alone, XDG_CONFIG_HOME: join(alone, 'config') };
    const login = { ServerURL: 'localhost:5000', Username: 'dev', Secret: 'correct horse' };
    const ask = (verb: string, input: string) =>
      run(process.execPath, [join(alone, 'docker-credential-berth.mjs'), verb], { env, input });

    const stored = await ask('store', JSON.stringify(login));
    const got = await ask('get', 'localhost:5000');
    const { modules } = await bundleHelper();

    assert.deepEqual(
      [stored.code, stored.stderr, got.code, got.stderr, JSON.parse(got.stdout)],
      [0, '', 0, '', login],
    );
    assert.deepEqual(
      [...modules.keys()].filter((module) => packageOf(module) !== undefined),
      [],
    );
  });

  test('the package has its programs, no dependencies, and the licences of what is inside', async () => {
    const manifest = JSON.parse(await readFile(join(out, 'package.json'), 'utf8')) as {
      readonly bin: object;
    };
    const notices = await readFile(join(out, 'NOTICES.txt'), 'utf8');

    assert.deepEqual(Object.keys(manifest), [
      'name',
      'version',
      'description',
      'license',
      'type',
      'bin',
      'engines',
    ]);
    assert.deepEqual(manifest.bin, {
      berth: 'start.mjs',
      'docker-credential-berth': 'docker-credential-berth.mjs',
    });
    assert.deepEqual((await readdir(out)).toSorted(), [
      'LICENSE',
      'NOTICES.txt',
      ...programs,
      'package.json',
      'start.mjs',
      'ui',
    ]);
    const inside = ['bcryptjs', 'express', 'node-forge', 'prom-client', 'react', 'react-dom', 'yaml', 'zod'];
    for (const name of inside) {
      assert.match(notices, new RegExp(`^${name} \\d`, 'm'));
    }
  });
});

/** As `npm start` does it. */
async function startWindow(program: string) {
  const { startRegistry } = await import('../support/registry.ts');
  return await startRegistry({ program, auth: 'htpasswd', args: ['--first-run'] });
}
