/** The server certificate: P-256, 397 days, every name and address under which engines reach this machine. */
import { X509Certificate, createPrivateKey, generateKeyPairSync } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { addressBytes, findAddress, findDnsName } from './addresses.ts';
import type { Authority } from './authority.ts';
import {
  bitString,
  buildCertificate,
  context,
  extension,
  keyIdentifier,
  octets,
  oid,
  oids,
  sequence,
} from './certificate.ts';
import { isInScope } from './scope.ts';

const dayMs = 24 * 60 * 60 * 1000;
/** Clients of Apple and Chromium accept no server certificate that lives longer. */
const lifeDays = 397;

/** How containers, virtual machines and clusters call the host they run on. */
const engineNames = [
  'host.docker.internal',
  'gateway.docker.internal',
  'host.containers.internal',
  'host.lima.internal',
  'host.k3d.internal',
  'host.minikube.internal',
  'host.rancher-desktop.internal',
];

/** docker0, and the host as seen from Lima and Colima, Docker Desktop, podman machine. */
const engineAddresses = ['172.17.0.1', '192.168.5.2', '192.168.65.254', '192.168.127.254'];

/** A name or address that was asked for and does not stand in the leaf. */
export interface LeftOut {
  readonly name: string;
  /** `malformed`: neither a DNS name nor an address. `outside`: the authority may not sign it. */
  readonly reason: 'malformed' | 'outside';
}

export interface LeafNames {
  readonly names: readonly string[];
  readonly addresses: readonly string[];
}

export interface Material {
  /** PEM, the leaf first. */
  readonly cert: string;
  /** PEM. */
  readonly key: string;
}

/**
 * Chooses what the leaf is for: the fixed list, this host, its interface addresses and what the user configured.
 * One foreign entry would make the whole leaf invalid, so what the authority may not sign is left out and told.
 */
export function chooseNames(
  authority: Authority,
  wanted: {
    readonly hostname: string;
    readonly interfaceAddresses: readonly string[];
    readonly configured: readonly string[];
  },
): LeafNames & { readonly leftOut: readonly LeftOut[] } {
  const names = new Set<string>();
  const addresses = new Set<string>();
  const leftOut: LeftOut[] = [];
  const stable = wanted.interfaceAddresses.filter((address) => !isLinkLocalV6(address));
  for (const text of new Set([
    'localhost',
    '127.0.0.1',
    '::1',
    ...hostNames(wanted.hostname),
    ...engineNames,
    ...engineAddresses,
    ...stable,
    ...wanted.configured,
  ])) {
    const address = findAddress(text);
    const found = address ?? findDnsName(text);
    if (found === undefined) leftOut.push({ name: text, reason: 'malformed' });
    else if (!isInScope(authority.scope, found.replace(/^\*\./, '')))
      leftOut.push({ name: found, reason: 'outside' });
    else (address === undefined ? names : addresses).add(found);
  }
  return { names: [...names], addresses: [...addresses], leftOut };
}

/** Issues a leaf. It never outlives the authority. Nothing is written. */
export function issueLeaf(options: {
  readonly authority: Authority;
  readonly authorityKey: KeyObject;
  readonly names: LeafNames;
  readonly now: number;
}): Material {
  const { authority, authorityKey, names, now } = options;
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const firstMoment = Math.max(now - dayMs, authority.certificate.validFromDate.getTime());
  const cert = buildCertificate({
    subject: authority.name.replace('Berth CA', 'Berth'),
    issuer: authority.name,
    notBefore: new Date(firstMoment),
    notAfter: new Date(leafEnd(authority, now)),
    publicKey,
    issuerKey: authorityKey,
    extensions: [
      extension(oids.basicConstraints, 'critical', sequence()),
      // digitalSignature.
      extension(oids.keyUsage, 'critical', bitString(Buffer.from([0x80]), 7)),
      extension(oids.extendedKeyUsage, 'plain', sequence(oid(oids.serverAuth))),
      extension(oids.subjectKeyIdentifier, 'plain', octets(keyIdentifier(publicKey))),
      extension(
        oids.authorityKeyIdentifier,
        'plain',
        sequence(context(0, keyIdentifier(authority.certificate.publicKey))),
      ),
      extension(
        oids.subjectAltName,
        'plain',
        sequence(
          ...names.names.map((name) => context(2, Buffer.from(name, 'ascii'))),
          ...names.addresses.map((address) => context(7, addressBytes(address))),
        ),
      ),
    ],
  });
  return { cert, key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString() };
}

/** When a leaf issued now would end, in milliseconds since the epoch. */
export function leafEnd(authority: Authority, now: number): number {
  return Math.min(now + (lifeDays - 1) * dayMs, authority.certificate.validToDate.getTime());
}

/** Says why a stored leaf cannot be served under this authority, or `undefined` if it can. */
export function leafProblem(
  stored: { readonly cert: string | undefined; readonly key: string | undefined },
  authority: Authority,
): string | undefined {
  if (stored.cert === undefined || stored.key === undefined) return 'missing';
  try {
    const certificate = new X509Certificate(stored.cert);
    if (!certificate.checkPrivateKey(createPrivateKey(stored.key)))
      return 'the key is of another certificate';
    const issuer = authority.certificate;
    if (!certificate.checkIssued(issuer) || !certificate.verify(issuer.publicKey)) return 'signed by another';
    return undefined;
  } catch {
    return 'damaged';
  }
}

/** The DNS names and addresses a certificate is for. Odd entries (URIs, mail addresses) are not told. */
export function namesOf(certificate: X509Certificate): LeafNames {
  const names: string[] = [];
  const addresses: string[] = [];
  for (const entry of (certificate.subjectAltName ?? '').split(', ')) {
    const [, kind, text = ''] = /^(DNS|IP Address):(.*)$/.exec(entry) ?? [];
    const found = kind === 'DNS' ? findDnsName(text) : findAddress(text);
    if (found !== undefined) (kind === 'DNS' ? names : addresses).push(found);
  }
  return { names, addresses };
}

/** The bare host name and its mDNS form. */
function hostNames(hostname: string): readonly string[] {
  const [first = hostname] = hostname.split('.');
  return hostname === '' ? [] : [hostname, `${first}.local`];
}

/** Each container that starts brings an interface with such an address, and no URL can name it without a zone. */
function isLinkLocalV6(address: string): boolean {
  return /^fe[89ab]/i.test(address);
}
