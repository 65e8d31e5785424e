import type { Engine } from '../engine.ts';
import type { Host } from '../host.ts';
import { readDockerLogin, usesBerth } from './docker-config.ts';
import { readLogin } from './logins.ts';
import { findHidingFiles } from './podman-auth.ts';

/**
 * Where the client of an engine finds a login for the registry, as the end of a sentence; `undefined` if it has none.
 * Throws CHANGE_REFUSED or DATA_UNUSABLE if a file with logins is broken.
 */
export async function describeLogin(
  host: Host,
  { kind, address }: Pick<Engine, 'kind' | 'address'>,
): Promise<string | undefined> {
  if (kind === 'podman' || kind === 'podman-machine') {
    const [own] = await findHidingFiles(host, address);
    if (own !== undefined && own.keys.length > 0) return own.file;
  }
  const docker = await readDockerLogin(host, address);
  if (usesBerth(docker)) {
    const login = await readLogin(host, address);
    return login === undefined ? undefined : `as ${login.user}, by the helper of Berth`;
  }
  if (docker.helper !== undefined) return `by docker-credential-${docker.helper}`;
  if (docker.readableKeys.length > 0)
    return `${docker.user === undefined ? '' : `as ${docker.user}, `}readable in ${docker.file}`;
  return docker.keys.length > 0 && docker.credsStore !== undefined
    ? `by docker-credential-${docker.credsStore}`
    : undefined;
}
