/**
 * Identity: turns an Authorization header into a caller.
 *
 *   none, `Basic Og==`                   none: the answer is challenge.ts's, or anonymous pull
 *   Basic user:berth_pat_...             tokens.ts; the right token is never slowed down, it cannot be guessed
 *   Basic user:password                  verify-password.ts
 *   Bearer                               bearer.ts; rights and proof are looked up again
 *
 * The user file and the access file are read again when they change. While one of them is broken nobody can log in.
 */
import { resolve } from 'node:path';
import type { KeyObject } from 'node:crypto';
import type { Role } from '../spec/admin/access.ts';
import { AppError, assertNever } from '../spec/errors.ts';
import type { Log } from '../spec/log-record.ts';
import type { RepoName } from '../spec/names.ts';
import type { WorkerEntry } from '../workers/thread.ts';
import {
  accessOf,
  allRights,
  emptyAccess,
  limitToToken,
  noRights,
  parseAccess,
  rightsOf,
  withOpen,
} from './access.ts';
import type { Access, AccessToken, Rights } from './access.ts';
import { parseAuthorization } from './basic.ts';
import type { BasicCredentials } from './basic.ts';
import { createBcryptPool } from './bcrypt-pool.ts';
import { createBearer, generateTokenKey, loadTokenKey } from './bearer.ts';
import type { Bearer } from './bearer.ts';
import { allows, callerOf, formatProof, limitToScopes, markOf, parseProof } from './caller.ts';
import type { Caller, Identity, Proof } from './caller.ts';
import { compileGlobs } from '../spec/globs.ts';
import { createGuard } from './guard.ts';
import { openLastUses } from './last-uses.ts';
import type { LastUse, LastUses, UseKey } from './last-uses.ts';
import type { GuardOptions } from './guard.ts';
import { checkNewPassword } from './password.ts';
import { identityPaths } from './paths.ts';
import { fromClaim, toClaim } from './scopes.ts';
import type { Scope } from './scopes.ts';
import { findToken, isExpired, isTokenText } from './tokens.ts';
import { ownCost, parseUsers } from './users.ts';
import type { Users } from './users.ts';
import { createPasswordVerifier } from './verify-password.ts';
import type { WaitOptions } from './verify-password.ts';
import { watchFile } from './watched-file.ts';
import type { Loaded } from './watched-file.ts';

export interface AuthOptions {
  /** `none`: no login, everyone is administrator (auth: none in the configuration). */
  readonly mode: 'htpasswd' | 'none';
  /** The data directory; berth/users, berth/access.json and berth/token.key are below it. */
  readonly root: string;
  /** auth.htpasswd.path, if it is not berth/users. Its users have the role admin unless access.json says less. */
  readonly htpasswdPath?: string;
  /** Tells, each time, which repositories anyone may pull; none: anonymous pull is off. */
  readonly open?: () => Openness;
  readonly log: Log;
  readonly bcryptEntry?: WorkerEntry;
  readonly bcryptThreads?: number;
  readonly guard?: GuardOptions;
  /** How often the files are looked at, at most. */
  readonly checkEveryMs?: number;
  /** Milliseconds since the epoch, for expiry. */
  readonly now?: () => number;
}

export interface IdentifyRequest {
  /** The header as it came. */
  readonly authorization: string | undefined;
  /** The address of the client. */
  readonly address: string;
  /** The User-Agent of the client, as it was sent. */
  readonly client?: string | undefined;
  /** The audience a Bearer token must have: the host the client speaks to. The same as in `issue`. */
  readonly service?: string;
}

