/**
 * Judges user names and passwords against the user file at a bounded price.
 *
 *   verified before -> yes             docker sends Basic with each request: 38 times for a push of 8 layers
 *   being verified  -> same answer     parallel layers ask the same thing at the same moment
 *   bucket empty    -> TOO_MANY_LOGINS
 *   else            -> one bcrypt compare in a worker, also for unknown users (at the cost of most known ones)
 *
 * What was verified is remembered as an HMAC under a random key of this process over user, password and present
 * hash: a changed or removed password forgets it, and memory holds no password.
 */
import { createHmac, createSecretKey, randomBytes } from 'node:crypto';
import { AppError } from '../spec/errors.ts';
import type { BcryptPool } from './bcrypt-pool.ts';
import type { Guard } from './guard.ts';
import type { Users } from './users.ts';

/** How long a verified password is not computed again; counted from the compare, not from the last use. */
const rememberMs = 15 * 60_000;

/** At most this many verified passwords are remembered; the oldest goes first. */
const maxRemembered = 1000;

export interface PasswordRequest {
  readonly users: Users;
  readonly user: string;
  readonly password: string;
  readonly address: string;
  /** Judged like an unknown user: same work, never right. */
  readonly isDisabled: boolean;
}

/** What ends the wait for an answer: asked for by who has to wait. */
export interface WaitOptions {
  readonly signal?: () => AbortSignal;
}

export interface VerifierOptions {
  readonly pool: BcryptPool;
  readonly guard: Guard;
  /** Milliseconds of a clock that never goes back. */
  readonly now?: () => number;
}

/** Tells whether the user exists, may log in and has the password. Throws TOO_MANY_LOGINS, CANCELLED, UNAVAILABLE. */
export type VerifyPassword = (request: PasswordRequest, options?: WaitOptions) => Promise<boolean>;

export function createPasswordVerifier({
  pool,
  guard,
  now = () => performance.now(),
}: VerifierOptions): VerifyPassword {
  const key = createSecretKey(randomBytes(32));
  const verified = new Map<string, number>();
  const running = new Map<string, Promise<boolean>>();

  return async (request, options) => {
    const known = request.users.byName.get(request.user);
    const hash = known?.isUsable === true && !request.isDisabled ? known.hash : undefined;
    const id = idOf(request.user, request.password, hash ?? '');
    if (hash !== undefined && isRemembered(id)) return true;
    let check = running.get(id);
    if (check === undefined) {
      check = compare(request, hash, id).finally(() => running.delete(id));
      // Everyone who waits for it may have gone.
      check.catch(() => undefined);
      running.set(id, check);
    }
    return await unlessAborted(check, options?.signal?.());
  };

  async function compare(request: PasswordRequest, hash: string | undefined, id: string): Promise<boolean> {
    const attempt = guard.begin(request.address, request.user);
    try {
      const isRight = await pool.compare(request.password, hash ?? unmatchedHash(request.users.cost));
      if (hash === undefined || !isRight) return false;
    } catch (error) {
      attempt.payBack();
      throw error;
    }
    attempt.payBack();
    verified.set(id, now() + rememberMs);
    if (verified.size > maxRemembered) verified.delete(verified.keys().next().value ?? '');
    return true;
  }

  function isRemembered(id: string): boolean {
    const until = verified.get(id);
    if (until === undefined) return false;
    if (now() < until) return true;
    verified.delete(id);
    return false;
  }

  function idOf(...parts: readonly string[]): string {
    const hmac = createHmac('sha256', key);
    for (const part of parts) hmac.update(`${Buffer.byteLength(part)}:${part}`);
    return hmac.digest('base64');
  }
}

/** A hash that nobody has: its salt is random, its result is no result of bcrypt that anyone knows a password for. */
function unmatchedHash(cost: number): string {
  const text = randomBytes(40).toString('base64').replaceAll('+', '.').replaceAll('=', '.');
  return `$2b$${String(cost).padStart(2, '0')}$${text.slice(0, 53)}`;
}

async function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return await promise;
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const abort = (): void => reject(new AppError('CANCELLED'));
  if (signal.aborted) abort();
  signal.addEventListener('abort', abort, { once: true });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}
