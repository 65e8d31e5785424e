import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { chmod, mkdir, mkdtempDisposable, readdir, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { makeAuthority } from '../../../registry/tls/authority.ts';
import { sha256 } from '../change.ts';
import { type Host, type RunResult, thisHost } from '../host.ts';
import { findSystemStore, isTrustedBySystem, planSystemTrust } from './system-store.ts';

const authority = makeAuthority({ hostname: 'desk', names: [], now: Date.UTC(2026, 5, 1) }).certificate;
/** Of the same name, as every authority that this computer makes. */
const other = makeAuthority({ hostname: 'desk', names: [], now: Date.UTC(2026, 6, 1) }).certificate;
const { raw, fingerprint, fingerprint256 } = new X509Certificate(authority);
const short = fingerprint256.replaceAll(':', '').slice(0, 8).toLowerCase();
const sha1 = fingerprint.replaceAll(':', '');
const mark = raw.toString('base64').slice(-64);
const address = 'registry.berth.test:5443';
const request = { authority, authorityFile: '/srv/berth/tls/ca.crt', address };
const after = Buffer.from(authority).toString('base64');

async function tempFolder(t: TestContext): Promise<string> {
  const folder = await mkdtempDisposable(join(tmpdir(), 'berth-store-'));
  t.after(() => folder.remove());
  return folder.path;
}

interface Computer {
  readonly platform?: NodeJS.Platform;
  /** Below it lies the file system. */
  readonly root: string;
  readonly uid?: number;
  readonly programs?: readonly string[];
  readonly answer?: (program: string, args: readonly string[]) => RunResult | undefined;
}

function computer({ platform = 'linux', root, uid = 1000, programs = [], answer }: Computer): Host {
  return {
    platform,
    env: {},
    home: '/home/me',
    uid: platform === 'win32' ? undefined : uid,
    systemPath: (path) => join(root, path),
    find: async (program) => (programs.includes(program) ? `/usr/sbin/${program}` : undefined),
    run: async (program, args) => answer?.(program, args),
  };
}

async function put(root: string, path: string, content: string): Promise<void> {
  await mkdir(dirname(join(root, path)), { recursive: true });
  await writeFile(join(root, path), content);
}

const distributions = [
  {
    title: 'Fedora, RHEL',
    folder: '/etc/pki/ca-trust/source/anchors',
    extension: '.pem',
    update: ['update-ca-trust', 'extract'],
    undo: ['update-ca-trust', 'extract'],
    bundle: '/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem',
  },
  {
    title: 'Debian, Ubuntu, Alpine',
    folder: '/usr/local/share/ca-certificates',
    extension: '.crt',
    update: ['update-ca-certificates'],
    undo: ['update-ca-certificates', '--fresh'],
    bundle: '/etc/ssl/certs/ca-certificates.crt',
  },
  {
    title: 'Arch',
    folder: '/etc/ca-certificates/trust-source/anchors',
    extension: '.crt',
    update: ['trust', 'extract-compat'],
    undo: ['trust', 'extract-compat'],
    bundle: '/etc/ca-certificates/extracted/tls-ca-bundle.pem',
  },
  {
    title: 'openSUSE',
    folder: '/usr/share/pki/trust/anchors',
    extension: '.pem',
    update: ['update-ca-certificates'],
    undo: ['update-ca-certificates'],
    bundle: '/var/lib/ca-certificates/ca-bundle.pem',
  },
] as const;

for (const { title, folder, extension, update, undo, bundle } of distributions) {
  test(`${title}: the authority becomes a file among the anchors, and the bundle proves it`, async (t) => {
    const root = await tempFolder(t);
    await mkdir(join(root, folder), { recursive: true });
    await put(root, bundle, `# Some root\n${other}`);
    const host = computer({ root, programs: [update[0]] });

    const store = await findSystemStore(host);
    const isTrusted = await isTrustedBySystem(host, authority);
    const plan = await planSystemTrust(host, request);

    const path = `${folder}/berth-${short}${extension}`;
    assert.deepEqual(store, { kind: 'anchors', title, folder, extension, update, undo, bundle });
    assert.equal(isTrusted, false);
    assert.deepEqual(plan, [
      {
        title: `Let all programs of this computer trust the registry (${title}).`,
        engine: 'system',
        address,
        place: { kind: 'file', path, mode: 0o644 },
        edit: { kind: 'whole' },
        before: undefined,
        after,
        needsRoot: true,
        activation: { kind: 'run', command: update, undo },
        proof: { kind: 'handshake', bundle, address },
        manual: [`sudo install -m 644 /srv/berth/tls/ca.crt ${path}`, `sudo ${update.join(' ')}`],
      },
    ]);
    assert.deepEqual(await readdir(join(root, folder)), []);
  });

  test(`${title}: nothing is planned when the bundle holds the certificate in any spelling`, async (t) => {
    const root = await tempFolder(t);
    await mkdir(join(root, folder), { recursive: true });
    const rewrapped = (raw.toString('base64').match(/.{1,76}/g) ?? []).join('\r\n');
    const spelled = `-----BEGIN CERTIFICATE-----\r\n${rewrapped}\r\n-----END CERTIFICATE-----`;
    await put(root, bundle, `# Some root\n${other}\n# Berth\n${spelled}\n${other}`);
    const host = computer({ root, programs: [update[0]] });

    assert.equal(await isTrustedBySystem(host, authority), true);
    assert.deepEqual(await planSystemTrust(host, request), []);
  });
}

test('of several folders of anchors the first one counts whose program is there', async (t) => {
  const root = await tempFolder(t);
  for (const { folder } of distributions) await mkdir(join(root, folder), { recursive: true });
  const cases = [
    { programs: ['trust', 'update-ca-certificates', 'update-ca-trust'], title: 'Fedora, RHEL' },
    { programs: ['trust', 'update-ca-certificates'], title: 'Debian, Ubuntu, Alpine' },
    { programs: ['trust'], title: 'Arch' },
    { programs: [], title: undefined },
  ];

  for (const { programs, title } of cases) {
    const store = await findSystemStore(computer({ root, programs }));

    assert.equal(store?.kind === 'anchors' ? store.title : store, title);
  }
});

test('a system without a known store trusts nothing and gets no plan', async (t) => {
  const root = await tempFolder(t);
  await put(root, '/usr/local/share/ca-certificates', 'a file where the folder should be');
  const programs = ['update-ca-certificates'];

  for (const platform of ['linux', 'freebsd'] as const) {
    const host = computer({ platform, root, programs });

    assert.equal(await findSystemStore(host), undefined);
    assert.equal(await isTrustedBySystem(host, authority), false);
    assert.deepEqual(await planSystemTrust(host, request), []);
  }
});

test('a file that is there without effect is replaced, by root without sudo', async (t) => {
  const root = await tempFolder(t);
  const path = `/usr/local/share/ca-certificates/berth-${short}.crt`;
  await put(root, path, 'damaged');
  const host = computer({ root, uid: 0, programs: ['update-ca-certificates'] });

  const [change] = await planSystemTrust(host, { ...request, authorityFile: "/srv/my berth's/ca.crt" });

  assert.equal(change?.before, sha256(Buffer.from('damaged')));
  assert.equal(change.needsRoot, false);
  assert.deepEqual(change.manual, [
    `install -m 644 '/srv/my berth'\\''s/ca.crt' ${path}`,
    'update-ca-certificates',
  ]);
});

test('two authorities of the same name get two files', async (t) => {
  const root = await tempFolder(t);
  await mkdir(join(root, '/usr/local/share/ca-certificates'), { recursive: true });
  const host = computer({ root, programs: ['update-ca-certificates'] });

  const plans = [
    ...(await planSystemTrust(host, request)),
    ...(await planSystemTrust(host, { ...request, authority: other })),
  ];

  assert.equal(new Set(plans.map(({ place }) => place.kind === 'file' && place.path)).size, 2);
});

test('a bundle that cannot be read is an error, not an absence', async (t) => {
  const root = await tempFolder(t);
  await mkdir(join(root, '/usr/local/share/ca-certificates'), { recursive: true });
  await mkdir(join(root, '/etc/ssl/certs/ca-certificates.crt'), { recursive: true });
  const host = computer({ root, programs: ['update-ca-certificates'] });

  await assert.rejects(isTrustedBySystem(host, authority), { code: 'DATA_UNUSABLE', message: /EISDIR/ });
});

/** Stands in for security(1): a keychain is a file of PEM, the trust settings are a file of PEM as well. */
const security = `#!/bin/sh
echo "$*" >>"$STATE/calls"
verb=$1; shift
case $verb in
  find-certificate) cat "$3" 2>/dev/null ;;
  verify-cert) while [ "$1" != -c ]; do shift; done
    grep -qF "$(tail -n 3 "$2" | head -n 1)" "$STATE/trusted" ;;
  remove-trusted-cert) [ ! -e "$STATE/dismissed" ] && [ -s "$STATE/trusted" ] && : >"$STATE/trusted" ;;
  delete-certificate) cp "$STATE/without" "$3" ;;
esac`;

const macs = [
  {
    name: 'a user of macOS gets the login keychain',
    uid: 501,
    keychain: '/home/me/Library/Keychains/login.keychain-db',
    flags: [],
    whose: 'this user',
  },
  {
    name: 'root of macOS gets the System keychain',
    uid: 0,
    keychain: '/Library/Keychains/System.keychain',
    flags: ['-d'],
    whose: 'this computer',
  },
];
for (const { name, uid, keychain, flags, whose } of macs) {
  test(name, async (t) => {
    const host = computer({ platform: 'darwin', root: await tempFolder(t), uid });

    const [change] = await planSystemTrust(host, request);

    assert.ok(change?.place.kind === 'store');
    const { read, add, remove, label } = change.place;
    assert.deepEqual(
      { ...change, place: change.place.kind },
      {
        title: `Let all programs of ${whose} trust the registry (the keychain ${keychain}).`,
        engine: 'system',
        address,
        place: 'store',
        edit: { kind: 'whole' },
        before: undefined,
        after,
        needsRoot: false,
        activation: { kind: 'none' },
        proof: { kind: 'none' },
        manual: [add.join(' ')],
      },
    );
    assert.equal(label, `the keychain ${keychain}`);
    assert.deepEqual(add, [
      'security',
      'add-trusted-cert',
      ...flags,
      '-r',
      'trustRoot',
      '-k',
      keychain,
      '/srv/berth/tls/ca.crt',
    ]);
    assert.deepEqual(
      [read.slice(0, 2), read.slice(3)],
      [
        ['sh', '-c'],
        ['sh', keychain, mark],
      ],
    );
    assert.deepEqual(
      [remove.slice(0, 2), remove.slice(3)],
      [
        ['sh', '-c'],
        ['sh', keychain, mark],
      ],
    );
  });
}

const keychains = [
  { name: 'a trusted certificate', keychain: other + authority + other, trusted: authority, isRead: true },
  { name: 'a certificate whose trust was dismissed', keychain: authority, trusted: '', isRead: false },
  { name: 'only another one of the same name', keychain: other, trusted: other, isRead: false },
  { name: 'nothing', keychain: '', trusted: '', isRead: false },
];
for (const { name, keychain, trusted, isRead } of keychains) {
  test(`a keychain with ${name} is read and cleaned, twice`, async (t) => {
    const folder = await tempFolder(t);
    const { host, paths } = await fakeMac(folder, { keychain, trusted });
    const [change] = await planSystemTrust(computer({ platform: 'darwin', root: folder }), request);
    assert.ok(change?.place.kind === 'store');
    const [read, remove] = [change.place.read, change.place.remove].map((command) =>
      command.map((word) => (word.endsWith('login.keychain-db') ? paths.keychain : word)),
    );

    const found = await run(host, read);
    const removed = [await run(host, remove), await run(host, remove)];

    const isThere = keychain.includes(authority);
    const calls = await readFile(paths.calls, 'utf8');
    assert.equal(found.stdout, isRead ? authority : '');
    assert.deepEqual(
      removed.map(({ code }) => code),
      [0, 0],
    );
    assert.equal(await readFile(paths.keychain, 'utf8'), isThere ? other : keychain);
    assert.equal(await readFile(paths.trusted, 'utf8'), isThere ? '' : trusted);
    assert.equal(calls.includes(`delete-certificate -Z ${sha1} ${paths.keychain}\n`), isThere);
    assert.deepEqual(await readdir(paths.temp), []);
  });
}

test('a keychain keeps its certificate when the dialog about the trust is dismissed', async (t) => {
  const folder = await tempFolder(t);
  const { host, paths } = await fakeMac(folder, { keychain: authority, trusted: authority });
  await writeFile(join(folder, 'dismissed'), '');
  const [change] = await planSystemTrust(computer({ platform: 'darwin', root: folder }), request);
  assert.ok(change?.place.kind === 'store');

  const { code } = await run(
    host,
    change.place.remove.map((word) => (word.endsWith('login.keychain-db') ? paths.keychain : word)),
  );

  assert.equal(code, 1);
  assert.equal(await readFile(paths.keychain, 'utf8'), authority);
});

test('an authority in either keychain of macOS is trusted', async (t) => {
  const root = await tempFolder(t);
  for (const [keychain, isTrusted] of [
    ['/home/me/Library/Keychains/login.keychain-db', true],
    ['/Library/Keychains/System.keychain', true],
    ['/elsewhere', false],
  ] as const) {
    const found = { code: 0, stdout: authority, stderr: '' };
    const host = computer({
      platform: 'darwin',
      root,
      answer: (_, args) => (args.includes(keychain) ? found : { code: 1, stdout: '', stderr: '' }),
    });

    assert.equal(await isTrustedBySystem(host, authority), isTrusted);
    assert.equal((await planSystemTrust(host, request)).length, isTrusted ? 0 : 1);
  }
});

const openStore = (mode: string): string =>
  `$ErrorActionPreference = 'Stop'; $store = [Security.Cryptography.X509Certificates.X509Store]::new('Root', 'CurrentUser'); $store.Open('${mode}'); `;
const findInStore = `$store.Certificates.Find('FindByThumbprint', '${sha1}', $false)`;

test('Windows gets the root store of the current user', async (t) => {
  const calls: (readonly string[])[] = [];
  const host = computer({
    platform: 'win32',
    root: await tempFolder(t),
    answer(program, args) {
      calls.push([program, ...args]);
      return { code: 1, stdout: '', stderr: '' };
    },
  });

  const plan = await planSystemTrust(host, { ...request, authorityFile: 'C:\\My Berth\\ca.crt' });

  const read = [
    'powershell',
    '-NoProfile',
    '-Command',
    `${openStore('ReadOnly')}$found = ${findInStore}; if ($found.Count -eq 0) { exit 1 }; '-----BEGIN CERTIFICATE-----'; [Convert]::ToBase64String($found[0].RawData, 'InsertLineBreaks'); '-----END CERTIFICATE-----'`,
  ];
  assert.deepEqual(calls, [read]);
  assert.deepEqual(plan, [
    {
      title: 'Let all programs of this user trust the registry (root certificates of Windows).',
      engine: 'system',
      address,
      place: {
        kind: 'store',
        label: 'the root certificates of the current user',
        read,
        add: [
          'powershell',
          '-NoProfile',
          '-Command',
          `${openStore('ReadWrite')}$store.Add([Security.Cryptography.X509Certificates.X509Certificate2]::new([Text.Encoding]::ASCII.GetBytes([Console]::In.ReadToEnd())))`,
        ],
        remove: [
          'powershell',
          '-NoProfile',
          '-Command',
          `${openStore('ReadWrite')}${findInStore} | ForEach-Object { $store.Remove($_) }`,
        ],
      },
      edit: { kind: 'whole' },
      before: undefined,
      after,
      needsRoot: false,
      activation: { kind: 'none' },
      proof: { kind: 'none' },
      manual: ['certutil -user -addstore Root "C:\\My Berth\\ca.crt"'],
    },
  ]);
});

test('a certificate among the roots of Windows is trusted', async (t) => {
  const found = { code: 0, stdout: authority.replaceAll('\n', '\r\n'), stderr: '' };
  const host = computer({ platform: 'win32', root: await tempFolder(t), answer: () => found });

  assert.equal(await isTrustedBySystem(host, authority), true);
  assert.deepEqual(await planSystemTrust(host, request), []);
});

/** A host whose `security` keeps its keychain in the folder. */
async function fakeMac(folder: string, { keychain, trusted }: { keychain: string; trusted: string }) {
  const paths = {
    keychain: join(folder, 'keychain'),
    trusted: join(folder, 'trusted'),
    calls: join(folder, 'calls'),
    temp: join(folder, 'temp'),
  };
  await put(folder, 'bin/security', security);
  await chmod(join(folder, 'bin/security'), 0o755);
  await writeFile(paths.keychain, keychain);
  await writeFile(paths.trusted, trusted);
  await writeFile(join(folder, 'without'), other);
  await mkdir(paths.temp);
  const host = thisHost({
    PATH: [join(folder, 'bin'), process.env['PATH'] ?? ''].join(delimiter),
    STATE: folder,
    TMPDIR: paths.temp,
  });
  return { host, paths };
}

async function run(host: Host, [program = '', ...args]: readonly string[] = []): Promise<RunResult> {
  const result = await host.run(program, args);
  assert.ok(result !== undefined, `${program} is missing`);
  return result;
}
