/**
 * Which requests are asked to log in, and how. Basic is the default, because containerd and BuildKit fetch Bearer
 * tokens with a client that ignores the engine's certificate settings. With anonymous pull on, classic docker pulls
 * anonymously only if `/v2/` itself offers Bearer, and pushes only if everything else offers Basic.
 *
 * | credentials                 | anonymous pull off | on, GET /v2/  | on, read of open repository | on, else |
 * |-----------------------------|--------------------|---------------|-----------------------------|----------|
 * | none                        | Basic              | Bearer        | passes                      | Basic    |
 * | wrong Basic                 | Basic              | Bearer        | Basic                       | Basic    |
 * | bad Bearer                  | Bearer invalid_token, everywhere                                        |
 * | Bearer of too small a scope | Bearer insufficient_scope, where the user may have it or is anonymous   |
 * | others                      | pass: the permission decides                                            |
 */
import { assertNever } from '../spec/errors.ts';
import { allows } from './caller.ts';
import type { Identity } from './caller.ts';
import { formatScope } from './scopes.ts';
import type { Scope } from './scopes.ts';

export interface ChallengeRequest {
  readonly identity: Identity;
  /** GET or HEAD. */
  readonly isRead: boolean;
  /** The path is `/v2/` itself. */
  readonly isBase: boolean;
  /** Anyone may pull from the repository of the path. */
  readonly repositoryOpen: boolean;
  /** Some repository is open. */
  readonly anonymousOn: boolean;
  /** auth.htpasswd.realm */
  readonly realm: string;
  /** The address of the token endpoint as the client must write it. */
  readonly tokenUrl: string;
  /** The host the client speaks to. */
  readonly service: string;
  /** What the request needs; none for `/v2/`. */
  readonly neededScope?: Scope | undefined;
}

/** Answers the WWW-Authenticate header of a 401, or `undefined` to let the request pass to the permission. */
export function challenge(request: ChallengeRequest): string | undefined {
  const { identity, isRead, isBase, anonymousOn } = request;
  switch (identity.kind) {
    case 'none':
      if (anonymousOn && isRead && request.repositoryOpen && !isBase) return undefined;
      return anonymousOn && isRead && isBase ? bearer(request) : basic(request.realm);
    case 'rejected':
      if (identity.scheme === 'bearer') return bearer(request, 'invalid_token');
      return anonymousOn && isBase ? bearer(request) : basic(request.realm);
    case 'caller': {
      const { caller, scheme } = identity;
      const needed = request.neededScope;
      if (scheme === 'basic' || needed === undefined || allows(caller, needed)) return undefined;
      const couldHaveMore = caller.name === '' || caller.couldAskFor(needed);
      return couldHaveMore ? bearer(request, 'insufficient_scope') : undefined;
    }
    default:
      return assertNever(identity);
  }
}

/** The Basic challenge (RFC 7617), also for the token endpoint. */
export function basic(realm: string): string {
  return `Basic realm=${quote(realm)}`;
}

function bearer(
  { tokenUrl, service, neededScope }: ChallengeRequest,
  error?: 'insufficient_scope' | 'invalid_token',
): string {
  const parts = [`realm=${quote(tokenUrl)}`, `service=${quote(service)}`];
  if (error !== undefined && neededScope !== undefined)
    parts.push(`scope=${quote(formatScope(neededScope))}`);
  if (error !== undefined) parts.push(`error=${quote(error)}`);
  return `Bearer ${parts.join(',')}`;
}

/** A quoted-string (RFC 9110 5.6.4); what no header can carry is left out. */
function quote(text: string): string {
  return `"${text.replace(/[^\t\x20-\x7e]/g, '').replace(/["\\]/g, '\\$&')}"`;
}
