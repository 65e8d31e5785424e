import { type Digest, parseDigest } from '../spec/digest.ts';
import type { Driver } from '../driver/driver.ts';

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

/** Writes a link durably. */
export async function writeLink(driver: Driver, key: string, digest: Digest): Promise<void> {
  await driver.write(key, bytes.encode(digest));
}

/** Writes a link whose digest its key tells, durably. One that is there stays as it is, which spares its fsyncs. */
export async function keepLink(driver: Driver, key: string, digest: Digest): Promise<void> {
  const isEmpty = (await driver.stat(key))?.size === 0;
  // Waits for another writer of the same link, so that what is found is durable.
  await driver.write(key, bytes.encode(digest), isEmpty ? {} : { if: 'absent' });
}

/** When a link was written, in milliseconds since the epoch. An empty one counts as none, as for `readLink`. */
export async function linkTime(driver: Driver, key: string): Promise<number | undefined> {
  const link = await driver.stat(key);
  return link === undefined || link.size === 0 ? undefined : link.modifiedAt;
}

/** True when a link is there. */
export async function hasLink(driver: Driver, key: string): Promise<boolean> {
  return (await linkTime(driver, key)) !== undefined;
}
