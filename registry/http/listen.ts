/**
 * Where the registry listens. By default both loopback addresses on one port, so that `localhost` reaches it
 * whatever it resolves to.
 */
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo, Server, ServerOpts, Socket } from 'node:net';
import { AppError } from '../spec/errors.ts';
import { findPortOwner } from './port-owner.ts';

export interface ListenAddress {
  /** A name or an address without brackets. `localhost` means both loopback addresses, `undefined` all interfaces. */
  readonly host: string | undefined;
  /** 0 lets the system choose. */
  readonly port: number;
}

export interface ListenTarget extends ListenAddress {
  /** False: another free port may be taken. True: this port or PORT_BUSY. */
  readonly asked: boolean;
}

/** How many ports after the first are tried when none was asked for. */
const portTries = 100;

/**
 * Reads `host:port`, `[::1]:port` or `:port` (all interfaces). Throws CONFIG_INVALID. Unix sockets are no address
 * here: engines cannot use them.
 */
export function parseListenAddress(text: string): ListenAddress {
  const [, bracketed, plain, digits = ''] =
    /^(?:\[([0-9A-Fa-f:.]+)\]|([^:[\]/\s]*)):(\d{1,5})$/.exec(text) ?? [];
  const host = bracketed ?? plain;
  const port = Number(digits);
  if (host === undefined || port > 65_535) {
    throw new AppError('CONFIG_INVALID', {
      message: `"${text}" is not an address to listen on.`,
      hint: 'Write host:port, [IPv6 address]:port, or :port for all interfaces, with a port from 0 to 65535.',
    });
  }
  return { host: host === '' ? undefined : host, port };
}

/**
 * Opens one listening server per address, all on one port, and answers them. Throws PORT_BUSY with the process that
 * holds the port, or CONFIG_INVALID if the address is not of this machine or the port is reserved.
 */
export async function openListeners(
  target: ListenTarget,
  options: ServerOpts,
  onConnection: (socket: Socket) => void,
): Promise<readonly Server[]> {
  const hosts = hostsOf(target.host);
  // Port 0: the second address may find the port of the first taken, so that is tried again, too.
  const tries = target.asked && target.port !== 0 ? 1 : portTries;
  for (let i = 0; i < tries; i += 1) {
    const port = target.port === 0 ? 0 : target.port + i;
    if (port > 65_535) break;
    const servers = await tryPort(hosts, port, options, onConnection);
    if (servers !== undefined) return servers;
  }
  throw await busyError(target, tries);
}

/** The next port after that of `host:port` that is free there; `undefined` if none of a hundred is. Throws CONFIG_INVALID. */
export async function findFreePort(address: string): Promise<number | undefined> {
  const { host, port } = parseListenAddress(address);
  const hosts = hostsOf(host);
  for (let next = port + 1; next <= Math.min(port + portTries, 65_535); next += 1) {
    const servers = await tryPort(hosts, next, {}, (socket) => socket.destroy());
    if (servers === undefined) continue;
    await Promise.all(servers.map((server) => closeServer(server)));
    return next;
  }
  return undefined;
}

function hostsOf(host: string | undefined): readonly string[] {
  if (host === undefined) return ['::'];
  return host === 'localhost' ? ['127.0.0.1', '::1'] : [host];
}

/** Answers `undefined`, with nothing left open, if the port is taken on one of the addresses. */
async function tryPort(
  hosts: readonly string[],
  port: number,
  options: ServerOpts,
  onConnection: (socket: Socket) => void,
): Promise<readonly Server[] | undefined> {
  const servers: Server[] = [];
  let chosen = port;
  try {
    for (const host of hosts) {
      try {
        const server = await openServer(host, chosen, options, onConnection);
        servers.push(server);
        chosen = (server.address() as AddressInfo).port;
      } catch (error) {
        // The second of a pair, ::1, may be absent.
        if (servers.length === 0 || !isWithoutV6(error)) throw error;
      }
    }
    return servers;
  } catch (error) {
    await Promise.all(servers.map((server) => closeServer(server)));
    if (codeOf(error) === 'EADDRINUSE') return undefined;
    throw addressError(error, hosts, chosen);
  }
}

/** On a machine without IPv6 all interfaces are those of IPv4. */
async function openServer(
  host: string,
  port: number,
  options: ServerOpts,
  onConnection: (socket: Socket) => void,
): Promise<Server> {
  const server = createServer(options, onConnection);
  server.listen({ host, port });
  try {
    await once(server, 'listening');
    return server;
  } catch (error) {
    if (host === '::' && isWithoutV6(error)) return openServer('0.0.0.0', port, options, onConnection);
    throw error;
  }
}

function isWithoutV6(error: unknown): boolean {
  return ['EADDRNOTAVAIL', 'EAFNOSUPPORT'].includes(codeOf(error));
}

async function closeServer(server: Server): Promise<void> {
  server.close();
  await once(server, 'close');
}

async function busyError(target: ListenTarget, tries: number): Promise<AppError> {
  const port = String(target.port);
  const owner = (await findPortOwner(target.port)) ?? 'another process';
  const others = tries > 1 ? ` The ${String(tries - 1)} ports after it are taken as well.` : '';
  return new AppError('PORT_BUSY', { message: `Port ${port} is in use by ${owner}.${others}` });
}

function addressError(error: unknown, hosts: readonly string[], port: number): unknown {
  const host = hosts.join(', ');
  const reasons: Readonly<Record<string, string>> = {
    EACCES: `This user may not listen on port ${String(port)}. Ports below 1024 need more rights.`,
    EADDRNOTAVAIL: `No interface of this machine has the address ${host}.`,
    ENOTFOUND: `The host name ${host} has no address.`,
    EAI_AGAIN: `The host name ${host} has no address.`,
  };
  const message = reasons[codeOf(error)];
  return message === undefined ? error : new AppError('CONFIG_INVALID', { message, cause: error });
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}
