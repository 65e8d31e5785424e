/**
 * Personal access tokens: `berth_pat_<id>_<secret>`, sent as the Basic password together with the name of the owner.
 * The id (12 characters) finds the record, the secret (32 random bytes) is kept as SHA-256. 66 characters in all,
 * so that tools which treat it as a password of at most 72 bytes take it.
 */
import { createHash, randomBytes, randomInt, timingSafeEqual } from 'node:crypto';
import type { Access, AccessToken } from './access.ts';

const pattern = /^berth_pat_([a-z0-9]{12})_([A-Za-z0-9_-]{43})$/;
const idAlphabet = 'abcdefghijklmnopqrstuvwxyz0123456789';

/** A new token: `text` is shown once, `id` and `hash` are kept. */
export function generateToken(): { readonly id: string; readonly hash: string; readonly text: string } {
  const id = Array.from({ length: 12 }, () => idAlphabet[randomInt(idAlphabet.length)]).join('');
  const secret = randomBytes(32).toString('base64url');
  return { id, hash: hashSecret(secret).toString('hex'), text: `berth_pat_${id}_${secret}` };
}

/** True if a Basic password has the form of a token, so that it is never worked on as a password. */
export function isTokenText(password: string): boolean {
  return pattern.test(password);
}

/** Answers the record that a token text proves, in a time that does not depend on the secret; else `undefined`. */
export function findToken(access: Access, text: string): AccessToken | undefined {
  const [, id = '', secret = ''] = pattern.exec(text) ?? [];
  const token = access.tokens.find((each) => each.id === id);
  const given = hashSecret(secret);
  const isRight = timingSafeEqual(
    given,
    token === undefined ? hashSecret(id) : Buffer.from(token.hash, 'hex'),
  );
  return isRight ? token : undefined;
}

/** True from the moment of its expiry on. `now` is milliseconds since the epoch. */
export function isExpired(token: AccessToken, now: number): boolean {
  return token.expiresAt !== undefined && Date.parse(token.expiresAt) <= now;
}

function hashSecret(secret: string): Buffer {
  return createHash('sha256').update(secret).digest();
}
