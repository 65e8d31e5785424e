/** Users, tokens, and what is open to everybody. A change is durable, and holds for the next request. */
import {
  type Account,
  type AccountFiles,
  addAccount,
  createToken,
  exportAccounts,
  importAccounts,
  listAccounts,
  listTokens,
  removeAccount,
  revokeToken,
  setDisabled,
  setPasswordHash,
  setRole,
} from '../auth/accounts.ts';
import type { AccessToken } from '../auth/access.ts';
import type { Auth } from '../auth/auth.ts';
import { enginePrograms, type LastUse } from '../auth/last-uses.ts';
import { generatePassword } from '../auth/password.ts';
import { isExpired } from '../auth/tokens.ts';
import { lockOf } from '../config/settings.ts';
import type { accessArguments, AnonymousRow, LastUseRow, TokenRow, UserRow } from '../spec/admin/access.ts';
import type { Page } from '../spec/admin/arguments.ts';
import { AppError } from '../spec/errors.ts';
import { checkRepository } from '../spec/names.ts';
import { byteOrder } from '../store/repositories.ts';
import type { MethodsOf } from './server.ts';
import { changeSettings, type SettingsDeps } from './settings.ts';

export interface AccessDeps extends SettingsDeps {
  readonly auth: Pick<Auth, 'mode' | 'reload' | 'hashPassword' | 'lastUse'>;
  readonly accounts: AccountFiles;
}

const dayMs = 24 * 60 * 60 * 1000;
const anonymousPath = 'berth.auth.anonymous';

export function createAccessMethods(deps: AccessDeps): MethodsOf<typeof accessArguments> {
  const { auth, accounts, adminEvents } = deps;

  /** Nobody is known while login is off, so that a change would be taken for one that protects something. */
  function files(): AccountFiles {
    if (auth.mode === 'none') throw new AppError('LOGIN_OFF');
    return accounts;
  }

  /** Edits the files, and lets the next request see it. */
  async function edit<Result>(change: (files: AccountFiles) => Promise<Result>): Promise<Result> {
    const result = await change(files());
    await auth.reload();
    return result;
  }

  async function newHash(given: string | undefined, signal: AbortSignal) {
    files();
    const password = given ?? generatePassword();
    const hash = await auth.hashPassword(password, { signal });
    return { hash, shown: given === undefined ? { password } : {} };
  }

  function anonymousRow(): AnonymousRow {
    const { isLocked, where } = lockOf(deps.settings.newest().sources.get(anonymousPath));
    const repositories = deps.settings.current().berth.auth.anonymous;
    return { repositories, ...(isLocked ? { lockedBy: where } : {}) };
  }

  return {
    async 'users.list'({ q = '', after, limit }) {
      const [users, tokens] = [await listAccounts(files()), await listTokens(files())];
      const found = users.filter(({ name }) => name.toLowerCase().includes(q.toLowerCase()));
      return pageOf(
        found.map((user) => userRow(user, tokens, auth.lastUse('user', user.name))),
        { after, limit, keyOf: ({ name }) => name },
      );
    },
    async 'users.add'({ name, role, repositories, password }, { signal, actor }) {
      const { hash, shown } = await newHash(password, signal);
      await edit((on) => addAccount(on, { name, hash, role, repositories }));
      await adminEvents.userChanged({ name, change: 'added', actor });
      return { name, ...shown };
    },
    async 'users.setPassword'({ name, password }, { signal, actor }) {
      const { hash, shown } = await newHash(password, signal);
      await edit((on) => setPasswordHash(on, name, hash));
      await adminEvents.userChanged({ name, change: 'password', actor });
      return { name, ...shown };
    },
    async 'users.setRole'({ name, role, repositories }, { actor }) {
      await edit((on) => setRole(on, name, { role, repositories }));
      await adminEvents.userChanged({ name, change: 'role', actor });
      return { name };
    },
    async 'users.setDisabled'({ name, disabled }, { actor }) {
      await edit((on) => setDisabled(on, name, disabled));
      await adminEvents.userChanged({ name, change: disabled ? 'disabled' : 'enabled', actor });
      return { name };
    },
    async 'users.remove'({ name }, { actor }) {
      await edit((on) => removeAccount(on, name));
      await adminEvents.userChanged({ name, change: 'removed', actor });
      return { name };
    },
    async 'users.import'({ text, role, repositories, dryRun }, { actor }) {
      const result = await edit((on) => importAccounts(on, text, { role, repositories, isDryRun: dryRun }));
      const { added, changed } = result;
      if (!dryRun && added.length + changed.length > 0)
        await adminEvents.usersImported({ added, changed, actor });
      return result;
    },
    'users.export': async () => ({ text: await exportAccounts(files()) }),
    async 'tokens.list'({ q = '', owner, after, limit }) {
      const text = q.toLowerCase();
      const found = (await listTokens(files()))
        .filter((token) => owner === undefined || token.owner === owner)
        .filter((token) =>
          [token.id, token.label, token.owner].some((each) => each.toLowerCase().includes(text)),
        );
      return pageOf(
        found.map((token) => tokenRow(token, auth.lastUse('token', token.id))),
        { after, limit, keyOf: ({ createdAt, id }) => `${createdAt} ${id}` },
      );
    },
    async 'tokens.create'({ owner, label, verbs, repositories, expiryDays }, { actor }) {
      const expiresAt =
        expiryDays === 'never' ? undefined : new Date(Date.now() + expiryDays * dayMs).toISOString();
      const { token, text } = await edit((on) =>
        createToken(on, { owner, label, verbs, repositories, expiresAt }),
      );
      const isOfCheck = isForChecks(token);
      await adminEvents.tokenChanged({ id: token.id, owner, change: 'created', isOfCheck, actor });
      return { ...tokenRow(token, undefined), text };
    },
    async 'tokens.revoke'({ id }, { actor }) {
      const isOfCheck = (await listTokens(files())).some((token) => token.id === id && isForChecks(token));
      await edit((on) => revokeToken(on, id));
      await adminEvents.tokenChanged({ id, change: 'revoked', isOfCheck, actor });
      return { id };
    },
    async 'access.programs'() {
      files();
      return enginePrograms.flatMap((name) => {
        const use = auth.lastUse('program', name);
        return use === undefined ? [] : [{ name, lastUse: lastUseRow(use) }];
      });
    },
    async 'access.anonymous'() {
      files();
      return anonymousRow();
    },
    async 'access.setAnonymous'({ repositories }, { actor }) {
      files();
      const value = repositories.length === 0 ? 'off' : repositories;
      await changeSettings(deps, [{ path: anonymousPath, value }], actor);
      return anonymousRow();
    },
  };
}

