/**
 * The trust store of the operating system: which one this computer has, whether it trusts an authority, and the change
 * that makes it. Planning writes nothing.
 *
 *   Linux     a file in a folder of anchors; a command makes of them the bundle that programs read
 *   macOS     the login keychain with trust settings of the user; for root the System keychain and those of all users
 *   Windows   the root certificates of the current user
 */
import { X509Certificate } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { systemCode, unusable } from '../../../registry/disk/private-file.ts';
import { assertNever } from '../../../registry/spec/errors.ts';
import { type Change, type Place, sha256 } from '../change.ts';
import type { Host } from '../host.ts';
import { shellWord } from '../shell.ts';

/** The authority that shall be trusted, and for which registry. */
export interface AuthorityToTrust {
  /** PEM of one certificate. */
  readonly authority: string;
  /** A file of this computer with the same PEM, for programs that read no standard input. */
  readonly authorityFile: string;
  /** Host and port of the registry. */
  readonly address: string;
}

export type SystemStore =
  | {
      readonly kind: 'anchors';
      /** The Linux distributions that keep it so. */
      readonly title: string;
      /** Where the administrator's certificates lie, each in a file with this extension. */
      readonly folder: string;
      readonly extension: '.crt' | '.pem';
      /** Makes the bundle after a certificate was added. */
      readonly update: readonly string[];
      /** The same after one was removed. */
      readonly undo: readonly string[];
      /** PEM of all that is trusted. */
      readonly bundle: string;
    }
  | { readonly kind: 'keychain'; readonly path: string; readonly domain: 'user' | 'admin' }
  | { readonly kind: 'windows-root' };

type StorePlace = Extract<Place, { readonly kind: 'store' }>;
type Store<Kind extends SystemStore['kind']> = Extract<SystemStore, { readonly kind: Kind }>;

/** In the order in which mkcert 1.4.4 (truststore_linux.go) tries them: some systems have the folders of others too. */
const anchorStores: readonly Store<'anchors'>[] = [
  {
    kind: 'anchors',
    title: 'Fedora, RHEL',
    folder: '/etc/pki/ca-trust/source/anchors',
    extension: '.pem',
    update: ['update-ca-trust', 'extract'],
    undo: ['update-ca-trust', 'extract'],
    bundle: '/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem',
  },
  {
    kind: 'anchors',
    title: 'Debian, Ubuntu, Alpine',
    folder: '/usr/local/share/ca-certificates',
    // Debian's script passes over every other extension.
    extension: '.crt',
    update: ['update-ca-certificates'],
    // Without --fresh Debian leaves links to the removed file in /etc/ssl/certs. Alpine reads no options.
    undo: ['update-ca-certificates', '--fresh'],
    bundle: '/etc/ssl/certs/ca-certificates.crt',
  },
  {
    kind: 'anchors',
    title: 'Arch',
    folder: '/etc/ca-certificates/trust-source/anchors',
    extension: '.crt',
    update: ['trust', 'extract-compat'],
    undo: ['trust', 'extract-compat'],
    bundle: '/etc/ca-certificates/extracted/tls-ca-bundle.pem',
  },
  {
    kind: 'anchors',
    title: 'openSUSE',
    folder: '/usr/share/pki/trust/anchors',
    extension: '.pem',
    update: ['update-ca-certificates'],
    undo: ['update-ca-certificates'],
    bundle: '/var/lib/ca-certificates/ca-bundle.pem',
  },
];

/**
 * Answers the store of this computer that this process may change; on Linux, with rights of root. `undefined` where
 * none is known, or the program that updates it is missing.
 */
export async function findSystemStore(host: Host): Promise<SystemStore | undefined> {
  if (host.platform === 'darwin') return host.uid === 0 ? systemKeychain : loginKeychain(host);
  if (host.platform === 'win32') return { kind: 'windows-root' };
  if (host.platform !== 'linux') return undefined;
  for (const store of anchorStores) {
    const [program = ''] = store.update;
    const isUsable =
      (await isFolder(host.systemPath(store.folder))) && (await host.find(program)) !== undefined;
    if (isUsable) return store;
  }
  return undefined;
}

/**
 * Answers whether the system trusts exactly this certificate, whoever put it there. False where no store is found.
 * Programs that run already may not have noticed: Go reads the store once per process. Throws DATA_UNUSABLE.
 */
