import assert from 'node:assert/strict';
import { X509Certificate, createPrivateKey, createPublicKey } from 'node:crypto';
import { chmod, mkdtempDisposable, open, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { isAppError } from '../spec/errors.ts';
import type { ErrorCode } from '../spec/errors.ts';
import { keepLog } from '../spec/kept-log.suite.ts';
import { makeAuthority } from './authority.ts';
import { buildCertificate, extension, oids, sequence, truth } from './certificate.ts';
import { openIdentity } from './identity.ts';
import type { IdentityOptions } from './identity.ts';

const dayMs = 24 * 60 * 60 * 1000;
const start = Date.parse('2026-06-01T12:00:00Z');

async function makeDirectory() {
  const root = await mkdtempDisposable(join(tmpdir(), 'berth-identity-'));
  const dir = join(root.path, 'berth', 'tls');
  return { dir, [Symbol.asyncDispose]: () => root.remove() };
}

function optionsFor(dir: string, more: Partial<IdentityOptions> = {}): IdentityOptions {
  return {
    dir,
    names: () => [],
    log: keepLog().log,
    hostname: 'dock',
    now: () => start,
    interfaceAddresses: () => ['192.168.1.20', 'fe80::1'],
    ...more,
  };
}

async function failsWith(code: ErrorCode, text: RegExp, act: () => Promise<unknown>): Promise<void> {
  await assert.rejects(act, (error) => {
    assert.ok(isAppError(error, code), String(error));
    assert.match(error.message, text);
    return true;
  });
}

test('the first start makes private files under any umask, the next start serves the same', async (t) => {
  for (const umask of [0o000, 0o022, 0o077]) {
    await t.test(umask.toString(8), async (each) => {
      await using made = await makeDirectory();
      const before = process.umask(umask);

      await using first = await openIdentity(optionsFor(made.dir)).finally(() => process.umask(before));
      await using second = await openIdentity(optionsFor(made.dir));

      const names = ['ca.crt', 'ca.key', 'leaf.crt', 'leaf.key'];
      const modes = await Promise.all(
        names.map(async (name) => (await stat(join(made.dir, name))).mode & 0o777),
      );
      assert.deepEqual((await readdir(made.dir)).toSorted(), names);
      assert.deepEqual(modes, [0o600, 0o600, 0o600, 0o600]);
      assert.equal((await stat(made.dir)).mode & 0o777, 0o700);
      assert.equal((await stat(join(made.dir, '..'))).mode & 0o777, 0o700);
      assert.deepEqual(second.material(), first.material());
      assert.deepEqual(second.show(), first.show());
      each.diagnostic(
        `umask ${umask.toString(8).padStart(3, '0')}: ${modes.filter((mode) => mode === 0o600).length} of ${names.length} files have the mode 0600, in directories of 0700`,
      );
    });
  }
});

test('a renewal keeps the authority, changes key and certificate and is announced', async () => {
  await using made = await makeDirectory();
  await using identity = await openIdentity(optionsFor(made.dir));
  const before = { ca: identity.exportCa(), material: identity.material(), leaf: identity.show().leaf };
  const announced: string[] = [];
  identity.onChange(({ cert }) => announced.push(cert));

  await identity.renew();

  assert.equal(identity.exportCa(), before.ca);
  assert.notEqual(identity.material().key, before.material.key);
  assert.deepEqual(announced, [identity.material().cert]);
  assert.equal(await readFile(join(made.dir, 'leaf.crt'), 'utf8'), identity.material().cert);
  const { fingerprint, ...rest } = identity.show().leaf;
  assert.notEqual(fingerprint, before.leaf.fingerprint);
  assert.deepEqual({ ...rest, fingerprint: before.leaf.fingerprint }, before.leaf);
});

test('a check issues a new leaf only when there is a reason', async () => {
  await using made = await makeDirectory();
  let now = start;
  let addresses = ['192.168.1.20'];
  await using identity = await openIdentity(
    optionsFor(made.dir, { now: () => now, interfaceAddresses: () => addresses }),
  );
  const changes: string[] = [];
  const step = async (name: string, change: () => void) => {
    const before = identity.material();
    change();
    await identity.check();
    if (identity.material() !== before) changes.push(name);
  };

  await step('nothing happened', () => undefined);
  await step('an address came', () => (addresses = ['192.168.1.20', '10.0.0.9']));
  await step('the order changed', () => (addresses = ['10.0.0.9', '192.168.1.20']));
  await step('a container came', () => (addresses = [...addresses, 'fe80::42']));
  await step('31 days before the end', () => (now = start + (396 - 31) * dayMs));
  await step('29 days before the end', () => (now = start + (396 - 29) * dayMs));
  await step('the clock went back', () => (now = start));
  await step('it went back before the authority began', () => (now = start - 400 * dayMs));

  assert.deepEqual(changes, ['an address came', '29 days before the end', 'the clock went back']);
  assert.ok(identity.names().addresses.includes('10.0.0.9'));
});

test('the timer of an identity finds changes by itself', async () => {
  await using made = await makeDirectory();
  let addresses = ['192.168.1.20'];
  await using identity = await openIdentity(
    optionsFor(made.dir, { interfaceAddresses: () => addresses, checkEveryMs: 5 }),
  );
  const changed = Promise.withResolvers<undefined>();
  identity.onChange(() => changed.resolve(undefined));
  const holdsProcess = setTimeout(() => changed.reject(new Error('no check within 10 s')), 10_000);

  addresses = ['192.168.1.21'];
  await changed.promise.finally(() => clearTimeout(holdsProcess));

  assert.ok(identity.names().addresses.includes('192.168.1.21'));
});

test('names that the authority may not sign are left out, logged and shown', async () => {
  await using made = await makeDirectory();
  await (await openIdentity(optionsFor(made.dir)))[Symbol.asyncDispose]();
  const { log, lines } = keepLog();

  await using identity = await openIdentity(
    optionsFor(made.dir, { log, names: () => ['late.example.com', 'a b', 'dock2.test', '203.0.113.7'] }),
  );

  assert.deepEqual(identity.show().leftOut, [
    { name: 'late.example.com', reason: 'outside' },
    { name: 'a b', reason: 'malformed' },
    { name: '203.0.113.7', reason: 'outside' },
  ]);
  assert.ok(identity.names().names.includes('dock2.test'));
  assert.match(lines.join('\n'), /namesLeftOut .*late\.example\.com \(outside\)/);
});

test('an address of the computer that nobody asked for is left out without a warning', async () => {
  await using made = await makeDirectory();
  const { log, lines } = keepLog();

  await using identity = await openIdentity(
    optionsFor(made.dir, {
      log: { ...log, debug: () => undefined },
      interfaceAddresses: () => ['192.168.1.20', '203.0.113.7'],
    }),
  );

  assert.deepEqual(identity.show().leftOut, [{ name: '203.0.113.7', reason: 'outside' }]);
  assert.doesNotMatch(lines.join('\n'), /namesLeftOut/);
});

test('names configured before the first start are in scope', async () => {
  await using made = await makeDirectory();

  await using identity = await openIdentity(
    optionsFor(made.dir, { names: () => ['hub.example.com', '203.0.113.7'] }),
  );

  assert.deepEqual(identity.show().leftOut, []);
  assert.ok(identity.names().names.includes('hub.example.com'));
  assert.ok(identity.names().addresses.includes('203.0.113.7'));
});

test('a sealed authority signs nothing more, and the leaf is served on', async () => {
  await using made = await makeDirectory();
  await using identity = await openIdentity(optionsFor(made.dir));
  const { cert } = identity.material();
  const caKey = await readFile(join(made.dir, 'ca.key'), 'utf8');

  await identity.seal();

  await failsWith('CA_SEALED', /ends on 2027-07-02T12:00:00/, () => identity.renew());
  assert.equal(identity.show().authority?.isSealed, true);
  await using again = await openIdentity(optionsFor(made.dir, { interfaceAddresses: () => ['10.9.9.9'] }));
  assert.equal(again.material().cert, cert);
  assert.equal(again.show().authority?.isSealed, true);
  for (const name of await readdir(made.dir)) {
    assert.ok(!(await readFile(join(made.dir, name), 'utf8')).includes(caKey.split('\n')[1] ?? ''), name);
  }
  await identity.seal();
});

test('a sealed authority with a damaged leaf refuses the start', async () => {
  await using made = await makeDirectory();
  await using identity = await openIdentity(optionsFor(made.dir));
  await identity.seal();
  await rm(join(made.dir, 'leaf.key'));

  await failsWith('CA_SEALED', /no usable server certificate/, () => openIdentity(optionsFor(made.dir)));
});

test('sealing wipes the bytes of the key in place before it unlinks the file', async (t) => {
  await using made = await makeDirectory();
  await using identity = await openIdentity(optionsFor(made.dir));
  await using kept = await open(join(made.dir, 'ca.key'));

  await identity.seal();

  const { buffer, bytesRead } = await kept.read(Buffer.alloc(4096), 0, 4096, 0);
  assert.ok(bytesRead > 200);
  assert.deepEqual(buffer.subarray(0, bytesRead), Buffer.alloc(bytesRead));
  t.diagnostic(`${bytesRead} bytes of the key, 0 left after sealing`);
});

test('a damaged leaf is issued again under the same authority', async (t) => {
  const damages: readonly (readonly [string, (dir: string) => Promise<void>])[] = [
    ['no leaf.crt', (dir) => rm(join(dir, 'leaf.crt'))],
    ['no leaf.key', (dir) => rm(join(dir, 'leaf.key'))],
    ['empty leaf.crt', (dir) => writeFile(join(dir, 'leaf.crt'), '')],
    ['noise in leaf.key', (dir) => writeFile(join(dir, 'leaf.key'), 'noise')],
    [
      'a leaf of another authority',
      async (dir) => {
        await using other = await makeDirectory();
        await using identity = await openIdentity(optionsFor(other.dir));
        await writeFile(join(dir, 'leaf.crt'), identity.material().cert);
        await writeFile(join(dir, 'leaf.key'), identity.material().key);
      },
    ],
    [
      'the key of another leaf',
      (dir) => writeFile(join(dir, 'leaf.key'), makeAuthority({ hostname: 'a', names: [], now: start }).key),
    ],
  ];
  for (const [name, damage] of damages) {
    await t.test(name, async () => {
      await using made = await makeDirectory();
      await using identity = await openIdentity(optionsFor(made.dir));
      await damage(made.dir);

      await using again = await openIdentity(optionsFor(made.dir));

      const leaf = new X509Certificate(again.material().cert);
      assert.equal(again.exportCa(), identity.exportCa());
      assert.notEqual(again.material().cert, identity.material().cert);
      assert.ok(leaf.verify(new X509Certificate(again.exportCa() ?? '').publicKey));
    });
  }
});

test('a damaged authority refuses the start and is named, never replaced', async (t) => {
  const other = makeAuthority({ hostname: 'dock', names: [], now: start });
  const damages: readonly (readonly [string, RegExp, (dir: string) => Promise<void>])[] = [
    ['no ca.crt', /ca\.crt is missing/, (dir) => rm(join(dir, 'ca.crt'))],
    ['empty ca.crt', /ca\.crt cannot be used: .*PEM/, (dir) => writeFile(join(dir, 'ca.crt'), '')],
    ['noise in ca.key', /ca\.key cannot be used: .*PEM/, (dir) => writeFile(join(dir, 'ca.key'), 'noise')],
    [
      'another ca.key',
      /ca\.key cannot be used: .*ca\.crt/,
      (dir) => writeFile(join(dir, 'ca.key'), other.key),
    ],
    [
      'a leaf as ca.crt',
      /ca\.crt cannot be used: .*not an authority/,
      async (dir) => writeFile(join(dir, 'ca.crt'), await readFile(join(dir, 'leaf.crt'))),
    ],
    [
      'an authority without constraints',
      /ca\.crt cannot be used: .*not an authority/,
      async (dir) => {
        const issuerKey = createPrivateKey(await readFile(join(dir, 'ca.key')));
        const publicKey = createPublicKey(issuerKey);
        const [subject, notBefore, notAfter] = [
          'Berth CA dock',
          new Date(start),
          new Date(start + 90 * dayMs),
        ];
        const isAuthority = extension(oids.basicConstraints, 'critical', sequence(truth()));
        const plan = { subject, issuer: subject, notBefore, notAfter, publicKey, issuerKey };
        await writeFile(join(dir, 'ca.crt'), buildCertificate({ ...plan, extensions: [isAuthority] }));
      },
    ],
  ];
  for (const [name, text, damage] of damages) {
    await t.test(name, async () => {
      await using made = await makeDirectory();
      await (await openIdentity(optionsFor(made.dir)))[Symbol.asyncDispose]();
      await damage(made.dir);
      const left = await readdir(made.dir);

      await failsWith('CERTIFICATE_INVALID', text, () => openIdentity(optionsFor(made.dir)));

      assert.deepEqual(await readdir(made.dir), left);
    });
  }
});

test('files that other users can read refuse the start', async (t) => {
  const cases = [
    ['.', 0o755],
    ['ca.key', 0o640],
    ['leaf.key', 0o604],
  ] as const;
  for (const [name, mode] of cases) {
    await t.test(`${name} ${mode.toString(8)}`, async () => {
      await using made = await makeDirectory();
      await (await openIdentity(optionsFor(made.dir)))[Symbol.asyncDispose]();
      await chmod(join(made.dir, name), mode);

      await failsWith('DATA_UNUSABLE', new RegExp(`mode 0${mode.toString(8)}`), () =>
        openIdentity(optionsFor(made.dir)),
      );
    });
  }
});

test('what a crash left behind is wiped at the next start', async () => {
  await using made = await makeDirectory();
  await (await openIdentity(optionsFor(made.dir)))[Symbol.asyncDispose]();
  await writeFile(join(made.dir, 'ca.key.0123456789ab.tmp'), 'half a key', { mode: 0o600 });

  await using identity = await openIdentity(optionsFor(made.dir));

  assert.equal(identity.show().source, 'berth');
  assert.deepEqual((await readdir(made.dir)).toSorted(), ['ca.crt', 'ca.key', 'leaf.crt', 'leaf.key']);
});

test('a failing check keeps the old certificate and is logged once', async () => {
  await using made = await makeDirectory();
  const { log, lines } = keepLog();
  let addresses = ['192.168.1.20'];
  await using identity = await openIdentity(
    optionsFor(made.dir, { log, interfaceAddresses: () => addresses }),
  );
  const before = identity.material();
  await writeFile(join(made.dir, 'ca.key'), 'noise');

  addresses = ['192.168.1.21'];
  await identity.check();
  await identity.check();

  assert.equal(identity.material(), before);
  assert.equal(lines.filter((line) => line.startsWith('certificateKept')).length, 1);
});

test('no key ever shows in the log or in what is shown', async () => {
  await using made = await makeDirectory();
  const { log, lines } = keepLog();
  await using identity = await openIdentity(optionsFor(made.dir, { log }));
  await identity.renew();
  const secrets = [identity.material().key, await readFile(join(made.dir, 'ca.key'), 'utf8')];

  const told = JSON.stringify([lines, identity.show(), identity.exportCa()]);

  for (const secret of secrets) assert.ok(!told.includes(secret.split('\n')[1] ?? 'x'));
});

test('what another process renews or seals is taken over at the next check', async () => {
  await using made = await makeDirectory();
  await using served = await openIdentity(optionsFor(made.dir));
  const heard: string[] = [];
  served.onChange(({ cert }) => heard.push(cert));
  const before = served.show().leaf.fingerprint;
  await using other = await openIdentity(optionsFor(made.dir));

  await other.renew();
  await other.seal();
  await served.check();
  await served.check();

  assert.notEqual(served.show().leaf.fingerprint, before);
  assert.deepEqual(served.material(), other.material());
  assert.deepEqual(heard, [other.material().cert]);
  assert.equal(served.show().authority?.isSealed, true);
});

test('who may only look makes nothing and issues nothing', async () => {
  await using made = await makeDirectory();
  const look = optionsFor(made.dir, {
    mayIssue: false,
    names: () => ['other.test'],
    interfaceAddresses: () => [],
  });

  await failsWith('CERTIFICATE_INVALID', /no certificate in/, () => openIdentity(look));
  await assert.rejects(readdir(made.dir), { code: 'ENOENT' });
  await using served = await openIdentity(optionsFor(made.dir));
  await using looker = await openIdentity(look);

  assert.deepEqual(looker.material(), served.material());
  assert.equal(looker.exportCa(), served.exportCa());
});

test('names and the time of the renewal are asked for at each check', async () => {
  await using made = await makeDirectory();
  const chosen = { names: [] as readonly string[], now: start, renewBeforeMs: 30 * dayMs };
  await using identity = await openIdentity(
    optionsFor(made.dir, {
      names: () => chosen.names,
      now: () => chosen.now,
      renewBeforeMs: () => chosen.renewBeforeMs,
    }),
  );
  const fingerprints = [identity.show().leaf.fingerprint];
  const look = async (): Promise<void> => {
    await identity.check();
    fingerprints.push(identity.show().leaf.fingerprint);
  };

  chosen.names = ['dock3.local'];
  await look();
  const names = identity.names().names;
  chosen.now += 300 * dayMs;
  await look();
  chosen.renewBeforeMs = 150 * dayMs;
  await look();

  assert.ok(names.includes('dock3.local'), names.join());
  const [first, second, third, fourth] = fingerprints;
  assert.deepEqual([first === second, second === third, third === fourth], [false, true, false]);
});