export interface Auth extends AsyncDisposable {
  readonly mode: 'htpasswd' | 'none';
  /** Whether some repository is open to anonymous pull. */
  readonly isAnonymousOn: boolean;
  /** Whether anyone may pull from the repository. */
  isOpen(repository: RepoName): boolean;
  /** Who asks without credentials. */
  readonly anonymous: Caller;
  /**
   * Judges the credentials of a request. Throws TOO_MANY_LOGINS (with retryAfterSeconds), CANCELLED, UNAVAILABLE.
   * What it answers holds for one request: the next one sees changed files after at most `checkEveryMs`; at once where it
   * would be refused without.
   */
  identify(request: IdentifyRequest, options?: WaitOptions): Promise<Identity>;
  /** A Bearer token for the part of the scopes that the caller (or anonymous) may have. */
  issue(request: {
    readonly identity: Identity;
    readonly scopes: readonly Scope[];
    readonly service?: string;
  }): { readonly token: string; readonly issuedAt: string };
  /**
   * The caller behind a login of before with the rights of this moment; `undefined` once its proof does not hold: another
   * password, a user that is disabled or gone, a file that is broken.
   */
  present(user: string, proof: Proof): Promise<Caller | undefined>;
  /**
   * Calls whenever one of the files has been read anew, until the function that it answers is called. `isOwn`: because
   * of `reload`, so that whoever edited it says what was changed.
   */
  onChange(listener: (change: { readonly isOwn: boolean }) => void): () => void;
  /** Reads the files again at once, after an edit by this process. Answers what is broken, if anything. */
  reload(): Promise<AppError | undefined>;
  /** Hashes a new password in a worker thread. Throws PASSWORD_INVALID, TOO_MANY_LOGINS, CANCELLED. */
  hashPassword(password: string, options?: { readonly signal?: AbortSignal }): Promise<string>;
  /** When a user or token was last let in; kept over restarts, but for the last half minute before a crash. */
  lastUse(kind: UseKey['kind'], id: string): LastUse | undefined;
  /** How many bcrypt computations were begun. */
  readonly bcryptCount: number;
}

/**
 * Reads the files and is ready to identify. Throws USERS_INVALID (file and line), DATA_UNUSABLE (modes, key).
 * Dispose it to end the worker threads.
 */
export async function createAuth(options: AuthOptions): Promise<Auth> {
  if (options.mode === 'none') return serve(options, generateTokenKey(), undefined);
  const { root, log } = options;
  const paths = identityPaths(root);
  const key = await loadTokenKey(paths.tokenKey);
  const watched = await watchIdentity(options);
  const isKnown = async ({ kind, id }: UseKey): Promise<boolean> => {
    const state = await watched.current();
    // While a file is broken nobody knows.
    if ('error' in state) return true;
    const { users, access } = state.value;
    if (kind === 'program') return true;
    return kind === 'user' ? users.byName.has(id) : access.tokens.some((token) => token.id === id);
  };
  return serve(options, key, {
    ...watched,
    uses: await openLastUses({ path: paths.lastUses, log, isKnown }),
  });
}

/** Which repositories anyone may pull. */
export interface Openness {
  readonly isOn: boolean;
  readonly isOpen: (repository: RepoName) => boolean;
}

/** Opens the repositories that match one of the globs to everybody. */
export function openTo(globs: readonly string[]): Openness {
  return { isOn: globs.length > 0, isOpen: compileGlobs(globs) };
}

/** What the two files say, or why one of them cannot be used. */
type State = Loaded<{ readonly users: Users; readonly access: Access }>;

interface WatchedIdentity {
  readonly defaultRole: Role;
  current(): Promise<State>;
  /** Looks at the files at once. */
  latest(): Promise<State>;
  /** The same, after an edit by this process. */
  reload(): Promise<State>;
  readonly listeners: Set<(change: { readonly isOwn: boolean }) => void>;
}

interface Files extends WatchedIdentity {
  readonly uses: LastUses;
}

const nothingOpen = openTo([]);

const defaultAudience = 'berth';

