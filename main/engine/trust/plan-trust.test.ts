import assert from 'node:assert/strict';
import { mkdir, mkdtempDisposable, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { makeAuthority } from '../../../registry/tls/authority.ts';
import { bytesAfter, describePlace } from '../change.ts';
import type { Engine, EngineKind, RegistryTarget } from '../engine.ts';
import { type Host, thisHost } from '../host.ts';
import { planTrust, type TrustWay } from './plan-trust.ts';

const authority = makeAuthority({ hostname: 'test', names: [], now: Date.now() }).certificate;
const target: RegistryTarget = {
  port: 5443,
  listensOn: ['127.0.0.1'],
  names: ['localhost'],
  authority,
  authorityFile: '/data/ca.crt',
};

function engineOf(kind: EngineKind, more: Partial<Engine> = {}): Engine {
  return {
    id: kind,
    kind,
    title: kind,
    version: '28.5.2',
    state: 'stopped',
    endpoint: { kind: 'socket', path: '/nowhere.sock' },
    address: 'reg.test:5443',
    usesContainerdStore: false,
    isLocal: true,
    need: { kind: 'certificate', where: 'there' },
    certainty: 'probed',
    notes: [],
    ...more,
  };
}

/** A computer whose system lies below a temporary folder, where root is this user. */
async function makeHost() {
  const folder = await mkdtempDisposable(join(tmpdir(), 'berth-plan-'));
  const home = join(folder.path, 'home');
  await mkdir(home);
  const host: Host = {
    ...thisHost({ PATH: process.env['PATH'], HOME: home }),
    platform: 'linux',
    uid: 0,
    systemPath: (path) => join(folder.path, path),
  };
  return { host, root: folder.path, home, [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose]() };
}

const files: readonly {
  readonly kind: EngineKind;
  readonly paths: readonly string[];
  readonly activation: string;
}[] = [
  { kind: 'docker', paths: ['/etc/docker/certs.d/reg.test:5443/berth.crt'], activation: 'none' },
  {
    kind: 'docker-rootless',
    paths: ['/home/.config/docker/certs.d/reg.test:5443/berth.crt'],
    activation: 'none',
  },
  {
    kind: 'docker-snap',
    paths: ['/var/snap/docker/current/etc/docker/certs.d/reg.test:5443/berth.crt'],
    activation: 'none',
  },
  { kind: 'docker-desktop', paths: ['/home/.docker/certs.d/reg.test:5443/berth.crt'], activation: 'restart' },
  { kind: 'podman', paths: ['/etc/containers/certs.d/reg.test:5443/berth.crt'], activation: 'none' },
  {
    kind: 'containerd',
    paths: [
      '/etc/containerd/certs.d/reg.test:5443/hosts.toml',
      '/etc/containerd/certs.d/reg.test:5443/berth.crt',
    ],
    activation: 'none',
  },
  {
    kind: 'microk8s',
    paths: [
      '/var/snap/microk8s/current/args/certs.d/reg.test:5443/hosts.toml',
      '/var/snap/microk8s/current/args/certs.d/reg.test:5443/berth.crt',
    ],
    activation: 'restart',
  },
];

for (const { kind, paths, activation } of files) {
  test(`the certificate for ${kind} goes into ${paths.join(' and ')}`, async () => {
    await using computer = await makeHost();

    const { changes } = await planTrust({
      host: computer.host,
      engine: engineOf(kind),
      target,
      way: 'certificate',
    });

    assert.deepEqual(
      changes.map(({ place }) => describePlace(place).slice(computer.root.length)),
      paths,
    );
    const last = changes.at(-1);
    assert.deepEqual([last?.activation.kind, last?.before], [activation, undefined]);
    assert.equal(last && bytesAfter(last).toString(), authority);
    assert.ok(changes.every(({ manual }) => manual.length > 0));
  });
}

test('hosts.toml names the certificate by its place, in the form that every containerd reads', async () => {
  await using computer = await makeHost();

  const { changes } = await planTrust({
    host: computer.host,
    engine: engineOf('containerd'),
    target,
    way: 'certificate',
  });

  const [hosts] = changes;
  assert.equal(
    hosts && bytesAfter(hosts).toString().replace(computer.root, ''),
    [
      'server = "https://reg.test:5443"',
      '',
      '[host."https://reg.test:5443"]',
      '  capabilities = ["pull", "resolve", "push"]',
      '  ca = "/etc/containerd/certs.d/reg.test:5443/berth.crt"',
      '',
    ].join('\n'),
  );
});

test('what is in place already is not planned, and an older certificate is replaced', async () => {
  await using computer = await makeHost();
  const file = join(computer.root, '/etc/containers/certs.d/reg.test:5443/berth.crt');
  await mkdir(join(file, '..'), { recursive: true });
  const plan = () =>
    planTrust({ host: computer.host, engine: engineOf('podman'), target, way: 'certificate' });

  await writeFile(file, authority);
  const same = await plan();
  await writeFile(file, 'another');
  const other = await plan();

  assert.deepEqual(same.changes, []);
  assert.equal(other.changes[0]?.before?.length, 64);
  assert.equal(await readFile(file, 'utf8'), 'another', 'planning wrote something');
});

for (const { name, kind, way, engine, message, hint } of [
  {
    name: 'an engine that cannot reach the registry',
    kind: 'kind',
    way: 'certificate',
    engine: { need: { kind: 'cannot', why: 'it listens on loopback only.' } },
    message: /listens on loopback only/,
    hint: /.*/,
  },
  {
    name: 'a builder',
    kind: 'buildkit',
    way: 'certificate',
    engine: {},
    message: /cannot place/,
    hint: /berth connect buildx /,
  },
  {
    name: 'a machine of Podman',
    kind: 'podman-machine',
    way: 'certificate',
    engine: {},
    message: /cannot place/,
    hint: /berth connect podman /,
  },
  {
    name: 'daemon.json of Podman',
    kind: 'podman',
    way: 'insecure',
    engine: {},
    message: /no daemon\.json/,
    hint: /berth connect podman /,
  },
] as const) {
  test(`${name}: refused, with the way to do it by hand`, async () => {
    await using computer = await makeHost();

    await assert.rejects(
      planTrust({ host: computer.host, engine: engineOf(kind, engine), target, way: way satisfies TrustWay }),
      { code: 'CHANGE_REFUSED', message, hint },
    );
  });
}

test('daemon.json gets one entry, and a mirror its URL; the proof waits for the engine to run', async () => {
  await using computer = await makeHost();
  const file = join(computer.root, '/etc/docker/daemon.json');
  await mkdir(join(file, '..'), { recursive: true });
  await writeFile(file, '{ "debug": true }\n');
  const plan = (way: TrustWay) => planTrust({ host: computer.host, engine: engineOf('docker'), target, way });

  const insecure = await plan('insecure');
  const mirror = await plan('mirror');

  assert.deepEqual(
    [insecure, mirror].map(({ changes: [change] }) => change && bytesAfter(change).toString()),
    [
      '{ "debug": true, "insecure-registries": ["reg.test:5443"] }\n',
      '{ "debug": true, "registry-mirrors": ["https://reg.test:5443"] }\n',
    ],
  );
  assert.deepEqual(
    insecure.changes.map(({ proof, activation }) => [proof.kind, activation.kind]),
    [['none', 'reload']],
  );
});

test('an authority that Berth does not have cannot be installed', async () => {
  await using computer = await makeHost();
  const own = { ...target, authority: undefined };

  for (const way of ['certificate', 'system', 'browsers'] as const) {
    await assert.rejects(planTrust({ host: computer.host, engine: engineOf('podman'), target: own, way }), {
      code: 'CHANGE_REFUSED',
      message: /does not have its authority/,
    });
  }
});
