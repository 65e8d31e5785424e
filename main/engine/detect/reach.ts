/** By which address an engine gets to the registry, and what it needs to accept it there. */
import { BlockList, isIP } from 'node:net';
import { assertNever } from '../../../registry/spec/errors.ts';
import type { Need, RegistryTarget } from '../engine.ts';
import type { Host } from '../host.ts';
import { findTrust } from './trust.ts';

/** How what an engine sends arrives at this computer. */
export type Way =
  /** The engine's loopback is that of this computer. */
  | { readonly kind: 'loopback' }
  /** The network of its virtual machine hands what is sent to `name` over to the loopback of this computer. */
  | { readonly kind: 'forwarded'; readonly name: string }
  /** It arrives at `gateway`, an address of this computer on a bridge; unknown when absent. */
  | { readonly kind: 'bridge'; readonly name: string; readonly gateway: string | undefined }
  /** It arrives at an address of this computer in some network, as from another computer. */
  | { readonly kind: 'lan' };

/** The address to write in image names. `problem` says why the registry cannot be reached there. */
export interface Reach {
  readonly address: string;
  readonly problem?: string;
}

/** Answers the address of the registry for an engine whose packets arrive in this way. */
export function reachRegistry(target: RegistryTarget, way: Way): Reach {
  const [first = '127.0.0.1'] = target.listensOn;
  switch (way.kind) {
    case 'loopback':
      return { address: withPort(listensOnLoopback(target) ? 'localhost' : first, target) };
    case 'forwarded':
      return { address: withPort(listensOnLoopback(target) ? way.name : first, target) };
    case 'bridge': {
      const address = withPort(way.name, target);
      const arrives =
        listensOnAll(target) || (way.gateway !== undefined && target.listensOn.includes(way.gateway));
      return arrives ? { address } : { address, problem: closedTo(way.gateway ?? way.name, target) };
    }
    case 'lan': {
      const host = findLanHost(target);
      if (host !== undefined) return { address: withPort(host, target) };
      const problem = listensOnAll(target)
        ? 'The certificate of the registry names no address of this computer in a network. Add one to berth.tls.names and start the registry again.'
        : closedTo('its addresses in the network', target);
      return { address: withPort('localhost', target), problem };
    }
    default:
      return assertNever(way);
  }
}

export interface NeedQuestion {
  readonly reach: Reach;
  /** For people: `Docker`. */
  readonly name: string;
  /** `except loopback`: it takes any certificate from 127.0.0.0/8 and `localhost`. `never`: this registry is on its list. */
  readonly verifies: 'always' | 'except loopback' | 'never';
  /** Folders of this computer where it may have the authority already. */
  readonly folders: readonly string[];
  /** The need of an engine that verifies and does not trust the authority. */
  readonly otherwise: Need;
}

/** Answers what the engine needs at that address. */
export async function decideNeed(host: Host, target: RegistryTarget, question: NeedQuestion): Promise<Need> {
  const { reach, name, verifies, folders, otherwise } = question;
  const { address, problem } = reach;
  if (problem !== undefined) return { kind: 'cannot', why: problem };
  const hostname = hostOf(address);
  if (verifies === 'except loopback' && isLoopback(hostname)) {
    return {
      kind: 'nothing',
      why: `${name} does not check who answers on loopback: the connection is encrypted, not verified.`,
    };
  }
  if (verifies === 'never') {
    return { kind: 'nothing', why: `${name} has it in insecure-registries: it checks no certificate there.` };
  }
  if (!isNamed(hostname, target)) {
    const wayOut =
      target.authority === undefined
        ? 'Bring a certificate that names it.'
        : 'Add it to berth.tls.names and start the registry again.';
    return {
      kind: 'cannot',
      why: `The certificate of the registry is not good for ${hostname}, so ${name} refuses it. ${wayOut}`,
    };
  }
  if (target.authority === undefined) {
    return { kind: 'nothing', why: 'The certificate is your own: who trusts its authority accepts it.' };
  }
  const file = await findTrust(host, folders, address, target.authority);
  return file === undefined ? otherwise : { kind: 'nothing', why: `Trusted already, in ${file}.` };
}

/** The address without its port, an IPv6 address without its brackets. */
export function hostOf(address: string): string {
  return address.slice(0, address.lastIndexOf(':')).replace(/^\[(.*)\]$/, '$1');
}

/** True for `localhost` and the addresses of loopback. */
export function isLoopback(hostname: string): boolean {
  return (
    hostname === 'localhost' || hostname === '::1' || (isIP(hostname) === 4 && hostname.startsWith('127.'))
  );
}

function closedTo(where: string, { listensOn, port }: RegistryTarget): string {
  return (
    `It reaches this computer at ${where}, and the registry listens on ${listensOn.join(' and ')} alone. ` +
    `Start it with: berth serve --listen 0.0.0.0:${port}`
  );
}

function withPort(hostname: string, { port }: RegistryTarget): string {
  return `${hostname.includes(':') ? `[${hostname}]` : hostname}:${port}`;
}

function listensOnAll({ listensOn }: RegistryTarget): boolean {
  // Node binds :: for IPv4 as well.
  return listensOn.some((address) => address === '0.0.0.0' || address === '::');
}

function listensOnLoopback(target: RegistryTarget): boolean {
  return listensOnAll(target) || target.listensOn.some(isLoopback);
}

/** What the certificate names, with one label for a star: RFC 6125, 6.4.3. */
function isNamed(hostname: string, { names }: RegistryTarget): boolean {
  const wanted = hostname.toLowerCase();
  const star = isIP(wanted) === 0 ? wanted.replace(/^[^.]+/, '*') : wanted;
  return names.some((name) => [wanted, star].includes(name.toLowerCase()));
}

/** The host as virtual machines and the default bridge see it: in each certificate of ours, and no address in a network. */
const innerAddresses = ['172.17.0.1', '192.168.5.2', '192.168.65.254', '192.168.127.254'];

/** Most networks of Docker lie in here; so do some real ones. */
const bridges = new BlockList();
bridges.addSubnet('172.16.0.0', 12);

/** A name of this computer for others. An address comes before a name, which may be known on this computer alone. */
function findLanHost(target: RegistryTarget): string | undefined {
  if (!listensOnAll(target)) return target.listensOn.find((address) => !isLoopback(address));
  const names = target.names.filter((name) => !isLoopback(name) && !innerAddresses.includes(name));
  const addresses = names.filter((name) => isIP(name) === 4);
  return (
    addresses.find((address) => !bridges.check(address)) ??
    names.find(
      (name) => isIP(name) === 0 && /^[^*]+\.[^*]+$/.test(name) && !/\.(internal|localhost)$/.test(name),
    ) ??
    addresses[0]
  );
}
