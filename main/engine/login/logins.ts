/**
 * The logins of this user to registries: one private file, which Docker's credential helper of Berth answers from.
 *
 *     { "<address>": { "user": "...", "secret": "...", "tokenId": "..." } }
 */
import { open, stat } from 'node:fs/promises';
import { dirname, isAbsolute, join } from 'node:path';
import { withFileLock } from '../../../registry/disk/file-lock.ts';
import {
  makePrivateDirectory,
  refuseLooseMode,
  systemCode,
  unusable,
  writePrivateFile,
} from '../../../registry/disk/private-file.ts';
import { AppError } from '../../../registry/spec/errors.ts';
import type { Host } from '../host.ts';

export interface Login {
  readonly user: string;
  /** A personal access token, or a password that the person typed. */
  readonly secret: string;
  /** The token's id, so that logging out can revoke it; `undefined` for a password. */
  readonly tokenId: string | undefined;
}

/** A login without its secret, for lists. */
export interface LoginName {
  readonly address: string;
  readonly user: string;
  readonly tokenId: string | undefined;
}

/** Where the logins of this user are. */
export function loginsFile(host: Host): string {
  const { platform, env, home } = host;
  if (platform === 'win32') {
    return join(env['LOCALAPPDATA'] ?? join(home, 'AppData', 'Local'), 'Berth', 'logins.json');
  }
  if (platform === 'darwin') return join(home, 'Library', 'Application Support', 'Berth', 'logins.json');
  return join(configFolder(host), 'berth', 'logins.json');
}

/** Where programs of this user keep their configuration on Linux. */
export function configFolder({ env, home }: Host): string {
  const configured = env['XDG_CONFIG_HOME'];
  // XDG Base Directory Specification: a relative path is invalid and to be ignored.
  return configured !== undefined && isAbsolute(configured) ? configured : join(home, '.config');
}

/**
 * The address in a server URL as clients write it: `h:p`, `https://h:p`, `https://h:p/v2/`; in lower case.
 * `undefined` if it is no address, or names a repository as well.
 */
export function addressOf(serverUrl: string): string | undefined {
  const host = String.raw`[a-z0-9][a-z0-9._-]*|\[[0-9a-f:.]+\]`;
  const [, address] =
    new RegExp(String.raw`^(?:https?://)?((?:${host})(?::\d{1,5})?)(?:/(?:v[12]/?)?)?$`, 'i').exec(
      serverUrl,
    ) ?? [];
  return address?.toLowerCase();
}

/** The login to an address, if there is one. Throws DATA_UNUSABLE if the file is broken or others can reach it. */
export async function readLogin(host: Host, address: string): Promise<Login | undefined> {
  return (await readLogins(loginsFile(host))).get(address);
}

/** The logins by address (code unit order). Throws DATA_UNUSABLE. */
export async function listLogins(host: Host): Promise<readonly LoginName[]> {
  const logins = await readLogins(loginsFile(host));
  return [...logins]
    .map(([address, { user, tokenId }]) => ({ address, user, tokenId }))
    .toSorted((a, b) => (a.address < b.address ? -1 : 1));
}

/**
 * Keeps a login, in place of the former one to that address. Saving the same user and secret again without a token id
 * keeps the id: docker login stores what it got from here once more. Durable. Throws DATA_UNUSABLE.
 */
export async function saveLogin(host: Host, address: string, login: Login): Promise<void> {
  await edit(loginsFile(host), (logins) => {
    const former = logins.get(address);
    const isSame = former?.user === login.user && former.secret === login.secret;
    logins.set(address, isSame ? { ...login, tokenId: login.tokenId ?? former.tokenId } : login);
  });
}

/** Forgets a login and answers what it was; `undefined` if there was none. Durable. Throws DATA_UNUSABLE. */
export async function removeLogin(host: Host, address: string): Promise<Login | undefined> {
  // docker logout erases whether there is a login or not: nothing is made for that.
  if ((await readLogin(host, address)) === undefined) return undefined;
  let former: Login | undefined;
  await edit(loginsFile(host), (logins) => {
    former = logins.get(address);
    logins.delete(address);
  });
  return former;
}

/** A login is a few hundred bytes. */
const maxBytes = 1024 * 1024;

async function edit(file: string, change: (logins: Map<string, Login>) => void): Promise<void> {
  const folder = dirname(file);
  await makePrivateDirectory(folder);
  await withFileLock(join(folder, 'logins.lock'), async () => {
    const logins = await readLogins(file);
    change(logins);
    await writePrivateFile(file, `${JSON.stringify(Object.fromEntries(logins), undefined, 2)}\n`);
  });
}

async function readLogins(file: string): Promise<Map<string, Login>> {
  const text = await readPrivateText(file);
  return text === undefined ? new Map() : parseLogins(file, text);
}

/** The text of a file that only its owner can reach, through the folder as well; `undefined` if there is no file. */
async function readPrivateText(file: string): Promise<string | undefined> {
  try {
    const folder = dirname(file);
    refuseLooseMode(folder, (await stat(folder)).mode, '700');
    await using handle = await open(file, 'r');
    const { mode, size } = await handle.stat();
    refuseLooseMode(file, mode);
    if (size > maxBytes) throw broken(file, 'is larger than 1 MiB');
    return await handle.readFile('utf8');
  } catch (error) {
    if (error instanceof AppError) throw error;
    if (systemCode(error) === 'ENOENT') return undefined;
    throw unusable(`Cannot read "${file}"`, error);
  }
}

function parseLogins(file: string, text: string): Map<string, Login> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // The message of JSON.parse quotes the text, which holds secrets.
    throw broken(file, 'is not valid JSON');
  }
  if (!isObject(value)) throw broken(file, 'is not a JSON object');
  return new Map(
    Object.entries(value).map(([address, entry]) => {
      if (!isObject(entry)) throw broken(file, `has no login under "${address}"`);
      const { user, secret, tokenId } = entry;
      if (typeof user !== 'string' || typeof secret !== 'string') {
        throw broken(file, `has no user and secret under "${address}"`);
      }
      return [address, { user, secret, tokenId: typeof tokenId === 'string' ? tokenId : undefined }];
    }),
  );
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function broken(file: string, what: string): AppError {
  return new AppError('DATA_UNUSABLE', {
    message: `"${file}" ${what}.`,
    hint: 'Move the file away, then log in again: berth login',
    detail: { file },
  });
}
