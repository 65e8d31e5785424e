/** A certificate and key that the user brings (http.tls.certificate, http.tls.key): read, judged, never changed. */
import { X509Certificate, createPrivateKey } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { createSecureContext } from 'node:tls';
import { systemCode } from '../disk/private-file.ts';
import { AppError } from '../spec/errors.ts';
import type { Log } from '../spec/log-record.ts';
import { namesOf } from './leaf.ts';
import type { Material } from './leaf.ts';
import type { CertificateSource } from './source.ts';

export interface OwnFiles {
  /** Path of the PEM: the server's certificate first, then each issuer in turn. */
  readonly certificate: string;
  /** Path of the PEM of its private key. */
  readonly key: string;
}

/** Opens the user's files. `check` reads them again when they changed. Throws CERTIFICATE_INVALID. */
export async function openOwnSource(
  files: OwnFiles,
  options: { readonly now: () => number; readonly log: Log },
): Promise<CertificateSource> {
  let state = await stateOfOwnFiles(files);
  const material = await read();

  async function read(): Promise<Material> {
    const found = await readOwnCertificate(files, options.now());
    await warnOfWeakness(files, found, options.log);
    return found;
  }

  return {
    kind: 'own',
    material,
    async check() {
      // Taken before reading: a file replaced in between shows up as changed again at the next check.
      const next = await stateOfOwnFiles(files);
      if (next === state) return undefined;
      state = next;
      return read();
    },
    renew: () => Promise.reject(notOurs(files)),
    seal: () => Promise.reject(notOurs(files)),
    authority: () => undefined,
    leftOut: () => [],
  };
}

/**
 * Reads and checks both files. Throws CERTIFICATE_INVALID with the file and the reason: absent, no PEM, encrypted
 * key, key of another certificate, expired or not yet valid at `now` (ms), chain out of order, too weak for TLS.
 */
export async function readOwnCertificate(files: OwnFiles, now: number): Promise<Material> {
  const [cert, key] = await Promise.all([readPem(files.certificate), readPem(files.key)]);
  const chain = parseChain(cert, files.certificate);
  const [leaf] = chain;
  if (leaf === undefined) throw unusable(files.certificate, 'it holds no certificate in PEM form');
  if (!leaf.checkPrivateKey(parseKey(key, files.key))) {
    throw unusable(files.key, `it is not the key of the first certificate in ${files.certificate}`);
  }
  if (leaf.validToDate.getTime() <= now) {
    throw unusable(files.certificate, `it expired on ${leaf.validToDate.toISOString()}`);
  }
  if (leaf.validFromDate.getTime() > now) {
    throw unusable(files.certificate, `it is not valid before ${leaf.validFromDate.toISOString()}`);
  }
  refuseBrokenChain(chain, files.certificate);
  try {
    createSecureContext({ cert, key });
  } catch (cause) {
    throw unusable(files.certificate, `TLS refuses it (${codeOf(cause)})`, cause);
  }
  return { cert, key };
}

async function warnOfWeakness(files: OwnFiles, material: Material, log: Log): Promise<void> {
  const { names, addresses } = namesOf(new X509Certificate(material.cert));
  if (names.length + addresses.length === 0) {
    log.warn('certificateWithoutNames', 'clients refuse a certificate without subject alternative names', {
      path: files.certificate,
    });
  }
  if (process.platform !== 'win32' && ((await stat(files.key)).mode & 0o004) !== 0) {
    log.warn('keyReadable', 'every user of this machine can read the key of the certificate', {
      path: files.key,
    });
  }
}

function notOurs(files: OwnFiles): AppError {
  return new AppError('USAGE', {
    message: `The certificate in use is your own (${files.certificate}); there is no authority of Berth behind it.`,
    hint: 'Replace the files: they are read again within a minute. Or remove http.tls.certificate and http.tls.key.',
  });
}

/** A text that changes whenever one of the files is replaced or rewritten. Absent files count as a state, too. */
async function stateOfOwnFiles(files: OwnFiles): Promise<string> {
  const states = [files.certificate, files.key].map(async (path) => {
    try {
      const { ino, size, mtimeNs } = await stat(path, { bigint: true });
      return [ino, size, mtimeNs].join(':');
    } catch (error) {
      if (error instanceof Error) return codeOf(error);
      throw error;
    }
  });
  return (await Promise.all(states)).join(' ');
}

async function readPem(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    throw unusable(
      path,
      systemCode(cause) === 'ENOENT' ? 'there is no such file' : `it cannot be read (${codeOf(cause)})`,
      cause,
    );
  }
}

function parseChain(text: string, path: string): readonly X509Certificate[] {
  const blocks = text.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? [];
  return blocks.map((block, index) => {
    try {
      return new X509Certificate(block);
    } catch (cause) {
      throw unusable(path, `certificate ${String(index + 1)} in it is damaged`, cause);
    }
  });
}

function parseKey(text: string, path: string): KeyObject {
  if (text.includes('ENCRYPTED')) {
    throw unusable(
      path,
      'the key is encrypted, and a server that starts by itself has nobody to ask for the passphrase',
    );
  }
  try {
    return createPrivateKey(text);
  } catch {
    // No cause: messages of the parser may quote what they read.
    throw unusable(path, 'it holds no private key in PEM form');
  }
}

function refuseBrokenChain(chain: readonly X509Certificate[], path: string): void {
  for (const [index, issuer] of chain.slice(1).entries()) {
    const subject = chain[index];
    if (subject?.checkIssued(issuer) === true && subject.verify(issuer.publicKey)) continue;
    const [at, next] = [String(index + 1), String(index + 2)];
    throw unusable(
      path,
      `certificate ${at} in it was not signed by certificate ${next}; the order is server, issuer, issuer's issuer`,
    );
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'unknown reason';
}

function unusable(path: string, reason: string, cause?: unknown): AppError {
  return new AppError('CERTIFICATE_INVALID', { message: `${path} cannot be used: ${reason}.`, cause });
}
