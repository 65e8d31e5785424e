/**
 * containerd, where somebody uses it as an engine of its own.
 *
 * Docker brings a containerd, too: as its child with a socket below /run/docker, or as a service of the system in which
 * it uses the namespace `moby` alone (`plugins.moby` for its plugins). Such a one is not shown, since Docker is. Shown is
 * one with another namespace (`k8s.io` of Kubernetes, `default` of ctr and nerdctl), and one that cannot be asked if
 * nerdctl is installed or Docker is not.
 */
import type { Engine, RegistryTarget } from '../engine.ts';
import type { Host } from '../host.ts';
import { certificatePath, certsFolder, trustFolders } from './certs-folders.ts';
import { isThere, socketState } from './files.ts';
import { askProgram } from './programs.ts';
import { decideNeed, reachRegistry } from './reach.ts';

const runMs = 2_000;
const socketPath = '/run/containerd/containerd.sock';

interface Options {
  readonly signal?: AbortSignal;
}

/** Answers the containerd of the system, and that of k3s. Starts nothing. */
export async function findContainerd(
  host: Host,
  target: RegistryTarget,
  options: Options = {},
): Promise<readonly Engine[]> {
  if (host.platform !== 'linux') return [];
  const found = await Promise.all([findSystem(host, target, options), findK3s(host, target)]);
  return found.filter((engine) => engine !== undefined);
}

async function findSystem(
  host: Host,
  target: RegistryTarget,
  { signal }: Options,
): Promise<Engine | undefined> {
  const [socket, nerdctl, dockerd] = await Promise.all([
    socketState(host, socketPath),
    host.find('nerdctl'),
    host.find('dockerd'),
  ]);
  if (socket === 'absent') return undefined;
  const isOwn = nerdctl !== undefined || dockerd === undefined;
  if (socket === 'stale') {
    return isOwn
      ? await describe(host, target, { state: 'stopped', version: undefined, notes: [] })
      : undefined;
  }

  const ask = (...args: readonly string[]) =>
    askProgram(host, 'ctr', ['--address', host.systemPath(socketPath), ...args], {
      timeoutMs: runMs,
      signal,
    });
  const [namespaces, versions] = await Promise.all([ask('namespaces', 'list', '--quiet'), ask('version')]);
  const version = /^Server:\s+Version:\s+v?(\S+)/m.exec(versions?.stdout ?? '')?.[1];
  if (namespaces !== undefined && namespaces.problem === undefined) {
    const others = namespaces.stdout
      .split('\n')
      .filter((name) => name !== '' && !/^(plugins\.)?moby$/.test(name));
    if (others.length === 0 && !isOwn) return undefined;
    const notes = others.length === 0 ? [] : [`Namespaces: ${others.join(', ')}.`];
    return await describe(host, target, { state: 'running', version, notes });
  }
  if (!isOwn) return undefined;
  const isDenied = /permission denied/.test(namespaces?.problem ?? '');
  return await describe(host, target, {
    state: isDenied ? 'denied' : 'running',
    version,
    notes: isDenied
      ? [`This user may not use ${socketPath}: run the command with sudo.`]
      : [namespaces?.problem ?? 'It was not asked: there is no ctr.'],
  });
}

async function findK3s(host: Host, target: RegistryTarget): Promise<Engine | undefined> {
  const [isInstalled, socket] = await Promise.all([
    isThere(host.systemPath('/etc/rancher/k3s')),
    socketState(host, '/run/k3s/containerd/containerd.sock'),
  ]);
  if (!isInstalled && socket === 'absent') return undefined;
  const engine = await describe(host, target, {
    state: socket === 'listening' ? 'running' : 'stopped',
    version: undefined,
    notes: ['Pods need an imagePullSecret, or the password in /etc/rancher/k3s/registries.yaml.'],
  });
  return {
    ...engine,
    id: 'containerd:k3s',
    title: 'k3s',
    // docs.k3s.io/installation/private-registry: k3s writes the folder of its containerd anew from this file.
    need:
      engine.need.kind === 'certificate'
        ? { kind: 'restart', what: 'configs.ADDRESS.tls.ca_file in /etc/rancher/k3s/registries.yaml' }
        : engine.need,
  };
}

async function describe(
  host: Host,
  target: RegistryTarget,
  {
    state,
    version,
    notes,
  }: {
    readonly state: Engine['state'];
    readonly version: string | undefined;
    readonly notes: readonly string[];
  },
): Promise<Engine> {
  const reach = reachRegistry(target, { kind: 'loopback' });
  const folder = certsFolder('containerd', host);
  if (folder === undefined) throw new Error('containerd has a folder of certificates');
  return {
    id: 'containerd',
    kind: 'containerd',
    title: `containerd${version === undefined ? '' : ` ${version}`}`,
    version,
    state,
    endpoint: undefined,
    address: reach.address,
    usesContainerdStore: true,
    isLocal: true,
    need: await decideNeed(host, target, {
      reach,
      name: 'containerd',
      // containerd remotes/docker/config/hosts.go: localhost gets HTTP, or TLS without verification.
      verifies: 'except loopback',
      folders: trustFolders('containerd', host),
      otherwise: { kind: 'certificate', where: certificatePath(folder, reach.address, host) },
    }),
    certainty: version === undefined ? 'documented' : 'probed',
    notes,
  };
}
