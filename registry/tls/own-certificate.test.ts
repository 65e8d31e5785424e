import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmod, mkdtempDisposable, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { needs } from '../../test/support/tools.ts';
import { isAppError } from '../spec/errors.ts';
import { keepLog } from '../spec/kept-log.suite.ts';
import { openIdentity } from './identity.ts';
import { readOwnCertificate } from './own-certificate.ts';

/** Certificates made by openssl, so that nothing here is judged by the code that it judges. */
function openssl(dir: string, ...args: readonly string[]): void {
  execFileSync('openssl', args, { cwd: dir, stdio: 'ignore' });
}

const skip = needs('openssl').skip ?? false;
const ec = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
const san = ['-addext', 'subjectAltName=DNS:registry.example.com'];

function makePair(dir: string, name: string, more: readonly string[] = [], newKey = ec): void {
  const out = ['-keyout', `${name}.key`, '-out', `${name}.crt`];
  openssl(dir, 'req', '-x509', ...newKey, ...out, '-subj', `/CN=${name}`, '-days', '90', ...more);
}

function makeChain(dir: string): void {
  makePair(dir, 'root');
  openssl(dir, 'req', ...ec, '-keyout', 'chained.key', '-out', 'chained.csr', '-subj', '/CN=chained', ...san);
  const sign = ['-CA', 'root.crt', '-CAkey', 'root.key', '-CAcreateserial', '-days', '90'];
  openssl(
    dir,
    'x509',
    '-req',
    '-in',
    'chained.csr',
    ...sign,
    '-copy_extensions',
    'copy',
    '-out',
    'chained.crt',
  );
}

test('a certificate with its chain and key is served as it is', { skip }, async () => {
  await using dir = await mkdtempDisposable(join(tmpdir(), 'berth-own-'));
  makeChain(dir.path);
  const chain = [join(dir.path, 'chained.crt'), join(dir.path, 'root.crt')];
  const text = (await Promise.all(chain.map((path) => readFile(path, 'utf8')))).join('');
  await writeFile(join(dir.path, 'chain.crt'), text);

  await using identity = await openIdentity({
    dir: join(dir.path, 'tls'),
    names: () => [],
    own: { certificate: join(dir.path, 'chain.crt'), key: join(dir.path, 'chained.key') },
    log: keepLog().log,
  });

  assert.equal(identity.material().cert, text);
  assert.deepEqual(identity.names(), { names: ['registry.example.com'], addresses: [] });
  assert.equal(identity.show().source, 'own');
  assert.equal(identity.exportCa(), undefined);
  for (const act of [() => identity.renew(), () => identity.seal()]) {
    await assert.rejects(act, (error) => isAppError(error, 'USAGE'));
  }
});

test('files that cannot be served are refused by name and reason', { skip }, async (t) => {
  await using dir = await mkdtempDisposable(join(tmpdir(), 'berth-own-'));
  const at = (name: string) => join(dir.path, name);
  makeChain(dir.path);
  makePair(dir.path, 'good', san);
  makePair(dir.path, 'weak', san, ['-newkey', 'rsa:1024', '-nodes']);
  openssl(dir.path, 'pkcs8', '-topk8', '-in', 'good.key', '-out', 'locked.key', '-passout', 'pass:secret');
  const good = await readFile(at('good.crt'), 'utf8');
  await writeFile(at('noise'), 'noise');
  await writeFile(at('cut.crt'), good.replace(/(.{64}\n)(.{64}\n)/, '$1'));
  await writeFile(at('unordered.crt'), (await readFile(at('chained.crt'), 'utf8')) + good);
  const year = 365 * 24 * 60 * 60 * 1000;
  const cases: readonly (readonly [string, string, string, RegExp, number?])[] = [
    ['absent certificate', 'absent', 'good.key', /absent cannot be used: there is no such file/],
    ['absent key', 'good.crt', 'absent', /absent cannot be used: there is no such file/],
    ['directory', '.', 'good.key', /cannot be read \(EISDIR\)/],
    ['no PEM', 'noise', 'good.key', /noise cannot be used: it holds no certificate/],
    ['damaged PEM', 'cut.crt', 'good.key', /cut\.crt cannot be used: certificate 1 in it is damaged/],
    ['no key', 'good.crt', 'noise', /noise cannot be used: it holds no private key/],
    ['locked key', 'good.crt', 'locked.key', /locked\.key cannot be used: the key is encrypted/],
    ['other key', 'good.crt', 'root.key', /root\.key cannot be used: it is not the key of/],
    ['expired', 'good.crt', 'good.key', /good\.crt cannot be used: it expired on 20/, Date.now() + year],
    ['future', 'good.crt', 'good.key', /good\.crt cannot be used: it is not valid before/, Date.now() - year],
    ['order', 'unordered.crt', 'chained.key', /certificate 1 in it was not signed by certificate 2/],
    ['weak', 'weak.crt', 'weak.key', /weak\.crt cannot be used: TLS refuses it \(ERR_SSL_EE_KEY_TOO_SMALL\)/],
  ];

  for (const [name, certificate, key, text, now = Date.now()] of cases) {
    await t.test(name, async () => {
      const read = readOwnCertificate({ certificate: at(certificate), key: at(key) }, now);

      await assert.rejects(read, (error) => {
        assert.ok(isAppError(error, 'CERTIFICATE_INVALID'), String(error));
        assert.match(error.message, text);
        return true;
      });
    });
  }
});

test(
  'replaced files are served without a restart, a bad replacement is logged and the old stays',
  { skip },
  async () => {
    await using dir = await mkdtempDisposable(join(tmpdir(), 'berth-own-'));
    const own = { certificate: join(dir.path, 'live.crt'), key: join(dir.path, 'live.key') };
    makePair(dir.path, 'live', san);
    const { log, lines } = keepLog();
    await using identity = await openIdentity({ dir: '/nonexistent', names: () => [], own, log });
    const subjects: string[] = [];
    let announced = 0;
    identity.onChange(() => (announced += 1));
    const look = async () => {
      await identity.check();
      subjects.push(identity.show().leaf.subject);
    };

    await look();
    makePair(dir.path, 'next', san);
    await writeFile(own.certificate, await readFile(join(dir.path, 'next.crt')));
    await look();
    await look();
    await writeFile(own.key, await readFile(join(dir.path, 'next.key')));
    await look();

    await look();

    assert.deepEqual(subjects, ['CN=live', 'CN=live', 'CN=live', 'CN=next', 'CN=next']);
    assert.equal(announced, 1);
    const kept = lines.filter((line) => line.startsWith('certificateKept'));
    assert.equal(kept.length, 1);
    assert.match(kept.join(), /live\.key cannot be used/);
  },
);

test('a readable key, a certificate without names and a near end are logged', { skip }, async () => {
  await using dir = await mkdtempDisposable(join(tmpdir(), 'berth-own-'));
  makePair(dir.path, 'bare', ['-days', '3']);
  await chmod(join(dir.path, 'bare.key'), 0o644);
  const { log, lines } = keepLog();

  await using identity = await openIdentity({
    dir: '/nonexistent',
    names: () => [],
    own: { certificate: join(dir.path, 'bare.crt'), key: join(dir.path, 'bare.key') },
    log,
  });

  assert.equal(identity.show().leaf.subject, 'CN=bare');
  const events = lines.map((line) => line.split(' ')[0]);
  assert.deepEqual(events, ['certificateWithoutNames', 'keyReadable', 'certificateEnding']);
});
