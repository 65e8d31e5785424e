/** Kubernetes for one computer: kind and k3d in containers of Docker, minikube in a container or machine, MicroK8s. */
import { connect } from 'node:net';
import { once } from 'node:events';
import { systemCode } from '../../../registry/disk/private-file.ts';
import type { Endpoint, Engine, Need, RegistryTarget } from '../engine.ts';
import type { Host } from '../host.ts';
import {
  certificatePath,
  certsFolder,
  minikubeCerts,
  minikubeHome,
  pathOf,
  trustFolders,
} from './certs-folders.ts';
import { gatewayOf, listContainers } from './docker-objects.ts';
import type { FoundDocker } from './docker.ts';
import { isThere, listFolder, readJson, socketState } from './files.ts';
import { listAt, membersAt, textAt, valueAt } from './json.ts';
import { type Way, decideNeed, hostOf, reachRegistry } from './reach.ts';
import { findCertificate } from './trust.ts';

const probeMs = 800;

interface Options {
  readonly signal?: AbortSignal;
}

/** Answers the clusters of this computer. Docker, in which some of them live, has to be found before. */
export async function findClusters(
  host: Host,
  target: RegistryTarget,
  docker: readonly FoundDocker[],
  options: Options = {},
): Promise<readonly Engine[]> {
  const running = docker.filter(({ engine }) => engine.state === 'running' && engine.endpoint !== undefined);
  const found = await Promise.all([
    ...running.flatMap((parent) =>
      (['kind', 'k3d'] as const).map((kind) => findInDocker(host, target, { kind, parent, options })),
    ),
    findMinikube(host, target, running, options),
    findMicrok8s(host, target),
  ]);
  return found.flat();
}

/** The labels by which the programs know their nodes: kind pkg/cluster/constants, k3d pkg/types. */
const labels = { kind: 'io.x-k8s.kind.cluster', k3d: 'k3d.cluster', minikube: 'name.minikube.sigs.k8s.io' };

async function findInDocker(
  host: Host,
  target: RegistryTarget,
  {
    kind,
    parent,
    options,
  }: { readonly kind: 'kind' | 'k3d'; readonly parent: FoundDocker; readonly options: Options },
): Promise<readonly Engine[]> {
  const { endpoint } = parent.engine;
  if (endpoint === undefined) return [];
  const nodes = await listContainers(endpoint, { label: [labels[kind]] }, options);
  const names = new Set(
    nodes.map((node) => textAt(node, 'Labels', labels[kind])).filter((name) => name !== undefined),
  );
  return await Promise.all(
    [...names].map(async (name): Promise<Engine> => {
      const own = nodes.filter((node) => textAt(node, 'Labels', labels[kind]) === name);
      const way = await wayOf(kind, parent, own, options);
      const reach = reachRegistry(target, way);
      // Nodes of kind are kindest/node:v1.32.2@sha256:..., those of k3d rancher/k3s:v1.31.5-k3s1.
      const version = own
        .map((node) => /(?:node|k3s):v?([\w.+-]+)/.exec(textAt(node, 'Image') ?? '')?.[1])
        .find(Boolean);
      return {
        id: `${kind}:${name}`,
        kind,
        title: `${kind} ${name}${version === undefined ? '' : ` (Kubernetes ${version})`}`,
        version,
        state: own.some((node) => textAt(node, 'State') === 'running') ? 'running' : 'stopped',
        endpoint,
        address: reach.address,
        usesContainerdStore: true,
        isLocal: false,
        need: await decideNeed(host, target, {
          reach,
          name: kind,
          verifies: 'always',
          folders: trustFolders(kind, host),
          otherwise: kind === 'kind' ? kindNeed(host, reach.address) : k3dNeed(reach.address),
        }),
        certainty: 'probed',
        notes: [
          `Its nodes are containers of ${parent.engine.title}: ${own.map(containerName).join(', ')}.`,
          `It knows this computer as ${hostOf(reach.address)}. Pods need an imagePullSecret.`,
        ],
      };
    }),
  );
}

