import type { IncomingMessage } from 'node:http';
import { BlockList, isIP, isIPv6 } from 'node:net';

/** How the client reached the registry, as far as proxies that are trusted tell it. */
export interface Reach {
  readonly address: string;
  readonly scheme: 'http' | 'https';
  /** Host and port as the client wrote them. */
  readonly authority: string;
  /** The path prefix that a proxy has taken off. */
  readonly prefix: string;
}

/** Makes the test for addresses of trusted proxies from addresses and CIDR ranges. */
export function proxyTest(trusted: readonly string[]): (address: string) => boolean {
  if (trusted.length === 0) return () => false;
  const list = new BlockList();
  for (const each of trusted) {
    const [address = '', bits] = each.split('/');
    const family = isIPv6(address) ? 'ipv6' : 'ipv4';
    if (bits === undefined) list.addAddress(address, family);
    else list.addSubnet(address, Number(bits), family);
  }
  return (address) => isIP(address) !== 0 && list.check(address, isIPv6(address) ? 'ipv6' : 'ipv4');
}

/** Forwarded (RFC 7239) and X-Forwarded-* count only when the peer is a trusted proxy. */
export function reachOf(
  req: IncomingMessage,
  isEncrypted: boolean,
  isProxy: (address: string) => boolean,
): Reach {
  const peer = plainAddress(req.socket.remoteAddress ?? '');
  const direct: Reach = {
    address: peer,
    scheme: isEncrypted ? 'https' : 'http',
    authority: req.headers.host ?? '',
    prefix: '',
  };
  if (!isProxy(peer)) return direct;
  const forwarded = parseForwarded(header(req, 'forwarded'));
  const scheme = forwarded[0]?.['proto'] ?? first(header(req, 'x-forwarded-proto'));
  const host = forwarded[0]?.['host'] ?? first(header(req, 'x-forwarded-host'));
  const hops =
    forwarded.length > 0
      ? forwarded.map((element) => element['for'] ?? '')
      : header(req, 'x-forwarded-for').split(',');
  const prefix = first(header(req, 'x-forwarded-prefix'));
  return {
    address: clientOf(hops, isProxy) ?? peer,
    scheme: scheme === 'https' || scheme === 'http' ? scheme : direct.scheme,
    authority: host ?? direct.authority,
    prefix: prefix !== undefined && /^(?:\/[\w.~-]+)+$/.test(prefix) ? prefix : '',
  };
}

/**
 * The hop next to us that is no trusted proxy. What stands before it was written by the client itself, which could
 * name another address in each request.
 */
function clientOf(hops: readonly string[], isProxy: (address: string) => boolean): string | undefined {
  const client = hops.map((hop) => hopAddress(hop.trim())).findLast((address) => !isProxy(address));
  return client === undefined || isIP(client) === 0 ? undefined : client;
}

/** The address of `1.2.3.4`, `1.2.3.4:80`, `v6`, `[v6]` or `[v6]:80`. */
function hopAddress(hop: string): string {
  const match = /^\[([^\]]*)\](?::\d+)?$/.exec(hop) ?? /^([^:]*):\d+$/.exec(hop);
  return plainAddress(match?.[1] ?? hop);
}

/** An IPv4 address that a dual-stack socket shows as `::ffff:1.2.3.4` is written plainly. */
export function plainAddress(address: string): string {
  return address.startsWith(':') ? address.replace(/^::ffff:(?=\d+\.)/i, '') : address;
}

function header(req: IncomingMessage, name: string): string {
  const value = req.headers[name];
  return Array.isArray(value) ? value.join(',') : (value ?? '');
}

function first(list: string): string | undefined {
  const value = list.split(',', 1)[0]?.trim();
  return value === undefined || value === '' ? undefined : value;
}

/** The elements of Forwarded (RFC 7239 4), the client's end first. */
function parseForwarded(text: string): readonly Readonly<Record<string, string | undefined>>[] {
  const elements = text.split(',').filter((element) => element.trim() !== '');
  return elements.map((element) => {
    const pairs = element.split(';').map((pair) => {
      const [name = '', value = ''] = pair.split('=', 2);
      return [name.trim().toLowerCase(), value.trim().replaceAll('"', '')] as const;
    });
    return Object.fromEntries(pairs.filter(([, value]) => value !== ''));
  });
}