export async function isTrustedBySystem(host: Host, authority: string): Promise<boolean> {
  const store = await findSystemStore(host);
  if (store === undefined) return false;
  const certificate = new X509Certificate(authority);
  switch (store.kind) {
    case 'anchors':
      return holds(await readIfThere(host.systemPath(store.bundle)), certificate);
    case 'keychain':
      return (
        (await finds(host, readKeychain(loginKeychain(host), certificate))) ||
        (await finds(host, readKeychain(systemKeychain, certificate)))
      );
    case 'windows-root':
      return await finds(host, windowsPlace(certificate).read);
    default:
      return assertNever(store);
  }
}

/**
 * Plans what makes programs of this computer trust the authority: one change; none if the system trusts it, or if no
 * store is found. On macOS and Windows a question of the system waits for the user. Throws DATA_UNUSABLE.
 */
export async function planSystemTrust(host: Host, options: AuthorityToTrust): Promise<Change[]> {
  const { authority, authorityFile, address } = options;
  const store = await findSystemStore(host);
  if (store === undefined || (await isTrustedBySystem(host, authority))) return [];
  const certificate = new X509Certificate(authority);
  const shared = {
    engine: 'system',
    address,
    edit: { kind: 'whole' },
    after: Buffer.from(certificate.toString()).toString('base64'),
  } as const;
  switch (store.kind) {
    case 'anchors': {
      const path = join(store.folder, `berth-${shortFingerprint(certificate)}${store.extension}`);
      const there = await readIfThere(host.systemPath(path));
      const sudo = host.uid === 0 ? '' : 'sudo ';
      return [
        {
          ...shared,
          title: `Let all programs of this computer trust the registry (${store.title}).`,
          place: { kind: 'file', path, mode: 0o644 },
          before: there === undefined ? undefined : sha256(there),
          needsRoot: host.uid !== 0,
          activation: { kind: 'run', command: store.update, undo: store.undo },
          proof: { kind: 'handshake', bundle: store.bundle, address },
          manual: [
            `${sudo}install -m 644 ${shellWord(authorityFile)} ${path}`,
            `${sudo}${store.update.join(' ')}`,
          ],
        },
      ];
    }
    case 'keychain': {
      const place = keychainPlace(store, certificate, authorityFile);
      return [
        {
          ...shared,
          ...storeChange,
          title: `Let all programs of ${store.domain === 'user' ? 'this user' : 'this computer'} trust the registry (${place.label}).`,
          place,
          manual: [place.add.map(shellWord).join(' ')],
        },
      ];
    }
    case 'windows-root':
      return [
        {
          ...shared,
          ...storeChange,
          title: 'Let all programs of this user trust the registry (root certificates of Windows).',
          place: windowsPlace(certificate),
          manual: [`certutil -user -addstore Root "${authorityFile}"`],
        },
      ];
    default:
      return assertNever(store);
  }
}

/** What changes of stores have in common that belong to the user and that hold nothing but whole certificates. */
export const storeChange = {
  before: undefined,
  needsRoot: false,
  activation: { kind: 'none' },
  proof: { kind: 'none' },
} as const;

/** Eight hexadecimal digits that tell authorities of the same name apart. */
export function shortFingerprint(certificate: X509Certificate): string {
  return certificate.fingerprint256.replaceAll(':', '').slice(0, 8).toLowerCase();
}

/**
 * An awk command that passes on the one certificate of its input in which `mark` occurs. `security` and `certutil`
 * print all certificates of one subject, and all authorities that are made on one computer have the same.
 */
export function pickCertificate(mark: string): string {
  return `awk -v mark=${mark} '
    { sub(/\\r$/, "") }
    /-BEGIN/ { pem = ""; body = "" }
    { pem = pem $0 "\\n"; body = body $0 }
    /-END/ && index(body, mark) { printf "%s", pem }'`;
}

/** Base64 of the last bytes of a certificate: they belong to its signature, which no other one has. */
export function markOf(certificate: X509Certificate): string {
  return certificate.raw.toString('base64').slice(-64);
}

const systemKeychain: Store<'keychain'> = {
  kind: 'keychain',
  path: '/Library/Keychains/System.keychain',
  domain: 'admin',
};

function loginKeychain(host: Host): Store<'keychain'> {
  return { kind: 'keychain', path: `${host.home}/Library/Keychains/login.keychain-db`, domain: 'user' };
}

/**
 * security(1). A certificate in a keychain and the trust in it are two things, the second with a dialog that may be
 * dismissed: reading finds what has both, removing takes away what there is of them.
 */
