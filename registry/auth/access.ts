/**
 * berth/access.json: who may do what. It holds no password and no secret, only hashes of random tokens.
 *
 *   { "version": 1,
 *     "users":  [{ name, role, repositories, grants: [{ repositories, verbs }], disabled, createdAt }],
 *     "tokens": [{ id, label, owner, hash, verbs, repositories, createdAt, expiresAt }] }
 *
 * | verb   | admin | push             | pull             | grant                    |
 * |--------|-------|------------------|------------------|--------------------------|
 * | pull   | all   | its repositories | its repositories | if it names the verb and |
 * | push   | all   | its repositories | -                | one of its globs matches |
 * | delete | all   | -                | -                |                          |
 *
 * A user of the own file without an entry has the role pull. A user of a foreign htpasswd file (auth.htpasswd.path)
 * without an entry has the role admin, because such a file means full access to distribution as well.
 * Unknown keys are refused: one written by a newer version may be a limit.
 */
import { z } from 'zod';
import { type Role, roles, type Verb, verbs } from '../spec/admin/access.ts';
import { AppError } from '../spec/errors.ts';
import { isGlob, type RepoName } from '../spec/names.ts';
import { compileGlobs, everyRepository } from '../spec/globs.ts';
import { isUserName } from './users.ts';

const globList = z.array(z.string().refine(isGlob, 'not a glob over repository names'));
const userName = z.string().refine(isUserName, 'not a user name');
const time = z.iso.datetime();

const accessSchema = z
  .strictObject({
    version: z.literal(1),
    users: z.array(
      z.strictObject({
        name: userName,
        role: z.enum(roles),
        repositories: globList.default([everyRepository]),
        grants: z
          .array(z.strictObject({ repositories: globList, verbs: z.array(z.enum(verbs)) }))
          .default([]),
        disabled: z.boolean().default(false),
        createdAt: time.optional(),
      }),
    ),
    tokens: z
      .array(
        z.strictObject({
          id: z.string().regex(/^[a-z0-9]{12}$/),
          label: z.string().max(200),
          owner: userName,
          /** SHA-256 of the secret, hexadecimal. The secret is random, so a slow hash would add nothing. */
          hash: z.string().regex(/^[0-9a-f]{64}$/),
          verbs: z.array(z.enum(verbs)),
          repositories: globList.default([everyRepository]),
          createdAt: time,
          expiresAt: time.optional(),
        }),
      )
      .default([]),
  })
  .superRefine((access, context) => {
    for (const [key, names] of [
      ['users', access.users.map((user) => user.name)],
      ['tokens', access.tokens.map((token) => token.id)],
    ] as const) {
      const at = names.findIndex((name, index) => names.indexOf(name) !== index);
      if (at >= 0) context.addIssue({ code: 'custom', path: [key, at], message: 'comes twice' });
    }
  });

/** The content of access.json. */
export type Access = z.output<typeof accessSchema>;
export type AccessUser = Access['users'][number];
export type AccessToken = Access['tokens'][number];

/** No entries: what a missing file means. */
export const emptyAccess: Access = { version: 1, users: [], tokens: [] };

/** Reads access.json. Throws USERS_INVALID that names the file and the field, never its content. */
export function parseAccess(bytes: Uint8Array, file: string): Access {
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (error) {
    // The parser's own sentence quotes the text around the fault; only the position may be told.
    const position =
      error instanceof SyntaxError ? /line \d+ column \d+/.exec(error.message)?.[0] : undefined;
    throw new AppError('USERS_INVALID', {
      message: `The access file "${file}" is not JSON text${position === undefined ? '' : ` (${position})`}.`,
      detail: { file },
    });
  }
  const result = accessSchema.safeParse(json);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  throw new AppError('USERS_INVALID', {
    message: `The access file "${file}" is broken at ${z.core.toDotPath(issue?.path ?? []) || 'its top'}: ${issue?.message ?? 'unknown'}.`,
    detail: { file },
  });
}

/** The entry of a user, made up from the default role if the file has none. */
export function accessOf(access: Access, name: string, defaultRole: Role): AccessUser {
  return (
    access.users.find((user) => user.name === name) ?? {
      name,
      role: defaultRole,
      repositories: [everyRepository],
      grants: [],
      disabled: false,
    }
  );
}

/** What somebody may do. */
export interface Rights {
  readonly isAdmin: boolean;
  readonly can: (verb: Verb, repository: RepoName) => boolean;
}

/** The rights of nobody. */
export const noRights: Rights = { isAdmin: false, can: () => false };

/** The rights of an administrator. */
export const allRights: Rights = { isAdmin: true, can: () => true };

/** The rights that an entry gives (the table at the head). A disabled user has none. */
export function rightsOf(user: AccessUser): Rights {
  if (user.disabled) return noRights;
  if (user.role === 'admin') return allRights;
  const isOwn = compileGlobs(user.repositories);
  const grants = user.grants.map((grant) => ({
    verbs: grant.verbs,
    matches: compileGlobs(grant.repositories),
  }));
  return {
    isAdmin: false,
    can: (verb, repository) =>
      (verb !== 'delete' && (verb === 'pull' || user.role === 'push') && isOwn(repository)) ||
      grants.some((grant) => grant.verbs.includes(verb) && grant.matches(repository)),
  };
}

/** The rights of a token: those of its owner that its own verbs and globs include. Never the administration. */
export function limitToToken(owner: Rights, token: AccessToken): Rights {
  const matches = compileGlobs(token.repositories);
  return {
    isAdmin: false,
    can: (verb, repository) =>
      token.verbs.includes(verb) && matches(repository) && owner.can(verb, repository),
  };
}

/** What anyone may pull who reaches the port; added to every right to pull. */
export function withOpen(rights: Rights, isOpen: (repository: RepoName) => boolean): Rights {
  return {
    isAdmin: rights.isAdmin,
    can: (verb, repository) => (verb === 'pull' && isOpen(repository)) || rights.can(verb, repository),
  };
}
