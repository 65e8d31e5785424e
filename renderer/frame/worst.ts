/** The most severe of what concerns every screen. Pure. */
import type { ProcessRow } from '../../main/contract/registry.ts';
import type { CertificateRow } from '../../registry/spec/admin/certificate.ts';
import type { StatusRow } from '../../registry/spec/admin/process.ts';

/** What is known; absent parts are not known yet. */
export interface Known {
  readonly isLost: boolean;
  /** On the desktop alone. */
  readonly process: ProcessRow | undefined;
  readonly status: StatusRow | undefined;
  readonly certificate: Pick<CertificateRow, 'leaf'> | undefined;
  /** Lines of the status that were put away. */
  readonly knownUnheeded: readonly string[];
}

export type Worst =
  | { readonly kind: 'process'; readonly process: ProcessRow }
  | { readonly kind: 'lost' | 'open' | 'plain' | 'readOnly' }
  | { readonly kind: 'full'; readonly reserveBytes: number }
  | { readonly kind: 'low'; readonly freeBytes: number }
  | { readonly kind: 'certificate'; readonly days: number }
  | { readonly kind: 'unheeded'; readonly lines: readonly string[] };

const dayMs = 24 * 60 * 60 * 1000;
const certificateDays = 14;

/** `now` is in milliseconds since the epoch. */
export function worstOf(known: Known, now: number): Worst | undefined {
  const { isLost, process, status, certificate, knownUnheeded } = known;
  if (isLost)
    return process === undefined || process.state === 'running'
      ? { kind: 'lost' }
      : { kind: 'process', process };
  const { disk, isOpen, isPlain, isReadOnly, unheeded = [] } = status ?? {};
  if (disk?.state === 'full') return { kind: 'full', reserveBytes: disk.reserveBytes ?? 0 };
  if (isOpen === true) return { kind: 'open' };
  if (isPlain === true) return { kind: 'plain' };
  if (isReadOnly === true) return { kind: 'readOnly' };
  if (disk?.state === 'low') return { kind: 'low', freeBytes: disk.freeBytes ?? 0 };
  const days =
    certificate === undefined
      ? Number.POSITIVE_INFINITY
      : (Date.parse(certificate.leaf.validTo) - now) / dayMs;
  if (days < certificateDays) return { kind: 'certificate', days };
  return unheeded.some((line) => !knownUnheeded.includes(line))
    ? { kind: 'unheeded', lines: unheeded }
    : undefined;
}
