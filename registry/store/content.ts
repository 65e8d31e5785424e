/**
 * Bytes by digest, shared by all repositories. Storing and putting aside take turns per digest: a request that finds
 * the bytes in place may rely on them being durable, and nobody puts aside what another has just stored.
 */
import { createHash } from 'node:crypto';
import type { CommitOptions, Driver, Part, Reader, Stages } from '../driver/driver.ts';
import { type Algorithm, type Digest, digestParts } from '../spec/digest.ts';
import { AppError } from '../spec/errors.ts';
import type { StoreEvents } from '../spec/events.ts';
import type { Damage } from './damage.ts';
import type { Locks } from './locks.ts';
import { blobData, quarantined } from './paths.ts';

export interface Content {
  /**
   * Moves a part whose digest was verified to its place, durably, and answers true. Answers false when bytes of that
   * length are there already, and are not known to be damaged; the part is left to the caller then.
   */
  storePart(
    digest: Digest,
    part: Part,
    options: Required<Pick<CommitOptions, 'after' | 'clear'>>,
  ): Promise<boolean>;
  /** The size of stored bytes; what is just being stored is waited for, so that what is found is durable. */
  sizeOf(digest: Digest): Promise<number | undefined>;
  /** Stores bytes under their digest, durably, unless the very same are there; `after` is written behind them. */
  storeBytes(digest: Digest, bytes: Uint8Array, after: Stages): Promise<void>;
  /**
   * For who has read bytes that are not those of the digest: reads them again, moves them to quarantine if they are
   * still wrong, so that the next push stores them again, and answers the error to throw: STORAGE_FAILED.
   */
  putAside(digest: Digest): Promise<AppError>;
}

export function createContent({
  driver,
  events,
  locks,
  damage,
  forget,
}: {
  readonly driver: Driver;
  readonly events: StoreEvents;
  readonly locks: Locks;
  readonly damage: Damage;
  /** Drops what is remembered of a digest that is no longer stored: HEAD must not find it. */
  readonly forget: (digest: Digest) => void;
}): Content {
  // No key of another lock has two colons.
  const alone = <T>(digest: Digest, act: () => Promise<T>): Promise<T> =>
    locks.exclusive(`content:${digest}`, act);

  const storePart: Content['storePart'] = async (digest, part, options) => {
    return await alone(digest, async () => {
      const isWanted = await damage.needsBytes(digest);
      const { size } = part;
      const unless = isWanted ? undefined : 'sameSize';
      const isMoved = await part.commit(blobData(digest), { unless, ...options });
      if (isMoved && isWanted) await heal(digest, size);
      return isMoved;
    });
  };

  async function sizeOf(digest: Digest): Promise<number | undefined> {
    return await alone(digest, async () => (await driver.stat(blobData(digest)))?.size);
  }

  async function storeBytes(digest: Digest, bytes: Uint8Array, after: Stages): Promise<void> {
    await alone(digest, async () => {
      const key = blobData(digest);
      const isWanted = await damage.needsBytes(digest);
      const present = await driver.stat(key);
      const isHeld = present?.size === bytes.length && !isWanted && (await holds(key, bytes));
      // Other bytes go first: those that come instead are only then gone when they cannot be made durable.
      if (present !== undefined && !isHeld) await driver.remove(key);
      await driver.commit([[{ key, bytes, if: 'absent' }], ...after]);
      if (isWanted) await heal(digest, bytes.length);
    });
  }

  /** A record that stays open costs only that the next push stores its bytes once more. */
  async function heal(digest: Digest, size: number): Promise<void> {
    await damage.heal(digest, size).catch(() => undefined);
  }

  async function holds(key: string, bytes: Uint8Array): Promise<boolean> {
    const present = await driver.readSmall(key, { limit: bytes.length });
    return present !== undefined && Buffer.compare(present, bytes) === 0;
  }

  async function putAside(digest: Digest): Promise<AppError> {
    const cause = await alone(digest, () => quarantine(digest)).catch((error: unknown) => error);
    return new AppError('STORAGE_FAILED', {
      message: `The content ${digest} is damaged on disk. Push the image again.`,
      detail: digest,
      cause,
    });
  }

  async function quarantine(digest: Digest): Promise<void> {
    const { algorithm } = digestParts(digest);
    await using reader = await driver.open(blobData(digest));
    if (reader === undefined) return;
    const found = await digestOfStream(blocksOf(reader), algorithm);
    // Replaced since it was read: by a push, or by the same complaint of another reader.
    if (found === digest) return;
    forget(digest);
    try {
      await damage.note({ digest, state: 'quarantined', size: reader.size, found, repositories: [] });
      await using part = await driver.openPart(blobData(digest), { create: false });
      await part?.commit(quarantined(digest));
    } finally {
      // Also where it could not be moved: it is damaged all the same.
      events.blobDamaged({ digest, found, size: reader.size });
    }
  }

  return { storePart, sizeOf, storeBytes, putAside };
}

/** The bytes of a reader through one block, which the next bytes overwrite. */
export async function* blocksOf(reader: Reader, blockBytes = 256 * 1024): AsyncGenerator<Uint8Array> {
  const block = Buffer.allocUnsafeSlow(blockBytes);
  for (let at = 0; at < reader.size;) {
    const count = await reader.read(block, at);
    if (count === 0) return;
    yield block.subarray(0, count);
    at += count;
  }
}

/** The digest of bytes. */
export function digestOf(bytes: Uint8Array, algorithm: Algorithm): Digest {
  return `${algorithm}:${createHash(algorithm).update(bytes).digest('hex')}` as Digest;
}

/** The digest of all bytes of a stream. */
export async function digestOfStream(
  source: AsyncIterable<Uint8Array>,
  algorithm: Algorithm,
): Promise<Digest> {
  const hash = createHash(algorithm);
  for await (const bytes of source) hash.update(bytes);
  return `${algorithm}:${hash.digest('hex')}` as Digest;
}
