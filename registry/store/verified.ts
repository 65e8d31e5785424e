/**
 * Blobs that this process has hashed, when they were pushed or first read. Their next readers compare the message
 * authentication code of the bytes, whose key never leaves this process: that takes a tenth of the time.
 */
import { randomBytes } from 'node:crypto';

import type { Digest } from '../spec/digest.ts';

export interface Verified {
  readonly macKey: Uint8Array;
  /** The code of the bytes that have the digest; `undefined` where they have to be hashed. */
  macOf(digest: Digest): string | undefined;
  /** Bytes with this digest had this code. */
  keep(digest: Digest, mac: string): void;
}

/** Remembers up to `limit` codes, those that were not asked for the longest going first. */
export function createVerified(limit = 10_000): Verified {
  const macs = new Map<Digest, string>();

  function keep(digest: Digest, mac: string): void {
    macs.delete(digest);
    macs.set(digest, mac);
    const [oldest] = macs.keys();
    if (macs.size > limit && oldest !== undefined) macs.delete(oldest);
  }

  return {
    macKey: randomBytes(16),
    macOf(digest) {
      const mac = macs.get(digest);
      if (mac !== undefined) keep(digest, mac);
      return mac;
    },
    keep,
  };
}