function keychainPlace(
  store: Store<'keychain'>,
  certificate: X509Certificate,
  authorityFile: string,
): StorePlace {
  const flags = store.domain === 'admin' ? ['-d'] : [];
  const untrust = ['security', 'remove-trusted-cert', ...flags].join(' ');
  return {
    kind: 'store',
    label: `the keychain ${store.path}`,
    read: readKeychain(store, certificate),
    add: ['security', 'add-trusted-cert', ...flags, '-r', 'trustRoot', '-k', store.path, authorityFile],
    remove: keychainScript(
      store,
      certificate,
      `[ -s "$file" ] || exit 0
${untrust} "$file" || ! ${isTrustedFile} || exit 1
security delete-certificate -Z ${sha1Of(certificate)} "$1"`,
    ),
  };
}

function readKeychain(store: Store<'keychain'>, certificate: X509Certificate): readonly string[] {
  return keychainScript(store, certificate, `[ -s "$file" ] && ${isTrustedFile} >&2 && cat "$file"`);
}

/** -l: the certificate is an authority; -L: without the network. */
const isTrustedFile = 'security verify-cert -q -L -l -c "$file"';

/** Runs lines with `$file`, the certificate as the keychain has it: the registry's own file may be gone one day. */
function keychainScript(
  { path }: Store<'keychain'>,
  certificate: X509Certificate,
  lines: string,
): readonly string[] {
  const script = `file=$(mktemp) || exit 1
trap 'rm -f "$file"' EXIT
security find-certificate -a -p "$1" | ${pickCertificate('"$2"')} >"$file"
${lines}`;
  return ['sh', '-c', script, 'sh', path, markOf(certificate)];
}

/** .NET's X509Store in the PowerShell that every Windows has. Adding and removing ask the user by a dialog. */
function windowsPlace(certificate: X509Certificate): StorePlace {
  const namespace = 'Security.Cryptography.X509Certificates';
  const found = `$store.Certificates.Find('FindByThumbprint', '${sha1Of(certificate)}', $false)`;
  const script = (mode: 'ReadOnly' | 'ReadWrite', text: string) => [
    'powershell',
    '-NoProfile',
    '-Command',
    `$ErrorActionPreference = 'Stop'; $store = [${namespace}.X509Store]::new('Root', 'CurrentUser'); $store.Open('${mode}'); ${text}`,
  ];
  return {
    kind: 'store',
    label: 'the root certificates of the current user',
    read: script(
      'ReadOnly',
      `$found = ${found}; if ($found.Count -eq 0) { exit 1 }; '-----BEGIN CERTIFICATE-----'; [Convert]::ToBase64String($found[0].RawData, 'InsertLineBreaks'); '-----END CERTIFICATE-----'`,
    ),
    add: script(
      'ReadWrite',
      `$store.Add([${namespace}.X509Certificate2]::new([Text.Encoding]::ASCII.GetBytes([Console]::In.ReadToEnd())))`,
    ),
    remove: script('ReadWrite', `${found} | ForEach-Object { $store.Remove($_) }`),
  };
}

/** Both systems name a certificate by its SHA-1. */
function sha1Of(certificate: X509Certificate): string {
  return certificate.fingerprint.replaceAll(':', '');
}

async function finds(host: Host, [program = '', ...args]: readonly string[]): Promise<boolean> {
  const result = await host.run(program, args);
  return result?.code === 0 && result.stdout !== '';
}

/** Compares bytes, not text: bundles are wrapped and commented as their makers like. */
function holds(bundle: Buffer | undefined, certificate: X509Certificate): boolean {
  const pems = bundle?.toString('latin1').matchAll(/-----BEGIN CERTIFICATE-----([^-]+)-----END/g) ?? [];
  for (const [, base64 = ''] of pems) {
    if (Buffer.from(base64, 'base64').equals(certificate.raw)) return true;
  }
  return false;
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch (error) {
    if (isAbsence(error)) return false;
    throw unusable(`Cannot look at "${path}"`, error);
  }
}

async function readIfThere(path: string): Promise<Buffer | undefined> {
  try {
    return await readFile(path);
  } catch (error) {
    if (isAbsence(error)) return undefined;
    throw unusable(`Cannot read "${path}"`, error);
  }
}

/** Whether an error of the file system says that there is nothing. */
export function isAbsence(error: unknown): boolean {
  return ['ENOENT', 'ENOTDIR'].includes(systemCode(error) ?? '');
}
