/**
 * The cookie of a session. Browsers take a name that begins with `__Host-` over TLS only, for this host alone and for all
 * paths, so that no other host can set it (RFC 6265bis 4.1.3.2). Without an age it goes when the browser is closed.
 */
const name = '__Host-berth';
const attributes = 'Path=/; Secure; HttpOnly; SameSite=Strict';

/** The id that a request carries; `undefined` also for two of them, of which one was put there by somebody else. */
export function readCookie(header: string | undefined): string | undefined {
  const pairs = (header ?? '').split(';').map((pair) => pair.trim());
  const [pair = '', ...more] = pairs.filter((each) => each.startsWith(`${name}=`));
  const id = pair.slice(name.length + 1);
  return more.length === 0 && /^[\w-]{43}$/.test(id) ? id : undefined;
}

/** The value of Set-Cookie that keeps an id. */
export function cookieOf(id: string): string {
  return `${name}=${id}; ${attributes}`;
}

/** The value of Set-Cookie that drops it. */
export const noCookie = `${name}=; ${attributes}; Max-Age=0`;
