/** Docker and the programs that bring a Docker of their own: Desktop, Colima, Rancher Desktop, OrbStack. */
import { assertNever } from '../../../registry/spec/errors.ts';
import { describeEndpoint } from '../api/request.ts';
import type { Endpoint, Engine, EngineKind, Need, RegistryTarget } from '../engine.ts';
import type { Host } from '../host.ts';
import { certificatePath, certsFolder, trustFolders } from './certs-folders.ts';
import { type Candidate, findEndpoints, systemSocket } from './docker-endpoints.ts';
import { type Answer, askDocker } from './docker-facts.ts';
import { type Identity, identify, identifyByPlace } from './docker-identity.ts';
import { isThere, isWsl, readText } from './files.ts';
import { askProgram } from './programs.ts';
import { type Way, decideNeed, reachRegistry } from './reach.ts';

/** How long one engine may take to say what it is. */
const probeMs = 1_200;

/** An engine of Docker, with what leads to it. */
export interface FoundDocker {
  readonly engine: Engine;
  /** Contexts of the docker command that lead to it. */
  readonly contexts: readonly string[];
  readonly endpoints: readonly Endpoint[];
  /** How its containers see this computer. */
  readonly way: Way;
}

export interface DockerFindings {
  readonly docker: readonly FoundDocker[];
  /** Sockets with Docker's API behind which Podman is. */
  readonly podman: readonly { readonly endpoint: Endpoint; readonly version: string | undefined }[];
}

interface Options {
  readonly signal?: AbortSignal;
}

interface Found {
  readonly candidate: Candidate;
  readonly answer: Answer;
}

/** Answers Docker's engines, one for each daemon, and the sockets of Podman. Starts nothing. */
export async function findDocker(
  host: Host,
  target: RegistryTarget,
  { signal }: Options = {},
): Promise<DockerFindings> {
  const [candidates, kernel, wsl, sleeps] = await Promise.all([
    findEndpoints(host),
    readText(host.systemPath('/proc/sys/kernel/osrelease')),
    isWsl(host),
    isSocketActivated(host, signal),
  ]);
  const found = await Promise.all(
    candidates.map(async (candidate): Promise<Found> => {
      const answer = await ask(host, candidate, sleeps, signal);
      return { candidate, answer };
    }),
  );

  const podman = found.flatMap(({ candidate, answer }) => {
    if (isPodmanSocket(candidate)) return [{ endpoint: candidate.endpoint, version: undefined }];
    if (answer.kind === 'facts' && answer.facts.isPodman) {
      return [{ endpoint: candidate.endpoint, version: answer.facts.version }];
    }
    return [];
  });
  const daemons = mergeDaemons(
    found.filter((one) => !isPodmanSocket(one.candidate) && !isPodman(one.answer)),
  );
  const docker = await Promise.all(
    daemons.map((daemon) => describe(host, target, daemon, { kernel: kernel?.trim(), wsl })),
  );
  const described = docker.filter((one) => one !== undefined);
  const local: readonly EngineKind[] = ['docker', 'docker-rootless', 'docker-snap'];
  if (
    !described.some(({ engine }) => local.includes(engine.kind)) &&
    (await host.find('dockerd')) !== undefined
  ) {
    described.push(await describeStopped(host, target));
  }
  return { docker: withUniqueIds(described), podman };
}

async function ask(
  host: Host,
  candidate: Candidate,
  sleeps: boolean,
  signal: AbortSignal | undefined,
): Promise<Answer> {
  const { endpoint } = candidate;
  if (isPodmanSocket(candidate)) return { kind: 'absent' };
  if (endpoint.kind === 'ssh')
    return { kind: 'silent', reason: 'It was not asked: it is on another computer.' };
  if (sleeps && endpoint.kind === 'socket' && endpoint.path === host.systemPath(systemSocket)) {
    return { kind: 'silent', reason: 'systemd starts it at the first connection.' };
  }
  return await askDocker(endpoint, { timeoutMs: probeMs, signal });
}

