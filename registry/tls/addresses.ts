/** DNS names and IP addresses in the forms that certificates need. Pure. */
import { isIPv4, isIPv6 } from 'node:net';

const label = '[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?';
const dnsName = new RegExp(`^(?:\\*\\.)?${label}(?:\\.${label})*$`);

/** Answers the name in lower case if it can stand in a certificate (a leading `*.` included), else `undefined`. */
export function findDnsName(text: string): string | undefined {
  const name = text.toLowerCase().replace(/\.$/, '');
  return name.length <= 253 && dnsName.test(name) ? name : undefined;
}

/** Answers an IP address in its one canonical spelling (RFC 5952), or `undefined`. A zone (`%eth0`) is dropped. */
export function findAddress(text: string): string | undefined {
  const address = text.replace(/%.*$/, '');
  if (isIPv4(address)) return address;
  if (!isIPv6(address)) return undefined;
  return new URL(`http://[${address}]`).hostname.slice(1, -1);
}

/** The 4 or 16 bytes of an address. Throws on anything else. */
export function addressBytes(text: string): Buffer {
  const address = findAddress(text);
  if (address === undefined) throw new Error(`not an IP address: ${text}`);
  if (isIPv4(address)) return Buffer.from(address.split('.').map(Number));
  const [head = '', tail] = address.split('::');
  const before = head === '' ? [] : head.split(':');
  const after = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = Array.from({ length: 8 - before.length - after.length }, () => '0');
  const groups = [...before, ...zeros, ...after].map((group) => group.padStart(4, '0'));
  return Buffer.from(groups.join(''), 'hex');
}

/** The canonical spelling of 4 or 16 bytes. */
export function addressText(bytes: Uint8Array): string {
  if (bytes.length === 4) return bytes.join('.');
  const groups = Buffer.from(bytes).toString('hex').match(/.{4}/g) ?? [];
  return findAddress(groups.join(':')) ?? '';
}
