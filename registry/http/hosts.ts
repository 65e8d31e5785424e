import { AppError } from '../spec/errors.ts';

/** Which values of Host are answered: the control against DNS rebinding. */
export interface HostRules {
  /** Names and addresses in the certificate; they may change while running. */
  readonly certificateNames: () => readonly string[];
  /** `http.host` and `berth.http.hosts`; `*` admits every host to /v2, and to nothing else. */
  readonly configured: () => readonly string[];
}

/** The host of `host`, `host:port` and `[v6]:port` (RFC 9110 7.2); `undefined` where a user, a path or a space is part of it. */
export function readHost(authority: string): string | undefined {
  return isAuthority.test(authority) ? hostName(authority) : undefined;
}

const isAuthority = /^(?:\[[0-9a-f:.]+\]|[\w.-]+)(?::\d{0,5})?$/i;

/**
 * Takes the host that the client wrote, as `readHost` answers it.
 * @throws AppError HOST_DENIED for a host that is not this registry's
 */
export function checkHost(
  host: string | undefined,
  path: string,
  { certificateNames, configured }: HostRules,
): void {
  if (host !== undefined && isOurs(host, path, { certificateNames, configured })) return;
  throw new AppError('HOST_DENIED', {
    message: 'This registry does not answer to that host name. Add it to berth.http.hosts if it is yours.',
  });
}

function isOurs(host: string, path: string, { certificateNames, configured }: HostRules): boolean {
  if (isLoopbackName(host)) return true;
  const said = configured();
  if (said.includes('*') && (path === '/v2' || path.startsWith('/v2/'))) return true;
  const names = [...said.map(hostName), ...certificateNames()];
  return names.some((name) => covers(name.toLowerCase(), host));
}

/** True when a name of a certificate is the host, or is `*.` and the rest of it (RFC 6125 6.4.3). */
function covers(name: string, host: string): boolean {
  return name === host || (name.startsWith('*.') && host.replace(/^[^.]+/, '*') === name);
}

/** The host of `host`, `host:port`, `[v6]:port` or a URL, in lower case and without brackets. */
export function hostName(authority: string): string {
  const bare = authority.replace(/^[a-z]+:\/\//i, '').replace(/\/.*$/, '');
  const match = /^\[([^\]]*)\](?::\d+)?$/.exec(bare) ?? /^([^:]*)(?::\d*)?$/.exec(bare);
  return (match?.[1] ?? bare).toLowerCase().replace(/\.$/, '');
}

function isLoopbackName(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(?:\.\d{1,3}){3}$/.test(host);
}
