import type { X509Certificate } from 'node:crypto';
import type { LeftOut, Material } from './leaf.ts';
import type { Scope } from './scope.ts';

/** Where the served certificate comes from: made here, or brought by the user. Not safe to call in parallel. */
export interface CertificateSource {
  readonly kind: 'berth' | 'own';
  /** What is served first. */
  readonly material: Material;
  /** Answers new material if there is a reason to serve other, else `undefined`. Throws what went wrong. */
  check(): Promise<Material | undefined>;
  /** Issues a new leaf. Throws CA_SEALED or USAGE. */
  renew(): Promise<Material>;
  /** Destroys the authority's key. Throws USAGE. */
  seal(): Promise<void>;
  authority(): SourceAuthority | undefined;
  /** What was wanted and does not stand in the leaf. */
  leftOut(): readonly LeftOut[];
}

export interface SourceAuthority {
  readonly pem: string;
  readonly certificate: X509Certificate;
  readonly scope: Scope;
  readonly isSealed: boolean;
}
