/**
 * Which program an engine with Docker's API belongs to, and how it gets to this computer:
 *
 *   what it says of itself (GET /info)          Desktop, OrbStack, Colima, Rancher Desktop
 *   another kernel, or an endpoint elsewhere    by the place of its socket, else a remote Docker
 *   this kernel                                 rootless, snap, or the Docker of the system
 */
import { describeEndpoint } from '../api/request.ts';
import type { Endpoint, EngineKind } from '../engine.ts';
import type { Host } from '../host.ts';
import { pathOf } from './certs-folders.ts';
import { type Candidate, colimaHomes, rootlessSocket } from './docker-endpoints.ts';
import type { DockerFacts } from './docker-facts.ts';
import { isThere } from './files.ts';
import { type Way, isLoopback } from './reach.ts';

/** What an engine is, before it is known what it needs. */
export interface Identity {
  readonly kind: EngineKind;
  readonly id: string;
  readonly product: string;
  readonly isLocal: boolean;
  readonly way: Way;
}

/** Answers what the engine is that says these facts. `kernel` is the release of this computer's kernel, where known. */
export async function identify(
  host: Host,
  candidate: Candidate,
  facts: DockerFacts,
  kernel: string | undefined,
): Promise<Identity> {
  const { name, operatingSystem } = facts;
  if (operatingSystem === 'Docker Desktop' || name === 'docker-desktop') return identities.desktop;
  if (operatingSystem === 'OrbStack' || name === 'orbstack') return identities.orbstack;
  if (/^colima(-|$)/.test(name)) return colima(name.replace(/^colima-?/, ''));
  if (name === 'lima-rancher-desktop' || operatingSystem.startsWith('Rancher Desktop'))
    return identities.rancher;
  // A forwarded socket leads to another computer; so does a context. The kernel tells.
  const sameKernel = host.platform === 'linux' && (kernel === undefined || facts.kernel === kernel);
  const isLocal =
    !isElsewhere(candidate.endpoint) && (host.platform === 'win32' ? facts.isWindows : sameKernel);
  if (!isLocal) {
    const place = identifyByPlace(host, candidate);
    if (place.kind !== 'docker' && place.kind !== 'docker-rootless') return place;
    // Any other machine of Lima names itself so; its network is the one of Colima.
    const way: Way = name.startsWith('lima-') ? { kind: 'forwarded', name: limaName } : { kind: 'lan' };
    return remote(candidate, way);
  }
  if (facts.isRootless) {
    const state =
      facts.rootlessState ?? pathOf(host).join(host.env['XDG_RUNTIME_DIR'] ?? '', 'dockerd-rootless');
    // rootlesskit pkg/child: with --detach-netns (moby pull request 47103) the daemon stays in the network of this
    // computer, and the network of its containers is kept in this file. Without, its localhost is another one.
    const isDetached = await isThere(pathOf(host).join(state, 'netns'));
    return { ...identities.rootless, way: { kind: isDetached ? 'loopback' : 'lan' } };
  }
  return facts.rootDir.startsWith('/var/snap/docker/') ? identities.snap : identities.docker;
}

/** Answers what an engine is that does not say it, by the place of its socket. */
export function identifyByPlace(host: Host, candidate: Candidate): Identity {
  const { endpoint } = candidate;
  if (isElsewhere(endpoint)) return remote(candidate, { kind: 'lan' });
  if (endpoint.kind !== 'socket') return identities.docker;
  const paths = pathOf(host);
  const folder = paths.dirname(endpoint.path);
  if (colimaHomes(host).includes(paths.dirname(folder))) return colima(paths.basename(folder));
  if (folder === paths.join(host.home, '.rd')) return identities.rancher;
  if (folder === paths.join(host.home, '.orbstack', 'run')) return identities.orbstack;
  if (folder.startsWith(paths.join(host.home, '.docker')) || /dockerDesktop/.test(endpoint.path))
    return identities.desktop;
  return endpoint.path === rootlessSocket(host) ? identities.rootless : identities.docker;
}

/** lima docs, "Network": the gateway of its user network, 192.168.5.2, is the loopback of the host. */
const limaName = 'host.lima.internal';

const loopback: Way = { kind: 'loopback' };

const identities = {
  docker: { kind: 'docker', id: 'docker', product: 'Docker', isLocal: true, way: loopback },
  rootless: {
    kind: 'docker-rootless',
    id: 'docker:rootless',
    product: 'Docker rootless',
    isLocal: true,
    way: loopback,
  },
  snap: { kind: 'docker-snap', id: 'docker:snap', product: 'Docker (snap)', isLocal: true, way: loopback },
  desktop: {
    kind: 'docker-desktop',
    id: 'docker-desktop',
    product: 'Docker Desktop',
    isLocal: false,
    // docs.docker.com/desktop/features/networking: the name of the host in its virtual machine.
    way: { kind: 'forwarded', name: 'host.docker.internal' },
  },
  orbstack: {
    kind: 'orbstack',
    id: 'orbstack',
    product: 'OrbStack',
    isLocal: false,
    // docs.orbstack.dev/docker/network, "Connecting to servers on Mac".
    way: { kind: 'forwarded', name: 'host.docker.internal' },
  },
  rancher: {
    kind: 'rancher-desktop',
    id: 'rancher-desktop',
    product: 'Rancher Desktop',
    isLocal: false,
    way: { kind: 'forwarded', name: 'host.rancher-desktop.internal' },
  },
} as const satisfies Record<string, Identity>;

function colima(profile: string): Identity {
  const isDefault = profile === '' || profile === 'default';
  return {
    kind: 'colima',
    id: isDefault ? 'colima' : `colima:${profile}`,
    product: isDefault ? 'Colima' : `Colima ${profile}`,
    isLocal: false,
    way: { kind: 'forwarded', name: limaName },
  };
}

function remote({ endpoint, contexts: [context] }: Candidate, way: Way): Identity {
  const place = describeEndpoint(endpoint);
  return {
    kind: 'docker-remote',
    id: `docker-remote:${context ?? place}`,
    product: `Docker at ${place}`,
    isLocal: false,
    way,
  };
}

function isElsewhere(endpoint: Endpoint): boolean {
  return endpoint.kind === 'ssh' || (endpoint.kind === 'tcp' && !isLoopback(endpoint.host));
}
