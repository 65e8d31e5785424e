/** The single executable: built from the Node that runs this, and used as people and clients use it. */
import assert from 'node:assert/strict';
import { mkdir, mkdtempDisposable, readFile, stat, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { writeExecutable } from '../../build/executable.ts';
import { request } from '../support/http.ts';
import { makeImage } from '../support/image.ts';
import { run, succeed } from '../support/process.ts';
import { needs } from '../support/tools.ts';

const helper = 'docker-credential-berth';

suite('the single executable', () => {
  const resources = new AsyncDisposableStack();
  let folder: string;
  let program: string;
  before(async () => {
    folder = resources.use(await mkdtempDisposable(join(tmpdir(), 'berth-executable-'))).path;
    program = await writeExecutable(join(folder, 'built'));
    await mkdir(join(folder, 'bin'));
    await symlink(program, join(folder, 'bin', helper));
  });
  after(() => resources.disposeAsync());

  test('says its version, needs no Node, and brings the licences of what is inside', async (t) => {
    const { version } = JSON.parse(
      await readFile(join(import.meta.dirname, '../../package.json'), 'utf8'),
    ) as { readonly version: string };

    const printed = await run(program, ['--version'], { env: { PATH: '/nowhere' } });
    const notices = await readFile(join(folder, 'built', 'NOTICES.txt'), 'utf8');

    t.diagnostic(`${((await stat(program)).size / 1e6).toFixed(0)} MB`);
    assert.deepEqual([printed.code, printed.stdout, printed.stderr], [0, `${version}\n`, '']);
    for (const name of ['bcryptjs', 'express', 'react'])
      assert.match(notices, new RegExp(`^${name} \\d`, 'm'));
  });

  test(
    'serves in the background: skopeo logs in and pushes, a browser gets the window, and it stops',
    {
      ...needs('skopeo', 'busybox'),
    },
    async () => {
      await using served = await startServed(program, join(folder, 'data'));
      const { address, ca, password, berth } = served;
      const image = join(folder, 'image');
      await makeImage({ out: image, ref: 'app:1' });
      const certificates = join(folder, 'certificates');
      await mkdir(certificates);
      await succeed('cp', [join(folder, 'data/berth/tls/ca.crt'), certificates]);
      const copy = (login: string) =>
        run(
          'skopeo',
          [
            'copy',
            '--dest-cert-dir',
            certificates,
            '--dest-creds',
            login,
            `oci:${image}:1`,
            `docker://${address}/app:1`,
          ],
          { env: { HOME: folder } },
        );

      // Each login is a comparison in a worker thread.
      const refused = await copy('dev:wrong');
      const pushed = await copy(`dev:${password}`);
      const rows = JSON.parse(await berth('tags', 'app', '--json')) as readonly { readonly tag: string }[];
      const page = await request(`https://${address}`, { path: '/ui/', ca, headers: { host: address } });
      const script = /src="\.\/([^"]*\.js)"/.exec(String(page.body))?.[1] ?? 'none';
      const asset = await request(`https://${address}`, {
        path: `/ui/${script}`,
        ca,
        headers: { host: address, 'accept-encoding': 'gzip' },
      });

      assert.notEqual(refused.code, 0);
      assert.equal(pushed.code, 0, pushed.stderr);
      assert.equal(rows.length, 1, JSON.stringify(rows));
      assert.deepEqual([page.status, asset.status, asset.headers['content-encoding']], [200, 200, 'gzip']);
      assert.ok(asset.body.length > 1000, String(asset.body.length));
    },
  );

  const names = [
    { name: 'by the name it is started with', command: () => [join(folder, 'bin', helper)] },
    { name: 'by its first word', command: () => [program, helper] },
  ];
  for (const { name, command } of names) {
    test(`is the credential helper ${name}`, async () => {
      const home = join(folder, name.replaceAll(' ', '-'));
      const login = { ServerURL: 'localhost:5000', Username: 'dev', Secret: 'correct horse' };
      const [first = '', ...words] = command();
      const ask = (verb: string, input: string) =>
        run(first, [...words, verb], { env: { HOME: home, XDG_CONFIG_HOME: join(home, 'config') }, input });

      const stored = await ask('store', JSON.stringify(login));
      const got = await ask('get', 'localhost:5000');
      const unknown = await ask('get', 'localhost:5001');

      assert.deepEqual(
        [stored.code, stored.stderr, got.code, got.stderr, JSON.parse(got.stdout)],
        [0, '', 0, '', login],
      );
      assert.equal(unknown.code, 1);
    });
  }
});

/** `berth up` on a data directory, which starts the same executable once more; `berth down` at the end. */
async function startServed(program: string, dataDir: string) {
  const env = { REGISTRY_HTTP_ADDR: '127.0.0.1:0', BERTH_WEB_ENABLED: 'true', HOME: dataDir };
  const berth = (...args: readonly string[]): Promise<string> =>
    succeed(program, [...args, '--data', dataDir], { env });
  const { urls } = JSON.parse(await berth('up', '--json')) as { readonly urls: readonly string[] };
  return {
    berth,
    address: new URL(urls[0] ?? '').host,
    ca: await readFile(join(dataDir, 'berth/tls/ca.crt'), 'utf8'),
    password: (await readFile(join(dataDir, 'berth/first-password'), 'utf8')).trim(),
    [Symbol.asyncDispose]: async () => void (await berth('down')),
  };
}
