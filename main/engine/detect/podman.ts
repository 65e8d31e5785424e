/**
 * Podman, Buildah and Skopeo. They share their libraries, and with them the folders of certificates. On Linux they have
 * no daemon: each program talks to the registry itself, in the network of this computer. Elsewhere they steer machines.
 */
import type { Endpoint, Engine, RegistryTarget } from '../engine.ts';
import type { Host } from '../host.ts';
import { certificatePath, certsFolder, pathOf, trustFolders } from './certs-folders.ts';
import { isThere } from './files.ts';
import { listAt, parseJson, textAt, valueAt } from './json.ts';
import { askProgram } from './programs.ts';
import { decideNeed, reachRegistry } from './reach.ts';

/** How long a program may take to say its version. Its first start on a busy computer takes a second. */
const runMs = 2_000;

interface Options {
  readonly signal?: AbortSignal;
}

/**
 * Answers the Podman of this user and its machines. `sockets` are those that the docker command is told to use; the
 * first is its endpoint, else the socket of its service. No socket is opened, since that would start the service.
 */
export async function findPodman(
  host: Host,
  target: RegistryTarget,
  sockets: Promise<readonly { readonly endpoint: Endpoint; readonly version: string | undefined }[]>,
  { signal }: Options = {},
): Promise<readonly Engine[]> {
  const [local, machines, known] = await Promise.all([
    host.platform === 'linux' ? findLocal(host, target, signal) : undefined,
    findMachines(host, target, signal),
    sockets,
  ]);
  const [socket] = known;
  if (local !== undefined) {
    const here = known.find(({ endpoint }) => endpoint.kind === 'socket')?.endpoint;
    return [{ ...local, endpoint: here ?? (await findServiceSocket(host)) }, ...machines];
  }
  if (socket === undefined) return machines;
  if (machines.length > 0) {
    const running = machines.filter(({ state }) => state === 'running');
    return machines.map((one) => ({
      ...one,
      endpoint: running.length === 1 && running[0] === one ? socket.endpoint : undefined,
    }));
  }
  // Only the docker command knows of it: another computer, or another user.
  const need = {
    kind: 'cannot',
    why: 'The podman program is not on this computer. Run berth where Podman runs.',
  } as const;
  return [
    {
      id: 'podman',
      kind: 'podman',
      title: socket.version === undefined ? 'Podman' : `Podman ${socket.version}`,
      version: socket.version,
      state: 'running',
      endpoint: socket.endpoint,
      address: reachRegistry(target, { kind: 'loopback' }).address,
      usesContainerdStore: false,
      isLocal: false,
      need,
      certainty: 'documented',
      notes: ['Only its socket is known here.'],
    },
  ];
}

async function findLocal(
  host: Host,
  target: RegistryTarget,
  signal: AbortSignal | undefined,
): Promise<Engine | undefined> {
  const programs = ['podman', 'buildah', 'skopeo'];
  const paths = await Promise.all(programs.map((program) => host.find(program)));
  const [program, ...others] = programs.filter((_, i) => paths[i] !== undefined);
  if (program === undefined) return undefined;

  const answer = await askProgram(host, program, versionArguments(program), { timeoutMs: runMs, signal });
  if (answer === undefined) return undefined;
  const version = answer.problem === undefined ? readVersion(program, answer.stdout) : undefined;
  const reach = reachRegistry(target, { kind: 'loopback' });
  const folder = certsFolder('podman', host);
  if (folder === undefined) throw new Error('Podman has a folder of certificates');
  const product = `${program.charAt(0).toUpperCase()}${program.slice(1)}`;
  const names = new Intl.ListFormat('en-GB').format([program, ...others]);
  return {
    id: 'podman',
    kind: 'podman',
    title: `${product}${version === undefined ? '' : ` ${version}`}`,
    version,
    state: answer.problem === undefined ? 'running' : 'stopped',
    endpoint: undefined,
    address: reach.address,
    usesContainerdStore: false,
    isLocal: true,
    need: await decideNeed(host, target, {
      reach,
      name: product,
      verifies: 'always',
      folders: trustFolders('podman', host),
      otherwise: { kind: 'certificate', where: certificatePath(folder, reach.address, host) },
    }),
    certainty: 'probed',
    notes: [
      ...(answer.problem === undefined ? [] : [answer.problem]),
      ...(others.length === 0 ? [] : [`${names} look in the same folders.`]),
      host.uid === 0
        ? 'Other users look into their own folder first: ~/.config/containers/certs.d.'
        : 'This is for this user alone; root looks into /etc/containers/certs.d.',
    ],
  };
}

async function findMachines(
  host: Host,
  target: RegistryTarget,
  signal: AbortSignal | undefined,
): Promise<readonly Engine[]> {
  // `podman machine` refuses root.
  if (host.uid === 0) return [];
  const answer = await askProgram(host, 'podman', ['machine', 'list', '--format', 'json'], {
    timeoutMs: runMs,
    signal,
  });
  // Without QEMU on Linux there are no machines, and nothing to tell of.
  if (answer === undefined || answer.problem !== undefined) return [];
  const folder = certsFolder('podman-machine', host);
  if (folder === undefined) throw new Error('a machine of Podman has a folder of certificates');
  return await Promise.all(
    listAt(parseJson(answer.stdout)).map(async (entry): Promise<Engine> => {
      // Older versions mark the default machine with a star.
      const name = (textAt(entry, 'Name') ?? 'podman-machine-default').replace(/\*$/, '');
      // gvisor-tap-vsock hands host.containers.internal to the loopback of the host. In WSL the name is its gateway.
      const way =
        textAt(entry, 'VMType') === 'wsl'
          ? ({ kind: 'bridge', name: 'host.containers.internal', gateway: undefined } as const)
          : ({ kind: 'forwarded', name: 'host.containers.internal' } as const);
      const reach = reachRegistry(target, way);
      return {
        id: `podman-machine:${name}`,
        kind: 'podman-machine',
        title: `Podman machine ${name}`,
        version: undefined,
        state: valueAt(entry, 'Running') === true ? 'running' : 'stopped',
        endpoint: undefined,
        address: reach.address,
        usesContainerdStore: false,
        isLocal: false,
        need: await decideNeed(host, target, {
          reach,
          name: 'Podman',
          verifies: 'always',
          folders: trustFolders('podman-machine', host),
          otherwise: {
            kind: 'certificate',
            where: `${certificatePath(folder, reach.address, host)} in the machine (podman machine ssh ${name})`,
          },
        }),
        certainty: 'documented',
        notes: [`It knows this computer as ${way.name}; its localhost is another one.`],
      };
    }),
  );
}

async function findServiceSocket(host: Host): Promise<Endpoint | undefined> {
  const paths = pathOf(host);
  const runtime = host.env['XDG_RUNTIME_DIR'];
  // podman-system-service(1): where the socket lies for root, and for a user.
  const user = runtime ? paths.join(runtime, 'podman', 'podman.sock') : undefined;
  const path = host.uid === 0 ? host.systemPath('/run/podman/podman.sock') : user;
  return path !== undefined && (await isThere(path)) ? { kind: 'socket', path } : undefined;
}

function versionArguments(program: string): readonly string[] {
  return program === 'podman' ? ['version', '--format', 'json'] : ['--version'];
}

/** `{"Client":{"Version":"5.4.0"}}`, or `skopeo version 1.18.0`. */
function readVersion(program: string, output: string): string | undefined {
  if (program !== 'podman') return /version (\S+)/.exec(output)?.[1];
  return textAt(parseJson(output), 'Client', 'Version');
}
