/**
 * What clients rely on without holding a reference to it: a blob that was answered with 201, a mount or a HEAD 200 is
 * left out of the upload that follows, so it must not be collected before the manifest arrives.
 *
 *   request     hold ---- look, write ---- renew, let go        the digest is kept while held and for the grace after
 *   collector              condemn: refused while held or renewed; else `hold` waits for the end of the removal
 *
 * Times are of a clock that nobody sets. The memory of a former process is lost, so everything counts as renewed at the
 * start; so it does when more is renewed than is remembered.
 */
import type { Digest } from '../spec/digest.ts';

export interface Leases {
  /** Keeps the content of a digest from the collector for the grace time from now on. */
  renew(digest: Digest): void;
  /** Keeps digests until it is disposed. Resolves after a removal of one of them that is under way. */
  hold(digests: Iterable<Digest>): Promise<Disposable>;
  /** True while a digest is held, or was renewed within the grace time or since a watch began. */
  isLeased(digest: Digest): boolean;
  /** Until it is disposed no lease that is renewed lapses: what was seen at its start stays comparable. */
  watch(): Disposable;
  /** Runs a removal unless the digest is leased; answers whether it ran. Whoever wants to hold it meanwhile waits. */
  condemn(digest: Digest, remove: () => Promise<void>): Promise<boolean>;
}

export interface LeasesOptions {
  readonly graceMs?: (() => number) | undefined;
  /** A clock that nobody sets, in milliseconds. */
  readonly now?: (() => number) | undefined;
  /** How many renewed digests are remembered one by one; more take about 150 bytes each. */
  readonly limit?: number;
}

/** The grace time where nothing else is said: an hour. */
export const defaultGraceMs = 60 * 60 * 1000;

export function createLeases({
  graceMs = () => defaultGraceMs,
  now = () => performance.now(),
  limit = 100_000,
}: LeasesOptions = {}): Leases {
  /** In the order of the times. */
  const renewedAt = new Map<Digest, number>();
  let allRenewedAt = now();
  const holds = new Map<Digest, number>();
  const removals = new Map<Digest, Promise<unknown>>();
  const watches = new Set<{ readonly since: number }>();

  function isRecent(at: number): boolean {
    return at > now() - graceMs() || watches.values().some(({ since }) => at >= since);
  }

  function isLeased(digest: Digest): boolean {
    const at = renewedAt.get(digest);
    return holds.has(digest) || isRecent(allRenewedAt) || (at !== undefined && isRecent(at));
  }

  function renew(digest: Digest): void {
    renewedAt.delete(digest);
    renewedAt.set(digest, now());
    for (const [oldest, at] of renewedAt) {
      if (isRecent(at)) break;
      renewedAt.delete(oldest);
    }
    if (renewedAt.size <= limit) return;
    renewedAt.clear();
    allRenewedAt = now();
  }

  async function hold(digests: Iterable<Digest>): Promise<Disposable> {
    const held = [...digests];
    for (const digest of held) holds.set(digest, (holds.get(digest) ?? 0) + 1);
    if (removals.size > 0) await Promise.allSettled(held.flatMap((digest) => removals.get(digest) ?? []));
    return {
      [Symbol.dispose]() {
        for (const digest of held) {
          const left = (holds.get(digest) ?? 1) - 1;
          if (left > 0) holds.set(digest, left);
          else holds.delete(digest);
        }
      },
    };
  }

  async function condemn(digest: Digest, remove: () => Promise<void>): Promise<boolean> {
    if (isLeased(digest) || removals.has(digest)) return false;
    const removal = remove();
    removals.set(digest, removal);
    try {
      await removal;
    } finally {
      removals.delete(digest);
    }
    return true;
  }

  function watch(): Disposable {
    const watching = { since: now() };
    watches.add(watching);
    return { [Symbol.dispose]: () => void watches.delete(watching) };
  }

  return { renew, hold, isLeased, watch, condemn };
}