function kindNeed(host: Host, address: string): Need {
  const folder = certsFolder('kind', host);
  if (folder === undefined) throw new Error('kind has a folder of certificates');
  return { kind: 'certificate', where: `${certificatePath(folder, address, host)} in each node` };
}

/** k3d.io/stable/usage/registries: the file is read when a node starts. */
function k3dNeed(address: string): Need {
  return {
    kind: 'restart',
    what: `configs."${address}".tls.ca_file in /etc/rancher/k3s/registries.yaml of each node (k3d cluster create --registry-config)`,
  };
}

/** How a node's packets get here: in a virtual machine as those of its Docker, else by the gateway of its network. */
async function wayOf(
  kind: 'kind' | 'k3d' | 'minikube',
  parent: FoundDocker,
  nodes: readonly unknown[],
  options: Options,
): Promise<Way> {
  // k3d and minikube write this name into /etc/hosts of their nodes; it is the gateway, or the host of the machine.
  const name = kind === 'kind' ? undefined : `host.${kind}.internal`;
  if (parent.way.kind === 'forwarded') return { kind: 'forwarded', name: name ?? parent.way.name };
  const [network = 'bridge'] = nodes.flatMap((node) =>
    membersAt(node, 'NetworkSettings', 'Networks').map(([found]) => found),
  );
  const { endpoint } = parent.engine;
  const gateway = endpoint === undefined ? undefined : await gatewayOf(endpoint, network, options);
  // Rootless Docker's gateway is one in its own network, not of this computer.
  if (parent.engine.kind === 'docker-rootless' || gateway === undefined) return { kind: 'lan' };
  return { kind: 'bridge', name: name ?? gateway, gateway };
}

