/**
 * Changes of users and tokens: edits of the user file and of access.json under one lock, each durable before the
 * call resolves. A running registry takes them over by reading the files again; an edit made by the registry itself
 * is followed by Auth.reload().
 *
 * Where both files change, the order is the safe one if the process dies in between: rights before the user, and the
 * user gone before the rights.
 */
import { readFile, rm } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import type { ImportedUsers, Role, Verb } from '../spec/admin/access.ts';
import { AppError } from '../spec/errors.ts';
import { isGlob } from '../spec/names.ts';
import { accessOf, emptyAccess, parseAccess } from './access.ts';
import type { Access, AccessToken, AccessUser } from './access.ts';
import { everyRepository } from '../spec/globs.ts';
import { generatePassword, hashPassword } from './password.ts';
import { identityPaths } from './paths.ts';
import { withFileLock } from '../disk/file-lock.ts';
import { makePrivateDirectory, systemCode, writePrivateFile } from '../disk/private-file.ts';
import { generateToken } from './tokens.ts';
import { editUsers, isUserName, parseUsers, readForeignUsers } from './users.ts';
import type { Users } from './users.ts';

/** The files that an edit touches. */
export interface AccountFiles {
  readonly users: string;
  readonly access: string;
  readonly lock: string;
  /** berth/users itself, not the htpasswd file of somebody else. */
  readonly isOwn: boolean;
}

/** The files of a data directory. `htpasswdPath` is auth.htpasswd.path where it names another user file. */
export function accountFiles(root: string, htpasswdPath?: string): AccountFiles {
  const { users: own, access, lock } = identityPaths(root);
  const users = htpasswdPath ?? own;
  return { users, access, lock, isOwn: resolve(users) === resolve(own) };
}

/** A user as lists show it. */
export interface Account {
  readonly name: string;
  readonly role: Role;
  readonly repositories: readonly string[];
  readonly grants: AccessUser['grants'];
  readonly state: 'active' | 'disabled' | 'unusable hash';
  readonly createdAt?: string;
}

/** The users in the order of their names (byte order). Throws USERS_INVALID, DATA_UNUSABLE. */
export async function listAccounts(files: AccountFiles): Promise<readonly Account[]> {
  const { users, access } = await readAccounts(files);
  return [...users.byName.values()]
    .map((user) => {
      const entry = entryOf(files, access, user.name);
      const state = entry.disabled ? 'disabled' : user.isUsable ? 'active' : 'unusable hash';
      return {
        name: user.name,
        role: entry.role,
        repositories: entry.repositories,
        grants: entry.grants,
        state,
        ...(entry.createdAt === undefined ? {} : { createdAt: entry.createdAt }),
      } as const;
    })
    .toSorted((a, b) => Buffer.compare(Buffer.from(a.name), Buffer.from(b.name)));
}

/**
 * Adds a user. Tokens and rights left by a former user of that name are dropped.
 * Throws USAGE (name, globs), USER_EXISTS, USERS_INVALID, DATA_UNUSABLE.
 */
export async function addAccount(
  files: AccountFiles,
  {
    name,
    hash,
    role,
    repositories = [everyRepository],
  }: {
    readonly name: string;
    /** bcrypt, from hashPassword or Auth.hashPassword. */
    readonly hash: string;
    readonly role: Role;
    readonly repositories?: readonly string[] | undefined;
  },
): Promise<void> {
  if (!isUserName(name)) {
    throw new AppError('USAGE', {
      message: 'This user name cannot be used.',
      hint: 'Use 1 to 255 bytes without colon, control characters, a # at the start or spaces at the ends.',
    });
  }
  checkGlobs(role, repositories);
  await edit(files, async ({ users, access, saveUsers, saveAccess }) => {
    if (users.byName.has(name))
      throw new AppError('USER_EXISTS', { message: `There is a user ${name} already.` });
    await saveAccess(withNewUser(access, { name, role, repositories }));
    await saveUsers(new Map([[name, hash]]));
  });
}

