/** Who asks, and what that caller may do. */
import { createHash } from 'node:crypto';
import type { Verb } from '../spec/admin/access.ts';
import { assertNever } from '../spec/errors.ts';
import type { RepoName } from '../spec/names.ts';
import type { Rights } from './access.ts';
import type { Scope } from './scopes.ts';

/** The one who sends a request. Made for one request: the rights are those of the moment it came. */
export interface Caller {
  /** The user name; empty for anonymous, and for everyone where login is switched off. */
  readonly name: string;
  /** May administer the registry itself. Never true through a token or a scope. */
  readonly isAdmin: boolean;
  readonly can: (verb: Verb, repository: RepoName) => boolean;
  /** May ask for the catalog. What it shows of it is `sees`. */
  readonly hasCatalog: boolean;
  /** Whether lists show the repository. */
  readonly sees: (repository: RepoName) => boolean;
  /** What makes the caller smaller than the user. */
  readonly limitedBy?: 'token' | 'scope';
  /** Whether the same user may do it with a Bearer token of wider scope. */
  readonly couldAskFor: (scope: Scope) => boolean;
}

/**
 * What proved the user, kept in a Bearer token so that it ends with its cause: a changed password, a revoked
 * personal access token, the end of anonymous pull.
 */
export type Proof =
  | { readonly kind: 'password'; readonly mark: string }
  | { readonly kind: 'token'; readonly id: string }
  | { readonly kind: 'none' };

/** Where the credentials of a request lead. */
export type Identity =
  | { readonly kind: 'none' }
  | {
      readonly kind: 'caller';
      readonly caller: Caller;
      readonly scheme: 'basic' | 'bearer';
      readonly proof: Proof;
    }
  | {
      readonly kind: 'rejected';
      readonly reason: 'credentials' | 'malformed' | 'expired' | 'invalid_token';
      readonly scheme: 'basic' | 'bearer';
      /** The name that was tried, if one could be read. */
      readonly user?: string;
    };

/** A caller with the rights of a user or of a personal access token. */
export function callerOf(name: string, rights: Rights, limitedBy?: 'token'): Caller {
  const hasCatalog = name !== '' || rights.isAdmin;
  return {
    name,
    isAdmin: rights.isAdmin,
    can: rights.can,
    hasCatalog,
    sees: (repository) => rights.can('pull', repository),
    ...(limitedBy === undefined ? {} : { limitedBy }),
    couldAskFor: (scope) => allows({ can: rights.can, hasCatalog }, scope),
  };
}

/** The same caller through a Bearer token: only what its scopes name as well. */
export function limitToScopes(caller: Caller, scopes: readonly Scope[]): Caller {
  const hasCatalog = caller.hasCatalog && scopes.some((scope) => scope.kind === 'catalog');
  const can = (verb: Verb, repository: RepoName): boolean =>
    scopes.some((s) => s.kind === 'repository' && s.repository === repository && s.verbs.includes(verb)) &&
    caller.can(verb, repository);
  return {
    name: caller.name,
    isAdmin: false,
    can,
    hasCatalog,
    sees: (repository) => (hasCatalog ? caller.sees(repository) : can('pull', repository)),
    limitedBy: 'scope',
    couldAskFor: caller.couldAskFor,
  };
}

/** Whether a caller may do all that a scope names. */
export function allows(caller: Pick<Caller, 'can' | 'hasCatalog'>, scope: Scope): boolean {
  return scope.kind === 'catalog'
    ? caller.hasCatalog
    : scope.verbs.every((verb) => caller.can(verb, scope.repository));
}

/** Writes a proof as the claim `via`. */
export function formatProof(proof: Proof): string {
  switch (proof.kind) {
    case 'password':
      return `password:${proof.mark}`;
    case 'token':
      return `token:${proof.id}`;
    case 'none':
      return 'none';
    default:
      return assertNever(proof);
  }
}

/** Reads the claim `via`. */
export function parseProof(text: string): Proof | undefined {
  const [kind, value = ''] = text.split(':');
  if (kind === 'password') return { kind, mark: value };
  if (kind === 'token') return { kind, id: value };
  return kind === 'none' ? { kind } : undefined;
}

/** A short mark of a password hash: another password, another mark. The hash's random salt keeps it unguessable. */
export function markOf(hash: string): string {
  return createHash('sha256').update(`berth mark ${hash}`).digest('base64url').slice(0, 22);
}
