/** The authority and leaf under berth/tls as a source: made on the first start, the leaf issued again with reason. */
import { X509Certificate } from 'node:crypto';
import { writePrivateFile } from '../disk/private-file.ts';
import { AppError } from '../spec/errors.ts';
import type { Log } from '../spec/log-record.ts';
import { findAuthorityKey, openAuthority, tlsPaths } from './authority.ts';
import { destroyFile, openPrivateDirectory, readPrivateFile } from './files.ts';
import { chooseNames, issueLeaf, leafEnd, leafProblem, namesOf } from './leaf.ts';
import type { LeafNames, Material } from './leaf.ts';
import type { CertificateSource } from './source.ts';

const hourMs = 60 * 60 * 1000;

export interface MadeSourceOptions {
  readonly dir: string;
  readonly names: () => readonly string[];
  readonly hostname: string;
  readonly interfaceAddresses: () => readonly string[];
  readonly now: () => number;
  readonly renewBeforeMs: () => number;
  readonly log: Log;
  /** False: what is there is looked at, and nothing is made or issued. */
  readonly mayIssue: boolean;
}

/**
 * Opens the directory, making what is missing. Throws CERTIFICATE_INVALID, DATA_UNUSABLE, or CA_SEALED if the leaf
 * cannot be served and there is no key to issue another.
 */
export async function openMadeSource(options: MadeSourceOptions): Promise<CertificateSource> {
  const { dir, hostname, log, now, renewBeforeMs } = options;
  const paths = tlsPaths(dir);
  if (options.mayIssue) await openPrivateDirectory(dir);
  else if ((await readPrivateFile(paths.leafCertificate)) === undefined) {
    throw new AppError('CERTIFICATE_INVALID', {
      message: `There is no certificate in ${dir} yet.`,
      hint: 'Start the registry: berth serve makes it.',
    });
  }
  const authority = await openAuthority(dir, { hostname, names: options.names(), now: now() });
  let isSealed = (await findAuthorityKey(dir, authority)) === undefined;
  let wanted = currentNames();
  let lastComplaint: string | undefined;
  logLeftOut();

  const stored = await readStoredLeaf();
  const problem = stored === undefined ? 'there is none' : leafProblem(stored, authority);
  if (stored !== undefined && problem !== undefined) {
    log.warn('certificateDamaged', 'the server certificate cannot be served', {
      path: paths.leafCertificate,
      reason: problem,
    });
  }
  let material =
    stored !== undefined && problem === undefined ? stored : await issue(problem ?? 'there is none');
  if (options.mayIssue) await check();

  async function check(): Promise<Material | undefined> {
    const before = JSON.stringify(wanted.leftOut);
    wanted = currentNames();
    isSealed = (await findAuthorityKey(dir, authority)) === undefined;
    const renewed = await findRenewedLeaf();
    if (renewed !== undefined) return renewed;
    if (JSON.stringify(wanted.leftOut) !== before) logLeftOut();
    const reason = findReason();
    if (reason !== undefined && !isSealed) return renew(reason);
    if (reason !== undefined && reason !== lastComplaint) {
      log.warn('certificateStale', 'the authority is sealed, so the server certificate stays as it is', {
        reason,
      });
    }
    lastComplaint = reason;
    return undefined;
  }

  /** What `berth cert renew` issued while this process serves. */
  async function findRenewedLeaf(): Promise<Material | undefined> {
    const found = await readStoredLeaf();
    if (found === undefined || found.cert === material.cert || leafProblem(found, authority) !== undefined)
      return undefined;
    material = found;
    return found;
  }

  function findReason(): string | undefined {
    const certificate = new X509Certificate(material.cert);
    const end = certificate.validToDate.getTime();
    if (end - now() < renewBeforeMs() && leafEnd(authority, now()) > end + hourMs) return 'it ends soon';
    // Before the authority began, none that could be issued would be valid: what clients with a right clock trust stays.
    if (certificate.validFromDate.getTime() > Math.max(now(), authority.certificate.validFromDate.getTime()))
      return 'it is not valid yet: the clock went back';
    if (textOf(namesOf(certificate)) !== textOf(wanted))
      return 'the names or addresses of this machine changed';
    return undefined;
  }

  async function renew(reason: string): Promise<Material> {
    material = await issue(reason, material);
    return material;
  }

  async function issue(reason: string, served?: Material): Promise<Material> {
    const authorityKey = await findAuthorityKey(dir, authority);
    if (!options.mayIssue)
      throw new AppError('CERTIFICATE_INVALID', { message: `${paths.leafCertificate}: ${reason}.` });
    if (authorityKey === undefined) {
      isSealed = true;
      throw sealedError(dir, served);
    }
    const issued = issueLeaf({ authority, authorityKey, names: wanted, now: now() });
    await writePrivateFile(paths.leafKey, issued.key);
    await writePrivateFile(paths.leafCertificate, issued.cert);
    log.info('certificateIssued', 'a server certificate was issued', {
      reason,
      names: [...wanted.names, ...wanted.addresses],
      validTo: new X509Certificate(issued.cert).validToDate.toISOString(),
    });
    return issued;
  }

  async function readStoredLeaf(): Promise<Material | undefined> {
    const [cert, key] = [await readPrivateFile(paths.leafCertificate), await readPrivateFile(paths.leafKey)];
    return cert === undefined || key === undefined ? undefined : { cert, key };
  }

  function currentNames() {
    return chooseNames(authority, {
      hostname,
      interfaceAddresses: options.interfaceAddresses(),
      configured: options.names(),
    });
  }

  function logLeftOut(): void {
    // Nobody has asked for the addresses of this computer, and it may be reached by none of them.
    const unasked = new Set(options.interfaceAddresses());
    for (const name of options.names()) unasked.delete(name);
    for (const level of ['warn', 'debug'] as const) {
      const names = wanted.leftOut.filter(({ name }) => unasked.has(name) === (level === 'debug'));
      if (names.length === 0) continue;
      log[level](
        'namesLeftOut',
        'some names are not in the server certificate; https to them is not trusted',
        {
          names: names.map(({ name, reason }) => `${name} (${reason})`),
        },
      );
    }
  }

  return {
    kind: 'berth',
    material,
    check,
    renew: () => renew('renewal was asked for'),
    async seal() {
      await destroyFile(paths.caKey);
      isSealed = true;
      log.warn('authoritySealed', 'the key of the certificate authority was destroyed');
    },
    authority: () => ({ ...authority, isSealed }),
    leftOut: () => wanted.leftOut,
  };
}

function sealedError(dir: string, served: Material | undefined): AppError {
  const rest =
    served === undefined
      ? 'There is no usable server certificate beside it.'
      : `The server certificate ends on ${new X509Certificate(served.cert).validToDate.toISOString()}.`;
  return new AppError('CA_SEALED', {
    message: `The key of the certificate authority in ${dir} was destroyed. ${rest}`,
  });
}

function textOf(names: LeafNames): string {
  return [...names.names, ...names.addresses].toSorted().join(' ');
}
