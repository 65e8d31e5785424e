/**
 * The certificate databases of NSS: Chromium and Firefox on Linux trust what is in there, beside or instead of the
 * store of the system. They belong to the user. Browsers read them when they start.
 */
import { X509Certificate } from 'node:crypto';
import { access, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { unusable } from '../../../registry/disk/private-file.ts';
import type { Change } from '../change.ts';
import type { Host } from '../host.ts';
import { shellWord } from '../shell.ts';
import {
  type AuthorityToTrust,
  isAbsence,
  markOf,
  pickCertificate,
  shortFingerprint,
  storeChange,
} from './system-store.ts';

export type NssPlan =
  /** One change for each database that does not trust the authority. */
  | { readonly kind: 'planned'; readonly changes: readonly Change[] }
  /** There are databases, but not the program that reads and writes them. */
  | {
      readonly kind: 'needs-tool';
      readonly program: 'certutil';
      /** For people: what to install. */
      readonly hint: string;
      /** Folders of the databases. */
      readonly databases: readonly string[];
    };

export interface Database {
  readonly browser: string;
  readonly folder: string;
}

/**
 * Plans what makes the browsers of this user trust the authority. A database that has a primary password is changed
 * only where certutil can ask for it on a terminal. Throws DATA_UNUSABLE.
 */
export async function planNssTrust(host: Host, options: AuthorityToTrust): Promise<NssPlan> {
  const databases = await findDatabases(host.home);
  if (databases.length > 0 && (await host.find('certutil')) === undefined) {
    return {
      kind: 'needs-tool',
      program: 'certutil',
      hint: 'Install certutil: package libnss3-tools (Debian, Ubuntu), nss-tools (Fedora, Alpine), nss (Arch) or mozilla-nss-tools (openSUSE).',
      databases: databases.map(({ folder }) => folder),
    };
  }
  const changes: Change[] = [];
  for (const database of databases) {
    if (!(await isTrustedBy(host, database, options)))
      changes.push(await planChange(host, database, options));
  }
  return { kind: 'planned', changes };
}

/** The databases of the browsers that this user has run. Throws DATA_UNUSABLE. */
export async function findDatabases(home: string): Promise<readonly Database[]> {
  const candidates: readonly Database[] = [
    { browser: 'Chromium', folder: join(home, '.pki/nssdb') },
    { browser: 'Chromium (snap)', folder: join(home, 'snap/chromium/current/.pki/nssdb') },
    ...(await findProfiles('Firefox', join(home, '.mozilla/firefox'))),
    ...(await findProfiles('Firefox (snap)', join(home, 'snap/firefox/common/.mozilla/firefox'))),
  ];
  const found: Database[] = [];
  for (const database of candidates) {
    if (await isThere(join(database.folder, 'cert9.db'))) found.push(database);
  }
  return found;
}

async function findProfiles(browser: string, folder: string): Promise<readonly Database[]> {
  try {
    return (await readdir(folder)).toSorted().map((name) => ({ browser, folder: join(folder, name) }));
  } catch (error) {
    if (isAbsence(error)) return [];
    throw unusable(`Cannot read "${folder}"`, error);
  }
}

/** The purpose L is an authority of TLS servers. The name of a file stands for the certificate in it. */
async function isTrustedBy(
  host: Host,
  { folder }: Database,
  { authorityFile }: AuthorityToTrust,
): Promise<boolean> {
  const args = ['-V', '-d', `sql:${folder}`, '-u', 'L', '-a', '-n', authorityFile];
  return (await host.run('certutil', args))?.code === 0;
}

async function planChange(host: Host, database: Database, options: AuthorityToTrust): Promise<Change> {
  const { authority, authorityFile, address } = options;
  const certificate = new X509Certificate(authority);
  const name = (await findName(host, database, options)) ?? `Berth CA ${shortFingerprint(certificate)}`;
  const folder = `sql:${database.folder}`;
  const add = ['certutil', '-A', '-d', folder, '-t', 'C,,', '-n', name, '-a'];
  return {
    ...storeChange,
    title: `Let ${database.browser} trust the registry (${database.folder}).`,
    engine: 'system',
    address,
    place: {
      kind: 'store',
      label: `the NSS database ${database.folder}`,
      read: ['sh', '-c', readScript, 'sh', folder, name, markOf(certificate)],
      add,
      remove: ['sh', '-c', removeScript, 'sh', folder, name],
    },
    edit: { kind: 'whole' },
    after: Buffer.from(certificate.toString()).toString('base64'),
    manual: [[...add, '-i', authorityFile].map(shellWord).join(' ')],
  };
}

/**
 * The name that the certificate has in the database, if it is there without trust: NSS keeps each certificate once,
 * and adding it again sets the trust but leaves the name. certutil prints the chain as `"NAME" [SUBJECT]`.
 */
async function findName(
  host: Host,
  { folder }: Database,
  { authorityFile }: AuthorityToTrust,
): Promise<string | undefined> {
  const result = await host.run('certutil', ['-O', '-d', `sql:${folder}`, '-a', '-n', authorityFile]);
  return result?.code === 0 ? /^\s*"(.+)" \[/m.exec(result.stdout)?.[1] : undefined;
}

/** Prints the certificate if it is there and trusted. */
const readScript = `certutil -V -d "$1" -u L -n "$2" >&2 || exit 1
certutil -L -d "$1" -n "$2" -a | ${pickCertificate('"$3"')}`;

/** Fine as well when it is gone already, and with it perhaps the profile. */
const removeScript = `[ -e "\${1#sql:}/cert9.db" ] || exit 0
certutil -D -d "$1" -n "$2" && exit 0
certutil -L -d "$1" >/dev/null && ! certutil -L -d "$1" -n "$2" >/dev/null`;

async function isThere(path: string): Promise<boolean> {
  try {
    await access(path);
    return true;
  } catch (error) {
    if (isAbsence(error)) return false;
    throw unusable(`Cannot look at "${path}"`, error);
  }
}
