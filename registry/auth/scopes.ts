/** Scopes of the Bearer flow: `repository:<name>:pull,push,delete` and `registry:catalog:*` (distribution, "Token Scope"). */
import type { RepoName } from '../spec/names.ts';
import { parseRepoName } from '../spec/names.ts';
import { type Verb, verbs } from '../spec/admin/access.ts';
import type { GrantedScope } from './bearer.ts';

/** What a request asks for, or needs. */
export type Scope =
  | { readonly kind: 'repository'; readonly repository: RepoName; readonly verbs: readonly Verb[] }
  | { readonly kind: 'catalog' };

/** Reads one scope; `undefined` for types, names and actions that are not known. `*` means every verb. */
export function parseScope(text: string): Scope | undefined {
  const first = text.indexOf(':');
  const last = text.lastIndexOf(':');
  if (first < 0 || first === last) return undefined;
  return scopeOf(text.slice(0, first), text.slice(first + 1, last), text.slice(last + 1).split(','));
}

/** Writes a scope as it stands in a challenge. */
export function formatScope(scope: Scope): string {
  return scope.kind === 'catalog'
    ? 'registry:catalog:*'
    : `repository:${scope.repository}:${scope.verbs.join(',')}`;
}

/** A scope as a claim of a token. */
export function toClaim(scope: Scope): GrantedScope {
  return scope.kind === 'catalog'
    ? { type: 'registry', name: 'catalog', actions: ['*'] }
    : { type: 'repository', name: scope.repository, actions: scope.verbs };
}

/** A claim as a scope. */
export function fromClaim(claim: GrantedScope): Scope | undefined {
  return scopeOf(claim.type, claim.name, claim.actions);
}

function scopeOf(type: string, name: string, actions: readonly string[]): Scope | undefined {
  if (type === 'registry') {
    return name === 'catalog' && actions.includes('*') ? { kind: 'catalog' } : undefined;
  }
  const repository = type === 'repository' ? parseRepoName(name) : undefined;
  const known = verbs.filter((verb) => actions.includes(verb) || actions.includes('*'));
  return repository === undefined || known.length === 0
    ? undefined
    : { kind: 'repository', repository, verbs: known };
}
