/** BuildKit outside of Docker: builders of buildx in a container, and a buildkitd of the system. */
import type { Endpoint, Engine, RegistryTarget } from '../engine.ts';
import type { Host } from '../host.ts';
import { certificatePath, certsFolder, pathOf, trustFolders } from './certs-folders.ts';
import { dockerConfigFolder, findEndpoint } from './docker-endpoints.ts';
import type { FoundDocker } from './docker.ts';
import { gatewayOf, listContainers } from './docker-objects.ts';
import { listFolder, readJson, socketState } from './files.ts';
import { listAt, membersAt, textAt } from './json.ts';
import { type Way, decideNeed, hostOf, reachRegistry } from './reach.ts';
import { holdsCertificate } from './trust.ts';

interface Options {
  readonly signal?: AbortSignal;
}

/** Answers the builders of this user and the buildkitd of the system. Their Docker has to be found before. */
export async function findBuildkit(
  host: Host,
  target: RegistryTarget,
  docker: readonly FoundDocker[],
  options: Options = {},
): Promise<readonly Engine[]> {
  const [builders, daemons] = await Promise.all([
    findBuilders(host, target, docker, options),
    findDaemons(host, target),
  ]);
  return [...builders, ...daemons];
}

/**
 * The store of buildx (docker/buildx store/nodegroup.go): `instances/NAME` is JSON with Name, Driver and Nodes; a node
 * has an Endpoint, which is a context or a URL, DriverOpts, and Files, base64 by their names in /etc/buildkit.
 */
async function findBuilders(
  host: Host,
  target: RegistryTarget,
  docker: readonly FoundDocker[],
  options: Options,
): Promise<readonly Engine[]> {
  const paths = pathOf(host);
  const folder = paths.join(
    host.env['BUILDX_CONFIG'] || paths.join(dockerConfigFolder(host), 'buildx'),
    'instances',
  );
  const builders = await Promise.all(
    ((await listFolder(folder)) ?? []).map(async (file) => await readJson(paths.join(folder, file))),
  );
  const described = await Promise.all(
    builders
      .filter((builder) => textAt(builder, 'Driver') === 'docker-container')
      .map((builder) => describeBuilder(host, target, { builder, docker, options })),
  );
  return described.filter((engine) => engine !== undefined);
}

async function describeBuilder(
  host: Host,
  target: RegistryTarget,
  {
    builder,
    docker,
    options,
  }: { readonly builder: unknown; readonly docker: readonly FoundDocker[]; readonly options: Options },
): Promise<Engine | undefined> {
  const name = textAt(builder, 'Name');
  const [node] = listAt(builder, 'Nodes');
  if (name === undefined || node === undefined) return undefined;
  const parent = findParent(docker, textAt(node, 'Endpoint') ?? 'default');
  const container = `buildx_buildkit_${textAt(node, 'Name') ?? `${name}0`}`;
  const network = textAt(node, 'DriverOpts', 'network') ?? 'bridge';
  const runs = parent?.engine.state === 'running' ? parent.engine.endpoint : undefined;
  const [way, containers] = await Promise.all([
    wayOf(parent, runs, network, options),
    runs === undefined ? [] : listContainers(runs, { name: [`^/${container}$`] }, options),
  ]);

  const reach = reachRegistry(target, way);
  const files = membersAt(node, 'Files').map(
    ([path, content]) => [path, Buffer.from(String(content), 'base64').toString('utf8')] as const,
  );
  const { authority } = target;
  const isTrusted =
    authority !== undefined &&
    files.some(([path, text]) => path === 'buildkitd.toml' && text.includes(`"${reach.address}"`)) &&
    files.some(([, text]) => holdsCertificate(text, authority));
  const decided = await decideNeed(host, target, {
    reach,
    name: 'BuildKit',
    verifies: 'except loopback',
    folders: trustFolders('buildkit', host),
    otherwise: {
      kind: 'restart',
      what: `the builder ${name}, made again with --buildkitd-config: [registry."${reach.address}"] with ca`,
    },
  });
  const nodes = listAt(builder, 'Nodes').length;
  return {
    id: `buildkit:${name}`,
    kind: 'buildkit',
    title: `BuildKit (builder ${name})`,
    version: undefined,
    state: containers.some((one) => textAt(one, 'State') === 'running') ? 'running' : 'stopped',
    endpoint: parent?.engine.endpoint,
    address: reach.address,
    usesContainerdStore: true,
    isLocal: false,
    need:
      isTrusted && decided.kind === 'restart'
        ? { kind: 'nothing', why: `Trusted already, in the configuration of the builder ${name}.` }
        : decided,
    certainty: parent === undefined ? 'documented' : 'probed',
    notes: [
      parent === undefined
        ? `Its Docker (${textAt(node, 'Endpoint') ?? 'default'}) was not found.`
        : `It runs in the container ${container} of ${parent.engine.title}.`,
      ...(nodes > 1 ? [`It has ${nodes} nodes; this is about the first.`] : []),
      ...(way.kind === 'bridge' ? [`It knows this computer as ${hostOf(reach.address)}.`] : []),
    ],
  };
}

/** The Docker of a node: the endpoint is the name of a context, or a URL. */
function findParent(docker: readonly FoundDocker[], endpoint: string): FoundDocker | undefined {
  const url = findEndpoint(endpoint);
  if (url !== undefined) {
    return docker.find(({ endpoints }) =>
      endpoints.some((one) => JSON.stringify(one) === JSON.stringify(url)),
    );
  }
  const named = docker.find(({ contexts }) => contexts.includes(endpoint));
  return named ?? (endpoint === 'default' ? docker[0] : undefined);
}

async function wayOf(
  parent: FoundDocker | undefined,
  runs: Endpoint | undefined,
  network: string,
  options: Options,
): Promise<Way> {
  // With the network of its host it reaches what its Docker reaches.
  if (parent !== undefined && (network === 'host' || parent.way.kind !== 'loopback')) return parent.way;
  const gateway = runs === undefined ? undefined : await gatewayOf(runs, network, options);
  return { kind: 'bridge', name: gateway ?? '172.17.0.1', gateway: gateway ?? '172.17.0.1' };
}

async function findDaemons(host: Host, target: RegistryTarget): Promise<readonly Engine[]> {
  if (host.platform !== 'linux') return [];
  const path = '/run/buildkit/buildkitd.sock';
  const state = await socketState(host, path);
  if (state === 'absent') return [];
  const reach = reachRegistry(target, { kind: 'loopback' });
  const folder = certsFolder('buildkit', host);
  if (folder === undefined) throw new Error('BuildKit has a folder of certificates');
  const file = certificatePath(folder, reach.address, host);
  return [
    {
      id: 'buildkit',
      kind: 'buildkit',
      title: 'BuildKit',
      version: undefined,
      state: state === 'listening' ? 'running' : 'stopped',
      endpoint: undefined,
      address: reach.address,
      usesContainerdStore: true,
      isLocal: true,
      need: await decideNeed(host, target, {
        reach,
        name: 'BuildKit',
        verifies: 'except loopback',
        folders: trustFolders('buildkit', host),
        otherwise: {
          kind: 'restart',
          what: `[registry."${reach.address}"] ca=["${file}"] in /etc/buildkit/buildkitd.toml`,
        },
      }),
      certainty: 'documented',
      notes: [`Its socket is ${path}.`],
    },
  ];
}
