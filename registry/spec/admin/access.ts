/** The control plane on who may come in: users, tokens, and what is open to everybody. */
import { z } from 'zod';
import { isGlob } from '../names.ts';
import { page, type Page, q } from './arguments.ts';

export const verbs = ['pull', 'push', 'delete'] as const;
export type Verb = (typeof verbs)[number];

export const roles = ['admin', 'push', 'pull'] as const;
export type Role = (typeof roles)[number];

/** When a user or token was last let in. */
export interface LastUseRow {
  readonly at: string;
  readonly address: string;
  /** The User-Agent of the client. */
  readonly client?: string;
}

export interface UserRow {
  readonly name: string;
  readonly role: Role;
  /** Globs of the repositories where the role holds. */
  readonly repositories: readonly string[];
  /** What the user may do beside the role. */
  readonly grants: readonly { readonly repositories: readonly string[]; readonly verbs: readonly Verb[] }[];
  /** How many tokens the user has, expired ones too. */
  readonly tokens: number;
  readonly lastUse?: LastUseRow;
  /** Absent where nobody knows, as for users of a file that was there before. */
  readonly createdAt?: string;
  /** `unusable hash`: the user file has a hash of this user that is not bcrypt. */
  readonly state: 'active' | 'disabled' | 'unusable hash';
}

export interface TokenRow {
  readonly id: string;
  readonly label: string;
  readonly owner: string;
  readonly verbs: readonly Verb[];
  readonly repositories: readonly string[];
  readonly createdAt: string;
  /** Absent: never. */
  readonly expiresAt?: string;
  readonly isExpired: boolean;
  readonly lastUse?: LastUseRow;
}

/** What an import does, or would do. */
export interface ImportedUsers {
  readonly added: readonly string[];
  /** Those that were there, and have another password now. */
  readonly changed: readonly string[];
  readonly unchanged: readonly string[];
  /** Lines, counted from 1, that hold no user who could log in here. */
  readonly skipped: readonly { readonly line: number; readonly reason: string }[];
}

/** A program by which an engine was let in. */
export interface ProgramRow {
  /** `docker` or `podman`. */
  readonly name: string;
  readonly lastUse: LastUseRow;
}

export interface AnonymousRow {
  /** Globs of what everybody may pull; none: nothing. */
  readonly repositories: readonly string[];
  /** A variable or an option fixes it; its name. */
  readonly lockedBy?: string;
}

const name = z.string().min(1).max(255);
const repositories = z.array(z.string().refine(isGlob, 'not a glob over repository names')).max(1000);
/** Without one, 20 characters are made and answered, once. */
const password = z.string().max(4096).optional();
const role = z.enum(roles);

export const accessArguments = {
  /** The users by name, with role, tokens and last use. */
  'users.list': z.strictObject({ ...page, q }),
  /** Adds a user. Without a password one is made and answered, once. */
  'users.add': z.strictObject({ name, role, repositories: repositories.optional(), password }),
  /** Sets another password; without one it is made and answered, once. */
  'users.setPassword': z.strictObject({ name, password }),
  /** Sets the role of a user; without `repositories` they stay. */
  'users.setRole': z.strictObject({ name, role, repositories: repositories.optional() }),
  /** Refuses the logins and tokens of a user, or admits them again. */
  'users.setDisabled': z.strictObject({ name, disabled: z.boolean() }),
  /** Removes a user with all tokens. The last administrator stays. */
  'users.remove': z.strictObject({ name }),
  /** Takes users from the text of an htpasswd file. Who is there keeps the role; who is new gets `role`. */
  'users.import': z.strictObject({
    text: z.string(),
    role: role.default('pull'),
    repositories: repositories.optional(),
    dryRun: z.boolean().default(false),
  }),
  /** The users as the text of an htpasswd file, with the hashes of their passwords. */
  'users.export': z.strictObject({}),
  /** The tokens in the order they were made, with their last use. */
  'tokens.list': z.strictObject({ ...page, q, owner: name.optional() }),
  /** Makes a token, and answers it, once. It never may do more than its owner. */
  'tokens.create': z.strictObject({
    owner: name,
    label: z.string().default(''),
    verbs: z.array(z.enum(verbs)).min(1).default(['pull']),
    repositories: repositories.optional(),
    expiryDays: z.union([z.int().min(1).max(3650), z.literal('never')]).default(30),
  }),
  /** Ends a token: the next request with it is refused. */
  'tokens.revoke': z.strictObject({ id: z.string().max(100) }),
  /** Which programs of engines have logged in, and when last. */
  'access.programs': z.strictObject({}),
  /** What everybody may pull without a login. */
  'access.anonymous': z.strictObject({}),
  /** Opens repositories to everybody, and closes all others; at once, and in the configuration file. */
  'access.setAnonymous': z.strictObject({ repositories }),
} as const;

export interface AccessResults {
  'users.list': Page<UserRow>;
  'users.add': { readonly name: string; readonly password?: string };
  'users.setPassword': { readonly name: string; readonly password?: string };
  'users.setRole': { readonly name: string };
  'users.setDisabled': { readonly name: string };
  'users.remove': { readonly name: string };
  'users.import': ImportedUsers;
  'users.export': { readonly text: string };
  'tokens.list': Page<TokenRow>;
  'tokens.create': TokenRow & { readonly text: string };
  'tokens.revoke': { readonly id: string };
  'access.programs': readonly ProgramRow[];
  'access.anonymous': AnonymousRow;
  'access.setAnonymous': AnonymousRow;
}
