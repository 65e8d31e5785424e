/**
 * What the authority may sign: its name constraints (RFC 5280, 4.2.1.10). Both kinds, DNS and IP, are constrained,
 * because a kind that is not listed would be free. A stolen key can then forge no name of the public internet.
 */
import { BlockList } from 'node:net';
import { addressBytes, addressText, findAddress, findDnsName } from './addresses.ts';
import { context, extension, oids, sequence } from './certificate.ts';
import type { Asn1 } from './certificate.ts';

export interface Scope {
  /** A name and all names below it. */
  readonly names: readonly string[];
  /** Networks as `address/prefix`. */
  readonly networks: readonly string[];
}

/**
 * Names that no public registry gives out. `local` is mDNS; `internal` covers the host names of the engines
 * (host.docker.internal, host.containers.internal, host.lima.internal ...).
 */
const privateNames = ['localhost', 'local', 'internal', 'test', 'home.arpa', 'lan'];

const privateNetworks = [
  '127.0.0.0/8',
  '10.0.0.0/8',
  '172.16.0.0/12',
  '192.168.0.0/16',
  '169.254.0.0/16',
  // Shared address space, RFC 6598: Tailscale and carriers' NAT.
  '100.64.0.0/10',
  '::1/128',
  'fc00::/7',
  'fe80::/10',
];

/** The scope of a new authority: private names and networks, this host, and each name or address asked for. */
export function makeScope(hostname: string, asked: readonly string[]): Scope {
  const names = new Set(privateNames);
  const networks = new Set(privateNetworks);
  for (const text of [hostname, ...asked]) {
    const address = findAddress(text);
    const name = findDnsName(text)?.replace(/^\*\./, '');
    if (address !== undefined) networks.add(`${address}/${address.includes(':') ? '128' : '32'}`);
    else if (name !== undefined) names.add(name);
  }
  return { names: [...names], networks: [...networks] };
}

/** True if the authority may sign this DNS name or address. */
export function isInScope(scope: Scope, nameOrAddress: string): boolean {
  const address = findAddress(nameOrAddress);
  if (address === undefined) {
    return scope.names.some((name) => nameOrAddress === name || nameOrAddress.endsWith(`.${name}`));
  }
  const allowed = new BlockList();
  for (const network of scope.networks) {
    const [base = '', prefix] = network.split('/');
    allowed.addSubnet(base, Number(prefix), base.includes(':') ? 'ipv6' : 'ipv4');
  }
  return allowed.check(address, address.includes(':') ? 'ipv6' : 'ipv4');
}

/** The critical extension that carries the scope. */
export function scopeExtension(scope: Scope): Asn1 {
  const names = scope.names.map((name) => sequence(context(2, Buffer.from(name, 'ascii'))));
  const networks = scope.networks.map((network) => {
    const [base = '', prefix] = network.split('/');
    const address = addressBytes(base);
    return sequence(context(7, Buffer.concat([address, maskBytes(address.length, Number(prefix))])));
  });
  return extension(oids.nameConstraints, 'critical', sequence(context(0, [...names, ...networks])));
}

/** Reads the scope out of a certificate's DER; `undefined` if it has none or the bytes are not as we write them. */
export function findScope(der: Uint8Array): Scope | undefined {
  // id-ce-nameConstraints, critical TRUE, then the OCTET STRING around the value.
  const mark = Buffer.from([0x06, 0x03, 0x55, 0x1d, 0x1e, 0x01, 0x01, 0xff]);
  const at = Buffer.from(der).indexOf(mark);
  if (at < 0) return undefined;
  try {
    const [wrapped] = readElements(der.subarray(at + mark.length));
    const [constraints] = readElements(bodyOf(wrapped, 0x04));
    const [permitted] = readElements(bodyOf(constraints, 0x30));
    const names: string[] = [];
    const networks: string[] = [];
    for (const subtree of readElements(bodyOf(permitted, 0xa0))) {
      const [base] = readElements(bodyOf(subtree, 0x30));
      if (base?.tag === 0x82) names.push(Buffer.from(base.body).toString('ascii'));
      else networks.push(networkText(bodyOf(base, 0x87)));
    }
    return names.length > 0 && networks.length > 0 ? { names, networks } : undefined;
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

function maskBytes(length: number, prefix: number): Buffer {
  const bits = '1'.repeat(prefix).padEnd(length * 8, '0');
  return Buffer.from((bits.match(/.{8}/g) ?? []).map((byte) => parseInt(byte, 2)));
}

function networkText(body: Uint8Array): string {
  if (body.length !== 8 && body.length !== 32) throw new RangeError('a network has 8 or 32 bytes');
  const half = body.length / 2;
  const mask = [...body.subarray(half)].map((byte) => byte.toString(2).padStart(8, '0')).join('');
  return `${addressText(body.subarray(0, half))}/${String(mask.replace(/0+$/, '').length)}`;
}

interface Element {
  readonly tag: number;
  readonly body: Uint8Array;
}

/** Splits DER into its elements; the first is enough where more bytes of the certificate follow. */
function* readElements(der: Uint8Array): Generator<Element> {
  let at = 0;
  while (at < der.length) {
    const tag = byteAt(der, at);
    const first = byteAt(der, at + 1);
    const lengthBytes = first < 0x80 ? 0 : first & 0x7f;
    if (lengthBytes > 2) throw new RangeError('too long');
    let length = lengthBytes === 0 ? first : 0;
    for (let i = 0; i < lengthBytes; i += 1) length = length * 256 + byteAt(der, at + 2 + i);
    const start = at + 2 + lengthBytes;
    if (start + length > der.length) throw new RangeError('cut off');
    yield { tag, body: der.subarray(start, start + length) };
    at = start + length;
  }
}

function byteAt(der: Uint8Array, at: number): number {
  const byte = der[at];
  if (byte === undefined) throw new RangeError('cut off');
  return byte;
}

function bodyOf(element: Element | undefined, tag: number): Uint8Array {
  if (element?.tag !== tag) throw new RangeError('another element');
  return element.body;
}