function serve(options: AuthOptions, key: KeyObject, files: Files | undefined): Auth {
  const { open = () => nothingOpen, now = Date.now } = options;
  const isOpen = (repository: RepoName): boolean => open().isOpen(repository);
  const anonymous = callerOf('', withOpen(noRights, isOpen));
  const everyone = callerOf('', allRights);
  const bearer: Bearer = createBearer({ key, now });
  const pool = createBcryptPool({
    ...(options.bcryptEntry === undefined ? {} : { entry: options.bcryptEntry }),
    ...(options.bcryptThreads === undefined ? {} : { size: options.bcryptThreads }),
  });
  const guard = createGuard(options.guard);
  const verifyPassword = createPasswordVerifier({ pool, guard });

  return {
    mode: options.mode,
    get isAnonymousOn() {
      return open().isOn;
    },
    isOpen,
    anonymous: files === undefined ? everyone : anonymous,
    lastUse: (kind, id) => files?.uses.find({ kind, id }),
    get bcryptCount() {
      return pool.count;
    },
    async identify(request, waitOptions) {
      if (files === undefined)
        return { kind: 'caller', caller: everyone, scheme: 'basic', proof: { kind: 'none' } };
      const given = parseAuthorization(request.authorization);
      switch (given.kind) {
        case 'none':
          return { kind: 'none' };
        case 'malformed':
          return { kind: 'rejected', reason: 'malformed', scheme: 'basic' };
        case 'basic':
          return isTokenText(given.password)
            ? await byToken(files, given, request)
            : await byPassword(files, given, request, waitOptions);
        case 'bearer':
          return await byBearer(files, given.token, request);
        default:
          return assertNever(given);
      }
    },
    issue({ identity, scopes, service = defaultAudience }) {
      const caller = identity.kind === 'caller' ? identity.caller : anonymous;
      const proof: Proof = identity.kind === 'caller' ? identity.proof : { kind: 'none' };
      const access = scopes.flatMap((scope) => {
        const granted = grant(caller, scope);
        return granted === undefined ? [] : [toClaim(granted)];
      });
      return bearer.issue({ user: caller.name, via: formatProof(proof), audience: service, access });
    },
    present: async (user, proof) =>
      files === undefined ? everyone : await presentCaller(files, { user, proof }),
    onChange(listener) {
      files?.listeners.add(listener);
      return () => files?.listeners.delete(listener);
    },
    async reload() {
      const state = await files?.reload();
      return state !== undefined && 'error' in state ? state.error : undefined;
    },
    async hashPassword(password, waitOptions) {
      checkNewPassword(password);
      return await pool.hash(password, ownCost, waitOptions);
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([pool[Symbol.asyncDispose](), files?.uses[Symbol.asyncDispose]()]);
    },
  };

  async function byPassword(
    from: Files,
    credentials: BasicCredentials,
    request: IdentifyRequest,
    waitOptions: WaitOptions | undefined,
  ): Promise<Identity> {
    const before = await from.current();
    const identity = await judgePassword(from, before, credentials, request, waitOptions);
    if (identity.kind === 'caller') return identity;
    // The user may have been added a moment ago, or got another password.
    const latest = await from.latest();
    return isSameUser(before, latest, credentials.user)
      ? identity
      : await judgePassword(from, latest, credentials, request, waitOptions);
  }

  async function judgePassword(
    from: Files,
    before: State,
    { user, password }: BasicCredentials,
    { address, client }: IdentifyRequest,
    waitOptions: WaitOptions | undefined,
  ): Promise<Identity> {
    const rejected: Identity = { kind: 'rejected', reason: 'credentials', scheme: 'basic', user };
    if ('error' in before) return rejected;
    const { users, access } = before.value;
    const isDisabled = userRights(from, access, user) === undefined;
    if (!(await verifyPassword({ users, user, password, address, isDisabled }, waitOptions))) return rejected;
    // The compare took its time: the files may say something else by then.
    const after = await from.current();
    const hash = users.byName.get(user)?.hash;
    if ('error' in after || hash === undefined || after.value.users.byName.get(user)?.hash !== hash)
      return rejected;
    const rights = userRights(from, after.value.access, user);
    if (rights === undefined) return rejected;
    from.uses.note({ kind: 'user', id: user }, { at: now(), address, client });
    const proof: Proof = { kind: 'password', mark: markOf(hash) };
    return { kind: 'caller', caller: callerOf(user, withOpen(rights, isOpen)), scheme: 'basic', proof };
  }

  async function byToken(
    from: Files,
    { user, password }: BasicCredentials,
    { address, client }: IdentifyRequest,
  ): Promise<Identity> {
    const rejected: Identity = { kind: 'rejected', reason: 'credentials', scheme: 'basic', user };
    const find = (state: State) => {
      const token = 'error' in state ? undefined : findToken(state.value.access, password);
      if ('error' in state || token?.owner !== user) return undefined;
      const rights = tokenRights(from, state.value, token);
      return rights && { token, rights };
    };
    const current = await from.current();
    // It may have been made a moment ago.
    const state = find(current) === undefined ? await from.latest() : current;
    if ('error' in state) return rejected;
    const found = find(state);
    if (found === undefined) {
      guard.begin(address, user);
      return rejected;
    }
    const { token, rights } = found;
    if (isExpired(token, now())) return { ...rejected, reason: 'expired' };
    from.uses.note({ kind: 'token', id: token.id }, { at: now(), address, client });
    const caller = callerOf(user, withOpen(rights, isOpen), 'token');
    return { kind: 'caller', caller, scheme: 'basic', proof: { kind: 'token', id: token.id } };
  }

  async function byBearer(from: Files, token: string, request: IdentifyRequest): Promise<Identity> {
    const result = bearer.verify(token, request.service ?? defaultAudience);
    if ('failed' in result) {
      const reason = result.failed === 'expired' ? 'expired' : 'invalid_token';
      return { kind: 'rejected', reason, scheme: 'bearer' };
    }
    const proof = parseProof(result.claims.via);
    const caller = proof && (await presentCaller(from, { user: result.claims.sub, proof }));
    if (caller === undefined || proof === undefined) {
      return { kind: 'rejected', reason: 'invalid_token', scheme: 'bearer', user: result.claims.sub };
    }
    const used = useOf(result.claims.sub, proof);
    const { address, client } = request;
    if (used !== undefined) from.uses.note(used, { at: now(), address, client });
    const scopes = result.claims.access.flatMap((claim) => fromClaim(claim) ?? []);
    return {
      kind: 'caller',
      caller: limitToScopes(caller, scopes),
      scheme: 'bearer',
      proof: { kind: 'none' },
    };
  }

  async function presentCaller(
    from: Files,
    { user, proof }: { readonly user: string; readonly proof: Proof },
  ): Promise<Caller | undefined> {
    if (proof.kind === 'none') return user === '' && open().isOn ? anonymous : undefined;
    const state = await from.current();
    if ('error' in state) return undefined;
    if (proof.kind === 'token') {
      const token = state.value.access.tokens.find(({ id }) => id === proof.id);
      if (token?.owner !== user || isExpired(token, now())) return undefined;
      const rights = tokenRights(from, state.value, token);
      return rights && callerOf(user, withOpen(rights, isOpen), 'token');
    }
    const known = state.value.users.byName.get(user);
    if (known === undefined || markOf(known.hash) !== proof.mark) return undefined;
    const rights = userRights(from, state.value.access, user);
    return rights && callerOf(user, withOpen(rights, isOpen));
  }
}

