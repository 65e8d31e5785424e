import { type Digest, parseDigest } from '../spec/digest.ts';
import type { Driver, Write } from '../driver/driver.ts';

const limit = 1024;
const text = new TextDecoder();
const bytes = new TextEncoder();

/**
 * Answers the digest in a link, or `undefined` when there is none. A link without a digest counts as none, so that
 * the next push mends it: distribution before 3.1 leaves empty ones behind after a crash, and file systems fill what
 * was never fsynced with NUL bytes.
 */
export async function readLink(driver: Driver, key: string): Promise<Digest | undefined> {
  const found = await driver.readSmall(key, { limit });
  return found === undefined ? undefined : parseDigest(text.decode(found).trim());
}

/** A link to write, whatever is there. */
export function linkTo(key: string, digest: Digest): Write {
  return { key, bytes: bytes.encode(digest) };
}

/** A link whose digest its key tells. One that is there stays as it is, which spares its fsyncs. */
export function keptLink(key: string, digest: Digest): Write {
  return { ...linkTo(key, digest), if: 'empty' };
}

/** When a link was written, in milliseconds since the epoch. An empty one counts as none, as for `readLink`. */
export async function linkTime(driver: Driver, key: string): Promise<number | undefined> {
  const link = await driver.stat(key);
  return link === undefined || link.size === 0 ? undefined : link.modifiedAt;
}

/** True when a link is there. */
export async function hasLink(driver: Driver, key: string): Promise<boolean> {
  const link = await driver.stat(key);
  return link !== undefined && link.size > 0;
}