/** A connection would start podman.service (systemd.socket(5)); the name tells enough. */
function isPodmanSocket({ key }: Candidate): boolean {
  return /podman[^/\\]*\.sock$/.test(key);
}

function isPodman(answer: Answer): boolean {
  return answer.kind === 'facts' && answer.facts.isPodman;
}

/** True where a connection to Docker's socket would start Docker: docker.socket waits, docker.service is down. */
async function isSocketActivated(host: Host, signal: AbortSignal | undefined): Promise<boolean> {
  // sd_booted(3): this folder is there where systemd is the init.
  if (host.platform !== 'linux' || !(await isThere(host.systemPath('/run/systemd/system')))) return false;
  // The exit code tells whether all are active; the lines tell of each.
  const states = await askProgram(host, 'systemctl', ['is-active', 'docker.socket', 'docker.service'], {
    timeoutMs: probeMs,
    signal,
  });
  const [socket, service] = states?.stdout.split('\n') ?? [];
  return socket === 'active' && service !== 'active';
}

/** One entry for each daemon: two sockets with the same id are one. */
function mergeDaemons(found: readonly Found[]): readonly (readonly Found[])[] {
  const daemons = new Map<string, Found[]>();
  for (const one of found) {
    const id = one.answer.kind === 'facts' ? one.answer.facts.id : undefined;
    const key = id ?? one.candidate.key;
    daemons.set(key, [...(daemons.get(key) ?? []), one]);
  }
  return [...daemons.values()];
}

async function describe(
  host: Host,
  target: RegistryTarget,
  daemon: readonly Found[],
  system: { readonly kernel: string | undefined; readonly wsl: boolean },
): Promise<FoundDocker | undefined> {
  const [first] = daemon;
  if (first === undefined) return undefined;
  const { candidate, answer } = first;
  if (answer.kind === 'absent' && !candidate.isConfigured) return undefined;

  const facts = answer.kind === 'facts' ? answer.facts : undefined;
  const contexts = daemon.flatMap((one) => one.candidate.contexts);
  const identity =
    facts === undefined
      ? identifyByPlace(host, candidate)
      : await identify(host, candidate, facts, system.kernel);
  const { kind, product, isLocal, way } = identity;
  const reach = reachRegistry(target, way);
  const need = await decideNeed(host, target, {
    reach,
    name: product,
    verifies: facts?.insecure.includes(reach.address) === true ? 'never' : 'except loopback',
    folders: trustFolders(kind, host),
    otherwise: needOf(host, kind, candidate.endpoint, reach.address, system.wsl),
  });
  const version = facts?.version;
  const named = contexts.filter((name) => name !== 'default');
  const context = named.length === 0 ? '' : ` (context ${named.join(', ')})`;
  return {
    engine: {
      id: identity.id,
      kind,
      title: `${product}${version === undefined ? '' : ` ${version}`}${context}`,
      version,
      state: stateOf(answer, candidate.endpoint),
      endpoint: candidate.endpoint,
      address: reach.address,
      usesContainerdStore: facts?.usesContainerdStore ?? false,
      isLocal,
      need,
      certainty: facts !== undefined && isLocal ? 'probed' : 'documented',
      notes: notesOf(identity, candidate, answer, system.wsl),
    },
    contexts,
    endpoints: daemon.map((one) => one.candidate.endpoint),
    way,
  };
}

function stateOf(answer: Answer, endpoint: Endpoint): Engine['state'] {
  switch (answer.kind) {
    case 'facts':
      return 'running';
    case 'denied':
      return 'denied';
    case 'absent':
    case 'silent':
      // What was not asked is not called stopped.
      return endpoint.kind === 'ssh' ? 'running' : 'stopped';
    default:
      return assertNever(answer);
  }
}