/** Sets another password hash. Throws USER_UNKNOWN, USERS_INVALID, DATA_UNUSABLE. */
export async function setPasswordHash(files: AccountFiles, name: string, hash: string): Promise<void> {
  await edit(files, async ({ users, saveUsers }) => {
    mustHave(users, name);
    await saveUsers(new Map([[name, hash]]));
  });
}

/**
 * Sets the role, and the globs if there are any; grants stay.
 * Throws USAGE, USER_UNKNOWN, LAST_ADMIN, USERS_INVALID, DATA_UNUSABLE.
 */
export async function setRole(
  files: AccountFiles,
  name: string,
  { role, repositories }: { readonly role: Role; readonly repositories?: readonly string[] | undefined },
): Promise<void> {
  checkGlobs(role, repositories ?? [everyRepository]);
  await changeEntry(files, name, (entry) => {
    const present = role === 'admin' ? [everyRepository] : entry.repositories;
    return { ...entry, role, repositories: [...(repositories ?? present)] };
  });
}

/** Stops or admits the logins of a user. Throws USER_UNKNOWN, LAST_ADMIN, USERS_INVALID, DATA_UNUSABLE. */
export async function setDisabled(files: AccountFiles, name: string, disabled: boolean): Promise<void> {
  await changeEntry(files, name, (entry) => ({ ...entry, disabled }));
}

/** Removes a user with rights and tokens. Throws USER_UNKNOWN, LAST_ADMIN, USERS_INVALID, DATA_UNUSABLE. */
export async function removeAccount(files: AccountFiles, name: string): Promise<void> {
  await edit(files, async ({ users, access, saveUsers, saveAccess }) => {
    mustHave(users, name);
    mustKeepAdmin(files, users, access, name);
    await saveUsers(new Map([[name, undefined]]));
    await saveAccess(withoutUser(access, name));
  });
}

/**
 * Takes users with bcrypt hashes from the text of another htpasswd file. Who is there keeps role and repositories, who
 * is new gets those that are given. Throws USAGE, USERS_INVALID, DATA_UNUSABLE.
 */
export async function importAccounts(
  files: AccountFiles,
  text: string,
  {
    role,
    repositories = [everyRepository],
    isDryRun,
  }: {
    readonly role: Role;
    readonly repositories?: readonly string[] | undefined;
    readonly isDryRun: boolean;
  },
): Promise<ImportedUsers> {
  checkGlobs(role, repositories);
  const { hashes, skipped } = readForeignUsers(text);
  const plan = ({ byName }: Users): ImportedUsers => {
    const names = [...hashes.keys()];
    const isSame = (name: string): boolean => byName.get(name)?.hash === hashes.get(name);
    return {
      added: names.filter((name) => !byName.has(name)),
      changed: names.filter((name) => byName.has(name) && !isSame(name)),
      unchanged: names.filter(isSame),
      skipped,
    };
  };
  if (isDryRun) return plan((await readAccounts(files)).users);
  let done = plan({ byName: new Map(), cost: 0, warnings: [] });
  await edit(files, async ({ users, access, saveUsers, saveAccess }) => {
    done = plan(users);
    if (done.added.length > 0) {
      await saveAccess(
        done.added.reduce((all, name) => withNewUser(all, { name, role, repositories }), access),
      );
    }
    if (done.added.length + done.changed.length > 0) await saveUsers(hashes);
  });
  return done;
}

/** Answers those users that can log in as the text of an htpasswd file. Throws USERS_INVALID, DATA_UNUSABLE. */
export async function exportAccounts(files: AccountFiles): Promise<string> {
  const { users } = await readAccounts(files);
  const usable = [...users.byName.values()].filter(({ isUsable }) => isUsable);
  return usable.map(({ name, hash }) => `${name}:${hash}\n`).join('');
}

/**
 * Makes a personal access token; `text` is known only to the one who gets this answer. Times are RFC 3339.
 * Throws USAGE, USER_UNKNOWN, USERS_INVALID, DATA_UNUSABLE.
 */
