import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdir, mkdtempDisposable, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import type { Endpoint } from '../engine.ts';
import { type Host, thisHost } from '../host.ts';
import { findEndpoint, findEndpoints } from './docker-endpoints.ts';

async function write(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, text);
}

/** A context as the docker command stores it. */
async function writeContext(config: string, name: string, url: string): Promise<string> {
  const id = createHash('sha256').update(name).digest('hex');
  const meta = { Name: name, Metadata: {}, Endpoints: { docker: { Host: url, SkipTLSVerify: false } } };
  await write(join(config, 'contexts', 'meta', id, 'meta.json'), JSON.stringify(meta));
  return join(config, 'contexts', 'tls', id, 'docker');
}

function hostIn(root: string, env: Readonly<Record<string, string>> = {}): Host {
  const home = join(root, 'home');
  return {
    ...thisHost({ HOME: home, ...env }),
    platform: 'linux',
    systemPath: (path) => join(root, 'sys', path),
  };
}

test('the forms of DOCKER_HOST are read as docker reads them', () => {
  const cases: readonly [string, string | undefined, Endpoint | undefined][] = [
    ['unix:///run/x.sock', undefined, { kind: 'socket', path: '/run/x.sock' }],
    [
      'npipe:////./pipe/docker_engine',
      undefined,
      { kind: 'socket', path: String.raw`\\.\pipe\docker_engine` },
    ],
    ['tcp://10.0.0.5', undefined, { kind: 'tcp', host: '10.0.0.5', port: 2375 }],
    ['tcp://10.0.0.5', '/tls', { kind: 'tcp', host: '10.0.0.5', port: 2376, tlsFolder: '/tls' }],
    ['tcp://[::1]:4000', undefined, { kind: 'tcp', host: '::1', port: 4000 }],
    ['http://build.test:80', undefined, { kind: 'tcp', host: 'build.test', port: 80 }],
    ['ssh://ann@box', undefined, { kind: 'ssh', url: 'ssh://ann@box' }],
    ['fd://', undefined, undefined],
    ['tcp://a b', undefined, undefined],
    ['', undefined, undefined],
  ];

  for (const [text, tls, endpoint] of cases) assert.deepEqual(findEndpoint(text, tls), endpoint, text);
});

test('contexts, the environment and well-known sockets lead to one candidate for each place', async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'berth-endpoints-'));
  const host = hostIn(folder.path, { XDG_RUNTIME_DIR: '/run/user/1000' });
  const config = join(host.home, '.docker');
  const colima = join(host.home, '.colima', 'default', 'docker.sock');
  await writeContext(config, 'colima', `unix://${colima}`);
  const tls = await writeContext(config, 'far', 'tcp://build.test:2376');
  await mkdir(tls, { recursive: true });
  await write(join(config, 'contexts', 'meta', 'broken', 'meta.json'), '{');
  await write(join(config, 'config.json'), '{"currentContext":"far"}');
  await write(colima, '');
  await mkdir(join(host.home, '.colima', '_lima'), { recursive: true });
  // Docker Desktop for Mac: the socket of the system is a link to the one of the user.
  await write(join(host.home, '.docker', 'run', 'docker.sock'), '');
  await mkdir(join(folder.path, 'sys', 'var', 'run'), { recursive: true });
  await symlink(join(host.home, '.docker', 'run', 'docker.sock'), host.systemPath('/var/run/docker.sock'));

  const found = await findEndpoints(host);

  const inHome = (path: string) => join(host.home, path);
  assert.deepEqual(
    found.map(({ endpoint, contexts, isCurrent, isConfigured }) => [
      endpoint.kind === 'socket' ? endpoint.path : endpoint,
      contexts.join(),
      isCurrent,
      isConfigured,
    ]),
    [
      [{ kind: 'tcp', host: 'build.test', port: 2376, tlsFolder: tls }, 'far', true, true],
      [colima, 'colima', false, true],
      [host.systemPath('/var/run/docker.sock'), '', false, false],
      ['/run/user/1000/docker.sock', '', false, false],
      [inHome('.docker/desktop/docker.sock'), '', false, false],
      [inHome('.rd/docker.sock'), '', false, false],
      [inHome('.orbstack/run/docker.sock'), '', false, false],
    ],
  );
});

test('DOCKER_HOST stands above DOCKER_CONTEXT, that above the stored context, and that above the default', async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'berth-endpoints-'));
  const config = join(folder.path, 'config');
  for (const name of ['one', 'two']) await writeContext(config, name, `unix:///run/${name}.sock`);
  const current = async (env: Readonly<Record<string, string>>) => {
    const found = await findEndpoints(hostIn(folder.path, { DOCKER_CONFIG: config, ...env }));
    return found.filter(({ isCurrent }) => isCurrent).map(({ endpoint }) => endpoint);
  };

  const byDefault = await current({});
  await writeFile(join(config, 'config.json'), '{"currentContext":"one"}');
  const stored = await current({});
  const chosen = await current({ DOCKER_CONTEXT: 'two' });
  const named = await current({ DOCKER_CONTEXT: 'two', DOCKER_HOST: 'tcp://box:1', DOCKER_TLS_VERIFY: '1' });

  assert.deepEqual(
    [byDefault, stored, chosen, named],
    [
      [{ kind: 'socket', path: join(folder.path, 'sys/var/run/docker.sock') }],
      [{ kind: 'socket', path: '/run/one.sock' }],
      [{ kind: 'socket', path: '/run/two.sock' }],
      [{ kind: 'tcp', host: 'box', port: 1, tlsFolder: config }],
    ],
  );
});

test('on Windows the pipes of Docker and of Docker Desktop are asked', async () => {
  const host: Host = { ...thisHost({ HOME: String.raw`C:\Users\ann` }), platform: 'win32' };

  const found = await findEndpoints(host);

  assert.deepEqual(
    found.map(({ endpoint, isCurrent }) => [endpoint, isCurrent]),
    [
      [{ kind: 'socket', path: String.raw`\\.\pipe\docker_engine` }, true],
      [{ kind: 'socket', path: String.raw`\\.\pipe\dockerDesktopLinuxEngine` }, false],
    ],
  );
});
