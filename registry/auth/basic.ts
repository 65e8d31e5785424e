/** The Authorization header (RFC 7617 Basic, RFC 6750 Bearer), read strictly. */
import { isHashable } from './password.ts';
import { isUserName } from './users.ts';

export interface BasicCredentials {
  readonly user: string;
  readonly password: string;
}

export type Authorization =
  | { readonly kind: 'none' }
  | ({ readonly kind: 'basic' } & BasicCredentials)
  | { readonly kind: 'bearer'; readonly token: string }
  | { readonly kind: 'malformed' };

const header = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+) +([A-Za-z0-9._~+/-]+=*) *$/;
const malformed: Authorization = { kind: 'malformed' };

/**
 * Answers what the header carries. Malformed: another scheme, base64 that is not canonical, bytes that are not
 * UTF-8, no colon, a user name that cannot exist, NUL or more than 72 bytes in the password. An empty user with an
 * empty password (`Basic Og==`) is none: skopeo and podman send it when they have no login.
 */
export function parseAuthorization(text: string | undefined): Authorization {
  if (text === undefined) return { kind: 'none' };
  const [, scheme = '', value = ''] = header.exec(text) ?? [];
  switch (scheme.toLowerCase()) {
    case 'basic':
      return parseBasic(value);
    case 'bearer':
      return { kind: 'bearer', token: value };
    default:
      return malformed;
  }
}

/** The header for a user and password that came another way, such as the form of POST /token. */
export function basicAuthorization(user: string, password: string): string {
  return `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
}

function parseBasic(value: string): Authorization {
  const bytes = Buffer.from(value, 'base64');
  if (bytes.toString('base64') !== value) return malformed;
  const text = decodeUtf8(bytes);
  if (text === ':') return { kind: 'none' };
  const colon = text?.indexOf(':') ?? -1;
  if (text === undefined || colon < 0) return malformed;
  const user = text.slice(0, colon);
  const password = text.slice(colon + 1);
  return isUserName(user) && isHashable(password) ? { kind: 'basic', user, password } : malformed;
}

function decodeUtf8(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}
