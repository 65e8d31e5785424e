/**
 * The certificate authority of one installation: berth/tls/ca.crt and ca.key.
 *
 *   ca.crt and ca.key    leaves can be issued
 *   ca.crt alone         sealed: what was signed stays valid, nothing is signed any more
 *   neither, no leaf     first start: made, the key first, so a crash in between leaves no half authority
 *   anything else        refused by name; an authority that people trust is never replaced in silence
 */
import { X509Certificate, createPrivateKey, generateKeyPairSync } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { join } from 'node:path';
import { writePrivateFile } from '../disk/private-file.ts';
import { AppError } from '../spec/errors.ts';
import {
  bitString,
  buildCertificate,
  extension,
  keyIdentifier,
  octets,
  oids,
  sequence,
  smallInteger,
  truth,
} from './certificate.ts';
import { readPrivateFile } from './files.ts';
import { findScope, makeScope, scopeExtension } from './scope.ts';
import type { Scope } from './scope.ts';

export interface Authority {
  readonly pem: string;
  readonly certificate: X509Certificate;
  /** The common name, as it stands in the certificate. */
  readonly name: string;
  readonly scope: Scope;
}

const dayMs = 24 * 60 * 60 * 1000;
const commonNameLength = 64;
const ownName = /^CN=(Berth CA [a-z0-9._-]+)$/;

/** Where the authority and the leaf lie. */
export function tlsPaths(dir: string) {
  return {
    caCertificate: join(dir, 'ca.crt'),
    caKey: join(dir, 'ca.key'),
    leafCertificate: join(dir, 'leaf.crt'),
    leafKey: join(dir, 'leaf.key'),
  } as const;
}

/**
 * Makes a P-256 authority that is valid for 10 years and may sign server certificates within `makeScope` only.
 * Nothing is written.
 */
export function makeAuthority(options: {
  readonly hostname: string;
  readonly names: readonly string[];
  readonly now: number;
}): { readonly certificate: string; readonly key: string } {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const host = options.hostname.toLowerCase().replace(/[^a-z0-9._-]/g, '-') || 'host';
  const name = `Berth CA ${host}`.slice(0, commonNameLength);
  const notBefore = new Date(options.now - dayMs);
  const notAfter = new Date(notBefore);
  notAfter.setUTCFullYear(notAfter.getUTCFullYear() + 10);
  const certificate = buildCertificate({
    subject: name,
    issuer: name,
    notBefore,
    notAfter,
    publicKey,
    issuerKey: privateKey,
    extensions: [
      extension(oids.basicConstraints, 'critical', sequence(truth(), smallInteger(0))),
      // keyCertSign and cRLSign.
      extension(oids.keyUsage, 'critical', bitString(Buffer.from([0x06]), 1)),
      extension(oids.subjectKeyIdentifier, 'plain', octets(keyIdentifier(publicKey))),
      scopeExtension(makeScope(options.hostname, options.names)),
    ],
  });
  return { certificate, key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString() };
}

/** Loads the authority from the directory, or makes it there on the first start. Throws CERTIFICATE_INVALID. */
export async function openAuthority(
  dir: string,
  options: Parameters<typeof makeAuthority>[0],
): Promise<Authority> {
  const paths = tlsPaths(dir);
  const pem = await readPrivateFile(paths.caCertificate);
  if (pem !== undefined) return parseAuthority(pem, paths.caCertificate);
  if ((await readPrivateFile(paths.leafCertificate)) !== undefined) {
    throw new AppError('CERTIFICATE_INVALID', {
      message: `${paths.caCertificate} is missing, but ${paths.leafCertificate} was signed with it.`,
      hint: `Restore the file. Or remove ${dir}: a new authority is made, which every client must trust anew.`,
    });
  }
  const made = makeAuthority(options);
  await writePrivateFile(paths.caKey, made.key);
  await writePrivateFile(paths.caCertificate, made.certificate);
  return parseAuthority(made.certificate, paths.caCertificate);
}

/** Reads the authority's key; `undefined` if it was sealed. Throws CERTIFICATE_INVALID if it is damaged. */
export async function findAuthorityKey(dir: string, authority: Authority): Promise<KeyObject | undefined> {
  const path = tlsPaths(dir).caKey;
  const pem = await readPrivateFile(path);
  if (pem === undefined) return undefined;
  let key: KeyObject;
  try {
    key = createPrivateKey(pem);
  } catch (cause) {
    throw damaged(path, 'it is not a private key in PEM form', cause);
  }
  if (!authority.certificate.checkPrivateKey(key)) throw damaged(path, 'it does not belong to ca.crt');
  return key;
}

function parseAuthority(pem: string, path: string): Authority {
  let certificate: X509Certificate;
  try {
    certificate = new X509Certificate(pem);
  } catch (cause) {
    throw damaged(path, 'it is not a certificate in PEM form', cause);
  }
  const name = ownName.exec(certificate.subject)?.[1];
  const scope = findScope(certificate.raw);
  if (name === undefined || scope === undefined || !certificate.ca || !isSelfSigned(certificate)) {
    throw damaged(path, 'it is not an authority that Berth made');
  }
  return { pem: certificate.toString(), certificate, name, scope };
}

function isSelfSigned(certificate: X509Certificate): boolean {
  return certificate.checkIssued(certificate) && certificate.verify(certificate.publicKey);
}

function damaged(path: string, reason: string, cause?: unknown): AppError {
  return new AppError('CERTIFICATE_INVALID', {
    message: `${path} cannot be used: ${reason}.`,
    hint: 'Restore the file from a backup. Or remove the directory: a new authority is made, which every client must trust anew.',
    cause,
  });
}
