import assert from 'node:assert/strict';
import {
  chmod,
  lstat,
  mkdir,
  mkdtempDisposable,
  readFile,
  readdir,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { checkEngineLogin } from '../../main/engine/api/engine-auth.ts';
import { waitForReload } from '../../main/engine/api/engine-events.ts';
import {
  listEngineFolder,
  readEngineFile,
  removeEngineFile,
  writeEngineFile,
} from '../../main/engine/api/engine-files.ts';
import {
  dockerArchive,
  listNamedImages,
  loadImage,
  probeImage,
  pullImage,
  pushImage,
  removeImage,
  type ProbeImage,
  withName,
} from '../../main/engine/api/engine-images.ts';
import { readEngineInfo, readEngineVersion } from '../../main/engine/api/engine-info.ts';
import type { Endpoint } from '../../main/engine/engine.ts';
import { isAppError, type ErrorCode } from '../../registry/spec/errors.ts';
import { isInsideEngine } from '../support/engine.ts';
import { request } from '../support/http.ts';
import { succeed } from '../support/process.ts';
import { startRegistry, type TestRegistry } from '../support/registry.ts';

/** A name that is not loopback for docker, so that it verifies the certificate: see private-engine.sh. */
const engineName = 'registry.berth.test';
const endpoint: Endpoint = { kind: 'socket', path: '/var/run/docker.sock' };
const folder = '/etc/docker';
const certificates = join(folder, 'certs.d');
const dev = { user: 'dev', password: 'correct horse' };
const untrusted =
  /Get "https:\/\/registry\.berth\.test:\d+\/v2\/": x509: certificate signed by unknown authority$/;

if (await isInsideEngine(import.meta.filename)) {
  suite('the API of docker, of a private engine', () => {
    const resources = new AsyncDisposableStack();
    let registry: TestRegistry;
    let address: string;
    before(async () => {
      const { path } = resources.use(await mkdtempDisposable(join(tmpdir(), 'berth-api-')));
      registry = resources.use(
        await startRegistry({
          auth: 'htpasswd',
          users: { dev: { role: 'admin', password: dev.password } },
          listen: '0.0.0.0:0',
          dataDir: join(path, 'data'),
          env: { BERTH_TLS_NAMES: `[${engineName}]` },
        }),
      );
      address = `${engineName}:${registry.port}`;
    });
    after(() => resources.disposeAsync());

    test('the engine says what it is, and that it is no Podman', async () => {
      const [info, version] = await Promise.all([readEngineInfo(endpoint), readEngineVersion(endpoint)]);

      const shown = await docker('version', '--format', '{{.Server.Version}} {{.Server.Arch}}');
      assert.equal(`${version.version} ${version.architecture}\n`, shown);
      assert.deepEqual([info.serverVersion, version.isPodman], [version.version, false]);
      assert.deepEqual([info.insecureRegistries, info.mirrors], [['127.0.0.0/8'], []]);
    });

    test('a certificate in its place makes the login work, a wrong password is refused, its removal undoes it', async () => {
      const place = { folder, path: `certs.d/${address}/berth.crt` };
      const ca = Buffer.from(registry.ca ?? '');
      await mkdir(join(certificates, 'other:1'), { recursive: true });
      await writeFile(join(certificates, 'other:1', 'ca.crt'), 'of somebody else');
      await assert.rejects(checkEngineLogin(endpoint, { address, ...dev }), failure(untrusted));
      assert.equal(await readEngineFile(endpoint, place), undefined);

      await writeEngineFile(endpoint, { ...place, mode: 0o644 }, ca);

      await checkEngineLogin(endpoint, { address, ...dev });
      await assert.rejects(
        checkEngineLogin(endpoint, { address, user: 'dev', password: 'wrong' }),
        failure(/failed with status: 401 Unauthorized$/),
      );
      assert.deepEqual(await readEngineFile(endpoint, place), { bytes: ca, mode: 0o644 });
      assert.deepEqual(await readFile(join(folder, place.path)), ca);
      assert.deepEqual(
        new Set(await listEngineFolder(endpoint, { folder, path: 'certs.d' })),
        new Set(['other:1', address].map((name) => ({ name, kind: 'directory' }))),
      );
      const made = await stat(join(certificates, address));
      assert.deepEqual([made.mode & 0o777, made.uid, made.gid], [0o755, 0, 0]);

      assert.equal(await removeEngineFile(endpoint, place), 'removed');

      await assert.rejects(checkEngineLogin(endpoint, { address, ...dev }), failure(untrusted));
      assert.deepEqual(await readdir(certificates), ['other:1']);
      assert.equal(await readFile(join(certificates, 'other:1', 'ca.crt'), 'utf8'), 'of somebody else');
      assert.equal(await removeEngineFile(endpoint, place), 'absent');
      assert.equal(await leftovers(), '');
    });

    test('the engine pushes and pulls the probe image, and a wrong password is refused', async () => {
      await using cleanup = new AsyncDisposableStack();
      cleanup.use(await trusted(address, registry));
      const ref = `${address}/probe/engine:1`;
      const image = await imageForEngine();
      await loadImage(endpoint, dockerArchive(image, 'berth-probe:1'));
      await succeed('docker', ['tag', 'berth-probe:1', ref]);
      await removeImage(endpoint, 'berth-probe:1');
      const wrong = { user: 'dev', password: 'wrong' };

      await assert.rejects(pushImage(endpoint, ref, wrong), failure(/unauthorized/));
      const pushed = await pushImage(endpoint, ref, dev);
      await removeImage(endpoint, ref);
      const afterRemoval = await docker('images', '--quiet');
      await assert.rejects(pullImage(endpoint, ref, wrong), failure(/unauthorized/));
      const pulled = await pullImage(endpoint, ref, dev);

      const id = await docker('image', 'inspect', '--format', '{{.Id}}', ref);
      await removeImage(endpoint, ref);
      await removeImage(endpoint, ref);
      assert.equal(afterRemoval, '');
      assert.equal(id.trim(), image.config.digest);
      const stored = await request(registry.url, {
        path: '/v2/probe/engine/manifests/1',
        headers: { accept: 'application/vnd.docker.distribution.manifest.v2+json' },
        ca: registry.ca,
        user: `dev:${dev.password}`,
      });
      assert.deepEqual([pushed, pulled], Array(2).fill(stored.headers['docker-content-digest']));
    });

    test('the engine pulls the probe image that was pushed without it', async () => {
      await using cleanup = new AsyncDisposableStack();
      cleanup.use(await trusted(address, registry));
      const { manifest, config, layer } = await imageForEngine();
      const user = `dev:${dev.password}`;
      const put = async (path: string, body: Buffer, type: string) => {
        const headers = { 'content-type': type };
        const { status } = await request(registry.url, {
          method: 'PUT',
          path,
          body,
          headers,
          ca: registry.ca,
          user,
        });
        assert.equal(status, 201, path);
      };
      for (const { bytes, digest } of [config, layer]) {
        const upload = await request(registry.url, {
          method: 'POST',
          path: '/v2/probe/http/blobs/uploads/',
          ca: registry.ca,
          user,
        });
        const location = new URL(upload.headers.location ?? '', registry.url);
        location.searchParams.set('digest', digest);
        await put(`${location.pathname}${location.search}`, bytes, 'application/octet-stream');
      }
      await put('/v2/probe/http/manifests/1', manifest.bytes, manifest.mediaType);

      const pulled = await pullImage(endpoint, `${address}/probe/http:1`, dev);

      const id = await docker('image', 'inspect', '--format', '{{.Id}}', `${address}/probe/http:1`);
      await removeImage(endpoint, `${address}/probe/http:1`);
      assert.deepEqual([pulled, id.trim()], [manifest.digest, config.digest]);
    });

    test('named images are listed, and a name that is lent to one is gone afterwards, or means again what it meant', async () => {
      const [first, second] = ['amd64', 'arm64'].map((architecture) => probeImage(architecture, 'one'));
      assert.ok(first !== undefined && second !== undefined);
      await loadImage(endpoint, dockerArchive(first, 'lent/first:1'));
      await loadImage(endpoint, dockerArchive(second, 'lent/second:1'));
      const names = async (): Promise<readonly string[]> =>
        (await listNamedImages(endpoint))
          .filter(({ name }) => name.includes('lent/'))
          .map(({ id, name }) => `${name} ${id}`)
          .toSorted();
      const former = await names();
      const lent: (readonly string[])[] = [];

      await withName(endpoint, first.config.digest, `${address}/lent/new:1`, async () =>
        lent.push(await names()),
      );
      const left = await names();
      await docker('tag', 'lent/second:1', `${address}/lent/taken:1`);
      const taken = await names();
      await assert.rejects(
        withName(endpoint, first.config.digest, `${address}/lent/taken:1`, async () => {
          lent.push(await names());
          throw new Error('the push failed');
        }),
        /the push failed/,
      );

      assert.deepEqual(former, [
        `lent/first:1 ${first.config.digest}`,
        `lent/second:1 ${second.config.digest}`,
      ]);
      assert.deepEqual(lent, [
        [`${address}/lent/new:1 ${first.config.digest}`, ...former].toSorted(),
        [`${address}/lent/taken:1 ${first.config.digest}`, ...former].toSorted(),
      ]);
      assert.deepEqual([left, await names()], [former, taken]);
      for (const name of ['lent/first:1', 'lent/second:1', `${address}/lent/taken:1`]) {
        await removeImage(endpoint, name);
      }
    });

    test('what others have in the folder of a registry stays, and an old file keeps its mode', async () => {
      await using host = await folderOf('others:1');
      await writeFile(join(host.path, 'theirs.crt'), 'theirs');
      await writeFile(join(host.path, 'berth.crt'), 'old');
      await chmod(join(host.path, 'berth.crt'), 0o600);
      const place = { folder, path: 'certs.d/others:1/berth.crt' };

      await writeEngineFile(endpoint, { ...place, mode: 0o644 }, Buffer.from('new'));
      const written = await readEngineFile(endpoint, place);
      const removal = await removeEngineFile(endpoint, place);

      assert.deepEqual(written, { bytes: Buffer.from('new'), mode: 0o600 });
      assert.equal(removal, 'removed');
      assert.deepEqual(await readdir(host.path), ['theirs.crt']);
      assert.equal(await leftovers(), '');
    });

    test('an empty folder goes only below certs.d', async () => {
      await mkdir(join(folder, 'plain/inner'), { recursive: true });
      await writeFile(join(folder, 'plain/inner/berth.crt'), '');

      const removal = await removeEngineFile(endpoint, { folder, path: 'plain/inner/berth.crt' });

      assert.deepEqual([removal, await readdir(join(folder, 'plain'))], ['removed', ['inner']]);
      await rm(join(folder, 'plain'), { recursive: true });
    });

    test('a link or directory in the way is refused and stays as it is', async () => {
      await using host = await folderOf('ways:1');
      await mkdir(join(host.path, 'dir.crt'));
      await writeFile(join(host.path, 'dir.crt/inner'), '');
      await writeFile(join(host.path, 'file.crt'), 'target');
      await symlink('file.crt', join(host.path, 'link.crt'));
      await symlink('ways:1', join(certificates, 'link:1'));
      const bytes = Buffer.from('new');
      const cases = [
        ['certs.d/ways:1/dir.crt', /is no file but a directory\.$/],
        ['certs.d/ways:1/link.crt', /is no file but a link\.$/],
        ['certs.d/link:1/file.crt', /"\/etc\/docker\/certs\.d\/link:1\/file\.crt" .* is below a link\.$/],
        ['certs.d/ways:1/file.crt/below.crt', /is below a file\.$/],
      ] as const;

      for (const [path, message] of cases) {
        const place = { folder, path };
        const refused = failure(message, 'CHANGE_REFUSED');
        await assert.rejects(writeEngineFile(endpoint, { ...place, mode: 0o644 }, bytes), refused, path);
        await assert.rejects(readEngineFile(endpoint, place), refused, path);
        if (path.endsWith('link.crt')) continue;
        await assert.rejects(removeEngineFile(endpoint, place), refused, path);
      }
      const removal = await removeEngineFile(endpoint, { folder, path: 'certs.d/ways:1/link.crt' });

      assert.equal(removal, 'removed');
      assert.deepEqual((await readdir(host.path)).toSorted(), ['dir.crt', 'file.crt']);
      assert.deepEqual(await readdir(join(host.path, 'dir.crt')), ['inner']);
      assert.equal(await readFile(join(host.path, 'file.crt'), 'utf8'), 'target');
      assert.ok((await lstat(join(certificates, 'link:1'))).isSymbolicLink());
      await rm(join(certificates, 'link:1'));
      assert.equal(await leftovers(), '');
    });

    test('a folder that is not there holds no file, until one is written', async () => {
      await using temp = await mkdtempDisposable(join(tmpdir(), 'berth-engine-folder-'));
      const place = { folder: join(temp.path, 'a/b'), path: 'c/d.conf' };

      const unwritten = [
        await readEngineFile(endpoint, place),
        await listEngineFolder(endpoint, { ...place, path: 'c' }),
        await removeEngineFile(endpoint, place),
        await readdir(temp.path),
      ];
      await writeEngineFile(endpoint, { ...place, mode: 0o640 }, Buffer.from('x'));

      assert.deepEqual(unwritten, [undefined, undefined, 'absent', []]);
      assert.deepEqual(await readEngineFile(endpoint, place), { bytes: Buffer.from('x'), mode: 0o640 });
      assert.equal(await leftovers(), '');
    });

    test('an abort at any moment leaves neither container nor image', async () => {
      const place = { folder, path: 'certs.d/abort:1/berth.crt', mode: 0o644 };

      for (let afterMs = 5; ; afterMs = Math.ceil(afterMs * 1.3)) {
        const outcome: unknown = await writeEngineFile(endpoint, place, Buffer.from('x'), {
          signal: AbortSignal.timeout(afterMs),
        }).then(
          () => 'written',
          (error: unknown) => (error instanceof Error ? error.name : error),
        );
        assert.equal(await leftovers(), '', `after ${afterMs} ms`);
        if (outcome === 'written') break;
        assert.equal(outcome, 'TimeoutError');
      }
      assert.equal(await removeEngineFile(endpoint, place), 'removed');
    });

    test('what a killed run left behind goes at the next use; what is in use stays, and so does what is not ours', async () => {
      const leave = async (name: string, labels: readonly string[]) => {
        const changes = labels.flatMap((label) => ['--change', `LABEL ${label}`]);
        const tar = Buffer.alloc(1024);
        await succeed('docker', ['import', ...changes, '-', `${name}:1`], { input: tar });
        await docker(
          'create',
          '--name',
          name,
          ...labels.flatMap((label) => ['--label', label]),
          `${name}:1`,
          '/x',
        );
      };
      const minuteMs = 60_000;
      await leave('killed', ['io.berth=engine-files', `io.berth.started=${Date.now() - 11 * minuteMs}`]);
      await leave('in-use', ['io.berth=engine-files', `io.berth.started=${Date.now() - minuteMs}`]);
      await leave('theirs', [`io.berth.started=${Date.now() - 11 * minuteMs}`]);

      await readEngineFile(endpoint, { folder, path: 'daemon.json' });

      const containers = await docker('ps', '--all', '--format', '{{.Names}}');
      const images = await docker('images', '--format', '{{.Repository}}');
      await docker('rm', 'in-use', 'theirs');
      await docker('rmi', 'in-use:1', 'theirs:1');
      assert.deepEqual(containers.trim().split('\n').toSorted(), ['in-use', 'theirs']);
      assert.deepEqual(images.trim().split('\n').toSorted(), ['in-use', 'theirs']);
    });

    test('daemon.json is read and written through the API, and its reload is seen', async () => {
      const place = { folder, path: 'daemon.json' };
      const write = (text: string) => writeEngineFile(endpoint, { ...place, mode: 0o644 }, Buffer.from(text));
      const trigger = async () => void (await succeed('engine', ['reload']));
      await write(
        `{"insecure-registries":["${address}","10.1.0.0/16"],"registry-mirrors":["http://127.0.0.1:1"]}`,
      );

      const attributes = await waitForReload(endpoint, { trigger, timeoutMs: 20_000 });
      const info = await readEngineInfo(endpoint);

      assert.deepEqual(
        [attributes['insecure-registries'], attributes['registry-mirrors']],
        [`["${address}","10.1.0.0/16"]`, '["http://127.0.0.1:1"]'],
      );
      assert.deepEqual(new Set(info.insecureRegistries), new Set([address, '10.1.0.0/16', '127.0.0.0/8']));
      assert.deepEqual(info.mirrors, ['http://127.0.0.1:1/']);
      assert.match(String((await readEngineFile(endpoint, place))?.bytes), /^\{"insecure-registries"/);

      await write('{');
      await assert.rejects(
        waitForReload(endpoint, { trigger, timeoutMs: 700 }),
        failure(/did not read its configuration again within 700 ms\.$/),
      );

      await write('{"insecure-registries":[],"registry-mirrors":[]}');
      await waitForReload(endpoint, { trigger, timeoutMs: 20_000 });
      assert.equal(await removeEngineFile(endpoint, place), 'removed');
      assert.deepEqual((await readEngineInfo(endpoint)).insecureRegistries, ['127.0.0.0/8']);
      assert.equal(await readEngineFile(endpoint, place), undefined);
    });
  });
}

function docker(...args: readonly string[]): Promise<string> {
  return succeed('docker', args);
}

/** Names of all containers and images of the engine; each test ends with none. */
async function leftovers(): Promise<string> {
  const containers = await docker('ps', '--all', '--format', '{{.Names}}');
  return containers + (await docker('images', '--all', '--format', '{{.Repository}}'));
}

async function imageForEngine(): Promise<ProbeImage> {
  const { architecture } = await readEngineVersion(endpoint);
  return probeImage(architecture ?? '', 'one');
}

/** A folder below certs.d that goes away in the end. */
async function folderOf(host: string): Promise<AsyncDisposable & { readonly path: string }> {
  const path = join(certificates, host);
  await mkdir(path, { recursive: true });
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true }) };
}

async function trusted(address: string, registry: TestRegistry): Promise<AsyncDisposable> {
  const host = await folderOf(address);
  await writeFile(join(host.path, 'ca.crt'), registry.ca ?? '');
  return host;
}

/** Accepts the error of that code whose message matches, and does not hold the password. */
function failure(message: RegExp, code: ErrorCode = 'ENGINE_FAILED'): (error: unknown) => boolean {
  return (error) => {
    assert.ok(isAppError(error, code), String(error));
    assert.match(error.message, message);
    return !error.message.includes(dev.password);
  };
}
