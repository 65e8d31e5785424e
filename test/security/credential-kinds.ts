/**
 * Every kind of credential that opens nothing: missing, malformed, wrong, expired, forged, of another place. Those that
 * are right are here too, since most wrong ones are a small change of one.
 */
import { createHmac, createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { createBearer, generateTokenKey } from '../../registry/auth/bearer.ts';
import { generateToken } from '../../registry/auth/tokens.ts';

/** What a request carries. */
export interface Credential {
  readonly name: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Added to the query of the path. */
  readonly query?: string;
}

/** Personal tokens by what is the matter with them, and their lines in access.json. */
export function makeTokens(): {
  readonly texts: Readonly<Record<'right' | 'expired' | 'foreign' | 'disabled' | 'gone' | 'unknown', string>>;
  readonly records: readonly object[];
} {
  const kinds = {
    right: { owner: 'dev' },
    expired: { owner: 'dev', expiresAt: '2020-01-01T00:00:00Z' },
    foreign: { owner: 'other' },
    disabled: { owner: 'off' },
    gone: { owner: 'gone' },
  };
  const made = Object.entries(kinds).map(([kind, more]) => ({ kind, more, ...generateToken() }));
  const records = made.map(({ kind, more, id, hash }) => ({
    id,
    label: kind,
    hash,
    verbs: ['pull', 'push', 'delete'],
    createdAt: '2019-01-01T00:00:00Z',
    ...more,
  }));
  const texts = Object.fromEntries(made.map(({ kind, text }) => [kind, text]));
  return { texts: { ...texts, unknown: generateToken().text } as never, records };
}

const basic = (text: string | Uint8Array): string => `Basic ${Buffer.from(text).toString('base64')}`;

export interface Known {
  /** Of the user `dev`, whose password is `dev`. */
  readonly tokens: ReturnType<typeof makeTokens>['texts'];
  /** A Bearer token that was issued to `dev` for everything. */
  readonly jwt: string;
  /** What the registry signs with. */
  readonly key: KeyObject;
  /** The value of the header Cookie of a session in the window. */
  readonly cookie: string;
  /** The host and port that the requests go to. */
  readonly address: string;
  /** The hash of the password of `dev`. */
  readonly hash: string;
}

export function wrongCredentials(known: Known): readonly Credential[] {
  const { tokens, jwt, cookie, hash } = known;
  const right = basic('dev:dev');
  const pat = `dev:${tokens.right}`;
  const [id = '', secret = ''] = tokens.right.slice('berth_pat_'.length).split(/_(.*)/s);
  const otherId = tokens.foreign.slice('berth_pat_'.length).split('_', 1)[0] ?? '';
  const missing: Readonly<Record<string, Record<string, string>>> = {
    none: {},
    'an empty login': { authorization: 'Basic Og==' },
    'the login of a proxy': { 'proxy-authorization': right },
    'a name from a proxy': { 'x-forwarded-user': 'dev', 'remote-user': 'dev', 'x-remote-user': 'dev' },
    'an address from a proxy': { 'x-forwarded-for': '127.0.0.1', forwarded: 'for=127.0.0.1;by=127.0.0.1' },
    'a path from a proxy': { 'x-original-url': '/livez', 'x-rewrite-url': '/livez' },
    'a header like it': { 'x-authorization': right, authentication: right, authorization_: right },
    'the cookie of the window': { cookie },
    'a cookie with a login': { cookie: `authorization=${encodeURIComponent(right)}; token=${jwt}` },
    'a token of docker': {
      'x-registry-auth': Buffer.from('{"username":"dev","password":"dev"}').toString('base64'),
    },
    'a token of a kind': {
      'x-auth-token': tokens.right,
      'x-api-key': tokens.right,
      'private-token': tokens.right,
    },
  };
  const authorizations: Readonly<Record<string, string>> = {
    // No header that can be read.
    'an empty header': '',
    'a scheme alone': 'Basic',
    'a scheme and a space': 'Basic ',
    'no scheme': Buffer.from('dev:dev').toString('base64'),
    'in clear': 'dev:dev',
    'Basic in clear': 'Basic dev:dev',
    'a scheme that begins alike': right.replace('Basic', 'Basic1'),
    'a scheme that ends alike': right.replace('Basic', 'XBasic'),
    'a tab behind the scheme': right.replace(' ', '\t'),
    'a scheme with a colon': right.replace(' ', ': '),
    'an equals sign behind the scheme': right.replace(' ', '='),
    'two logins': `${right}, ${right}`,
    'a login and a parameter': `${right}, realm="Berth"`,
    'a login and a word': `${right} x`,
    'a quoted login': right.replace(/ (.*)/, ' "$1"'),
    Digest: 'Digest username="dev", realm="Berth", nonce="", uri="/v2/", response="dev"',
    Negotiate: `Negotiate ${Buffer.from('dev:dev').toString('base64')}`,
    NTLM: 'NTLM TlRMTVNTUAABAAAAB4IIAAAAAAAAAAAAAAAAAAAAAAA=',
    Token: `Token ${tokens.right}`,
    AWS4: 'AWS4-HMAC-SHA256 Credential=dev/20200101/eu/s3/aws4_request, SignedHeaders=host, Signature=00',
    'base64 without padding': basic('dev:dev1').replace(/=+$/, ''),
    'base64 with more padding': `${right}=`,
    'base64 with loose bits': 'Basic ZGV2OmRldR==',
    'base64 of URLs': `Basic ${Buffer.from('dev:???>>>').toString('base64url')}`,
    'base64 in other case': right.toLowerCase().replace('basic', 'Basic'),
    'percent signs': `Basic ${encodeURIComponent(Buffer.from('dev:dev1').toString('base64'))}`,
    hexadecimal: `Basic ${Buffer.from('dev:dev').toString('hex')}`,
    'UTF-16': basic(Buffer.from('dev:dev', 'utf16le')),
    'base64 of base64': basic(Buffer.from('dev:dev').toString('base64')),
    'no colon': basic('devdev'),
    'no user': basic(':dev'),
    'no password': basic('dev:'),
    'neither, and a space': basic(' : '),
    'a NUL behind the user': basic('dev\0:dev'),
    'a NUL behind the password': basic('dev:dev\0'),
    'a NUL in the password': basic('dev:dev\0x'),
    'a line end behind the password': basic('dev:dev\n'),
    'a line end behind the user': basic('dev\n:dev'),
    'a byte order mark': basic('\ufeffdev:dev'),
    'bytes that are no UTF-8': basic(Uint8Array.of(0x64, 0x65, 0x76, 0x3a, 0xff)),
    'UTF-8 that is too long': basic(Uint8Array.of(0xc1, 0xa4, 0x65, 0x76, 0x3a, 0x64, 0x65, 0x76)),
    'a password of 73 bytes': basic(`dev:${'d'.repeat(73)}`),
    'a password of 20,000 bytes': basic(`dev:${'d'.repeat(20_000)}`),
    // Users and passwords that are not those.
    'a wrong password': basic('dev:wrong'),
    'the password of another': basic('dev:other'),
    'the password in upper case': basic('dev:DEV'),
    'the password without its end': basic('dev:de'),
    'the password and more': basic('dev:devdev'),
    'the password and a space': basic('dev:dev '),
    'a space and the password': basic('dev: dev'),
    'the password with a twin of a letter': basic('dev:d\u0435v'),
    'the password with a letter of no width': basic('dev:dev\u200b'),
    'the password composed otherwise': basic('dev:de\u0301v'),
    'the hash as password': basic(`dev:${hash}`),
    'the user twice': basic('dev:dev:dev'),
    'a user that is not there': basic('nobody:nobody'),
    'the user in upper case': basic('DEV:dev'),
    'a space behind the user': basic('dev :dev'),
    'a dot behind the user': basic('dev.:dev'),
    'a twin of the user': basic('d\u0435v:dev'),
    'the user in wide letters': basic('\uff44\uff45\uff56:dev'),
    'a user that is disabled': basic('off:off'),
    'a user that is gone': basic('gone:gone'),
    'a user of JavaScript': basic('__proto__:x'),
    'a user that is a path': basic('../users:dev'),
    'a user with a line': basic(`dev\nevil:${hash}`),
    'a user that is a pattern': basic('*:dev'),
    'default logins': basic('admin:admin'),
    'an administrator without a name': basic('admin:'),
    'a login of SQL': basic(`dev' OR '1'='1:x`),
    // Personal tokens.
    'a token that has ended': basic(`dev:${tokens.expired}`),
    'a token that nobody has': basic(`dev:${tokens.unknown}`),
    'the token of another': basic(`dev:${tokens.foreign}`),
    'the token of a user that is disabled': basic(`off:${tokens.disabled}`),
    'the token of a user that is gone': basic(`gone:${tokens.gone}`),
    'a token without its user': basic(`:${tokens.right}`),
    'a token as user': basic(`${tokens.right}:`),
    'a token as user and password': basic(`${tokens.right}:${tokens.right}`),
    'a user called token': basic(`token:${tokens.right}`),
    'a token without its end': basic(pat.slice(0, -1)),
    'a token and more': basic(`${pat}A`),
    'a token with another end': basic(`${pat.slice(0, -2)}${pat.endsWith('AA') ? 'BB' : 'AA'}`),
    'a token with another id': basic(`dev:berth_pat_${otherId}_${secret}`),
    'a token with an id in upper case': basic(`dev:berth_pat_${id.toUpperCase()}_${secret}`),
    'a token without a secret': basic(`dev:berth_pat_${id}_`),
    'a token with its hash as secret': basic(`dev:berth_pat_${id}_${'0'.repeat(43)}`),
    'a token of another prefix': basic(`dev:ghp_${id}_${secret}`),
    'a secret alone': basic(`dev:${secret}`),
    // Bearer tokens.
    'Bearer alone': 'Bearer',
    'Bearer of a word': 'Bearer x',
    'a password as Bearer': 'Bearer dev',
    'a login as Bearer': right.replace('Basic', 'Bearer'),
    'a personal token as Bearer': `Bearer ${tokens.right}`,
    'a cookie as Bearer': `Bearer ${cookie.split('=')[1] ?? ''}`,
    'a Bearer token as Basic': `Basic ${jwt}`,
    'a Bearer token as password': basic(`dev:${jwt}`),
    'a Bearer token of another scheme': `JWT ${jwt}`,
    'two Bearer tokens': `Bearer ${jwt}, Bearer ${jwt}`,
    ...forgedTokens(known),
  };
  return [
    ...Object.entries(missing).map(([name, headers]) => ({ name, headers })),
    ...Object.entries(authorizations).map(([name, authorization]) => ({ name, headers: { authorization } })),
    { name: 'a login in the query', headers: {}, query: 'user=dev&password=dev&account=dev' },
    { name: 'a token in the query', headers: {}, query: `token=${jwt}&access_token=${jwt}&_state=${jwt}` },
    { name: 'a header in the query', headers: {}, query: `authorization=${encodeURIComponent(right)}` },
  ];
}

/** Bearer tokens that were not issued for this, as values of the header. */
function forgedTokens({ jwt, key, address }: Known): Readonly<Record<string, string>> {
  const [header = '', payload = '', signature = ''] = jwt.split('.');
  const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as Readonly<
    Record<string, unknown>
  >;
  const head = JSON.parse(Buffer.from(header, 'base64url').toString()) as Readonly<Record<string, unknown>>;
  const text = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const signed = (headText: string, body: string, by: KeyObject): string =>
    `${headText}.${body}.${sign('sha256', Buffer.from(`${headText}.${body}`), { key: by, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`;
  const foreign = generateTokenKey();
  const spki = createPublicKey(key).export({ format: 'pem', type: 'spki' });
  const { privateKey: rsa } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const unsigned = text({ ...head, alg: 'none' });
  const hmac = text({ ...head, alg: 'HS256' });
  const derSignature = sign('sha256', Buffer.from(`${header}.${payload}`), key).toString('base64url');
  const issuedAs = (offsetMs: number, more: object): string => {
    const asked = { user: 'dev', via: String(claims['via']), audience: address, access: [], ...more };
    return createBearer({ key, now: () => Date.now() + offsetMs }).issue(asked).token;
  };
  const flipped = Buffer.from(signature, 'base64url');
  flipped[20] = (flipped[20] ?? 0) ^ 1;
  const tokens: Readonly<Record<string, string>> = {
    'without an algorithm': `${unsigned}.${payload}.`,
    'without an algorithm, signed': `${unsigned}.${payload}.${signature}`,
    'of the algorithm None': `${text({ ...head, alg: 'None' })}.${payload}.`,
    'with the public key as secret': `${hmac}.${payload}.${createHmac('sha256', spki).update(`${hmac}.${payload}`).digest('base64url')}`,
    'of another key': signed(header, payload, foreign),
    'of another key that it brings': signed(
      text({ ...head, jwk: createPublicKey(foreign).export({ format: 'jwk' }) }),
      payload,
      foreign,
    ),
    'of a key elsewhere': signed(text({ ...head, jku: 'http://127.0.0.1:1/jwks' }), payload, foreign),
    'of a key in a file': signed(text({ ...head, kid: '../../dev/null' }), payload, foreign),
    'of another kind of key': `${text({ ...head, alg: 'RS256' })}.${payload}.${sign('sha256', Buffer.from(payload), rsa).toString('base64url')}`,
    'of our key, with a header of its own': signed(text({ ...head, crit: ['exp'] }), payload, key),
    'of our key, with another order of its header': signed(
      text({ typ: 'JWT', ...head, alg: 'ES256', kid: undefined }),
      payload,
      key,
    ),
    'without a signature': `${header}.${payload}.`,
    'without its third part': `${header}.${payload}`,
    'with a fourth part': `${jwt}.${signature}`,
    'with an empty part before': `.${jwt}`,
    'with another bit in its signature': `${header}.${payload}.${flipped.toString('base64url')}`,
    'with a signature of zeros': `${header}.${payload}.${Buffer.alloc(64).toString('base64url')}`,
    'with a short signature': `${header}.${payload}.${signature.slice(0, 40)}`,
    'with a signature in DER': `${header}.${payload}.${derSignature}`,
    'with padding': `${jwt}==`,
    'with the alphabet of base64':
      jwt.replaceAll('-', '+').replaceAll('_', '/') === jwt
        ? `${jwt}+`
        : jwt.replaceAll('-', '+').replaceAll('_', '/'),
    'of another user': `${header}.${text({ ...claims, sub: 'other' })}.${signature}`,
    'with more time': `${header}.${text({ ...claims, exp: 9_999_999_999 })}.${signature}`,
    'with other scopes': `${header}.${text({ ...claims, access: [] })}.${signature}`,
    'with no claims': signed(header, text({}), key),
    'that is a list': signed(header, text([claims]), key),
    'that is null': signed(header, text(null), key),
    'of another issuer': signed(header, text({ ...claims, iss: 'other' }), key),
    'without an end': signed(header, text({ ...claims, exp: undefined }), key),
    'with an end that is a text': signed(header, text({ ...claims, exp: '9999999999' }), key),
    'that has ended': issuedAs(-301_000, {}),
    'that begins in an hour': issuedAs(3_600_000, {}),
    'for another host': issuedAs(0, { audience: 'registry.example' }),
    'for this host on another port': issuedAs(0, { audience: '127.0.0.1:1' }),
    'for nobody': issuedAs(0, { audience: '' }),
    'of a user that is gone': issuedAs(0, { user: 'gone' }),
    'of a user that is disabled': issuedAs(0, { user: 'off' }),
    'of a former password': issuedAs(0, { via: 'password:AAAAAAAAAAAAAAAAAAAAAA' }),
    'of no password': issuedAs(0, { via: 'password:' }),
    'of a token that is gone': issuedAs(0, { via: 'token:aaaaaaaaaaaa' }),
    'of nothing': issuedAs(0, { via: 'none' }),
    'of nothing, for nobody': issuedAs(0, { via: 'none', user: '' }),
    'of a proof that is unknown': issuedAs(0, { via: 'trust' }),
  };
  return Object.fromEntries(
    Object.entries(tokens).map(([name, token]) => [`a Bearer token ${name}`, `Bearer ${token}`]),
  );
}

/** The right ones of `dev`. */
export function rightCredentials({ tokens, jwt }: Known): readonly Credential[] {
  return Object.entries({
    'a password': basic('dev:dev'),
    'a scheme in lower case': basic('dev:dev').replace('Basic', 'basic'),
    'a personal token': basic(`dev:${tokens.right}`),
    'a Bearer token': `Bearer ${jwt}`,
    'two spaces': basic('dev:dev').replace(' ', '  '),
  }).map(([name, authorization]) => ({ name, headers: { authorization } }));
}

/** Right ones with one character changed, which none of them survives. */
export function mutated(right: Credential, at: number): Credential {
  const { authorization = '' } = right.headers;
  const start = authorization.lastIndexOf(' ') + 1;
  const place = start + (at % (authorization.length - start));
  const old = authorization[place] ?? '';
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'.replace(old, '');
  const letter = alphabet[Math.floor(at / (authorization.length - start)) % alphabet.length] ?? '';
  const changed = authorization.slice(0, place) + letter + authorization.slice(place + 1);
  return { name: `${right.name} with ${letter} for ${old} at ${place}`, headers: { authorization: changed } };
}
