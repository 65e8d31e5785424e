/**
 * What clients rely on without holding a reference to it: a blob that was answered with 201, a mount or a HEAD 200 is
 * left out of the upload that follows, so it must not be collected before the manifest arrives.
 *
 *   request     hold ---- look, write ---- renew, let go        the digest is kept while held and for the grace after
 *               lookUp, where nothing is written: the same in one
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
  /** Looks for the content of a digest, which is kept meanwhile and, where it is found, for the grace time after. */
  lookUp<T>(digest: Digest, look: () => Promise<T | undefined>): Promise<T | undefined>;
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

/** How often what has lapsed is forgotten. */
const forgetEveryMs = 1000;

export function createLeases({
  graceMs = () => defaultGraceMs,
  now = () => performance.now(),
  limit = 100_000,
}: LeasesOptions = {}): Leases {
  /** In the order of the times. */
  const renewedAt = new Map<Digest, number>();
  let allRenewedAt = now();
  let forgotAt = allRenewedAt;
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
    const at = now();
    renewedAt.delete(digest);
    renewedAt.set(digest, at);
    if (at - forgotAt < forgetEveryMs && renewedAt.size <= limit) return;
    forgotAt = at;
    forgetLapsed();
    if (renewedAt.size <= limit) return;
    renewedAt.clear();
    allRenewedAt = at;
  }

  function forgetLapsed(): void {
    for (const [oldest, at] of renewedAt) {
      if (isRecent(at)) return;
      renewedAt.delete(oldest);
    }
  }

  function take(digest: Digest): void {
    holds.set(digest, (holds.get(digest) ?? 0) + 1);
  }

  function letGo(digest: Digest): void {
    const left = (holds.get(digest) ?? 1) - 1;
    if (left > 0) holds.set(digest, left);
    else holds.delete(digest);
  }

  async function hold(digests: Iterable<Digest>): Promise<Disposable> {
    const held = [...digests];
    for (const digest of held) take(digest);
    if (removals.size > 0) await Promise.allSettled(held.flatMap((digest) => removals.get(digest) ?? []));
    return {
      [Symbol.dispose]() {
        for (const digest of held) letGo(digest);
      },
    };
  }

  async function lookUp<T>(digest: Digest, look: () => Promise<T | undefined>): Promise<T | undefined> {
    take(digest);
    try {
      if (removals.size > 0) await Promise.allSettled([removals.get(digest)]);
      const found = await look();
      if (found !== undefined) renew(digest);
      return found;
    } finally {
      letGo(digest);
    }
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

  return { renew, hold, lookUp, isLeased, watch, condemn };
}
