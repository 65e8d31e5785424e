import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { X509Certificate, createPrivateKey } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempDisposable, writeFile } from 'node:fs/promises';
import { createServer, request } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { needs } from '../../test/support/tools.ts';
import { promisify } from 'node:util';
import { makeAuthority, openAuthority } from './authority.ts';
import type { Authority } from './authority.ts';
import { chooseNames, issueLeaf } from './leaf.ts';
import type { LeafNames, Material } from './leaf.ts';
import { openPrivateDirectory } from './files.ts';

const run = promisify(execFile);
const skip = needs('openssl').skip ?? false;
const now = Date.now();

interface Made {
  readonly authority: Authority;
  readonly dir: string;
  issue(names: LeafNames): Material;
}

async function makeIn(dir: string, names: readonly string[] = []): Promise<Made> {
  await openPrivateDirectory(dir);
  const made = makeAuthority({ hostname: 'dock', names, now });
  await writeFile(join(dir, 'ca.crt'), made.certificate, { mode: 0o600 });
  await writeFile(join(dir, 'ca.key'), made.key, { mode: 0o600 });
  const authority = await openAuthority(dir, { hostname: 'dock', names, now });
  const authorityKey = createPrivateKey(made.key);
  return { authority, dir, issue: (of) => issueLeaf({ authority, authorityKey, names: of, now }) };
}

/** What openssl thinks of a leaf under the authority: `OK` or its complaint. */
async function judgeByOpenssl(made: Made, leaf: Material, host: readonly string[]): Promise<string> {
  const path = join(made.dir, 'judged.crt');
  await writeFile(path, leaf.cert);
  const checks = ['-x509_strict', '-purpose', 'sslserver', ...host];
  try {
    const { stdout } = await run('openssl', ['verify', ...checks, '-CAfile', join(made.dir, 'ca.crt'), path]);
    return stdout.endsWith(': OK\n') ? 'OK' : stdout;
  } catch (error) {
    return error instanceof Error && 'stderr' in error ? String(error.stderr) : String(error);
  }
}