/** What was let in by a Bearer token: what had been shown for it. */
function useOf(user: string, proof: Proof): UseKey | undefined {
  if (proof.kind === 'none') return undefined;
  return proof.kind === 'token' ? { kind: 'token', id: proof.id } : { kind: 'user', id: user };
}

/** Whether two looks at the files say the same of who logs in by a password. */
function isSameUser(before: State, after: State, name: string): boolean {
  if ('error' in before || 'error' in after) return 'error' in before && 'error' in after;
  const [was, is] = [before.value, after.value];
  const isDisabled = (access: Access): boolean => accessOf(access, name, 'pull').disabled;
  return (
    was.users.byName.get(name)?.hash === is.users.byName.get(name)?.hash &&
    isDisabled(was.access) === isDisabled(is.access)
  );
}

/** The rights of a user who may log in; `undefined` for a disabled one. */
function userRights(files: WatchedIdentity, access: Access, name: string): Rights | undefined {
  const entry = accessOf(access, name, files.defaultRole);
  return entry.disabled ? undefined : rightsOf(entry);
}

/** The rights of a token; `undefined` if its owner is gone or disabled. */
function tokenRights(
  files: WatchedIdentity,
  { users, access }: { readonly users: Users; readonly access: Access },
  token: AccessToken,
): Rights | undefined {
  const owner = users.byName.has(token.owner) ? userRights(files, access, token.owner) : undefined;
  return owner && limitToToken(owner, token);
}