export async function createToken(
  files: AccountFiles,
  {
    owner,
    label,
    verbs,
    repositories = [everyRepository],
    expiresAt,
  }: {
    readonly owner: string;
    readonly label: string;
    readonly verbs: readonly Verb[];
    readonly repositories?: readonly string[] | undefined;
    readonly expiresAt?: string | undefined;
  },
): Promise<{ readonly token: AccessToken; readonly text: string }> {
  checkGlobs('pull', repositories);
  if (label.length > 200 || /\p{Cc}/u.test(label)) {
    throw new AppError('USAGE', {
      message: 'The label has more than 200 characters, or control characters.',
    });
  }
  const { id, hash, text } = generateToken();
  const token: AccessToken = {
    id,
    label,
    owner,
    hash,
    verbs: [...new Set(verbs)],
    repositories: [...repositories],
    createdAt: isoNow(),
    ...(expiresAt === undefined ? {} : { expiresAt }),
  };
  await edit(files, async ({ users, access, saveAccess }) => {
    mustHave(users, owner);
    await saveAccess({ ...access, tokens: [...access.tokens, token] });
  });
  return { token, text };
}

/** The tokens in the order they were made. Throws USERS_INVALID, DATA_UNUSABLE. */
export async function listTokens(files: AccountFiles): Promise<readonly AccessToken[]> {
  return (await readAccounts(files)).access.tokens;
}

/** Ends a token. Throws TOKEN_UNKNOWN, USERS_INVALID, DATA_UNUSABLE. */
export async function revokeToken(files: AccountFiles, id: string): Promise<void> {
  await edit(files, async ({ access, saveAccess }) => {
    const tokens = access.tokens.filter((token) => token.id !== id);
    if (tokens.length === access.tokens.length) {
      throw new AppError('TOKEN_UNKNOWN', { message: `There is no token with the id "${id}".` });
    }
    await saveAccess({ ...access, tokens });
  });
}

/**
 * Makes the administrator `dev` with a random password, to be shown once, in a data directory that has no user file
 * yet; `undefined` if it has one. Throws DATA_UNUSABLE.
 */
export async function createFirstUser({
  root,
}: {
  readonly root: string;
}): Promise<{ readonly user: string; readonly password: string } | undefined> {
  const files = accountFiles(root);
  if ((await readIfThere(files.users)) !== undefined) return undefined;
  const password = generatePassword();
  await addAccount(files, { name: firstUser, hash: await hashPassword(password), role: 'admin' });
  return { user: firstUser, password };
}

/**
 * Takes the first user back, when the start failed and nobody has seen the password. What access.json says of others
 * stays.
 */
export async function removeFirstUser({ root }: { readonly root: string }): Promise<void> {
  const files = accountFiles(root);
  await edit(files, async ({ access, saveAccess }) => {
    await rm(files.users, { force: true });
    const others = withoutUser(access, firstUser);
    if (others.users.length === 0 && others.tokens.length === 0) await rm(files.access, { force: true });
    else await saveAccess(others);
  });
}

const firstUser = 'dev';

interface Accounts {
  readonly users: Users;
  readonly access: Access;
}

interface Edit extends Accounts {
  /** Sets or (`undefined`) removes the lines of users. */
  readonly saveUsers: (hashes: ReadonlyMap<string, string | undefined>) => Promise<void>;
  readonly saveAccess: (access: Access) => Promise<void>;
}

async function edit(files: AccountFiles, change: (edit: Edit) => Promise<void>): Promise<void> {
  await makePrivateDirectory(dirname(files.lock));
  await withFileLock(files.lock, async () => {
    const { bytes, ...accounts } = await readAccounts(files);
    await change({
      ...accounts,
      async saveUsers(hashes) {
        await writePrivateFile(files.users, editUsers(bytes, files.users, hashes), {
          keepMode: !files.isOwn,
        });
      },
      async saveAccess(access) {
        await writePrivateFile(files.access, `${JSON.stringify(access, undefined, 2)}\n`);
      },
    });
  });
}

