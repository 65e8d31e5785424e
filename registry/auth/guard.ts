/**
 * Slows down guessing. Two token buckets are paid for each wrong credential, one per address and user, one per
 * address; an empty one means 429 before any work is done. Each attempt pays when it begins and is paid back unless it
 * was wrong, so that many guesses at the same time cannot pass together. No account is ever locked: from another
 * address the right password works.
 */
import { isIPv6 } from 'node:net';
import { AppError } from '../spec/errors.ts';

/** How many wrong tries at once, and how long until the next one. */
export interface BucketSize {
  readonly tries: number;
  readonly secondsPerTry: number;
}

export interface GuardOptions {
  readonly perUser?: BucketSize;
  readonly perAddress?: BucketSize;
  /** Buckets kept; the one unused for longest goes first. */
  readonly maxBuckets?: number;
  /** Milliseconds of a clock that never goes back. */
  readonly now?: () => number;
}

/** One attempt in progress. */
export interface Attempt {
  /** The credentials were right, or were not judged: the attempt costs nothing. */
  payBack(): void;
}

export interface Guard {
  /** Begins an attempt. Throws TOO_MANY_LOGINS with the seconds until the next one is admitted. */
  begin(address: string, user: string): Attempt;
}

/** A guard with its own memory: at most `maxBuckets` (10,000) buckets of each kind. */
export function createGuard({
  perUser = { tries: 10, secondsPerTry: 10 },
  perAddress = { tries: 50, secondsPerTry: 2 },
  maxBuckets = 10_000,
  now = () => performance.now(),
}: GuardOptions = {}): Guard {
  const users = createBuckets(perUser, maxBuckets, now);
  const addresses = createBuckets(perAddress, maxBuckets, now);
  return {
    begin(address, user) {
      const network = networkOf(address);
      const pair = `${network} ${user}`;
      const waitSeconds = Math.max(users.waitSeconds(pair), addresses.waitSeconds(network));
      if (waitSeconds > 0) {
        throw new AppError('TOO_MANY_LOGINS', { retryAfterSeconds: Math.ceil(waitSeconds) });
      }
      users.add(pair, -1);
      addresses.add(network, -1);
      return {
        payBack() {
          users.add(pair, 1);
          addresses.add(network, 1);
        },
      };
    },
  };
}

/** One client: an IPv4 address, or the /64 of an IPv6 address, which one host may fill at will. */
export function networkOf(address: string): string {
  const bare = (address.split('%', 1)[0] ?? '').toLowerCase();
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/.exec(bare)?.[1];
  if (mapped !== undefined) return mapped;
  if (!isIPv6(bare)) return bare;
  const [head = '', tail] = bare.split('::');
  const groups = head === '' ? [] : head.split(':');
  const after = tail === undefined || tail === '' ? [] : tail.split(':');
  // A dotted end counts as two groups, and only its place matters here.
  const missing = 8 - groups.length - after.length - (bare.includes('.') ? 1 : 0);
  const all =
    tail === undefined ? groups : [...groups, ...Array.from({ length: missing }, () => '0'), ...after];
  return `${all
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(':')}::/64`;
}

interface Buckets {
  /** Seconds until the bucket has a try; 0 if it has one. */
  waitSeconds(key: string): number;
  add(key: string, tries: number): void;
}

function createBuckets({ tries, secondsPerTry }: BucketSize, maxBuckets: number, now: () => number): Buckets {
  const buckets = new Map<string, { readonly left: number; readonly at: number }>();
  return {
    waitSeconds(key) {
      return Math.max(0, 1 - left(key)) * secondsPerTry;
    },
    add(key, change) {
      const after = left(key) + change;
      // A full bucket says no more than an absent one; a changed one goes to the young end of the map.
      buckets.delete(key);
      if (after >= tries) return;
      buckets.set(key, { left: after, at: now() });
      if (buckets.size > maxBuckets) buckets.delete(buckets.keys().next().value ?? '');
    },
  };

  function left(key: string): number {
    const bucket = buckets.get(key);
    if (bucket === undefined) return tries;
    return Math.min(tries, bucket.left + (now() - bucket.at) / 1000 / secondsPerTry);
  }
}