/** The part of a scope that the caller may have. */
function grant(caller: Caller, scope: Scope): Scope | undefined {
  if (scope.kind === 'catalog') return allows(caller, scope) ? scope : undefined;
  const verbs = scope.verbs.filter((verb) => caller.can(verb, scope.repository));
  return verbs.length === 0 ? undefined : { ...scope, verbs };
}

async function watchIdentity({
  root,
  htpasswdPath,
  log,
  checkEveryMs,
}: AuthOptions): Promise<WatchedIdentity> {
  const paths = identityPaths(root);
  const usersPath = htpasswdPath ?? paths.users;
  const isOwn = resolve(usersPath) === resolve(paths.users);
  const every = checkEveryMs === undefined ? {} : { checkEveryMs };
  const listeners: WatchedIdentity['listeners'] = new Set();
  let reloads = 0;
  const andTell =
    <T>(report: (loaded: Loaded<T>) => void) =>
    (loaded: Loaded<T>): void => {
      report(loaded);
      for (const listen of listeners) listen({ isOwn: reloads > 0 });
    };
  const users = await watchFile<Users>({
    path: usersPath,
    parse: parseUsers,
    isPrivate: isOwn,
    onLoad: andTell(
      reportLoads(log, usersPath, ({ warnings }) => {
        for (const warning of warnings) log.warn('usersWarned', warning, { file: usersPath });
      }),
    ),
    ...every,
  });
  const access = await watchFile<Access>({
    path: paths.access,
    parse: parseAccess,
    absent: emptyAccess,
    isPrivate: true,
    onLoad: andTell(reportLoads(log, paths.access, () => undefined)),
    ...every,
  });
  return {
    defaultRole: isOwn ? 'pull' : 'admin',
    listeners,
    async current() {
      return combine(await Promise.all([users.current(), access.current()]));
    },
    latest,
    async reload() {
      reloads += 1;
      try {
        return await latest();
      } finally {
        reloads -= 1;
      }
    },
  };

  async function latest(): Promise<State> {
    return combine(await Promise.all([users.reload(), access.reload()]));
  }
}

function combine([users, access]: readonly [Loaded<Users>, Loaded<Access>]): State {
  if ('error' in users) return users;
  if ('error' in access) return access;
  return { value: { users: users.value, access: access.value } };
}

/** Logs once that a file broke, and once that it is mended. */
function reportLoads<T>(log: Log, file: string, onValue: (value: T) => void): (loaded: Loaded<T>) => void {
  let broken: string | undefined;
  return (loaded) => {
    if ('value' in loaded) {
      if (broken !== undefined)
        log.info('usersMended', `"${file}" is in order again: logins work.`, { file });
      broken = undefined;
      onValue(loaded.value);
    } else if (loaded.error.message !== broken) {
      broken = loaded.error.message;
      log.error('usersBroke', `${broken} Nobody can log in until it is mended.`, {
        file,
        hint: loaded.error.hint,
      });
    }
  };
}
