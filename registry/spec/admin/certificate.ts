/** The control plane on the certificate that the registry shows. */
import { z } from 'zod';

export interface CertificateInfo {
  readonly subject: string;
  /** SHA-256, upper-case hexadecimal with colons. */
  readonly fingerprint: string;
  /** RFC 3339. */
  readonly validFrom: string;
  /** RFC 3339. */
  readonly validTo: string;
}

export interface IdentityInfo {
  /** Made by Berth, or the user's own. */
  readonly source: 'berth' | 'own';
  readonly leaf: CertificateInfo & {
    readonly names: readonly string[];
    readonly addresses: readonly string[];
  };
  /** Absent where the user's own certificate is served. */
  readonly authority?:
    | (CertificateInfo & {
        /** What it may sign for. */
        readonly scope: { readonly names: readonly string[]; readonly networks: readonly string[] };
        /** Its key is destroyed: nothing can be signed any more. */
        readonly isSealed: boolean;
      })
    | undefined;
  /** Names and addresses that were wanted and are not in the leaf. */
  readonly leftOut: readonly { readonly name: string; readonly reason: 'malformed' | 'outside' }[];
}

export interface CertificateRow extends IdentityInfo {
  /** PEM of the authority, for clients that shall trust it. */
  readonly ca?: string;
}

export const certificateArguments = {
  /** The certificate that is shown, and the authority behind it. */
  'certificate.get': z.strictObject({}),
  /** Issues another leaf under the same authority. Connections that are open stay. */
  'certificate.renew': z.strictObject({}),
  /** Destroys the key of the authority for good. `fingerprint` is that of the authority, as a sign that it is meant. */
  'certificate.seal': z.strictObject({ fingerprint: z.string().max(200) }),
} as const;

export interface CertificateResults {
  'certificate.get': CertificateRow;
  'certificate.renew': CertificateRow;
  'certificate.seal': CertificateRow;
}