function containerName(container: unknown): string {
  const [name] = listAt(container, 'Names');
  return typeof name === 'string' ? name.replace(/^\//, '') : '';
}

async function findMinikube(
  host: Host,
  target: RegistryTarget,
  docker: readonly FoundDocker[],
  options: Options,
): Promise<readonly Engine[]> {
  const paths = pathOf(host);
  const folder = paths.join(minikubeHome(host), 'profiles');
  const profiles = await Promise.all(
    ((await listFolder(folder)) ?? []).map((name) => readJson(paths.join(folder, name, 'config.json'))),
  );
  return await Promise.all(
    profiles
      .filter((profile) => textAt(profile, 'Name') !== undefined)
      .map((profile) => describeMinikube(host, target, { profile, docker, options })),
  );
}

async function describeMinikube(
  host: Host,
  target: RegistryTarget,
  {
    profile,
    docker,
    options,
  }: { readonly profile: unknown; readonly docker: readonly FoundDocker[]; readonly options: Options },
): Promise<Engine> {
  const name = textAt(profile, 'Name') ?? '';
  const driver = textAt(profile, 'Driver') ?? '';
  const version = textAt(profile, 'KubernetesConfig', 'KubernetesVersion')?.replace(/^v/, '');
  const machine = await findMinikubeMachine(profile, { name, driver, docker, options });
  const reach = reachRegistry(target, machine.way);
  const folder = minikubeCerts(host);
  const decided = await decideNeed(host, target, {
    reach,
    name: 'minikube',
    verifies: 'always',
    folders: [],
    otherwise: {
      kind: 'restart',
      what: `${pathOf(host).join(folder, 'berth.pem')}, then: minikube start --profile ${name} --embed-certs`,
    },
  });
  return {
    id: `minikube:${name}`,
    kind: 'minikube',
    title: `minikube ${name}${version === undefined ? '' : ` (Kubernetes ${version})`}`,
    version,
    state: machine.isRunning ? 'running' : 'stopped',
    endpoint: machine.endpoint,
    address: reach.address,
    usesContainerdStore: textAt(profile, 'KubernetesConfig', 'ContainerRuntime') === 'containerd',
    isLocal: false,
    need: decided.kind === 'restart' ? await unlessEmbedded(host, target, decided) : decided,
    certainty: 'documented',
    notes: [`Its driver is ${driver}. It knows this computer as ${hostOf(reach.address)}.`],
  };
}

/** minikube pkg/minikube/bootstrapper/certs.go: each *.pem of the folder goes into the machine when it starts. */
async function unlessEmbedded(host: Host, { authority }: RegistryTarget, need: Need): Promise<Need> {
  const folder = minikubeCerts(host);
  const names = (await listFolder(folder)) ?? [];
  const files = names.filter((name) => name.endsWith('.pem')).map((name) => pathOf(host).join(folder, name));
  const file = authority === undefined ? undefined : await findCertificate(files, authority);
  return file === undefined ? need : { kind: 'nothing', why: `Trusted since its last start, by ${file}.` };
}

async function findMinikubeMachine(
  profile: unknown,
  {
    name,
    driver,
    docker,
    options,
  }: {
    readonly name: string;
    readonly driver: string;
    readonly docker: readonly FoundDocker[];
    readonly options: Options;
  },
): Promise<{ readonly way: Way; readonly isRunning: boolean; readonly endpoint: Endpoint | undefined }> {
  const hostName = 'host.minikube.internal';
  if (driver === 'docker') {
    for (const parent of docker) {
      const { endpoint } = parent.engine;
      if (endpoint === undefined) continue;
      const nodes = await listContainers(endpoint, { label: [`${labels.minikube}=${name}`] }, options);
      if (nodes.length === 0) continue;
      return {
        way: await wayOf('minikube', parent, nodes, options),
        isRunning: nodes.some((node) => textAt(node, 'State') === 'running'),
        endpoint,
      };
    }
    return {
      way: { kind: 'bridge', name: hostName, gateway: undefined },
      isRunning: false,
      endpoint: undefined,
    };
  }
  // The builtin network of QEMU hands its gateway to the loopback of the host; other drivers have a bridge.
  const way: Way =
    driver === 'qemu2' && (textAt(profile, 'Network') ?? 'builtin') !== 'socket_vmnet'
      ? { kind: 'forwarded', name: hostName }
      : { kind: 'bridge', name: hostName, gateway: undefined };
  const [node] = listAt(profile, 'Nodes');
  const ip = textAt(node, 'IP');
  const port = Number(valueAt(node, 'Port'));
  return { way, isRunning: ip !== undefined && (await answers(ip, port, options)), endpoint: undefined };
}

/** True if somebody accepts a connection at once: the API of the cluster, which says that its machine runs. */
async function answers(ip: string, port: number, { signal }: Options): Promise<boolean> {
  const timeout = AbortSignal.timeout(probeMs);
  const socket = connect({ host: ip, port });
  try {
    await once(socket, 'connect', {
      signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]),
    });
    return true;
  } catch (error) {
    signal?.throwIfAborted();
    if (timeout.aborted || systemCode(error) !== undefined) return false;
    throw error;
  } finally {
    socket.destroy();
  }
}

async function findMicrok8s(host: Host, target: RegistryTarget): Promise<readonly Engine[]> {
  if (!(await isThere(host.systemPath('/var/snap/microk8s/current')))) return [];
  const socket = await socketState(host, '/var/snap/microk8s/common/run/containerd.sock');
  const reach = reachRegistry(target, { kind: 'loopback' });
  const folder = certsFolder('microk8s', host);
  if (folder === undefined) throw new Error('MicroK8s has a folder of certificates');
  return [
    {
      id: 'microk8s',
      kind: 'microk8s',
      title: 'MicroK8s',
      version: undefined,
      state: socket === 'listening' ? 'running' : 'stopped',
      endpoint: undefined,
      address: reach.address,
      usesContainerdStore: true,
      isLocal: true,
      need: await decideNeed(host, target, {
        reach,
        name: 'The containerd of MicroK8s',
        verifies: 'except loopback',
        folders: trustFolders('microk8s', host),
        otherwise: {
          kind: 'restart',
          what: `${certificatePath(folder, reach.address, host)}, then: snap restart microk8s`,
        },
      }),
      certainty: 'documented',
      notes: ['Pods need an imagePullSecret.'],
    },
  ];
}
