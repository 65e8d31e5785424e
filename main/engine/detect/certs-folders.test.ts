import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type EngineKind, engineKinds } from '../engine.ts';
import { type Host, thisHost } from '../host.ts';
import {
  certificatePath,
  certsFolder,
  daemonJsonPath,
  minikubeCerts,
  trustFolders,
} from './certs-folders.ts';

const linux: Host = { ...thisHost({ HOME: '/home/ann' }), platform: 'linux', uid: 1000 };
const root: Host = { ...linux, home: '/root', uid: 0 };
const mac: Host = { ...linux, platform: 'darwin', home: '/Users/ann' };
const windows: Host = {
  ...linux,
  platform: 'win32',
  home: String.raw`C:\Users\ann`,
  uid: undefined,
  env: { ProgramData: String.raw`C:\ProgramData` },
};

/** The file, and in short: whose it is, whether root has to write it, when it takes effect. */
function certificateOf(kind: EngineKind, host: Host): string | undefined {
  const folder = certsFolder(kind, host);
  if (folder === undefined) return undefined;
  const { side, needsRoot, takesEffect } = folder;
  return `${certificatePath(folder, 'reg.test:5443', host)} (${side}${needsRoot ? ', root' : ''}, ${takesEffect})`;
}

test('each kind has its certificate in the place that its documentation names', () => {
  const file = 'reg.test:5443/berth.crt';

  const found = Object.fromEntries(engineKinds.map((kind) => [kind, certificateOf(kind, linux)]));

  assert.deepEqual(found, {
    docker: `/etc/docker/certs.d/${file} (host, root, at once)`,
    'docker-rootless': `/home/ann/.config/docker/certs.d/${file} (host, at once)`,
    'docker-snap': `/var/snap/docker/current/etc/docker/certs.d/${file} (host, root, at once)`,
    'docker-desktop': `/home/ann/.docker/certs.d/${file} (host, restart)`,
    'docker-remote': `/etc/docker/certs.d/${file} (engine, at once)`,
    colima: `/etc/docker/certs.d/${file} (engine, at once)`,
    'rancher-desktop': `/etc/docker/certs.d/${file} (engine, at once)`,
    orbstack: `/etc/docker/certs.d/${file} (engine, at once)`,
    podman: `/home/ann/.config/containers/certs.d/${file} (host, at once)`,
    'podman-machine': `/etc/containers/certs.d/${file} (engine, at once)`,
    containerd: `/etc/containerd/certs.d/${file} (host, root, at once)`,
    buildkit: `/etc/buildkit/certs/${file} (engine, restart)`,
    kind: `/etc/containerd/certs.d/${file} (engine, at once)`,
    k3d: undefined,
    minikube: undefined,
    microk8s: `/var/snap/microk8s/current/args/certs.d/${file} (host, root, restart)`,
  });
});

test('the place follows the user, the environment and the platform', () => {
  const cases: readonly { kind: EngineKind; host: Host; path: string | undefined }[] = [
    { kind: 'docker', host: root, path: '/etc/docker/certs.d/reg.test:5443/berth.crt (host, at once)' },
    {
      kind: 'docker',
      host: { ...root, systemPath: (path) => `/tmp/sys${path}` },
      path: '/tmp/sys/etc/docker/certs.d/reg.test:5443/berth.crt (host, at once)',
    },
    {
      kind: 'docker',
      host: windows,
      path: String.raw`C:\ProgramData\docker\certs.d\reg.test5443\berth.crt (host, root, at once)`,
    },
    {
      kind: 'docker-desktop',
      host: windows,
      path: String.raw`C:\Users\ann\.docker\certs.d\reg.test5443\berth.crt (host, restart)`,
    },
    { kind: 'colima', host: mac, path: '/etc/docker/certs.d/reg.test:5443/berth.crt (engine, at once)' },
    {
      kind: 'podman-machine',
      host: windows,
      path: '/etc/containers/certs.d/reg.test:5443/berth.crt (engine, at once)',
    },
    {
      kind: 'docker-rootless',
      host: { ...linux, env: { XDG_CONFIG_HOME: '/cfg' } },
      path: '/cfg/docker/certs.d/reg.test:5443/berth.crt (host, at once)',
    },
    // containers/image takes HOME alone.
    {
      kind: 'podman',
      host: { ...linux, env: { XDG_CONFIG_HOME: '/cfg' } },
      path: '/home/ann/.config/containers/certs.d/reg.test:5443/berth.crt (host, at once)',
    },
    { kind: 'podman', host: root, path: '/etc/containers/certs.d/reg.test:5443/berth.crt (host, at once)' },
  ];

  for (const { kind, host, path } of cases) assert.equal(certificateOf(kind, host), path);
});

test('an engine looks into its folders of this computer in a fixed order', () => {
  assert.deepEqual(trustFolders('podman', linux), [
    '/home/ann/.config/containers/certs.d',
    '/etc/containers/certs.d',
    '/etc/docker/certs.d',
  ]);
  assert.deepEqual(trustFolders('docker', linux), ['/etc/docker/certs.d']);
  assert.deepEqual(trustFolders('colima', mac), ['/Users/ann/.docker/certs.d']);
  assert.deepEqual(trustFolders('kind', linux), []);
});

test('daemon.json is where the kind reads it, and nowhere for kinds that write it anew', () => {
  const cases: readonly { kind: EngineKind; host: Host; path: string | undefined }[] = [
    { kind: 'docker', host: linux, path: '/etc/docker/daemon.json' },
    { kind: 'docker', host: windows, path: String.raw`C:\ProgramData\docker\config\daemon.json` },
    { kind: 'docker-rootless', host: linux, path: '/home/ann/.config/docker/daemon.json' },
    { kind: 'docker-snap', host: linux, path: '/var/snap/docker/current/config/daemon.json' },
    { kind: 'docker-desktop', host: windows, path: String.raw`C:\Users\ann\.docker\daemon.json` },
    { kind: 'orbstack', host: mac, path: '/Users/ann/.orbstack/config/docker.json' },
    { kind: 'colima', host: mac, path: undefined },
    { kind: 'podman', host: linux, path: undefined },
  ];

  for (const { kind, host, path } of cases) assert.equal(daemonJsonPath(kind, host), path);
});

test('MINIKUBE_HOME names the folder .minikube or the one around it', () => {
  const at = (home: string | undefined) => minikubeCerts({ ...linux, env: { MINIKUBE_HOME: home } });

  assert.deepEqual(
    [at(undefined), at('/data'), at('/data/.minikube')],
    ['/home/ann/.minikube/certs', '/data/.minikube/certs', '/data/.minikube/certs'],
  );
});
