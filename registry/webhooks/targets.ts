/**
 * Where webhooks may go. A registry that posts to any address would be a way into the network around it: every address
 * that a name has at the moment of the connection is judged, and the connection goes to exactly those addresses, so
 * that a name cannot mean something else between look and use.
 */
import { lookup as systemLookup, type LookupAddress } from 'node:dns';
import { BlockList, isIP, isIPv6, type LookupFunction } from 'node:net';
import { AppError } from '../spec/errors.ts';

/** Not reachable from the Internet, or meant for one machine or its provider (IANA special-purpose registries). */
const refusedIPv4 = blockList('ipv4', [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  // The host of a virtual machine at Azure, which answers with secrets of the machine.
  '168.63.129.16/32',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.88.99.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/3',
]);

/** Of IPv6 only global unicast is admitted, and of that not what documents, or leads through a tunnel. */
const admittedIPv6 = blockList('ipv6', ['2000::/3']);
const refusedIPv6 = blockList('ipv6', ['2001::/23', '2001:db8::/32', '2002::/16', '3fff::/20']);

/** These hold an IPv4 address in their last four bytes, and reach it: IPv4-mapped, NAT64 (RFC 6052). */
const carriesIPv4 = /^(?:::ffff:|64:ff9b::)([0-9a-f]{1,4}):([0-9a-f]{1,4})$/;

/** True for an address that needs to be allowed by name. */
export function isPrivateAddress(address: string): boolean {
  const plain = plainAddress(address);
  if (isIPv6(plain)) return !admittedIPv6.check(plain, 'ipv6') || refusedIPv6.check(plain, 'ipv6');
  return isIP(plain) === 0 || refusedIPv4.check(plain, 'ipv4');
}

/** The rules of the configuration: hosts, addresses and networks that may be reached although they are private. */
export function targetTest(allowed: readonly string[]): (host: string, address: string) => boolean {
  const hosts = new Set(allowed.map((each) => plainHost(each)));
  const networks = new BlockList();
  for (const each of allowed) addNetwork(networks, each);
  return (host, address) => {
    const plain = plainAddress(address);
    return (
      !isPrivateAddress(plain) ||
      hosts.has(plainHost(host)) ||
      (isIP(plain) !== 0 && networks.check(plain, isIPv6(plain) ? 'ipv6' : 'ipv4'))
    );
  };
}

/** Throws WEBHOOK_REFUSED for a URL whose host is an address that is not allowed. Names are judged when they are looked up. */
export function checkTarget(url: URL, isAllowed: (host: string, address: string) => boolean): void {
  const host = url.hostname.replaceAll(/[[\]]/g, '');
  if (isIP(host) !== 0 && !isAllowed(host, host)) throw refused(host, host);
}

/** Answers the addresses of a name for a connection; fails with WEBHOOK_REFUSED if one of them is not allowed. */
export function checkedLookup(
  isAllowed: (host: string, address: string) => boolean,
  lookup: typeof systemLookup = systemLookup,
): LookupFunction {
  return (host, options, callback) => {
    lookup(host, { ...options, all: true }, (error, addresses: readonly LookupAddress[]) => {
      if (error !== null) return callback(error, '');
      const denied = addresses.find(({ address }) => !isAllowed(host, address));
      const first = addresses[0];
      if (denied !== undefined || first === undefined) {
        return callback(refused(host, denied?.address ?? 'no address'), '');
      }
      return options.all === true
        ? callback(null, [...addresses])
        : callback(null, first.address, first.family);
    });
  };
}

function refused(host: string, address: string): AppError {
  return new AppError('WEBHOOK_REFUSED', {
    message: `${host === address ? host : `${host} is ${address}, which`} is a private address, and not allowed as the target of a webhook.`,
    hint: `If that is meant, add it to berth.notifications.privatetargets: [${host}]`,
  });
}

/** Without the dots at its end, which change nothing. */
function plainHost(host: string): string {
  return host.toLowerCase().replace(/\.+$/, '');
}

/** The address as everything here compares it: an IPv4 address inside of an IPv6 one stands for itself. */
function plainAddress(address: string): string {
  const bare = address.replace(/%.*$/, '');
  if (!isIPv6(bare)) return bare;
  const canonical = new URL(`http://[${bare}]/`).hostname.slice(1, -1);
  const [, high, low] = carriesIPv4.exec(canonical) ?? [];
  if (high === undefined || low === undefined) return canonical;
  const bytes = [high, low].flatMap((part) => [
    Number.parseInt(part, 16) >> 8,
    Number.parseInt(part, 16) & 255,
  ]);
  return bytes.join('.');
}

function blockList(family: 'ipv4' | 'ipv6', networks: readonly string[]): BlockList {
  const list = new BlockList();
  for (const each of networks) {
    const [address = '', bits] = each.split('/');
    list.addSubnet(address, Number(bits), family);
  }
  return list;
}

function addNetwork(list: BlockList, text: string): void {
  const [address = '', bits] = text.split('/');
  const family = isIP(address);
  if (family === 0) return;
  list.addSubnet(address, Number(bits ?? (family === 4 ? 32 : 128)), family === 4 ? 'ipv4' : 'ipv6');
}
