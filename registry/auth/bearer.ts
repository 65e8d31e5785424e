/**
 * Bearer tokens for /token: JWT (RFC 7519) signed with ES256 by the key in berth/token.key, valid for 300 s.
 * A token says who logged in how and which scopes were asked for and allowed; what it permits is computed again
 * at each use. Only our own signatures are ever read, so the header must equal ours byte for byte: that leaves no
 * room for `alg: none`, other algorithms, other keys, `jku` or `crit`.
 */
import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  randomUUID,
  sign,
  verify,
} from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { z } from 'zod';
import { AppError } from '../spec/errors.ts';
import { refuseLooseMode, systemCode, writePrivateFile } from '../disk/private-file.ts';

/** How long a token is valid. */
export const bearerSeconds = 300;

const issuer = 'berth';

/** One granted scope, in the form of distribution's token specification. */
export interface GrantedScope {
  readonly type: 'repository' | 'registry';
  readonly name: string;
  readonly actions: readonly string[];
}

const claimsSchema = z.object({
  iss: z.literal(issuer),
  /** The user name, empty for anonymous. */
  sub: z.string(),
  aud: z.string(),
  /** Seconds since the epoch. */
  nbf: z.int(),
  exp: z.int(),
  /** What proved the user: see Proof in caller.ts. */
  via: z.string(),
  access: z.array(
    z.object({ type: z.enum(['repository', 'registry']), name: z.string(), actions: z.array(z.string()) }),
  ),
});

/** What a valid token says. */
export type Claims = z.output<typeof claimsSchema>;

export interface IssueRequest {
  readonly user: string;
  readonly via: string;
  readonly audience: string;
  readonly access: readonly GrantedScope[];
}

export interface Bearer {
  /** A signed token, and the time it starts (RFC 3339). */
  issue(request: IssueRequest): { readonly token: string; readonly issuedAt: string };
  /** The claims of a token of ours for that audience, or why there are none. */
  verify(
    token: string,
    audience: string,
  ): { readonly claims: Claims } | { readonly failed: 'expired' | 'invalid' };
}

/** Issues and verifies with one P-256 private key. `now` is milliseconds since the epoch. */
export function createBearer({
  key,
  now = Date.now,
}: {
  readonly key: KeyObject;
  readonly now?: () => number;
}): Bearer {
  const publicKey = createPublicKey(key);
  const header = encode({ alg: 'ES256', typ: 'JWT', kid: thumbprint(publicKey) });
  return {
    issue({ user, via, audience, access }) {
      const seconds = Math.floor(now() / 1000);
      const times = { iat: seconds, nbf: seconds, exp: seconds + bearerSeconds };
      const payload = encode({
        iss: issuer,
        sub: user,
        aud: audience,
        ...times,
        jti: randomUUID(),
        via,
        access,
      });
      const content = `${header}.${payload}`;
      const signature = sign('sha256', Buffer.from(content), { key, dsaEncoding: 'ieee-p1363' });
      return {
        token: `${content}.${signature.toString('base64url')}`,
        issuedAt: new Date(seconds * 1000).toISOString(),
      };
    },
    verify(token, audience) {
      const [first, payload, signature, ...rest] = token.split('.');
      if (first !== header || payload === undefined || signature === undefined || rest.length > 0)
        return invalid;
      const bytes = decode(signature);
      const content = Buffer.from(`${first}.${payload}`);
      if (bytes === undefined) return invalid;
      if (!verify('sha256', content, { key: publicKey, dsaEncoding: 'ieee-p1363' }, bytes)) return invalid;
      const claims = claimsSchema.safeParse(JSON.parse((decode(payload) ?? Buffer.from('null')).toString()));
      if (!claims.success || claims.data.aud !== audience) return invalid;
      const seconds = now() / 1000;
      if (seconds >= claims.data.exp) return { failed: 'expired' };
      return seconds < claims.data.nbf - clockStepSeconds ? invalid : { claims: claims.data };
    },
  };
}

/** A key for one process, for registries without a data directory. */
export function generateTokenKey(): KeyObject {
  return generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
}

/**
 * Reads the signing key (PKCS #8, PEM), or makes it once, durable and with mode 0600.
 * Throws DATA_UNUSABLE if the file is no P-256 key, can be read by others or cannot be written.
 */
export async function loadTokenKey(path: string): Promise<KeyObject> {
  let pem: string;
  try {
    refuseLooseMode(path, (await stat(path)).mode);
    pem = await readFile(path, 'utf8');
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return await makeTokenKey(path);
    if (error instanceof AppError) throw error;
    throw new AppError('DATA_UNUSABLE', {
      message: `Cannot read "${path}": ${systemCode(error) ?? 'unknown error'}.`,
    });
  }
  const key = parseKey(pem);
  if (key !== undefined) return key;
  throw new AppError('DATA_UNUSABLE', {
    message: `"${path}" is not a P-256 private key.`,
    hint: 'Remove the file to make a new key; clients then fetch new Bearer tokens by themselves.',
  });
}

/** The clock may be set back a little between two requests. */
const clockStepSeconds = 60;

const invalid = { failed: 'invalid' } as const;

async function makeTokenKey(path: string): Promise<KeyObject> {
  const key = generateTokenKey();
  await writePrivateFile(path, key.export({ format: 'pem', type: 'pkcs8' }).toString());
  return key;
}

function parseKey(pem: string): KeyObject | undefined {
  try {
    const key = createPrivateKey(pem);
    return key.asymmetricKeyDetails?.namedCurve === 'prime256v1' ? key : undefined;
  } catch {
    return undefined;
  }
}

/** RFC 7638: the SHA-256 of the public key's required members in this order. */
function thumbprint(key: KeyObject): string {
  const { crv, kty, x, y } = key.export({ format: 'jwk' });
  return createHash('sha256').update(JSON.stringify({ crv, kty, x, y })).digest('base64url');
}

function encode(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

/** Canonical base64url only: a second spelling of the same bytes is not the token that was issued. */
function decode(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64url');
  return bytes.toString('base64url') === text ? bytes : undefined;
}
