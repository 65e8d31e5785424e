/**
 * The files in which Podman, Skopeo and Buildah look for a login before they come to Docker's config.json,
 * containers-auth.json(5). The first one with a login wins, even a wrong login: podman 4.3, skopeo 1.9 and buildah 1.28
 * then look no further. An empty entry hides nothing.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { systemCode } from '../../../registry/disk/private-file.ts';
import { AppError } from '../../../registry/spec/errors.ts';
import { membersAt, parseJson, textAt } from '../detect/json.ts';
import type { Host } from '../host.ts';
import { addressOf, configFolder } from './logins.ts';

/** A file that keeps Podman and its relatives from asking Berth's helper. */
export interface HidingFile {
  readonly file: string;
  /** The keys that win for the address, or for repositories below it; none if the file is not JSON. */
  readonly keys: readonly string[];
}

/** Where podman login keeps a login. */
export function podmanAuthFile(host: Host): string {
  const { platform, env, uid } = host;
  if (env['REGISTRY_AUTH_FILE']) return env['REGISTRY_AUTH_FILE'];
  if (platform !== 'linux') return join(host.home, '.config', 'containers', 'auth.json');
  const runtime = env['XDG_RUNTIME_DIR'];
  return runtime
    ? join(runtime, 'containers', 'auth.json')
    : join('/run/containers', String(uid), 'auth.json');
}

/** The files with another login for the address, in the order of reading. Throws DATA_UNUSABLE if one cannot be read. */
export async function findHidingFiles(host: Host, address: string): Promise<readonly HidingFile[]> {
  const hiding: HidingFile[] = [];
  const lasting = join(configFolder(host), 'containers', 'auth.json');
  for (const file of new Set([podmanAuthFile(host), lasting])) {
    const text = await readIfThere(host.systemPath(file));
    if (text === undefined) continue;
    const value = parseJson(text);
    const keys = hidingKeys(value, address);
    if (value === undefined || keys.length > 0) hiding.push({ file, keys });
  }
  return hiding;
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (systemCode(error) === 'ENOENT' || systemCode(error) === 'ENOTDIR') return undefined;
    throw new AppError('DATA_UNUSABLE', {
      message: `Cannot read "${path}": ${systemCode(error) ?? 'unknown error'}.`,
      hint: 'Podman, Buildah and Skopeo fail there as well. Set XDG_RUNTIME_DIR to a directory of yours, as a session does, or REGISTRY_AUTH_FILE to a file.',
      cause: error,
    });
  }
}

function hidingKeys(value: unknown, address: string): readonly string[] {
  const logins = membersAt(value, 'auths').filter(
    ([key, entry]) =>
      (addressOf(key) === address || key.startsWith(`${address}/`)) &&
      (textAt(entry, 'auth') !== undefined || textAt(entry, 'identitytoken') !== undefined),
  );
  const helper = textAt(value, 'credHelpers', address);
  const helpers = helper === undefined || helper === 'berth' ? [] : [address];
  return [...new Set([...logins.map(([key]) => key), ...helpers])];
}
