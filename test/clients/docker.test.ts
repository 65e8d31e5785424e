import assert from 'node:assert/strict';
import { readdir, mkdir, mkdtempDisposable, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { isInsideEngine } from '../support/engine.ts';
import { request } from '../support/http.ts';
import { makeImage } from '../support/image.ts';
import { run, succeed, type RunResult } from '../support/process.ts';
import { startRegistry, type RegistryOptions, type TestRegistry } from '../support/registry.ts';
import { quantile } from '../support/statistics.ts';
import { needs } from '../support/tools.ts';
import { users } from './workspace.ts';

/** How often docker pushes while the registry restarts, after each signal. No DOCKER_ name: those do not reach the engine. */
const restarts = Number(process.env['PUSH_RESTARTS'] ?? 1);

/** A name that is not loopback for docker, so that it verifies the certificate: see private-engine.sh. */
const engineName = 'registry.berth.test';

if (await isInsideEngine(import.meta.filename)) {
  suite('docker with a private engine', () => {
    const resources = new AsyncDisposableStack();
    let folder: string;
    let registry: TestRegistry;
    before(async () => {
      folder = resources.use(await mkdtempDisposable(join(tmpdir(), 'berth-docker-'))).path;
      registry = resources.use(await start('0.0.0.0:0', join(folder, 'data')));
      await makeImage({ out: join(folder, 'app.tar'), ref: 'app:1', layers: 2 });
    });
    after(() => resources.disposeAsync());

    /** Loads the small image under the name and answers it; nothing of it is in the engine before. */
    const load = async (ref: string): Promise<string> => {
      await docker('load', '--input', join(folder, 'app.tar'));
      await docker('tag', 'app:1', ref);
      await docker('rmi', 'app:1');
      return ref;
    };

    for (const { host, verified } of [
      { host: 'localhost', verified: false },
      { host: engineName, verified: true },
    ]) {
      test(`at ${host}, ${verified ? 'once it trusts the CA' : 'with nothing set up'}: login, push, pull, run`, async () => {
        const address = `${host}:${registry.port}`;
        const name = `${address}/docker/app`;
        if (verified) {
          const untrusted = await login(address, 'dev');
          assert.notEqual(untrusted.code, 0);
          assert.match(
            untrusted.stderr,
            new RegExp(`Get "https://${address}/v2/": x509: certificate signed by unknown authority`),
          );
          await trust(address, registry);
        }

        const wrong = await login(address, 'dev', 'wrong');
        const right = await login(address, 'dev');
        await load(`${name}:1`);
        const pushed = digestIn(await docker('push', `${name}:1`));
        await docker('rmi', `${name}:1`);
        const pulledByTag = digestIn(await docker('pull', `${name}:1`));
        const output = await docker('run', '--rm', '--network', 'none', `${name}:1`);
        await docker('rmi', `${name}:1`);
        const pulledByDigest = digestIn(await docker('pull', `${name}@${pushed}`));
        await docker('rmi', `${name}@${pushed}`);

        assert.notEqual(wrong.code, 0);
        assert.match(wrong.stderr, /401 Unauthorized/);
        assert.match(right.stdout, /Login Succeeded/);
        assert.deepEqual([pulledByTag, pulledByDigest, output], [pushed, pushed, 'hello from berth\n']);
      });
    }

    test('a second push of the same image sends no layer again', async () => {
      const address = `localhost:${registry.port}`;
      await login(address, 'dev');
      const ref = await load(`${address}/docker/twice:1`);
      await docker('push', ref);

      const second = await docker('push', ref);

      assert.equal(second.match(/Layer already exists/g)?.length, 3, second);
    });

    test('without a login neither push nor pull works', async () => {
      const address = `localhost:${registry.port}`;
      await docker('logout', address);
      const ref = await load(`${address}/docker/anonymous:1`);

      assert.match(await refuse('push', ref), /no basic auth credentials/);
      assert.match(await refuse('pull', ref), /no basic auth credentials/);
    });

    test('a push with the role pull is refused with a sentence, and a pull works', async () => {
      const address = `localhost:${registry.port}`;
      await login(address, 'dev');
      const ref = await load(`${address}/docker/readable:1`);
      await docker('push', ref);
      await login(address, 'reader');
      await docker('tag', ref, `${address}/docker/readable:2`);

      const refused = await refuse('push', `${address}/docker/readable:2`);

      assert.match(refused, /^denied: The user reader may not push in docker\/readable\. An administrator /m);
      await docker('pull', ref);
    });

    test('an index pushed by skopeo is pulled for each platform', needs('skopeo'), async () => {
      const address = `localhost:${registry.port}`;
      const ref = `${address}/docker/multi:1`;
      const layout = join(folder, 'multi');
      const index = await makeImage({
        out: layout,
        ref: 'multi:1',
        platforms: ['linux/amd64', 'linux/arm64'],
      });
      const certDir = join(folder, 'certs');
      await mkdir(certDir);
      await writeFile(join(certDir, 'ca.crt'), registry.ca ?? '');
      const creds = `dev:${users.dev.password}`;
      const copy = ['copy', '--all', '--dest-cert-dir', certDir, '--dest-creds', creds];
      await succeed('skopeo', [...copy, `oci:${layout}:1`, `docker://${ref}`]);
      await login(address, 'dev');

      for (const architecture of ['amd64', 'arm64']) {
        const pulled = digestIn(await docker('pull', '--platform', `linux/${architecture}`, ref));
        const shown = await docker('image', 'inspect', '--format', '{{.Architecture}}', ref);
        assert.deepEqual([pulled, shown.trim()], [index.digest, architecture]);
      }
    });

    test('a tag that the API deletes can no longer be pulled, another one can', async () => {
      const address = `localhost:${registry.port}`;
      await login(address, 'dev');
      const gone = await load(`${address}/docker/tags:gone`);
      const stays = `${address}/docker/tags:stays`;
      await docker('tag', gone, stays);
      for (const ref of [gone, stays]) await docker('push', ref);

      const { status } = await request(registry.url, {
        method: 'DELETE',
        path: '/v2/docker/tags/manifests/gone',
        ca: registry.ca,
        user: `dev:${users.dev.password}`,
      });

      assert.equal(status, 202);
      assert.match(await refuse('pull', gone), /manifest unknown/);
      await docker('pull', stays);
    });

    for (const [at, signal] of (['SIGTERM', 'SIGKILL'] as const).entries()) {
      test(`${restarts} pushes go on to their end over a restart after ${signal}`, async (t) => {
        const dataDir = join(folder, `restart-${signal}`);
        let current = await start('0.0.0.0:0', dataDir);
        const { port } = current;
        try {
          const address = `localhost:${port}`;
          const tar = join(folder, `${signal}.tar`);
          await login(address, 'builder');
          const times: { readonly endedMs: number; readonly backMs: number }[] = [];
          for (let round = 0; round < restarts; round++) {
            // Of its own: what a former push has left there looks like one that is under way.
            const repository = `docker/restart-${round}`;
            const ref = `${address}/${repository}:latest`;
            const seed = 10 + 2 * round + at;
            await makeImage({ out: tar, ref, layers: 3, layerMib: 24, compression: 'none', seed });
            await docker('load', '--input', tar);

            const pushing = docker('push', ref);
            await uploadUnderWay(dataDir, repository);
            const killedAt = performance.now();
            await current.kill(signal);
            const endedMs = performance.now() - killedAt;
            current = await start(`0.0.0.0:${port}`, dataDir, {});
            times.push({ endedMs, backMs: performance.now() - killedAt - endedMs });
            const pushed = digestIn(await pushing);

            await docker('rmi', ref);
            assert.equal(digestIn(await docker('pull', ref)), pushed);
            assert.equal(await docker('run', '--rm', '--network', 'none', ref), 'hello from berth\n');
            await docker('rmi', ref);
          }
          const told = (values: readonly number[]): string =>
            `${quantile(values, 0.5).toFixed(0)} ms (median), ${Math.max(...values).toFixed(0)} ms at most`;
          t.diagnostic(
            `${restarts} of ${restarts} docker pushes over a restart after ${signal} ended well; requests that ran were waited for ${told(times.map(({ endedMs }) => endedMs))}, and it was back after another ${told(times.map(({ backMs }) => backMs))}`,
          );
        } finally {
          assert.equal((await current.stop()).code, 0);
          await current[Symbol.asyncDispose]();
        }
      });
    }
  });
}

function docker(...args: readonly string[]): Promise<string> {
  return succeed('docker', args);
}

/** Runs a docker command that must fail, and answers what it prints. */
async function refuse(...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await run('docker', args);
  assert.notEqual(code, 0, `docker ${args.join(' ')} should fail\n${stdout}`);
  return stdout + stderr;
}

function login(
  address: string,
  name: keyof typeof users,
  password: string = users[name].password,
): Promise<RunResult> {
  return run('docker', ['login', '--username', name, '--password-stdin', address], { input: password });
}

function start(
  listen: string,
  dataDir: string,
  newUsers: RegistryOptions['users'] = users,
): Promise<TestRegistry> {
  return startRegistry({
    auth: 'htpasswd',
    ...(newUsers === undefined ? {} : { users: newUsers }),
    listen,
    dataDir,
    env: { BERTH_TLS_NAMES: `[${engineName}]` },
  });
}

/** What a person does to let docker trust the registry: no reload, no restart. */
async function trust(address: string, registry: TestRegistry): Promise<void> {
  const folder = `/etc/docker/certs.d/${address}`;
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'ca.crt'), registry.ca ?? '');
}

/** docker prints the digest in lower-case words after a push and in a line of its own after a pull. */
function digestIn(output: string): string {
  const digest = /digest: (sha256:[0-9a-f]{64})/i.exec(output)?.[1];
  assert.ok(digest, output);
  return digest;
}

/** Waits until some upload of the repository has bytes on disk. */
async function uploadUnderWay(dataDir: string, name: string): Promise<void> {
  const uploads = join(dataDir, 'docker/registry/v2/repositories', name, '_uploads');
  for (const deadline = Date.now() + 30_000; Date.now() < deadline; await delay(5)) {
    for (const id of await readdir(uploads).catch(() => [])) {
      const size = await stat(join(uploads, id, 'data')).then(
        (file) => file.size,
        () => 0,
      );
      if (size > 1 << 20) return;
    }
  }
  throw new Error(`no upload began in ${uploads}`);
}
