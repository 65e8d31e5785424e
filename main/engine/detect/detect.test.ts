import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { chmod, link, mkdir, mkdtempDisposable, symlink, writeFile } from 'node:fs/promises';
import { type Server, createServer } from 'node:http';
import { createServer as createTcpServer } from 'node:net';
import { hostname, tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { test } from 'node:test';
import { makeAuthority } from '../../../registry/tls/authority.ts';
import type { Engine, RegistryTarget } from '../engine.ts';
import { type Host, thisHost } from '../host.ts';
import { detectEngines } from './detect.ts';

const authority = makeAuthority({ hostname: hostname(), names: [], now: Date.now() }).certificate;
const loopback: RegistryTarget = {
  port: 5443,
  listensOn: ['127.0.0.1', '::1'],
  names: [
    'localhost',
    '127.0.0.1',
    '::1',
    'host.docker.internal',
    'host.containers.internal',
    'host.lima.internal',
    'host.k3d.internal',
    'host.minikube.internal',
    'host.rancher-desktop.internal',
    '172.17.0.1',
    '172.18.0.1',
    '172.30.0.1',
    '192.168.1.20',
  ],
  authority,
  authorityFile: '/data/berth/tls/berth.crt',
};
const wide: RegistryTarget = { ...loopback, listensOn: ['0.0.0.0'] };

const kernel = '6.1.0-30-amd64';

/** What a Docker daemon answers, by path without its query. */
type Answers = Readonly<Record<string, unknown>>;

/** GET /version and GET /info of Docker 20.10 on Debian 12, as recorded, less what nobody reads; then the differences. */
function dockerd(id: string, { version = {}, info = {} }: { version?: object; info?: object } = {}): Answers {
  return {
    '/version': {
      Platform: { Name: '' },
      Components: [
        { Name: 'Engine', Version: '20.10.24+dfsg1', Details: { ApiVersion: '1.41', MinAPIVersion: '1.12' } },
        { Name: 'containerd', Version: '1.6.20~ds1', Details: { GitCommit: '1.6.20~ds1-1+deb12u1' } },
      ],
      Version: '20.10.24+dfsg1',
      ApiVersion: '1.41',
      Os: 'linux',
      Arch: 'amd64',
      KernelVersion: kernel,
      ...version,
    },
    '/info': {
      ID: id,
      Driver: 'overlay2',
      DriverStatus: [
        ['Backing Filesystem', 'extfs'],
        ['userxattr', 'false'],
      ],
      OperatingSystem: 'Debian GNU/Linux 12 (bookworm)',
      OSType: 'linux',
      RegistryConfig: {
        InsecureRegistryCIDRs: ['127.0.0.0/8'],
        IndexConfigs: { 'docker.io': { Name: 'docker.io', Mirrors: [], Secure: true, Official: true } },
        Mirrors: [],
      },
      DockerRootDir: '/var/lib/docker',
      Name: 'box',
      ServerVersion: '20.10.24+dfsg1',
      SecurityOptions: ['name=apparmor', 'name=seccomp,profile=default', 'name=cgroupns'],
      ...info,
    },
  };
}

const containerdStore = [['driver-type', 'io.containerd.snapshotter.v1']];

// The differences are those of answers that people have published in reports and tests.
const desktop = dockerd('desktop-id', {
  version: {
    Platform: { Name: 'Docker Desktop 4.63.0 (220185)' },
    Version: '29.2.1',
    KernelVersion: '6.6.87-linuxkit',
  },
  info: {
    OperatingSystem: 'Docker Desktop',
    Name: 'docker-desktop',
    Driver: 'overlayfs',
    DriverStatus: containerdStore,
  },
});
const colima = dockerd('colima-id', {
  version: { Version: '28.4.0', KernelVersion: '6.8.0-64-generic' },
  info: { OperatingSystem: 'Ubuntu 24.04.2 LTS', Name: 'colima', DriverStatus: containerdStore },
});
const orbstack = dockerd('orbstack-id', {
  version: { Version: '28.2.2', KernelVersion: '6.14.10-orbstack-00291-g1b252bd3edea' },
  info: { OperatingSystem: 'OrbStack', Name: 'orbstack', SecurityOptions: ['name=seccomp,profile=builtin'] },
});
const rancher = dockerd('rancher-id', {
  version: { Version: '27.3.1', KernelVersion: '6.6.54-0-virt' },
  info: { OperatingSystem: 'Alpine Linux v3.20', Name: 'lima-rancher-desktop' },
});
const snap = dockerd('snap-id', {
  version: { Version: '28.1.1' },
  info: { OperatingSystem: 'Ubuntu Core 22', DockerRootDir: '/var/snap/docker/common/var-lib-docker' },
});
/** Podman makes up an ID for each answer. */
const podman: Answers = {
  '/version': {
    Platform: { Name: 'linux/amd64/fedora-40' },
    Components: [
      { Name: 'Podman Engine', Version: '5.1.2', Details: { APIVersion: '5.1.2', MinAPIVersion: '4.0.0' } },
      { Name: 'Conmon', Version: 'conmon version 2.1.12' },
    ],
    Version: '5.1.2',
    ApiVersion: '1.41',
    KernelVersion: kernel,
  },
  '/info': { ID: 'made-up', OSType: 'linux', Name: 'box', DockerRootDir: '/var/lib/containers/storage' },
};
function rootless(stateDir: string): Answers {
  const details = {
    ApiVersion: '1.1.1',
    NetworkDriver: 'slirp4netns',
    PortDriver: 'builtin',
    StateDir: stateDir,
  };
  return dockerd('rootless-id', {
    version: { Version: '28.5.2', Components: [{ Name: 'rootlesskit', Version: '2.3.5', Details: details }] },
    info: {
      DockerRootDir: '/home/ann/.local/share/docker',
      SecurityOptions: ['name=seccomp,profile=builtin', 'name=rootless', 'name=cgroupns'],
    },
  });
}

/** A container of GET /containers/json. */
function container(
  name: string,
  image: string,
  labels: Readonly<Record<string, string>>,
  network: string,
  state = 'running',
) {
  const networks = { [network]: { Gateway: '172.18.0.1' } };
  return {
    Names: [`/${name}`],
    Image: image,
    State: state,
    Labels: labels,
    NetworkSettings: { Networks: networks },
  };
}

interface Situation {
  readonly name: string;
  readonly platform?: NodeJS.Platform;
  readonly uid?: number;
  /** `HOME` in a value is the home of the test. */
  readonly env?: Readonly<Record<string, string>>;
  /** Below the folder of the test: `home/...` and `sys/...`. A list means containers by their filter. */
  readonly sockets?: Readonly<Record<string, Answers>>;
  /** Sockets whose program is gone. */
  readonly stale?: readonly string[];
  readonly files?: Readonly<Record<string, string>>;
  readonly links?: Readonly<Record<string, string>>;
  /** Shell scripts on PATH. */
  readonly programs?: Readonly<Record<string, string>>;
  readonly target?: RegistryTarget;
  /** One line for each engine: id, title, state, address, need, and its marks. */
  readonly engines: readonly string[];
  readonly notes?: readonly RegExp[];
}

const nothing = 'nothing';
const version51 = `echo '{"Client":{"APIVersion":"5.1.2","Version":"5.1.2","Os":"linux"}}'`;

const situations: readonly Situation[] = [
  { name: 'an empty computer', engines: [] },
  {
    name: 'Docker of the system',
    sockets: { 'sys/var/run/docker.sock': dockerd('a') },
    engines: [`docker | Docker 20.10.24+dfsg1 | running | localhost:5443 | ${nothing} | local probed`],
    notes: [/The docker command uses it/],
  },
  {
    name: 'Docker with its containerd store, and the registry on one address of the network',
    sockets: {
      'sys/var/run/docker.sock': dockerd('a', {
        info: { DriverStatus: containerdStore, SecurityOptions: ['name=userns'] },
      }),
    },
    target: { ...loopback, listensOn: ['192.168.1.20'] },
    engines: [
      'docker | Docker 20.10.24+dfsg1 | running | 192.168.1.20:5443 | certificate SYS/etc/docker/certs.d/192.168.1.20:5443/berth.crt | local probed containerd-store',
    ],
    notes: [/userns-remap/],
  },
  {
    name: 'the same, trusted already',
    sockets: { 'sys/var/run/docker.sock': dockerd('a') },
    files: { 'sys/etc/docker/certs.d/192.168.1.20:5443/ours.crt': authority },
    target: { ...loopback, listensOn: ['192.168.1.20'] },
    engines: [
      `docker | Docker 20.10.24+dfsg1 | running | 192.168.1.20:5443 | ${nothing} Trusted already, in SYS/etc/docker/certs.d/192.168.1.20:5443/ours.crt. | local probed`,
    ],
  },
  {
    name: 'the same, on the list of insecure registries',
    sockets: {
      'sys/var/run/docker.sock': dockerd('a', {
        info: { RegistryConfig: { IndexConfigs: { '192.168.1.20:5443': { Secure: false } } } },
      }),
    },
    target: { ...loopback, listensOn: ['192.168.1.20'] },
    engines: [
      `docker | Docker 20.10.24+dfsg1 | running | 192.168.1.20:5443 | ${nothing} Docker has it in insecure-registries: it checks no certificate there. | local probed`,
    ],
  },
  {
    name: 'one daemon behind two sockets and two contexts',
    sockets: { 'sys/var/run/docker.sock': dockerd('a'), 'home/second.sock': dockerd('a') },
    files: {
      ...context('work', 'unix://HOME/second.sock'),
      'home/.docker/config.json': '{"currentContext":"work"}',
    },
    engines: [
      `docker | Docker 20.10.24+dfsg1 (context work) | running | localhost:5443 | ${nothing} | local probed`,
    ],
  },
  {
    name: 'Docker is installed and stopped',
    programs: { dockerd: '' },
    engines: [`docker | Docker | stopped | localhost:5443 | ${nothing} | local documented`],
    notes: [/does not run: there is no unix:/],
  },
  {
    name: 'its socket was left behind',
    programs: { dockerd: '' },
    stale: ['sys/var/run/docker.sock'],
    engines: [`docker | Docker | stopped | localhost:5443 | ${nothing} | local documented`],
    notes: [/ECONNREFUSED/],
  },
  {
    name: 'systemd waits for the first connection to start Docker',
    sockets: { 'sys/var/run/docker.sock': { '/version': 'asked' } },
    files: { 'sys/run/systemd/system/x': '' },
    programs: { systemctl: 'echo active; echo inactive; exit 3' },
    engines: [`docker | Docker | stopped | localhost:5443 | ${nothing} | local documented`],
    notes: [/systemd starts it at the first connection/],
  },
  {
    name: 'something else answers at the socket',
    sockets: { 'sys/var/run/docker.sock': {} },
    engines: [`docker | Docker | stopped | localhost:5443 | ${nothing} | local documented`],
    notes: [/It answers: page not found/],
  },
  {
    name: 'rootless Docker in the network of this computer, beside the Docker of the system',
    env: { XDG_RUNTIME_DIR: 'HOME/run' },
    sockets: {
      'home/run/docker.sock': rootless('HOME/run/dockerd-rootless'),
      'sys/var/run/docker.sock': dockerd('a'),
    },
    files: { 'home/run/dockerd-rootless/netns': '' },
    engines: [
      `docker | Docker 20.10.24+dfsg1 | running | localhost:5443 | ${nothing} | local probed`,
      `docker:rootless | Docker rootless 28.5.2 | running | localhost:5443 | ${nothing} | local probed`,
    ],
  },
  {
    name: 'rootless Docker in a network of its own',
    env: { XDG_RUNTIME_DIR: 'HOME/run', DOCKER_HOST: 'unix://HOME/run/docker.sock' },
    sockets: { 'home/run/docker.sock': rootless('HOME/run/dockerd-rootless') },
    engines: [
      'docker:rootless | Docker rootless 28.5.2 | running | localhost:5443 | cannot It reaches this computer at its addresses in the network, and the registry listens on 127.0.0.1 and ::1 alone. Start it with: berth serve --listen 0.0.0.0:5443 | local probed',
    ],
    notes: [/RootlessKit without --detach-netns/],
  },
  {
    name: 'the same with the registry on all addresses',
    env: { XDG_RUNTIME_DIR: 'HOME/run' },
    sockets: { 'home/run/docker.sock': rootless('HOME/run/dockerd-rootless') },
    target: wide,
    engines: [
      'docker:rootless | Docker rootless 28.5.2 | running | 192.168.1.20:5443 | certificate HOME/.config/docker/certs.d/192.168.1.20:5443/berth.crt | local probed',
    ],
  },
  {
    name: 'Docker of snap',
    sockets: { 'sys/var/run/docker.sock': snap },
    engines: [`docker:snap | Docker (snap) 28.1.1 | running | localhost:5443 | ${nothing} | local probed`],
  },
  {
    name: 'a Mac with Desktop, Colima with a second profile, Rancher Desktop and OrbStack',
    platform: 'darwin',
    sockets: {
      'home/.docker/run/docker.sock': desktop,
      'home/.colima/default/docker.sock': colima,
      'home/.colima/x86/docker.sock': dockerd('x86-id', {
        version: { KernelVersion: '6.8.0-64-generic' },
        info: { Name: 'colima-x86' },
      }),
      'home/.rd/docker.sock': rancher,
      'home/.orbstack/run/docker.sock': orbstack,
    },
    links: { 'sys/var/run/docker.sock': 'home/.docker/run/docker.sock' },
    files: {
      ...context('colima', 'unix://HOME/.colima/default/docker.sock'),
      'home/.docker/config.json': '{"currentContext":"colima"}',
    },
    engines: [
      'colima | Colima 28.4.0 (context colima) | running | host.lima.internal:5443 | certificate /etc/docker/certs.d/host.lima.internal:5443/berth.crt in its virtual machine | documented containerd-store',
      'docker-desktop | Docker Desktop 29.2.1 | running | host.docker.internal:5443 | restart HOME/.docker/certs.d/host.docker.internal:5443/berth.crt, which Docker Desktop takes over when it starts | documented containerd-store',
      'colima:x86 | Colima x86 20.10.24+dfsg1 | running | host.lima.internal:5443 | certificate /etc/docker/certs.d/host.lima.internal:5443/berth.crt in its virtual machine | documented',
      'rancher-desktop | Rancher Desktop 27.3.1 | running | host.rancher-desktop.internal:5443 | certificate /etc/docker/certs.d/host.rancher-desktop.internal:5443/berth.crt in its virtual machine | documented',
      'orbstack | OrbStack 28.2.2 | running | host.docker.internal:5443 | certificate /etc/docker/certs.d/host.docker.internal:5443/berth.crt in its virtual machine | documented',
    ],
  },
  {
    name: 'Desktop and Colima that took the certificate over',
    platform: 'darwin',
    sockets: { 'home/.docker/run/docker.sock': desktop, 'home/.colima/default/docker.sock': colima },
    files: {
      'home/.docker/certs.d/host.docker.internal:5443/berth.crt': authority,
      'home/.docker/certs.d/host.lima.internal:5443/berth.crt': authority,
    },
    engines: [
      `docker-desktop | Docker Desktop 29.2.1 | running | host.docker.internal:5443 | ${nothing} Trusted already, in HOME/.docker/certs.d/host.docker.internal:5443/berth.crt. | documented containerd-store`,
      `colima | Colima 28.4.0 | running | host.lima.internal:5443 | ${nothing} Trusted already, in HOME/.docker/certs.d/host.lima.internal:5443/berth.crt. | documented containerd-store`,
    ],
  },
  {
    name: 'Colima and Desktop are stopped, an old context leads nowhere',
    platform: 'darwin',
    stale: ['home/.colima/default/docker.sock', 'home/.docker/run/docker.sock'],
    files: context('gone', 'unix://HOME/.orbstack/run/docker.sock'),
    engines: [
      'orbstack | OrbStack (context gone) | stopped | host.docker.internal:5443 | certificate /etc/docker/certs.d/host.docker.internal:5443/berth.crt in its virtual machine | documented',
      'docker-desktop | Docker Desktop | stopped | host.docker.internal:5443 | restart HOME/.docker/certs.d/host.docker.internal:5443/berth.crt, which Docker Desktop takes over when it starts | documented',
      'colima | Colima | stopped | host.lima.internal:5443 | certificate /etc/docker/certs.d/host.lima.internal:5443/berth.crt in its virtual machine | documented',
    ],
    notes: [/which the context gone names/],
  },
  {
    name: 'Colima below COLIMA_HOME with a certificate that does not name its host',
    platform: 'darwin',
    env: { COLIMA_HOME: 'HOME/vm' },
    sockets: { 'home/vm/default/docker.sock': colima },
    target: { ...loopback, names: ['localhost'] },
    engines: [
      'colima | Colima 28.4.0 | running | host.lima.internal:5443 | cannot The certificate of the registry is not good for host.lima.internal, so Colima refuses it. Add it to berth.tls.names and start the registry again. | documented containerd-store',
    ],
  },
  {
    name: 'WSL with Docker Desktop',
    sockets: { 'sys/var/run/docker.sock': desktop },
    files: { 'sys/proc/version': 'Linux version 6.6.87.2-microsoft-standard-WSL2 (root@x)' },
    engines: [
      String.raw`docker-desktop | Docker Desktop 29.2.1 | running | host.docker.internal:5443 | cannot Docker Desktop runs on Windows: put the certificate of the authority into %USERPROFILE%\.docker\certs.d\host.docker.internal5443\berth.crt there and restart it. | documented containerd-store`,
    ],
    notes: [/This is WSL/],
  },
  {
    name: 'Docker on another computer: by ssh, and by a socket that is forwarded from there',
    sockets: { 'home/far.sock': dockerd('far', { version: { KernelVersion: '5.10.0' } }) },
    files: { ...context('by-ssh', 'ssh://ann@build'), ...context('by-socket', 'unix://HOME/far.sock') },
    target: wide,
    engines: [
      'docker-remote:by-socket | Docker at unix://HOME/far.sock 20.10.24+dfsg1 (context by-socket) | running | 192.168.1.20:5443 | certificate /etc/docker/certs.d/192.168.1.20:5443/berth.crt at unix://HOME/far.sock | documented',
      'docker-remote:by-ssh | Docker at ssh://ann@build (context by-ssh) | running | 192.168.1.20:5443 | cannot It is on another computer. Put the certificate of the authority into /etc/docker/certs.d/192.168.1.20:5443/berth.crt there. | documented',
    ],
    notes: [/was not asked/],
  },
  {
    name: "Podman, Buildah and Skopeo of a user, with Podman's socket in the place of Docker's",
    env: { XDG_RUNTIME_DIR: 'HOME/run' },
    programs: {
      podman: `case $1 in version) ${version51};; machine) echo '[]';; esac`,
      buildah: '',
      skopeo: '',
    },
    sockets: { 'sys/run/podman/podman.sock': { '/version': 'asked' } },
    links: { 'sys/var/run/docker.sock': 'sys/run/podman/podman.sock' },
    engines: [
      'podman | Podman 5.1.2 | running | localhost:5443 | certificate HOME/.config/containers/certs.d/localhost:5443/berth.crt | local probed endpoint=SYS/var/run/docker.sock',
    ],
    notes: [/podman, buildah and skopeo look in the same folders/],
  },
  {
    name: 'Podman that reads the folder of Docker',
    programs: { podman: `case $1 in version) ${version51};; machine) exit 125;; esac` },
    files: { 'sys/etc/docker/certs.d/localhost:5443/berth.crt': authority },
    engines: [
      `podman | Podman 5.1.2 | running | localhost:5443 | ${nothing} Trusted already, in SYS/etc/docker/certs.d/localhost:5443/berth.crt. | local probed`,
    ],
  },
  {
    name: 'Podman of root, whose configuration is broken',
    uid: 0,
    programs: {
      podman: `case $1 in machine) echo '[{"Name":"none"}]';; *) echo "Error: loading drop-in registries configuration: x" >&2; exit 125;; esac`,
    },
    engines: [
      'podman | Podman | stopped | localhost:5443 | certificate SYS/etc/containers/certs.d/localhost:5443/berth.crt | local probed',
    ],
    notes: [/podman fails: Error: loading drop-in/],
  },
  {
    name: 'a program that cannot be started',
    uid: 0,
    programs: { podman: '#!/nonexistent/interpreter' },
    engines: [
      'podman | Podman | stopped | localhost:5443 | certificate SYS/etc/containers/certs.d/localhost:5443/berth.crt | local probed',
    ],
    notes: [/podman cannot be started: ENOENT/],
  },
  {
    name: 'Skopeo alone',
    programs: { skopeo: 'echo skopeo version 1.18.0' },
    engines: [
      'podman | Skopeo 1.18.0 | running | localhost:5443 | certificate HOME/.config/containers/certs.d/localhost:5443/berth.crt | local probed',
    ],
  },
  {
    name: "Podman of another user behind Docker's API",
    sockets: { 'home/p.sock': podman },
    env: { DOCKER_HOST: 'unix://HOME/p.sock' },
    engines: [
      'podman | Podman 5.1.2 | running | localhost:5443 | cannot The podman program is not on this computer. Run berth where Podman runs. | documented endpoint=HOME/p.sock',
    ],
  },
  {
    name: 'machines of Podman on a Mac',
    platform: 'darwin',
    programs: {
      podman: `case $1 in machine) echo '[{"Name":"podman-machine-default","Default":true,"Running":true,"VMType":"applehv"},{"Name":"old","Running":false,"VMType":"wsl"}]';; esac`,
    },
    engines: [
      'podman-machine:podman-machine-default | Podman machine podman-machine-default | running | host.containers.internal:5443 | certificate /etc/containers/certs.d/host.containers.internal:5443/berth.crt in the machine (podman machine ssh podman-machine-default) | documented',
      'podman-machine:old | Podman machine old | stopped | host.containers.internal:5443 | cannot It reaches this computer at host.containers.internal, and the registry listens on 127.0.0.1 and ::1 alone. Start it with: berth serve --listen 0.0.0.0:5443 | documented',
    ],
  },
  {
    name: "Docker's containerd is no engine of its own",
    sockets: { 'sys/var/run/docker.sock': dockerd('a') },
    files: { 'sys/run/containerd/containerd.sock': '' },
    programs: { dockerd: '', ctr: 'case "$*" in *namespaces*) echo moby; echo plugins.moby;; esac' },
    engines: [`docker | Docker 20.10.24+dfsg1 | running | localhost:5443 | ${nothing} | local probed`],
  },
  {
    name: 'containerd with the namespace of Kubernetes beside that of Docker',
    sockets: { 'sys/var/run/docker.sock': dockerd('a') },
    files: { 'sys/run/containerd/containerd.sock': '' },
    programs: {
      dockerd: '',
      ctr: String.raw`case "$*" in *namespaces*) echo k8s.io; echo moby;; *) printf 'Client:\n  Version:  1.6.20\nServer:\n  Version:  v1.7.24\n';; esac`,
    },
    engines: [
      `docker | Docker 20.10.24+dfsg1 | running | localhost:5443 | ${nothing} | local probed`,
      `containerd | containerd 1.7.24 | running | localhost:5443 | ${nothing} | local probed containerd-store`,
    ],
    notes: [/Namespaces: k8s\.io\./],
  },
  {
    name: 'containerd of nerdctl that this user may not ask',
    files: { 'sys/run/containerd/containerd.sock': '' },
    programs: { nerdctl: '', ctr: 'echo "ctr: failed to dial: permission denied" >&2; exit 1' },
    target: { ...loopback, listensOn: ['192.168.1.20'] },
    engines: [
      'containerd | containerd | denied | 192.168.1.20:5443 | certificate SYS/etc/containerd/certs.d/192.168.1.20:5443/berth.crt | local documented containerd-store',
    ],
  },
  {
    name: 'k3s, MicroK8s and a buildkitd, of which the first runs',
    files: {
      'sys/etc/rancher/k3s/config.yaml': '',
      'sys/run/k3s/containerd/containerd.sock': '',
      'sys/var/snap/microk8s/current/args/x': '',
      'sys/run/buildkit/buildkitd.sock': '',
      'sys/proc/net/unix':
        'Num       RefCount Protocol Flags    Type St Inode Path\n0000000000000000: 00000002 00000000 00010000 0001 01 21532 /var/run/k3s/containerd/containerd.sock\n',
    },
    engines: [
      `containerd:k3s | k3s | running | localhost:5443 | ${nothing} | local documented containerd-store`,
      `buildkit | BuildKit | stopped | localhost:5443 | ${nothing} | local documented containerd-store`,
      `microk8s | MicroK8s | stopped | localhost:5443 | ${nothing} | local documented containerd-store`,
    ],
  },
  {
    name: 'builders of buildx: on a bridge, on the network of the host, and without their Docker',
    sockets: {
      'sys/var/run/docker.sock': {
        ...dockerd('a'),
        '/containers/json': [
          container('buildx_buildkit_one0', 'moby/buildkit:buildx-stable-1', {}, 'bridge'),
        ],
        '/networks/bridge': { IPAM: { Config: [{ Subnet: '172.30.0.0/16' }] } },
      },
    },
    files: {
      'home/.docker/buildx/instances/one': builder('one', 'docker-container', {
        Endpoint: 'unix://SYS/var/run/docker.sock',
      }),
      'home/.docker/buildx/instances/two': builder('two', 'docker-container', {
        DriverOpts: { network: 'host' },
      }),
      'home/.docker/buildx/instances/three': builder('three', 'docker-container', { Endpoint: 'gone' }),
      'home/.docker/buildx/instances/four': builder('four', 'kubernetes', {}),
      'home/.docker/buildx/instances/five': '{',
    },
    target: wide,
    engines: [
      `docker | Docker 20.10.24+dfsg1 | running | localhost:5443 | ${nothing} | local probed`,
      'buildkit:one | BuildKit (builder one) | running | 172.30.0.1:5443 | restart the builder one, made again with --buildkitd-config: [registry."172.30.0.1:5443"] with ca | probed containerd-store',
      'buildkit:three | BuildKit (builder three) | stopped | 172.17.0.1:5443 | restart the builder three, made again with --buildkitd-config: [registry."172.17.0.1:5443"] with ca | documented containerd-store',
      `buildkit:two | BuildKit (builder two) | running | localhost:5443 | ${nothing} | probed containerd-store`,
    ],
    notes: [/Its Docker \(gone\) was not found/],
  },
  {
    name: 'a builder that has the certificate, below BUILDX_CONFIG, in Colima',
    platform: 'darwin',
    env: { BUILDX_CONFIG: 'HOME/bx' },
    sockets: { 'home/.colima/default/docker.sock': colima },
    files: {
      ...context('colima', 'unix://HOME/.colima/default/docker.sock'),
      'home/bx/instances/mine': builder('mine', 'docker-container', {
        Endpoint: 'colima',
        Files: {
          'buildkitd.toml': base64(
            '[registry."host.lima.internal:5443"]\n  ca = ["/etc/buildkit/certs/x/berth.crt"]\n',
          ),
          'certs/x/berth.crt': base64(authority),
        },
      }),
    },
    engines: [
      'colima | Colima 28.4.0 (context colima) | running | host.lima.internal:5443 | certificate /etc/docker/certs.d/host.lima.internal:5443/berth.crt in its virtual machine | documented containerd-store',
      `buildkit:mine | BuildKit (builder mine) | stopped | host.lima.internal:5443 | ${nothing} Trusted already, in the configuration of the builder mine. | probed containerd-store`,
    ],
  },
  {
    name: 'kind, k3d and minikube in the Docker of this computer, the registry on loopback',
    sockets: { 'sys/var/run/docker.sock': { ...dockerd('a'), ...clusters() } },
    files: { 'home/.minikube/profiles/minikube/config.json': minikube('docker') },
    engines: [
      `docker | Docker 20.10.24+dfsg1 | running | localhost:5443 | ${nothing} | local probed`,
      ...[
        'kind:dev | kind dev (Kubernetes 1.32.2)',
        'k3d:lab | k3d lab (Kubernetes 1.31.5-k3s1)',
        'minikube:minikube | minikube minikube (Kubernetes 1.32.0)',
      ].map(
        (start) =>
          `${start} | ${start.startsWith('k3d') ? 'stopped' : 'running'} | ${start.startsWith('kind') ? '172.18.0.1' : `host.${start.slice(0, start.indexOf(':'))}.internal`}:5443 | cannot It reaches this computer at 172.18.0.1, and the registry listens on 127.0.0.1 and ::1 alone. Start it with: berth serve --listen 0.0.0.0:5443 | ${start.startsWith('minikube') ? 'documented' : 'probed containerd-store'}`,
      ),
    ],
  },
  {
    name: 'the same with the registry on all addresses, and minikube trusts it',
    sockets: { 'sys/var/run/docker.sock': { ...dockerd('a'), ...clusters() } },
    files: {
      'home/.minikube/profiles/minikube/config.json': minikube('docker'),
      'home/.minikube/certs/berth.pem': authority,
    },
    target: wide,
    engines: [
      `docker | Docker 20.10.24+dfsg1 | running | localhost:5443 | ${nothing} | local probed`,
      'kind:dev | kind dev (Kubernetes 1.32.2) | running | 172.18.0.1:5443 | certificate /etc/containerd/certs.d/172.18.0.1:5443/berth.crt in each node | probed containerd-store',
      'k3d:lab | k3d lab (Kubernetes 1.31.5-k3s1) | stopped | host.k3d.internal:5443 | restart configs."host.k3d.internal:5443".tls.ca_file in /etc/rancher/k3s/registries.yaml of each node (k3d cluster create --registry-config) | probed containerd-store',
      `minikube:minikube | minikube minikube (Kubernetes 1.32.0) | running | host.minikube.internal:5443 | ${nothing} Trusted since its last start, by HOME/.minikube/certs/berth.pem. | documented`,
    ],
    notes: [/containers of Docker 20\.10\.24\+dfsg1: dev-control-plane, dev-worker\./],
  },
  {
    name: 'kind and k3d in Docker Desktop get through to loopback',
    platform: 'darwin',
    sockets: { 'home/.docker/run/docker.sock': { ...desktop, ...clusters() } },
    engines: [
      'docker-desktop | Docker Desktop 29.2.1 | running | host.docker.internal:5443 | restart HOME/.docker/certs.d/host.docker.internal:5443/berth.crt, which Docker Desktop takes over when it starts | documented containerd-store',
      'kind:dev | kind dev (Kubernetes 1.32.2) | running | host.docker.internal:5443 | certificate /etc/containerd/certs.d/host.docker.internal:5443/berth.crt in each node | probed containerd-store',
      'k3d:lab | k3d lab (Kubernetes 1.31.5-k3s1) | stopped | host.k3d.internal:5443 | restart configs."host.k3d.internal:5443".tls.ca_file in /etc/rancher/k3s/registries.yaml of each node (k3d cluster create --registry-config) | probed containerd-store',
    ],
  },
  {
    name: 'minikube in machines of its own',
    env: { MINIKUBE_HOME: 'HOME/mk' },
    files: {
      'home/mk/.minikube/profiles/a/config.json': minikube('kvm2', 'a'),
      'home/mk/.minikube/profiles/b/config.json': minikube('qemu2', 'b'),
      'home/mk/.minikube/profiles/c/config.json': '{',
    },
    engines: [
      'minikube:a | minikube a (Kubernetes 1.32.0) | stopped | host.minikube.internal:5443 | cannot It reaches this computer at host.minikube.internal, and the registry listens on 127.0.0.1 and ::1 alone. Start it with: berth serve --listen 0.0.0.0:5443 | documented',
      'minikube:b | minikube b (Kubernetes 1.32.0) | stopped | host.minikube.internal:5443 | restart HOME/mk/.minikube/certs/berth.pem, then: minikube start --profile b --embed-certs | documented',
    ],
  },
];

for (const situation of situations) {
  test(`found: ${situation.name}`, async () => {
    await using place = await build(situation);

    const engines = await detectEngines(place.host, situation.target ?? loopback, {});

    assert.deepEqual(
      engines.map((engine) => place.line(engine)),
      situation.engines,
    );
    const notes = engines.flatMap((engine) => engine.notes).join('\n');
    for (const note of situation.notes ?? []) assert.match(notes, note);
  });
}

test('a socket that this user may not open means denied, with the way in', async () => {
  await using place = await build({
    name: 'denied',
    sockets: { 'sys/var/run/docker.sock': dockerd('a') },
    engines: [],
  });
  await chmod(place.host.systemPath('/var/run/docker.sock'), 0o600);
  const isRoot = process.geteuid?.() === 0;

  // Root opens everything, so it steps aside.
  if (isRoot) process.seteuid?.(65_534);
  let engines: readonly Engine[];
  try {
    if (!isRoot) await chmod(place.host.systemPath('/var/run/docker.sock'), 0o000);
    engines = await detectEngines(place.host, loopback);
  } finally {
    if (isRoot) process.seteuid?.(0);
  }

  assert.deepEqual(
    engines.map(({ id, state }) => [id, state]),
    [['docker', 'denied']],
  );
  assert.match(engines[0]?.notes.join(' ') ?? '', /sudo usermod -aG docker \$USER/);
});

test('a socket whose service would start at a connection is left alone', async () => {
  await using place = await build({
    name: 'asleep',
    sockets: { 'sys/var/run/docker.sock': dockerd('a'), 'sys/run/podman/podman.sock': podman },
    files: { 'sys/run/systemd/system/x': '' },
    programs: { systemctl: 'echo active; echo inactive; exit 3' },
    env: { DOCKER_HOST: 'unix://SYS/run/podman/podman.sock' },
    engines: [],
  });

  const engines = await detectEngines(place.host, loopback);

  assert.deepEqual(
    engines.map(({ id, state }) => `${id} ${state}`),
    ['docker stopped', 'podman running'],
  );
  assert.deepEqual(place.requests, []);
});

test('engines that hang are given up within their time, all at once', async () => {
  await using stack = new AsyncDisposableStack();
  const place = stack.use(
    await build({
      name: 'hanging',
      programs: { podman: 'exec sleep 60', ctr: 'exec sleep 60', nerdctl: '' },
      engines: [],
    }),
  );
  for (const path of ['/var/run/docker.sock', '/run/containerd/containerd.sock']) {
    const server = createTcpServer(() => undefined);
    await mkdir(dirname(place.host.systemPath(path)), { recursive: true });
    server.listen(place.host.systemPath(path));
    await once(server, 'listening');
    stack.defer(() => void server.close());
  }
  const start = performance.now();

  const engines = await detectEngines(place.host, loopback);

  const tookMs = performance.now() - start;
  assert.deepEqual(
    engines.map(({ id, state }) => `${id} ${state}`),
    ['docker stopped', 'podman stopped', 'containerd running'],
  );
  assert.ok(tookMs < 3_500, `${tookMs} ms`);
});

test('an abort ends the search with its reason', async () => {
  await using place = await build({ name: 'abort', programs: { podman: 'exec sleep 60' }, engines: [] });
  const controller = new AbortController();
  const search = detectEngines(place.host, loopback, { signal: controller.signal });
  const reason = new Error('enough');

  controller.abort(reason);

  const isReason = (error: unknown) => error === reason;
  await assert.rejects(search, isReason);
  await using empty = await build({ name: 'nothing to wait for', engines: [] });
  await assert.rejects(detectEngines(empty.host, loopback, { signal: controller.signal }), isReason);
});

function context(name: string, url: string): Readonly<Record<string, string>> {
  const id = createHash('sha256').update(name).digest('hex');
  const meta = { Name: name, Metadata: {}, Endpoints: { docker: { Host: url, SkipTLSVerify: false } } };
  return { [`home/.docker/contexts/meta/${id}/meta.json`]: JSON.stringify(meta) };
}

/** An instance in the store of buildx 0.20, with one node. */
function builder(name: string, driver: string, node: object): string {
  const nodes = [
    {
      Name: `${name}0`,
      Endpoint: 'default',
      Platforms: null,
      DriverOpts: {},
      Flags: null,
      Files: null,
      ...node,
    },
  ];
  return JSON.stringify({ Name: name, Driver: driver, Nodes: nodes, Dynamic: false });
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}

function minikube(driver: string, name = 'minikube'): string {
  const nodes = [{ Name: '', IP: '127.0.0.1', Port: 1, ControlPlane: true, Worker: true }];
  const kubernetes = { KubernetesVersion: 'v1.32.0', ContainerRuntime: 'docker' };
  return JSON.stringify({ Name: name, Driver: driver, KubernetesConfig: kubernetes, Nodes: nodes });
}

/** Nodes of three clusters by the label that is asked for, and their networks. */
function clusters(): Answers {
  const kindNode =
    'kindest/node:v1.32.2@sha256:f226345927d7e348497136874b6d207e0b32cc52154ad8323129352923a3142f';
  return {
    '/containers/json io.x-k8s.kind.cluster': [
      container('dev-control-plane', kindNode, { 'io.x-k8s.kind.cluster': 'dev' }, 'kind'),
      container('dev-worker', kindNode, { 'io.x-k8s.kind.cluster': 'dev' }, 'kind'),
    ],
    '/containers/json k3d.cluster': [
      container(
        'k3d-lab-server-0',
        'rancher/k3s:v1.31.5-k3s1',
        { 'k3d.cluster': 'lab' },
        'k3d-lab',
        'exited',
      ),
    ],
    '/containers/json name.minikube.sigs.k8s.io=minikube': [
      container('minikube', 'gcr.io/k8s-minikube/kicbase:v0.0.46', {}, 'minikube'),
    ],
    '/networks/kind': {
      IPAM: {
        Config: [
          { Subnet: 'fc00:f853:ccd:e793::/64', Gateway: 'fc00:f853:ccd:e793::1' },
          { Subnet: '172.18.0.0/16', Gateway: '172.18.0.1' },
        ],
      },
    },
    '/networks/k3d-lab': { IPAM: { Config: [{ Subnet: '172.18.0.0/16', Gateway: '172.18.0.1' }] } },
    '/networks/minikube': { IPAM: { Config: [{ Subnet: '172.18.0.0/16', Gateway: '172.18.0.1' }] } },
  };
}

interface Place extends AsyncDisposable {
  readonly host: Host;
  /** What the engines were asked. */
  readonly requests: readonly string[];
  line(engine: Engine): string;
}

/** Makes the situation: files, scripts on PATH, and engines that listen on real sockets. */
async function build(situation: Situation): Promise<Place> {
  const {
    platform = 'linux',
    uid = 1000,
    env = {},
    sockets = {},
    stale = [],
    files = {},
    links = {},
    programs = {},
  } = situation;
  await using stack = new AsyncDisposableStack();
  const root = stack.use(await mkdtempDisposable(join(tmpdir(), 'berth-detect-'))).path;
  await chmod(root, 0o755);
  const [home, sys, bin] = ['home', 'sys', 'bin'].map((name) => join(root, name)) as [string, string, string];
  const expand = (text: string) => text.replaceAll('HOME', home).replaceAll('SYS', sys);
  await mkdir(bin);
  const requests: string[] = [];
  const write = async (path: string, text: string) => {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, expand(text));
  };
  await write(join(sys, 'proc/sys/kernel/osrelease'), `${kernel}\n`);
  for (const [name, text] of Object.entries(files)) await write(join(root, name), text);
  for (const [name, script] of Object.entries(programs)) {
    await write(join(bin, name), script.startsWith('#!') ? script : `#!/bin/sh\n${script}\n`);
    await chmod(join(bin, name), 0o755);
  }
  for (const [name, answers] of Object.entries(sockets)) {
    const server = await serve(
      join(root, name),
      JSON.parse(expand(JSON.stringify(answers))) as Answers,
      (path) => void requests.push(path),
    );
    stack.defer(() => close(server));
  }
  for (const name of stale) await leaveSocket(join(root, name));
  for (const [name, to] of Object.entries(links)) {
    await mkdir(dirname(join(root, name)), { recursive: true });
    await symlink(join(root, to), join(root, name));
  }

  const own = thisHost({
    HOME: home,
    PATH: [bin, '/usr/bin', '/bin'].join(delimiter),
    ...Object.fromEntries(Object.entries(env).map(([name, value]) => [name, expand(value)])),
  });
  const owned = stack.move();
  return {
    requests,
    host: {
      ...own,
      platform,
      uid,
      systemPath: (path) => join(sys, path),
      find: async (program) => (program in programs ? join(bin, program) : undefined),
      run: async (program, args, options) =>
        program in programs ? await own.run(program, args, options) : undefined,
    },
    line: ({ id, kind, title, state, address, need, endpoint, isLocal, certainty, usesContainerdStore }) => {
      const loose = need.kind === 'nothing' && /loopback/.test(need.why) ? [need.kind] : Object.values(need);
      const marks = [isLocal && 'local', certainty, usesContainerdStore && 'containerd-store'];
      if (kind === 'podman' && endpoint?.kind === 'socket') marks.push(`endpoint=${endpoint.path}`);
      const fields = [id, title, state, address, loose.join(' '), marks.filter(Boolean).join(' ')];
      return fields.join(' | ').replaceAll(sys, 'SYS').replaceAll(home, 'HOME');
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** Answers JSON at a unix socket: by the path with the value of its filter, else by the path, else 404. */
async function serve(path: string, answers: Answers, log: (path: string) => void): Promise<Server> {
  const server = createServer((request, response) => {
    log(request.url ?? '');
    const url = new URL(request.url ?? '', 'http://docker');
    const filters = JSON.parse(url.searchParams.get('filters') ?? '{}') as Record<string, string[]>;
    const [filter = ''] = Object.values(filters).flat();
    const isName = 'name' in filters;
    const all = isName ? answers[url.pathname] : answers[`${url.pathname} ${filter}`];
    const answer = url.searchParams.has('filters') ? (all ?? []) : answers[url.pathname];
    response.writeHead(answer === undefined ? 404 : 200, { 'content-type': 'application/json' });
    response.end(JSON.stringify(answer ?? { message: 'page not found' }));
  });
  await mkdir(dirname(path), { recursive: true });
  server.listen(path);
  await once(server, 'listening');
  await chmod(path, 0o666);
  return server;
}

async function close(server: Server): Promise<void> {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
}

/** A program that dies leaves its socket behind; Node's own removes it, so another name keeps it. */
async function leaveSocket(path: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const server = createTcpServer();
  server.listen(`${path}.live`);
  await once(server, 'listening');
  await link(`${path}.live`, path);
  await new Promise((resolve) => server.close(resolve));
}