/** The need of an engine that verifies the registry at the address and does not trust it. */
function needOf(host: Host, kind: EngineKind, endpoint: Endpoint, address: string, wsl: boolean): Need {
  const folder = certsFolder(kind, host);
  if (folder === undefined) throw new Error(`no folder of certificates for ${kind}`);
  const path = certificatePath(folder, address, host);
  if (endpoint.kind === 'ssh') {
    return {
      kind: 'cannot',
      why: `It is on another computer. Put the certificate of the authority into ${path} there.`,
    };
  }
  if (kind === 'docker-desktop') {
    return wsl
      ? {
          kind: 'cannot',
          why: `Docker Desktop runs on Windows: put the certificate of the authority into %USERPROFILE%\\.docker\\certs.d\\${address.replace(':', '')}\\berth.crt there and restart it.`,
        }
      : { kind: 'restart', what: `${path}, which Docker Desktop takes over when it starts` };
  }
  if (folder.side === 'host') return { kind: 'certificate', where: path };
  const where = kind === 'docker-remote' ? `at ${describeEndpoint(endpoint)}` : 'in its virtual machine';
  return { kind: 'certificate', where: `${path} ${where}` };
}

function notesOf(identity: Identity, candidate: Candidate, answer: Answer, wsl: boolean): readonly string[] {
  const { endpoint, isCurrent, contexts } = candidate;
  const notes: string[] = [];
  switch (answer.kind) {
    case 'denied':
      notes.push(
        `This user may not use ${describeEndpoint(endpoint)}. Run the command with sudo, or join its group and log in again: sudo usermod -aG docker $USER`,
      );
      break;
    case 'absent':
      notes.push(
        contexts[0] === undefined
          ? `It does not run: there is no ${describeEndpoint(endpoint)}.`
          : `There is no ${describeEndpoint(endpoint)}, which the context ${contexts[0]} names.`,
      );
      break;
    case 'silent':
      notes.push(answer.reason);
      break;
    case 'facts':
      if (answer.facts.remapsUsers) {
        notes.push('It remaps users (userns-remap), so no certificate can be put in place through its API.');
      }
      break;
    default:
      assertNever(answer);
  }
  if (isCurrent) notes.push('The docker command uses it.');
  const { way, kind } = identity;
  if (way.kind === 'forwarded')
    notes.push(`It knows this computer as ${way.name}; its localhost is another one.`);
  if (way.kind === 'lan' && kind === 'docker-rootless') {
    notes.push(
      'Its localhost is another one: it runs in a network of its own (RootlessKit without --detach-netns).',
    );
  }
  if (wsl) {
    notes.push(
      kind === 'docker-desktop'
        ? 'This is WSL: Docker Desktop reaches Windows, and Windows hands its localhost over to WSL (localhostForwarding).'
        : 'This is WSL: the engine and this registry are inside of it.',
    );
  }
  return notes;
}

/** Docker is installed, and nothing of it answers. */
async function describeStopped(host: Host, target: RegistryTarget): Promise<FoundDocker> {
  const endpoint: Endpoint = { kind: 'socket', path: host.systemPath(systemSocket) };
  const candidate = { endpoint, key: '', contexts: [], isCurrent: false, isConfigured: true };
  const system = { kernel: undefined, wsl: false };
  const stopped = await describe(host, target, [{ candidate, answer: { kind: 'absent' } }], system);
  if (stopped === undefined) throw new Error('a configured candidate is described');
  return stopped;
}

function withUniqueIds(found: readonly FoundDocker[]): readonly FoundDocker[] {
  const taken = new Set<string>();
  return found.map((one) => {
    const { engine } = one;
    const place = engine.endpoint === undefined ? '' : describeEndpoint(engine.endpoint);
    const id = taken.has(engine.id) ? `${engine.id}:${place}` : engine.id;
    taken.add(id);
    return { ...one, engine: { ...engine, id } };
  });
}
