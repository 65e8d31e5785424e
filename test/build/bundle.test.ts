import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { copyFile, mkdir, mkdtempDisposable, readdir, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { writeBundle } from '../../build/bundle.ts';
import { request } from '../support/http.ts';
import { succeed } from '../support/process.ts';

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
    await copyFile(join(out, 'berth.mjs'), join(alone, 'berth.mjs'));
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

  test('says its version, which is that of the package', async () => {
    const manifest = JSON.parse(await readFile(join(out, 'package.json'), 'utf8')) as {
      readonly version: string;
    };

    const printed = await succeed(process.execPath, [join(alone, 'berth.mjs'), '--version']);

    assert.equal(printed, `${manifest.version}\n`);
  });

  test('the package has one program, no dependencies, and the licences of what is inside', async () => {
    const manifest = JSON.parse(await readFile(join(out, 'package.json'), 'utf8')) as object;
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
    assert.deepEqual((await readdir(out)).toSorted(), [
      'LICENSE',
      'NOTICES.txt',
      'berth.mjs',
      'package.json',
    ]);
    for (const name of ['bcryptjs', 'express', 'node-forge', 'prom-client', 'yaml', 'zod']) {
      assert.match(notices, new RegExp(`^${name} \\d`, 'm'));
    }
  });
});
