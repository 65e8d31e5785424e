/** Where a Docker-compatible API may answer: what the docker command is told, and where programs put their sockets. */
import { createHash } from 'node:crypto';
import { realpath } from 'node:fs/promises';
import { systemCode } from '../../../registry/disk/private-file.ts';
import type { Endpoint } from '../engine.ts';
import type { Host } from '../host.ts';
import { configHome, pathOf } from './certs-folders.ts';
import { isThere, listFolder, readJson } from './files.ts';
import { textAt } from './json.ts';

/** One place to ask. */
export interface Candidate {
  readonly endpoint: Endpoint;
  /** What tells two ways to the same socket apart from two sockets. */
  readonly key: string;
  /** Contexts of the docker command that lead here. */
  readonly contexts: readonly string[];
  /** The docker command talks to it when it is not told otherwise. */
  readonly isCurrent: boolean;
  /** Named by a person's configuration, so that its absence is worth a word. */
  readonly isConfigured: boolean;
}

/** The socket of Docker that comes with the system. */
export const systemSocket = '/var/run/docker.sock';

/** Answers each place once; what the docker command uses comes first. Connects to none of them. */
export async function findEndpoints(host: Host): Promise<readonly Candidate[]> {
  const current = host.env['DOCKER_HOST'] ? undefined : await currentContext(host);
  const found: Omit<Candidate, 'key'>[] = [];
  const named = findEndpoint(host.env['DOCKER_HOST'] ?? '', tlsFolderOf(host));
  if (named !== undefined) {
    found.push({ endpoint: named, contexts: [], isCurrent: true, isConfigured: true });
  }
  for (const { name, endpoint } of await findContexts(host)) {
    found.push({ endpoint, contexts: [name], isCurrent: name === current, isConfigured: true });
  }
  for (const path of await wellKnownSockets(host)) {
    const isCurrent = current === 'default' && path === defaultSocket(host);
    found.push({ endpoint: { kind: 'socket', path }, contexts: [], isCurrent, isConfigured: false });
  }

  const byKey = new Map<string, Candidate>();
  for (const candidate of found) {
    const key = await keyOf(candidate.endpoint);
    const other = byKey.get(key);
    byKey.set(key, other === undefined ? { ...candidate, key } : merge(other, candidate));
  }
  return [...byKey.values()].toSorted((a, b) => Number(b.isCurrent) - Number(a.isCurrent));
}

/**
 * The endpoint of a text in the form of DOCKER_HOST; `undefined` if it is none that docker knows. `tlsFolder` is used
 * for TCP alone.
 */
export function findEndpoint(text: string, tlsFolder?: string): Endpoint | undefined {
  const [, scheme, rest = ''] = /^(unix|npipe|tcp|https?|ssh):\/\/(.+)$/.exec(text) ?? [];
  switch (scheme) {
    case undefined:
      return undefined;
    case 'unix':
      return { kind: 'socket', path: rest };
    case 'npipe':
      return { kind: 'socket', path: rest.replaceAll('/', '\\') };
    case 'ssh':
      return { kind: 'ssh', url: text };
    default: {
      const url = URL.canParse(`http://${rest}`) ? new URL(`http://${rest}`) : undefined;
      if (url === undefined) return undefined;
      // URL leaves out port 80, docker its own ports: 2376 with TLS and 2375 without.
      const port = Number(/:(\d+)\/?$/.exec(rest)?.[1] ?? (tlsFolder === undefined ? 2375 : 2376));
      const hostname = url.hostname.replace(/^\[(.*)\]$/, '$1');
      return { kind: 'tcp', host: hostname, port, ...(tlsFolder === undefined ? {} : { tlsFolder }) };
    }
  }
}

/** The folder of the docker command: DOCKER_CONFIG, else ~/.docker. */
export function dockerConfigFolder(host: Host): string {
  return host.env['DOCKER_CONFIG'] || pathOf(host).join(host.home, '.docker');
}

