import assert from 'node:assert/strict';
import { createHmac, generateKeyPairSync, sign } from 'node:crypto';
import { chmod, mkdtempDisposable, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { tmpdir } from 'node:os';
import { test } from 'node:test';
import { isAppError } from '../spec/errors.ts';
import { createBearer, generateTokenKey, loadTokenKey } from './bearer.ts';

const issuedMs = Date.UTC(2026, 10, 23, 10, 0, 0);
const key = generateTokenKey();
const access = [{ type: 'repository', name: 'team/api', actions: ['pull'] }] as const;
const at = (seconds: number) => createBearer({ key, now: () => issuedMs + seconds * 1000 });
const { token, issuedAt } = at(0).issue({ user: 'dev', via: 'password:x', audience: 'host:5443', access });
const [header = '', payload = '', signature = ''] = token.split('.');
const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
const decode = (text: string): Record<string, unknown> =>
  JSON.parse(Buffer.from(text, 'base64url').toString());

test('a token says who, how, what, for whom and how long', () => {
  const { jti, ...claims } = decode(payload);
  const result = at(0).verify(token, 'host:5443');

  const seconds = issuedMs / 1000;
  assert.deepEqual(claims, {
    iss: 'berth',
    sub: 'dev',
    aud: 'host:5443',
    iat: seconds,
    nbf: seconds,
    exp: seconds + 300,
    via: 'password:x',
    access: [...access],
  });
  assert.match(String(jti), /^[0-9a-f-]{36}$/);
  assert.deepEqual(Object.keys(decode(header)), ['alg', 'typ', 'kid']);
  assert.equal(issuedAt, '2026-11-23T10:00:00.000Z');
  assert.ok('claims' in result && result.claims.sub === 'dev' && result.claims.access.length === 1);
});

test('a token lives for 300 seconds', () => {
  const found = [-61, -60, 0, 299, 300, 100_000].map((seconds) => {
    const result = at(seconds).verify(token, 'host:5443');
    return [seconds, 'failed' in result ? result.failed : 'valid'];
  });

  assert.deepEqual(found, [
    [-61, 'invalid'],
    [-60, 'valid'],
    [0, 'valid'],
    [299, 'valid'],
    [300, 'expired'],
    [100_000, 'expired'],
  ]);
});

test('forged tokens are refused', () => {
  const es256 = (head: string, body: string, by = key): string =>
    `${head}.${body}.${sign('sha256', Buffer.from(`${head}.${body}`), { key: by, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`;
  const kid = String(decode(header)['kid']);
  const admin = encode({ ...decode(payload), sub: 'admin' });
  const p384 = generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey;
  const publicPem = createHmac('sha256', generateTokenKey().export({ format: 'pem', type: 'pkcs8' }));
  const hs256 = encode({ alg: 'HS256', typ: 'JWT', kid });
  const der = sign('sha256', Buffer.from(`${header}.${payload}`), key).toString('base64url');
  const last = signature.at(-1) ?? '';
  const twin = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  const nextLetter = twin[(twin.indexOf(last) & ~15) | ((twin.indexOf(last) + 1) & 15)] ?? '';
  const table: Record<string, string> = {
    empty: '',
    'no dots': 'abc',
    'two parts': `${header}.${payload}`,
    'four parts': `${token}.x`,
    'alg none without signature': `${encode({ alg: 'none', typ: 'JWT' })}.${payload}.`,
    'alg none, our kid': `${encode({ alg: 'none', typ: 'JWT', kid })}.${payload}.${signature}`,
    'alg NONE': `${encode({ alg: 'NonE', typ: 'JWT', kid })}.${payload}.`,
    'our header, no signature': `${header}.${payload}.`,
    'HS256 with a key': `${hs256}.${payload}.${publicPem.update(`${hs256}.${payload}`).digest('base64url')}`,
    'wrong kid': es256(encode({ alg: 'ES256', typ: 'JWT', kid: 'other' }), payload),
    'no kid': es256(encode({ alg: 'ES256', typ: 'JWT' }), payload),
    'a key in the header': es256(encode({ alg: 'ES256', typ: 'JWT', kid, jwk: {} }), payload),
    crit: es256(encode({ alg: 'ES256', typ: 'JWT', kid, crit: ['x'] }), payload),
    'signed by another key': es256(header, payload, generateTokenKey()),
    'signed by another curve': es256(header, payload, p384),
    'other claims, old signature': `${header}.${admin}.${signature}`,
    'DER signature': `${header}.${payload}.${der}`,
    'zero signature': `${header}.${payload}.${Buffer.alloc(64).toString('base64url')}`,
    'short signature': `${header}.${payload}.${signature.slice(0, -4)}`,
    'padded signature': `${token}==`,
    'last letter with other unused bits': `${token.slice(0, -1)}${nextLetter}`,
    'other issuer': es256(header, encode({ ...decode(payload), iss: 'zot' })),
    'no end': es256(header, encode({ ...decode(payload), exp: undefined })),
    'claims are no object': es256(header, encode('dev')),
    'signed by P-384 in DER': `${header}.${payload}.${sign('sha384', Buffer.from(`${header}.${payload}`), p384).toString('base64url')}`,
  };

  const bearer = at(0);
  for (const [name, text] of Object.entries(table)) {
    assert.notEqual(text, token, name);
    assert.deepEqual(bearer.verify(text, 'host:5443'), { failed: 'invalid' }, name);
  }
  assert.ok('claims' in bearer.verify(token, 'host:5443'));
  assert.ok('claims' in bearer.verify(es256(header, payload), 'host:5443'));
});

test('a token for another audience is refused', () => {
  const found = ['host:5444', 'host', '', 'HOST:5443'].map((audience) => at(0).verify(token, audience));

  assert.deepEqual(
    found,
    found.map(() => ({ failed: 'invalid' })),
  );
});

test('the key is made once, private, and read again', async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'berth-bearer-'));
  const path = join(folder.path, 'token.key');

  const first = createBearer({ key: await loadTokenKey(path) });
  const second = createBearer({ key: await loadTokenKey(path) });

  const issued = first.issue({ user: 'dev', via: 'none', audience: 'a', access: [] });
  assert.ok('claims' in second.verify(issued.token, 'a'));
  assert.equal((await stat(path)).mode & 0o777, 0o600);
  assert.match(await readFile(path, 'utf8'), /^-----BEGIN PRIVATE KEY-----/);
});

test('a key file that others can read, or that holds another key, stops the start', async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'berth-bearer-'));
  const path = join(folder.path, 'token.key');
  const table = [
    { text: pem('P-256'), mode: 0o640, says: /has the mode 0640/ },
    { text: pem('P-384'), mode: 0o600, says: /is not a P-256 private key/ },
    { text: 'canary', mode: 0o600, says: /is not a P-256 private key/ },
    { text: '', mode: 0o600, says: /is not a P-256 private key/ },
  ];

  for (const { text, mode, says } of table) {
    await writeFile(path, text);
    await chmod(path, mode);
    await assert.rejects(
      loadTokenKey(path),
      (error) =>
        isAppError(error, 'DATA_UNUSABLE') && says.test(error.message) && !error.message.includes('canary'),
    );
  }
});

function pem(curve: string): string {
  return generateKeyPairSync('ec', { namedCurve: curve })
    .privateKey.export({ format: 'pem', type: 'pkcs8' })
    .toString();
}
