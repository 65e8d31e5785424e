/**
 * What the registry shows to TLS clients, and its upkeep.
 *
 *   own files given     served as they are, read again when they change (own-certificate.ts)
 *   otherwise           an authority and a leaf under berth/tls; the leaf is issued again when it is damaged, near
 *                       its end, or no longer for the names and addresses of this machine (made-source.ts)
 *
 * `check` does all of that; a timer calls it once a minute. Whatever fails leaves the old certificate in service.
 */
import { X509Certificate } from 'node:crypto';
import { hostname, networkInterfaces } from 'node:os';
import type { CertificateInfo, IdentityInfo } from '../spec/admin/certificate.ts';
import type { Log } from '../spec/log-record.ts';
import { namesOf } from './leaf.ts';
import type { LeafNames, Material } from './leaf.ts';
import { openMadeSource } from './made-source.ts';
import { openOwnSource } from './own-certificate.ts';
import type { OwnFiles } from './own-certificate.ts';
import type { CertificateSource } from './source.ts';

const dayMs = 24 * 60 * 60 * 1000;
const warnBeforeMs = 14 * dayMs;

export interface IdentityOptions {
  /** The directory of the authority and leaf, `<root>/berth/tls`. Not touched if `own` is given. */
  readonly dir: string;
  /** DNS names and addresses from the configuration. */
  readonly names: () => readonly string[];
  readonly own?: OwnFiles;
  readonly log: Log;
  /** False: only look; nothing is made, issued or checked again. Default true. */
  readonly mayIssue?: boolean;
  /** The leaf is issued again when it ends within this time; default 30 days. */
  readonly renewBeforeMs?: () => number;
  /** Time between two checks; default one minute. */
  readonly checkEveryMs?: number;
  /** Milliseconds since the epoch; default the system clock. */
  readonly now?: () => number;
  /** Addresses of this machine; default those of its interfaces. */
  readonly interfaceAddresses?: () => readonly string[];
  /** Default that of the system. */
  readonly hostname?: string;
}

export interface Identity extends AsyncDisposable {
  /** Certificate and key to serve now. */
  material(): Material;
  /** Calls back after each change of the material; answers how to stop that. */
  onChange(listener: (material: Material) => void): () => void;
  /** DNS names (a leading `*.` is possible) and addresses of the served certificate. */
  names(): LeafNames;
  /** When the served certificate ends, in milliseconds since the epoch. */
  endsAt(): number;
  show(): IdentityInfo;
  /** PEM of the authority; `undefined` if the user's own certificate is served. */
  exportCa(): string | undefined;
  /** Looks at files, clock and interfaces at once, and acts. Never throws: what fails is logged. */
  check(): Promise<void>;
  /** Issues a new leaf under the same authority. Throws CA_SEALED, or USAGE if the user's own certificate is served. */
  renew(): Promise<void>;
  /** Destroys the authority's key for good. Throws USAGE if the user's own certificate is served. */
  seal(): Promise<void>;
}

/**
 * Opens the identity; makes authority and leaf on the first start. Throws CERTIFICATE_INVALID (the file and why),
 * DATA_UNUSABLE (others may read the keys), CA_SEALED (no leaf that could be served and no key to issue one).
 */
export async function openIdentity(options: IdentityOptions): Promise<Identity> {
  const { log } = options;
  const now = options.now ?? Date.now;
  const source = await openSource(options, now);
  const listeners = new Set<(material: Material) => void>();
  let material = source.material;
  let certificate = new X509Certificate(material.cert);
  let names = namesOf(certificate);
  let lastWarningAt = Number.NEGATIVE_INFINITY;
  let lastFailure: string | undefined;
  let lastStep: Promise<unknown> = Promise.resolve();
  warnOfEnd();
  const timer = setInterval(() => void check(), options.checkEveryMs ?? 60_000).unref();

  /** Runs one step after the other: two of them must not write the files at once. */
  function inTurn<Result>(step: () => Promise<Result>): Promise<Result> {
    const turn = lastStep.then(step);
    lastStep = turn.catch(() => undefined);
    return turn;
  }

  async function check(): Promise<void> {
    try {
      const next = await inTurn(() => source.check());
      lastFailure = undefined;
      if (next !== undefined) serve(next);
    } catch (error) {
      logFailure(error);
    }
    warnOfEnd();
  }

  function serve(next: Material): void {
    material = next;
    certificate = new X509Certificate(next.cert);
    names = namesOf(certificate);
    lastWarningAt = Number.NEGATIVE_INFINITY;
    log.info('certificateChanged', 'another server certificate is in service', {
      fingerprint: certificate.fingerprint256,
      validTo: certificate.validToDate.toISOString(),
    });
    for (const listener of listeners) listener(next);
  }

  function logFailure(error: unknown): void {
    const reason = error instanceof Error ? error.message : String(error);
    if (reason === lastFailure) return;
    lastFailure = reason;
    log.error('certificateKept', 'the server certificate could not be replaced; the old one stays', {
      reason,
    });
  }

  function warnOfEnd(): void {
    const end = certificate.validToDate.getTime();
    if (end - now() > warnBeforeMs || now() - lastWarningAt < dayMs) return;
    lastWarningAt = now();
    const fields = { validTo: certificate.validToDate.toISOString() };
    if (end > now()) log.warn('certificateEnding', 'the server certificate ends soon', fields);
    else log.error('certificateEnded', 'the server certificate has ended; clients refuse it', fields);
  }

  return {
    material: () => material,
    onChange(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    names: () => names,
    endsAt: () => certificate.validToDate.getTime(),
    show: () => describe(source, certificate),
    exportCa: () => source.authority()?.pem,
    check,
    async renew() {
      serve(await inTurn(() => source.renew()));
    },
    async seal() {
      await inTurn(() => source.seal());
    },
    async [Symbol.asyncDispose]() {
      clearInterval(timer);
      listeners.clear();
      await lastStep;
    },
  };
}

function openSource(options: IdentityOptions, now: () => number): Promise<CertificateSource> {
  const { dir, log, names, own } = options;
  if (own !== undefined) return openOwnSource(own, { now, log });
  return openMadeSource({
    dir,
    names,
    log,
    now,
    mayIssue: options.mayIssue ?? true,
    hostname: options.hostname ?? hostname(),
    interfaceAddresses: options.interfaceAddresses ?? systemAddresses,
    renewBeforeMs: options.renewBeforeMs ?? (() => 30 * dayMs),
  });
}

function systemAddresses(): readonly string[] {
  return Object.values(networkInterfaces()).flatMap((entries = []) => entries.map(({ address }) => address));
}

function describe(source: CertificateSource, certificate: X509Certificate): IdentityInfo {
  const authority = source.authority();
  return {
    source: source.kind,
    leaf: { ...describeCertificate(certificate), ...namesOf(certificate) },
    authority:
      authority === undefined
        ? undefined
        : {
            ...describeCertificate(authority.certificate),
            scope: authority.scope,
            isSealed: authority.isSealed,
          },
    leftOut: source.leftOut(),
  };
}

function describeCertificate(certificate: X509Certificate): CertificateInfo {
  return {
    subject: certificate.subject,
    fingerprint: certificate.fingerprint256,
    validFrom: certificate.validFromDate.toISOString(),
    validTo: certificate.validToDate.toISOString(),
  };
}