/** The folders that hold Colima's profiles: COLIMA_HOME, ~/.colima, below XDG_CONFIG_HOME (colima config/dirs.go). */
export function colimaHomes(host: Host): readonly string[] {
  const paths = pathOf(host);
  return [
    ...new Set([
      ...(host.env['COLIMA_HOME'] ? [host.env['COLIMA_HOME']] : []),
      paths.join(host.home, '.colima'),
      paths.join(configHome(host), 'colima'),
    ]),
  ];
}

/** The socket of rootless Docker; `undefined` without XDG_RUNTIME_DIR, in which it lies. */
export function rootlessSocket(host: Host): string | undefined {
  const runtime = host.env['XDG_RUNTIME_DIR'];
  return runtime ? pathOf(host).join(runtime, 'docker.sock') : undefined;
}

async function wellKnownSockets(host: Host): Promise<readonly string[]> {
  if (host.platform === 'win32') return [pipe('docker_engine'), pipe('dockerDesktopLinuxEngine')];
  const paths = pathOf(host);
  const profiles = await Promise.all(
    colimaHomes(host).map(async (home) => {
      const names = (await listFolder(home)) ?? [];
      // _lima, _templates and _store are no profiles.
      return names.filter((name) => !/^[_.]/.test(name)).map((name) => paths.join(home, name, 'docker.sock'));
    }),
  );
  const rootless = rootlessSocket(host);
  return [
    host.systemPath(systemSocket),
    ...(rootless === undefined ? [] : [rootless]),
    // Docker Desktop for Mac, and for Linux.
    paths.join(host.home, '.docker', 'run', 'docker.sock'),
    paths.join(host.home, '.docker', 'desktop', 'docker.sock'),
    ...profiles.flat(),
    paths.join(host.home, '.rd', 'docker.sock'),
    paths.join(host.home, '.orbstack', 'run', 'docker.sock'),
  ];
}

function defaultSocket(host: Host): string {
  return host.platform === 'win32' ? pipe('docker_engine') : host.systemPath(systemSocket);
}

/**
 * The contexts in the store of the docker command (docker/cli cli/context/store): the folders are named by the SHA-256
 * of the context's name.
 */
async function findContexts(host: Host): Promise<readonly { name: string; endpoint: Endpoint }[]> {
  const paths = pathOf(host);
  const store = paths.join(dockerConfigFolder(host), 'contexts');
  const found = await Promise.all(
    ((await listFolder(paths.join(store, 'meta'))) ?? []).map(async (id) => {
      const meta = await readJson(paths.join(store, 'meta', id, 'meta.json'));
      const name = textAt(meta, 'Name');
      if (name === undefined) return [];
      const tls = paths.join(store, 'tls', createHash('sha256').update(name).digest('hex'), 'docker');
      const endpoint = findEndpoint(
        textAt(meta, 'Endpoints', 'docker', 'Host') ?? '',
        (await isThere(tls)) ? tls : undefined,
      );
      return endpoint === undefined ? [] : [{ name, endpoint }];
    }),
  );
  return found.flat();
}

async function currentContext(host: Host): Promise<string> {
  const config = await readJson(pathOf(host).join(dockerConfigFolder(host), 'config.json'));
  return host.env['DOCKER_CONTEXT'] || (textAt(config, 'currentContext') ?? 'default');
}

function tlsFolderOf(host: Host): string | undefined {
  if (!host.env['DOCKER_TLS_VERIFY']) return undefined;
  return host.env['DOCKER_CERT_PATH'] || dockerConfigFolder(host);
}

async function keyOf(endpoint: Endpoint): Promise<string> {
  if (endpoint.kind !== 'socket') return JSON.stringify(endpoint);
  try {
    return await realpath(endpoint.path);
  } catch (error) {
    if (systemCode(error) === undefined) throw error;
    return endpoint.path;
  }
}

function merge(first: Candidate, second: Omit<Candidate, 'key'>): Candidate {
  return {
    ...first,
    contexts: [...new Set([...first.contexts, ...second.contexts])],
    isCurrent: first.isCurrent || second.isCurrent,
    isConfigured: first.isConfigured || second.isConfigured,
  };
}

function pipe(name: string): string {
  return String.raw`\\.\pipe` + `\\${name}`;
}
