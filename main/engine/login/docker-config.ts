/**
 * The configuration of Docker's client, config.json: what it says about the login to an address, and the one entry
 * that Berth puts there. The global `credsStore` is of the user and stays as it is.
 *
 *     "credHelpers": { "h:p": "berth" }          who is asked for this address, before all else
 *     "credsStore": "desktop"                    who is asked for all others
 *     "auths": { "h:p": { "auth": "<base64>" } } the password, readable; empty where a program keeps it
 *
 * Podman, Skopeo, Buildah and BuildKit's client read the same file.
 */
import { join } from 'node:path';
import { type Change, sha256 } from '../change.ts';
import { openPlace } from '../changes/places.ts';
import { membersAt, textAt } from '../detect/json.ts';
import { type JsonText, readJsonObject, removeKey, removeMember, setMember } from '../files/json-edit.ts';
import type { Host } from '../host.ts';
import { addressOf } from './logins.ts';

/** What config.json says about the login to one address. */
export interface DockerLogin {
  readonly file: string;
  /** The helper of this address, as in `docker-credential-NAME`. */
  readonly helper: string | undefined;
  /** The helper of all addresses that have none of their own. */
  readonly credsStore: string | undefined;
  /** The keys under `auths` that mean this address, however they are spelled. */
  readonly keys: readonly string[];
  /** Those of them that hold a readable password or token. */
  readonly readableKeys: readonly string[];
  /** Whose login is readable. */
  readonly user: string | undefined;
}

/** The value in credHelpers that makes clients run docker-credential-berth. */
const helperName = 'berth';

/** Where the configuration of Docker's client is. */
export function dockerConfigFile({ env, home }: Host): string {
  return join(env['DOCKER_CONFIG'] || join(home, '.docker'), 'config.json');
}

/** Reads what config.json says about an address. Throws CHANGE_REFUSED if it is broken or cannot be read. */
export async function readDockerLogin(host: Host, address: string): Promise<DockerLogin> {
  const { file, json } = await readConfig(host);
  const entries = membersAt(json.value, 'auths').filter(([key]) => addressOf(key) === address);
  const readable = entries.filter(([, entry]) => holdsSecret(entry));
  return {
    file,
    helper: textAt(json.value, 'credHelpers', address),
    credsStore: textAt(json.value, 'credsStore'),
    keys: entries.map(([key]) => key),
    readableKeys: readable.map(([key]) => key),
    user: readable.map(([, entry]) => userOf(entry)).find((user) => user !== undefined),
  };
}

/** True if Docker asks Berth's helper for the address. */
export function usesBerth({ helper }: DockerLogin): boolean {
  return helper === helperName;
}

/**
 * The change that lets clients ask Berth's helper for the address; `undefined` if they do. Throws CHANGE_REFUSED if
 * config.json is broken.
 */
export async function planHelperEntry(host: Host, address: string): Promise<Change | undefined> {
  return await planEdit(host, address, {
    title: `Docker, Podman, Skopeo and Buildah ask Berth's helper for the login to ${address}`,
    after: (json) => setMember(json, 'credHelpers', address, helperName),
    manual: `Write "credHelpers": { "${address}": "${helperName}" } into`,
  });
}

/**
 * The change that takes Berth's entry for the address out again; `undefined` if there is none, or one of others.
 * Throws CHANGE_REFUSED if config.json is broken.
 */
export async function planHelperEntryRemoval(host: Host, address: string): Promise<Change | undefined> {
  return await planEdit(host, address, {
    title: `Docker, Podman, Skopeo and Buildah no longer ask Berth's helper for the login to ${address}`,
    after(json) {
      const helpers = membersAt(json.value, 'credHelpers');
      if (!helpers.some(([key, value]) => key === address && value === helperName)) return json.bytes;
      return helpers.length === 1
        ? removeKey(json, 'credHelpers')
        : removeMember(json, 'credHelpers', address);
    },
    manual: `Take "${address}": "${helperName}" out of "credHelpers" in`,
  });
}

async function planEdit(
  host: Host,
  address: string,
  {
    title,
    after,
    manual,
  }: {
    readonly title: string;
    readonly after: (json: JsonText) => Uint8Array;
    readonly manual: string;
  },
): Promise<Change | undefined> {
  const { file, bytes, json } = await readConfig(host);
  const edited = Buffer.from(after(json));
  if (edited.equals(json.bytes)) return undefined;
  return {
    title,
    engine: 'login',
    address,
    place: { kind: 'file', path: file, mode },
    edit: { kind: 'json-member', key: 'credHelpers', member: address, value: helperName },
    before: bytes === undefined ? undefined : sha256(bytes),
    after: edited.toString('base64'),
    needsRoot: false,
    activation: { kind: 'none' },
    proof: { kind: 'none' },
    manual: [`${manual} ${file}`],
  };
}

/** As Docker makes it: it may hold passwords. */
const mode = 0o600;

async function readConfig(host: Host): Promise<{
  readonly file: string;
  readonly bytes: Buffer | undefined;
  readonly json: JsonText;
}> {
  const file = dockerConfigFile(host);
  const bytes = await openPlace(host, { kind: 'file', path: file, mode }).read();
  return { file, bytes, json: readJsonObject(bytes, file) };
}

/** The name before the password in `auth`; of a token that Docker changes for others there is none. */
function userOf(entry: unknown): string | undefined {
  const [user = ''] = Buffer.from(textAt(entry, 'auth') ?? '', 'base64')
    .toString()
    .split(':');
  return user === '' || user === '<token>' ? textAt(entry, 'username') : user;
}

/** Docker, crane and oras take `username` and `password` as well as `auth`. */
function holdsSecret(entry: unknown): boolean {
  return ['auth', 'password', 'identitytoken', 'registrytoken'].some(
    (key) => textAt(entry, key) !== undefined,
  );
}