/** A token of the doctor, which a check makes and ends again. */
function isForChecks({ repositories }: Pick<AccessToken, 'repositories'>): boolean {
  return repositories.length === 1 && repositories[0] === checkRepository;
}

function userRow(user: Account, tokens: readonly AccessToken[], use: LastUse | undefined): UserRow {
  // A former user of the same name was somebody else.
  const isOwn = use !== undefined && use.at >= Date.parse(user.createdAt ?? '1970-01-01');
  return {
    ...user,
    tokens: tokens.filter(({ owner }) => owner === user.name).length,
    ...(isOwn ? { lastUse: lastUseRow(use) } : {}),
  };
}

function tokenRow(token: AccessToken, use: LastUse | undefined): TokenRow {
  const { hash: _, expiresAt, ...known } = token;
  return {
    ...known,
    ...(expiresAt === undefined ? {} : { expiresAt }),
    isExpired: isExpired(token, Date.now()),
    ...(use === undefined ? {} : { lastUse: lastUseRow(use) }),
  };
}

function lastUseRow({ at, address, client }: LastUse): LastUseRow {
  return { at: new Date(at).toISOString(), address, ...(client === undefined ? {} : { client }) };
}

/** The page of the rows behind a key, in the byte order of their keys. */
function pageOf<Row>(
  rows: readonly Row[],
  {
    after,
    limit,
    keyOf,
  }: {
    readonly after: string | undefined;
    readonly limit: number;
    readonly keyOf: (row: Row) => string;
  },
): Page<Row> {
  const rest = rows
    .filter((row) => after === undefined || byteOrder(keyOf(row), after) > 0)
    .toSorted((one, other) => byteOrder(keyOf(one), keyOf(other)));
  const page = rest.slice(0, limit);
  const last = page.at(-1);
  const hasMore = page.length < rest.length && last !== undefined;
  return { rows: page, total: rows.length, ...(hasMore ? { next: keyOf(last) } : {}) };
}