async function changeEntry(
  files: AccountFiles,
  name: string,
  change: (entry: AccessUser) => AccessUser,
): Promise<void> {
  await edit(files, async ({ users, access, saveAccess }) => {
    mustHave(users, name);
    const entry = change(entryOf(files, access, name));
    if (entry.role !== 'admin' || entry.disabled) mustKeepAdmin(files, users, access, name);
    const isThere = access.users.some((user) => user.name === name);
    const others = access.users.map((user) => (user.name === name ? entry : user));
    await saveAccess({ ...access, users: isThere ? others : [...others, entry] });
  });
}

async function readAccounts(files: AccountFiles): Promise<Accounts & { readonly bytes: Uint8Array }> {
  const bytes = await readIfThere(files.users);
  if (bytes === undefined && !files.isOwn) {
    throw new AppError('USERS_INVALID', { message: `The user file "${files.users}" does not exist.` });
  }
  const accessBytes = await readIfThere(files.access);
  return {
    bytes: bytes ?? new Uint8Array(),
    users: parseUsers(bytes ?? new Uint8Array(), files.users),
    access: accessBytes === undefined ? emptyAccess : parseAccess(accessBytes, files.access),
  };
}

async function readIfThere(path: string): Promise<Uint8Array | undefined> {
  try {
    return await readFile(path);
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined;
    throw new AppError('DATA_UNUSABLE', {
      message: `Cannot read "${path}": ${systemCode(error) ?? 'unknown error'}.`,
      hint: 'Run the command as the user that the registry runs as.',
      cause: error,
    });
  }
}

function entryOf(files: AccountFiles, access: Access, name: string): AccessUser {
  return accessOf(access, name, files.isOwn ? 'pull' : 'admin');
}

function mustHave(users: Users, name: string): void {
  if (!users.byName.has(name)) throw new AppError('USER_UNKNOWN', { message: `There is no user "${name}".` });
}

/** Throws LAST_ADMIN if, without this user, nobody who can log in has the role admin. */
function mustKeepAdmin(files: AccountFiles, users: Users, access: Access, leaving: string): void {
  const isAdmin = (name: string): boolean => {
    const entry = entryOf(files, access, name);
    return entry.role === 'admin' && !entry.disabled && users.byName.get(name)?.isUsable === true;
  };
  if (!isAdmin(leaving)) return;
  if ([...users.byName.keys()].some((name) => name !== leaving && isAdmin(name))) return;
  throw new AppError('LAST_ADMIN', { message: `"${leaving}" is the last administrator.` });
}

/** What a former user of that name may have left is dropped. */
function withNewUser(
  access: Access,
  {
    name,
    role,
    repositories,
  }: { readonly name: string; readonly role: Role; readonly repositories: readonly string[] },
): Access {
  const former = withoutUser(access, name);
  const entry = {
    name,
    role,
    repositories: [...repositories],
    grants: [],
    disabled: false,
    createdAt: isoNow(),
  };
  return { ...former, users: [...former.users, entry] };
}

function withoutUser(access: Access, name: string): Access {
  return {
    ...access,
    users: access.users.filter((user) => user.name !== name),
    tokens: access.tokens.filter((token) => token.owner !== name),
  };
}

function checkGlobs(role: Role, repositories: readonly string[]): void {
  const bad = repositories.find((glob) => !isGlob(glob));
  if (bad !== undefined) {
    throw new AppError('USAGE', {
      message: `"${bad}" is not a glob over repository names.`,
      hint: 'Use lower-case names, * for one part and ** for any number of parts: team/app, team/*, team/**.',
    });
  }
  if (role === 'admin' && repositories.some((glob) => glob !== everyRepository)) {
    throw new AppError('USAGE', {
      message: 'The role admin covers every repository.',
      hint: 'Leave --repositories out, or choose the role push or pull.',
    });
  }
}

function isoNow(): string {
  return new Date().toISOString();
}
