/** What an engine says of itself. Fields differ between versions: what is missing or empty is `undefined`, or an empty list. */
import type { Endpoint } from '../engine.ts';
import { fieldsOf, listOf, textOf } from './fields.ts';
import { askEngine, engineJson, type WaitOptions } from './request.ts';

/** From GET /info. */
export interface EngineInfo {
  readonly id: string | undefined;
  readonly serverVersion: string | undefined;
  /** `Docker Desktop`, or the name of the system that it runs on. */
  readonly operatingSystem: string | undefined;
  /** The host name of the machine that it runs on. */
  readonly name: string | undefined;
  /** `name=rootless`, `name=userns` ... */
  readonly securityOptions: readonly string[];
  /** Where it keeps images; a snap has it below /var/snap. */
  readonly rootDir: string | undefined;
  /** Docker's containerd image store instead of the classic one. */
  readonly isContainerdStore: boolean;
  /** Containers go on when the engine restarts. */
  readonly liveRestore: boolean;
  readonly containersRunning: number;
  /** Hosts, with port, and ranges of addresses (CIDR) whose certificate is not verified, in the engine's own form. */
  readonly insecureRegistries: readonly string[];
  /** Mirrors of Docker Hub: URLs with a slash at the end. */
  readonly mirrors: readonly string[];
  /** The engine's clock, RFC 3339 with nanoseconds. */
  readonly systemTime: string | undefined;
}

/** From GET /version. */
export interface EngineVersion {
  readonly version: string | undefined;
  readonly apiVersion: string | undefined;
  /** Go's names, as in images: `amd64`, `arm64`; `linux`. */
  readonly architecture: string | undefined;
  readonly os: string | undefined;
  /** `Docker Engine - Community`, `Docker Desktop 4.42.1 (196648)`; Debian's docker.io has none. */
  readonly platform: string | undefined;
  readonly components: readonly { readonly name: string; readonly version: string | undefined }[];
  /** Podman answers Docker's API, and keeps its files in other places. */
  readonly isPodman: boolean;
}

/** Asks the engine what it is and how it is set up. Throws ENGINE_FAILED. */
export async function readEngineInfo(endpoint: Endpoint, { signal }: WaitOptions = {}): Promise<EngineInfo> {
  const answer = await askEngine(endpoint, 'does not tell about itself', { path: '/info', signal });
  return parseEngineInfo(engineJson(endpoint, answer));
}

/** Asks the engine for its version, and those of its parts. Throws ENGINE_FAILED. */
export async function readEngineVersion(
  endpoint: Endpoint,
  { signal }: WaitOptions = {},
): Promise<EngineVersion> {
  const answer = await askEngine(endpoint, 'does not tell its version', { path: '/version', signal });
  return parseEngineVersion(engineJson(endpoint, answer));
}

/** Reads the answer to GET /info. Docker 20.10 has `[]` where Docker 28 has `null`. */
export function parseEngineInfo(value: unknown): EngineInfo {
  const info = fieldsOf(value);
  const registries = fieldsOf(info['RegistryConfig']);
  const hosts = Object.entries(fieldsOf(registries['IndexConfigs']));
  const insecureHosts = hosts.filter(([, config]) => fieldsOf(config)['Secure'] === false);
  return {
    id: textOf(info['ID']),
    serverVersion: textOf(info['ServerVersion']),
    operatingSystem: textOf(info['OperatingSystem']),
    name: textOf(info['Name']),
    securityOptions: textsOf(info['SecurityOptions']),
    rootDir: textOf(info['DockerRootDir']),
    isContainerdStore: listOf(info['DriverStatus']).some((pair) => {
      const [key, driver] = listOf(pair);
      return key === 'driver-type' && driver === 'io.containerd.snapshotter.v1';
    }),
    liveRestore: info['LiveRestoreEnabled'] === true,
    containersRunning: typeof info['ContainersRunning'] === 'number' ? info['ContainersRunning'] : 0,
    insecureRegistries: [
      ...insecureHosts.map(([host]) => host),
      ...textsOf(registries['InsecureRegistryCIDRs']),
    ],
    mirrors: textsOf(registries['Mirrors']),
    systemTime: textOf(info['SystemTime']),
  };
}

/** Reads the answer to GET /version. */
export function parseEngineVersion(value: unknown): EngineVersion {
  const version = fieldsOf(value);
  const components = listOf(version['Components']).flatMap((item) => {
    const component = fieldsOf(item);
    const name = textOf(component['Name']);
    return name === undefined ? [] : [{ name, version: textOf(component['Version']) }];
  });
  return {
    version: textOf(version['Version']),
    apiVersion: textOf(version['ApiVersion']),
    architecture: textOf(version['Arch']),
    os: textOf(version['Os']),
    platform: textOf(fieldsOf(version['Platform'])['Name']),
    components,
    isPodman: components.some(({ name }) => name === 'Podman Engine'),
  };
}

function textsOf(value: unknown): readonly string[] {
  return listOf(value).filter((item) => typeof item === 'string');
}
