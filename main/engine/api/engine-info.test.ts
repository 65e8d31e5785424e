import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseEngineInfo, parseEngineVersion } from './engine-info.ts';

/** Docker 20.10.24 of Debian 12, with entries in daemon.json. */
const info20 = {
  ID: 'INBK:UEES:BDV7:Z2TO:FU6P:EBAB:NHUA:5SLG:H3GP:LJ6C:5PHF:FT4Z',
  ContainersRunning: 2,
  Driver: 'overlay2',
  DriverStatus: [
    ['Backing Filesystem', 'extfs'],
    ['Supports d_type', 'true'],
  ],
  SystemTime: '2026-11-25T21:05:57.005083669Z',
  OperatingSystem: 'Debian GNU/Linux 12 (bookworm)',
  RegistryConfig: {
    AllowNondistributableArtifactsCIDRs: [],
    AllowNondistributableArtifactsHostnames: [],
    InsecureRegistryCIDRs: ['10.98.0.0/16', '127.0.0.0/8'],
    IndexConfigs: {
      'docker.io': { Name: 'docker.io', Mirrors: ['http://127.0.0.1:5003/'], Secure: true, Official: true },
      'registry.berth.test:5003': {
        Name: 'registry.berth.test:5003',
        Mirrors: [],
        Secure: false,
        Official: false,
      },
    },
    Mirrors: ['http://127.0.0.1:5003/'],
  },
  DockerRootDir: '/var/lib/docker',
  Name: 'vm',
  ServerVersion: '20.10.24+dfsg1',
  LiveRestoreEnabled: true,
  SecurityOptions: ['name=seccomp,profile=default', 'name=userns'],
  Warnings: null,
};

/** Docker 28 with the containerd image store, as Docker Desktop has it. */
const info28 = {
  ID: 'd55b3b0e-9e1f-4a39-9c2d-8c1f4b2c7a10',
  ContainersRunning: 0,
  Driver: 'overlayfs',
  DriverStatus: [['driver-type', 'io.containerd.snapshotter.v1']],
  SystemTime: '2026-04-12T08:02:17.488043313Z',
  OperatingSystem: 'Docker Desktop',
  RegistryConfig: {
    IndexConfigs: {
      'docker.io': { Mirrors: [], Name: 'docker.io', Official: true, Secure: true },
      'hubproxy.docker.internal:5555': {
        Mirrors: [],
        Name: 'hubproxy.docker.internal:5555',
        Official: false,
        Secure: false,
      },
    },
    InsecureRegistryCIDRs: ['::1/128', '127.0.0.0/8'],
    Mirrors: null,
  },
  DockerRootDir: '/var/lib/docker',
  Name: 'docker-desktop',
  ServerVersion: '28.2.2',
  LiveRestoreEnabled: false,
  SecurityOptions: ['name=seccomp,profile=unconfined', 'name=cgroupns'],
  FirewallBackend: { Driver: 'iptables' },
  Warnings: null,
};

test('the info of Docker 20.10 is read', () => {
  assert.deepEqual(parseEngineInfo(info20), {
    id: 'INBK:UEES:BDV7:Z2TO:FU6P:EBAB:NHUA:5SLG:H3GP:LJ6C:5PHF:FT4Z',
    serverVersion: '20.10.24+dfsg1',
    operatingSystem: 'Debian GNU/Linux 12 (bookworm)',
    name: 'vm',
    securityOptions: ['name=seccomp,profile=default', 'name=userns'],
    rootDir: '/var/lib/docker',
    isContainerdStore: false,
    liveRestore: true,
    containersRunning: 2,
    insecureRegistries: ['registry.berth.test:5003', '10.98.0.0/16', '127.0.0.0/8'],
    mirrors: ['http://127.0.0.1:5003/'],
    systemTime: '2026-11-25T21:05:57.005083669Z',
  });
});

test('the info of Docker 28 with the containerd store is read', () => {
  assert.deepEqual(parseEngineInfo(info28), {
    id: 'd55b3b0e-9e1f-4a39-9c2d-8c1f4b2c7a10',
    serverVersion: '28.2.2',
    operatingSystem: 'Docker Desktop',
    name: 'docker-desktop',
    securityOptions: ['name=seccomp,profile=unconfined', 'name=cgroupns'],
    rootDir: '/var/lib/docker',
    isContainerdStore: true,
    liveRestore: false,
    containersRunning: 0,
    insecureRegistries: ['hubproxy.docker.internal:5555', '::1/128', '127.0.0.0/8'],
    mirrors: [],
    systemTime: '2026-04-12T08:02:17.488043313Z',
  });
});

test('fields that are missing or of another kind are absent', () => {
  const nothing = {
    id: undefined,
    serverVersion: undefined,
    operatingSystem: undefined,
    name: undefined,
    securityOptions: [],
    rootDir: undefined,
    isContainerdStore: false,
    liveRestore: false,
    containersRunning: 0,
    insecureRegistries: [],
    mirrors: [],
    systemTime: undefined,
  };
  const strange = {
    ID: 7,
    SecurityOptions: { name: 'seccomp' },
    DriverStatus: ['driver-type', null, ['driver-type']],
    LiveRestoreEnabled: 'true',
    ContainersRunning: '3',
    RegistryConfig: {
      IndexConfigs: { a: null, b: { Secure: 'no' } },
      InsecureRegistryCIDRs: null,
      Mirrors: [1],
    },
  };

  for (const value of [{}, null, 'text', [], { RegistryConfig: null }, strange]) {
    assert.deepEqual(parseEngineInfo(value), nothing, JSON.stringify(value));
  }
});

test('the version of Docker and that of Podman are told apart', () => {
  const docker = {
    Platform: { Name: '' },
    Components: [
      { Name: 'Engine', Version: '20.10.24+dfsg1', Details: { ApiVersion: '1.41' } },
      { Name: 'containerd', Version: '1.6.20~ds1' },
    ],
    Version: '20.10.24+dfsg1',
    ApiVersion: '1.41',
    Os: 'linux',
    Arch: 'amd64',
  };
  const podman = {
    Platform: { Name: 'linux/amd64/debian-12' },
    Components: [{ Name: 'Podman Engine', Version: '4.3.1', Details: { APIVersion: '4.3.1' } }],
    Version: '4.3.1',
    ApiVersion: '1.41',
    Os: 'linux',
    Arch: 'amd64',
  };

  assert.deepEqual(parseEngineVersion(docker), {
    version: '20.10.24+dfsg1',
    apiVersion: '1.41',
    architecture: 'amd64',
    os: 'linux',
    platform: undefined,
    components: [
      { name: 'Engine', version: '20.10.24+dfsg1' },
      { name: 'containerd', version: '1.6.20~ds1' },
    ],
    isPodman: false,
  });
  assert.deepEqual(parseEngineVersion(podman), {
    version: '4.3.1',
    apiVersion: '1.41',
    architecture: 'amd64',
    os: 'linux',
    platform: 'linux/amd64/debian-12',
    components: [{ name: 'Podman Engine', version: '4.3.1' }],
    isPodman: true,
  });
  assert.deepEqual(parseEngineVersion({ Components: [null, {}] }).components, []);
});
