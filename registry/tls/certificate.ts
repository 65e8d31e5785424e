/**
 * Builds X.509 v3 certificates (RFC 5280). node-forge is the ASN.1 encoder only; keys and signatures are those of
 * node:crypto. Certificates of others are read by X509Certificate, never here.
 */
import { createHash, randomBytes, sign } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import forge from 'node-forge';

export type Asn1 = forge.asn1.Asn1;

const { asn1 } = forge;
const { Class, Type } = asn1;

export const oids = {
  commonName: '2.5.4.3',
  ecdsaWithSha256: '1.2.840.10045.4.3.2',
  subjectKeyIdentifier: '2.5.29.14',
  keyUsage: '2.5.29.15',
  subjectAltName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  nameConstraints: '2.5.29.30',
  authorityKeyIdentifier: '2.5.29.35',
  extendedKeyUsage: '2.5.29.37',
  serverAuth: '1.3.6.1.5.5.7.3.1',
} as const;

export interface CertificatePlan {
  /** Common names, printable ASCII. */
  readonly subject: string;
  readonly issuer: string;
  readonly notBefore: Date;
  readonly notAfter: Date;
  /** P-256. */
  readonly publicKey: KeyObject;
  readonly issuerKey: KeyObject;
  readonly extensions: readonly Asn1[];
}

/** Builds and signs a certificate (ECDSA with SHA-256, random 16-byte serial) and answers its PEM. */
export function buildCertificate(plan: CertificatePlan): string {
  const algorithm = sequence(oid(oids.ecdsaWithSha256));
  const body = sequence(
    context(0, [smallInteger(2)]),
    element(Type.INTEGER, randomSerial()),
    algorithm,
    commonName(plan.issuer),
    sequence(time(plan.notBefore), time(plan.notAfter)),
    commonName(plan.subject),
    asn1.fromDer(binary(plan.publicKey.export({ type: 'spki', format: 'der' }))),
    context(3, [sequence(...plan.extensions)]),
  );
  const signature = sign('sha256', encode(body), { key: plan.issuerKey, dsaEncoding: 'der' });
  const der = encode(sequence(body, algorithm, bitString(signature)));
  const lines = der.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`;
}

/** RFC 7093, method 1: the first 160 bits of the SHA-256 of the public point. */
export function keyIdentifier(publicKey: KeyObject): Buffer {
  // The SPKI of a P-256 key ends in the 65 bytes of its uncompressed point.
  const point = publicKey.export({ type: 'spki', format: 'der' }).subarray(-65);
  return createHash('sha256').update(point).digest().subarray(0, 20);
}

export function extension(id: string, criticality: 'critical' | 'plain', value: Asn1): Asn1 {
  const flag = criticality === 'critical' ? [truth()] : [];
  return sequence(oid(id), ...flag, octets(encode(value)));
}

export function sequence(...items: readonly Asn1[]): Asn1 {
  return asn1.create(Class.UNIVERSAL, Type.SEQUENCE, true, [...items]);
}

export function oid(id: string): Asn1 {
  return asn1.create(Class.UNIVERSAL, Type.OID, false, asn1.oidToDer(id).getBytes());
}

export function octets(value: Uint8Array): Asn1 {
  return element(Type.OCTETSTRING, value);
}

/** BOOLEAN TRUE; false is the default everywhere and is left out. */
export function truth(): Asn1 {
  return element(Type.BOOLEAN, Buffer.from([0xff]));
}

/** An INTEGER from 0 to 127. */
export function smallInteger(value: number): Asn1 {
  return element(Type.INTEGER, Buffer.from([value]));
}

export function bitString(value: Uint8Array, unusedBits = 0): Asn1 {
  return element(Type.BITSTRING, Buffer.concat([Buffer.from([unusedBits]), value]));
}

/** A context-specific element `[tag]`: constructed from elements, primitive from bytes. */
export function context(tag: number, value: readonly Asn1[] | Uint8Array): Asn1 {
  if (value instanceof Uint8Array) return asn1.create(Class.CONTEXT_SPECIFIC, tag, false, binary(value));
  return asn1.create(Class.CONTEXT_SPECIFIC, tag, true, [...value]);
}

function element(type: forge.asn1.Type, value: Uint8Array): Asn1 {
  return asn1.create(Class.UNIVERSAL, type, false, binary(value));
}

function commonName(name: string): Asn1 {
  const attribute = sequence(oid(oids.commonName), element(Type.UTF8, Buffer.from(name, 'ascii')));
  return sequence(asn1.create(Class.UNIVERSAL, Type.SET, true, [attribute]));
}

/** UTCTime up to 2049, GeneralizedTime from 2050 (RFC 5280, 4.1.2.5). */
function time(date: Date): Asn1 {
  const digits = date.toISOString().replace(/\.\d+Z$|[-:T]/g, '');
  return date.getUTCFullYear() < 2050
    ? element(Type.UTCTIME, Buffer.from(`${digits.slice(2)}Z`))
    : element(Type.GENERALIZEDTIME, Buffer.from(`${digits}Z`));
}

/** Positive, never with a leading zero byte, 126 random bits. */
function randomSerial(): Buffer {
  const serial = randomBytes(16);
  serial.writeUInt8(((serial[0] ?? 0) & 0x3f) | 0x40, 0);
  return serial;
}

function encode(value: Asn1): Buffer {
  return Buffer.from(asn1.toDer(value).getBytes(), 'latin1');
}

/** node-forge holds bytes as strings of characters 0 to 255. */
function binary(value: Uint8Array): string {
  return Buffer.from(value).toString('latin1');
}
