/**
 * GET and POST /token, distribution's "Token Authentication" and "OAuth2" specifications. Refresh tokens are not
 * offered: docker would store an identity token, which podman refuses.
 */
import { AppError, errors } from '../spec/errors.ts';
import type { Auth } from './auth.ts';
import { basicAuthorization } from './basic.ts';
import { bearerSeconds } from './bearer.ts';
import { basic } from './challenge.ts';
import type { Identity } from './caller.ts';
import { parseScope } from './scopes.ts';
import type { Scope } from './scopes.ts';
import type { WaitOptions } from './verify-password.ts';

/** More scopes than any client asks for at once. */
const maxScopes = 100;

export interface TokenRequest {
  readonly method: 'GET' | 'POST';
  /** The query of GET, the form of POST. */
  readonly parameters: URLSearchParams;
  readonly authorization: string | undefined;
  readonly address: string;
  /** The User-Agent of the client. */
  readonly client?: string | undefined;
}

export interface TokenAnswer {
  readonly status: 200 | 401;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/**
 * Answers 200 with a Bearer token for asked and allowed scopes, anonymous if there are no credentials, or 401 for
 * wrong ones. `service` is the host the client speaks to; it becomes the audience whatever the request names.
 * Throws PARAMETER_INVALID, and what Auth.identify throws.
 */
export async function answerTokenRequest(
  request: TokenRequest,
  { auth, realm, service }: { readonly auth: Auth; readonly realm: string; readonly service: string },
  options?: WaitOptions,
): Promise<TokenAnswer> {
  const { address, client, parameters } = request;
  const authorization = request.method === 'POST' ? formCredentials(parameters) : request.authorization;
  const identity = await auth.identify({ authorization, address, client, service }, options);
  if (!mayIssue(identity)) {
    return {
      status: 401,
      headers: { ...jsonHeaders, 'WWW-Authenticate': basic(realm) },
      body: JSON.stringify({
        errors: [{ code: errors.UNAUTHORIZED.oci, message: errors.UNAUTHORIZED.message, detail: null }],
      }),
    };
  }
  const { token, issuedAt } = auth.issue({ identity, scopes: readScopes(parameters), service });
  return {
    status: 200,
    headers: jsonHeaders,
    body: JSON.stringify({ token, access_token: token, expires_in: bearerSeconds, issued_at: issuedAt }),
  };
}

const jsonHeaders = { 'Content-Type': 'application/json', 'Cache-Control': 'no-store' };

/** A Bearer token gets no other one: it would never end. */
function mayIssue(identity: Identity): boolean {
  return identity.kind === 'none' || (identity.kind === 'caller' && identity.scheme === 'basic');
}

function formCredentials(form: URLSearchParams): string {
  if (form.get('grant_type') !== 'password') {
    throw new AppError('PARAMETER_INVALID', {
      message: 'The only grant_type of this registry is password.',
      hint: 'Log in with user name and password or a personal access token.',
    });
  }
  return basicAuthorization(form.get('username') ?? '', form.get('password') ?? '');
}

/** Repeated parameters, and several scopes in one separated by spaces (RFC 6749 3.3). Unknown ones are dropped. */
function readScopes(parameters: URLSearchParams): Scope[] {
  const texts = parameters.getAll('scope').flatMap((text) => text.split(' ').filter((part) => part !== ''));
  if (texts.length > maxScopes) {
    throw new AppError('PARAMETER_INVALID', { message: `More than ${maxScopes} scopes in one request.` });
  }
  return texts.flatMap((text) => parseScope(text) ?? []);
}