/** What Node's client thinks when a server shows the leaf and is asked for under that name. */
async function judgeByNode(made: Made, leaf: Material, servername: string): Promise<string> {
  const server = createServer(leaf, (_, res) => res.end('hello'));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  try {
    const client = request({
      host: '127.0.0.1',
      port,
      servername,
      ca: made.authority.pem,
      agent: false,
      // An address travels as no SNI; the check is still against it.
      ...(/^[\d.]+$/.test(servername) ? { servername: '', headers: { host: servername } } : {}),
    }).end();
    await once(client, 'response');
    return 'OK';
  } catch (error) {
    return String(error);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

test('openssl and Node accept a leaf for names in the scope', { skip }, async () => {
  await using dir = await mkdtempDisposable(join(tmpdir(), 'berth-tls-'));
  const made = await makeIn(join(dir.path, 'tls'), ['registry.example.com', '203.0.113.7']);

  const leaf = made.issue(
    chooseNames(made.authority, {
      hostname: 'dock',
      interfaceAddresses: ['192.168.1.20', 'fd00::2'],
      configured: ['registry.example.com', '203.0.113.7', '*.berth.test'],
    }),
  );

  const hosts = [
    'localhost',
    'dock',
    'dock.local',
    'host.docker.internal',
    'a.berth.test',
    'registry.example.com',
  ];
  for (const host of hosts) {
    assert.equal(await judgeByOpenssl(made, leaf, ['-verify_hostname', host]), 'OK', host);
  }
  for (const address of ['127.0.0.1', '::1', '172.17.0.1', '192.168.1.20', 'fd00::2', '203.0.113.7']) {
    assert.equal(await judgeByOpenssl(made, leaf, ['-verify_ip', address]), 'OK', address);
  }
  assert.equal(await judgeByNode(made, leaf, 'host.docker.internal'), 'OK');
  assert.equal(await judgeByNode(made, leaf, '192.168.1.20'), 'OK');
});

test('openssl and Node refuse a leaf outside the scope, even beside a good name', { skip }, async (t) => {
  await using dir = await mkdtempDisposable(join(tmpdir(), 'berth-tls-'));
  const made = await makeIn(join(dir.path, 'tls'));
  const foreign: readonly (LeafNames & { readonly asked: string })[] = [
    { names: ['hub.docker.com'], addresses: [], asked: 'hub.docker.com' },
    { names: ['localhost', 'hub.docker.com'], addresses: [], asked: 'localhost' },
    { names: ['notlocalhost'], addresses: [], asked: 'notlocalhost' },
    { names: ['localhost'], addresses: ['8.8.8.8'], asked: 'localhost' },
    { names: ['localhost'], addresses: ['2001:db8::1'], asked: 'localhost' },
    { names: ['localhost'], addresses: ['172.32.0.1'], asked: 'localhost' },
  ];

  for (const { asked, ...names } of foreign) {
    await t.test([...names.names, ...names.addresses].join(' '), async () => {
      const leaf = made.issue(names);

      assert.match(await judgeByOpenssl(made, leaf, []), /permitted subtree violation/);
      assert.match(await judgeByNode(made, leaf, asked), /permitted subtree violation/);
    });
  }
  t.diagnostic(`${foreign.length} leaves beyond the scope: 0 admitted by openssl, 0 by Node`);
});

test(
  'the authority is a P-256 root of 10 years with critical constraints and a random serial',
  { skip },
  async () => {
    await using dir = await mkdtempDisposable(join(tmpdir(), 'berth-tls-'));
    const made = await makeIn(join(dir.path, 'tls'));

    const { stdout } = await run('openssl', ['x509', '-in', join(dir.path, 'tls/ca.crt'), '-noout', '-text']);

    const { certificate } = made.authority;
    assert.match(stdout, /Basic Constraints: critical\s+CA:TRUE, pathlen:0/);
    assert.match(stdout, /Key Usage: critical\s+Certificate Sign, CRL Sign/);
    assert.match(stdout, /Name Constraints: critical/);
    assert.match(stdout, /ASN1 OID: prime256v1/);
    assert.equal(certificate.subject, 'CN=Berth CA dock');
    assert.equal(certificate.validToDate.getUTCFullYear() - certificate.validFromDate.getUTCFullYear(), 10);
    assert.ok(certificate.validFromDate.getTime() < now - 60 * 60 * 1000);
    assert.match(certificate.serialNumber, /^[4-7][0-9A-F]{31}$/);
    const second = new X509Certificate(makeAuthority({ hostname: 'dock', names: [], now }).certificate);
    assert.notEqual(second.serialNumber, certificate.serialNumber);
  },
);

test('a leaf is for servers only, lives 397 days with its backdating and never outlives the authority', async () => {
  await using dir = await mkdtempDisposable(join(tmpdir(), 'berth-tls-'));
  const made = await makeIn(join(dir.path, 'tls'));
  const names = { names: ['localhost'], addresses: [] };
  const dayMs = 24 * 60 * 60 * 1000;

  const leaf = new X509Certificate(made.issue(names).cert);
  const lastDay = made.authority.certificate.validToDate.getTime() - dayMs;
  const { key } = makeAuthority({ hostname: 'dock', names: [], now });
  const authorityKey = createPrivateKey(key);
  const late = new X509Certificate(issueLeaf({ ...made, authorityKey, names, now: lastDay }).cert);

  assert.equal(leaf.ca, false);
  assert.deepEqual(leaf.keyUsage, ['1.3.6.1.5.5.7.3.1']);
  assert.equal((leaf.validToDate.getTime() - leaf.validFromDate.getTime()) / dayMs, 397);
  assert.equal(late.validTo, made.authority.certificate.validTo);
});

test('any host name gives a usable subject', () => {
  const cases = [
    ["Ann's MacBook.local", 'CN=Berth CA ann-s-macbook.local'],
    ['', 'CN=Berth CA host'],
    ['x'.repeat(70), `CN=Berth CA ${'x'.repeat(55)}`],
  ] as const;

  for (const [hostname, subject] of cases) {
    assert.equal(
      new X509Certificate(makeAuthority({ hostname, names: [], now }).certificate).subject,
      subject,
    );
  }
});
