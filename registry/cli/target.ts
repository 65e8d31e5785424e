/** The registry that engine commands speak of: the one that holds the data directory. */
import { access, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { accountFiles, createToken, listAccounts, revokeToken } from '../auth/accounts.ts';
import type { LoadedConfig } from '../config/load.ts';
import { systemCode } from '../disk/private-file.ts';
import { identityOptions, readHolder } from '../index.ts';
import { createLogger } from '../log/logger.ts';
import { AppError, isAppError } from '../spec/errors.ts';
import { checkRepository } from '../spec/names.ts';
import type { IdentityInfo } from '../spec/admin/certificate.ts';
import { openIdentity } from '../tls/identity.ts';
import type { RegistryTarget } from '../../main/engine/engine.ts';
import type { Credentials } from '../../main/engine/api/engine-auth.ts';
import type { Io } from './io.ts';
import { type ConfigOptions, loadFor } from './load.ts';

export interface Target {
  readonly root: string;
  readonly loaded: LoadedConfig;
  readonly registry: RegistryTarget;
  /** The process that serves it; `undefined` when none does. */
  readonly pid: number | undefined;
  readonly certificate: IdentityInfo | undefined;
}

const usualPort = 5443;

/** Looks the registry of a data directory up, whether it runs or not. Throws CONFIG_INVALID, DATA_UNUSABLE. */
export async function findTarget(io: Io, options: ConfigOptions): Promise<Target> {
  const { loaded, root } = await loadFor(io, options);
  const holder = await readHolder(root);
  const pid = holder !== undefined && isAlive(holder.pid) ? holder.pid : undefined;
  const urls = (pid === undefined ? undefined : holder?.urls) ?? [];
  const bound = urls.map((url) => new URL(url));
  const { http } = loaded.config;
  const port = Number(bound[0]?.port ?? /:(\d+)$/.exec(http.addr ?? '')?.[1] ?? usualPort);
  const certificate = await readCertificate(io, root, loaded);
  const authorityFile = join(root, 'berth', 'tls', 'ca.crt');
  return {
    root,
    loaded,
    pid: bound.length === 0 ? undefined : pid,
    certificate,
    registry: {
      port,
      listensOn: bound.map(({ hostname }) => hostname.replaceAll(/[[\]]/g, '')),
      names: certificate === undefined ? [] : [...certificate.leaf.names, ...certificate.leaf.addresses],
      authority: certificate?.source === 'berth' ? await readFile(authorityFile, 'utf8') : undefined,
      authorityFile,
    },
  };
}

/** The same for commands that need it running. Throws NOT_RUNNING. */
export async function getRunningTarget(io: Io, options: ConfigOptions): Promise<Target> {
  const target = await findTarget(io, options);
  if (target.pid !== undefined) return target;
  throw new AppError('NOT_RUNNING', { message: `No registry runs on the data directory ${target.root}.` });
}

/**
 * Credentials for checks: a token for the doctor's repository alone that ends with this value, and after ten minutes in
 * any case. `undefined` where the registry asks for no login, or where this user may not make one.
 */
export async function openCheckAccess(
  target: Target,
): Promise<AsyncDisposable & { readonly credentials: Credentials | undefined }> {
  const { auth } = target.loaded.config;
  const files = accountFiles(target.root, auth.htpasswd.path);
  const nothing = { credentials: undefined, [Symbol.asyncDispose]: async () => undefined };
  if (auth.none) return nothing;
  try {
    const owner = (await listAccounts(files)).find(
      ({ role, state }) => role === 'admin' && state === 'active',
    );
    if (owner === undefined) return nothing;
    const { token, text } = await createToken(files, {
      owner: owner.name,
      label: 'check by berth doctor',
      verbs: ['pull', 'push', 'delete'],
      repositories: [checkRepository],
      expiresAt: new Date(Date.now() + 600_000).toISOString(),
    });
    // A running registry looks at its files every 250 ms.
    await delay(300);
    return {
      credentials: { user: owner.name, password: text },
      [Symbol.asyncDispose]: () => revokeToken(files, token.id),
    };
  } catch (error) {
    // Somebody else's data directory: the checks that need a login say so.
    if (isAppError(error, 'DATA_UNUSABLE')) return nothing;
    throw error;
  }
}

async function readCertificate(
  io: Io,
  root: string,
  { config }: LoadedConfig,
): Promise<IdentityInfo | undefined> {
  const log = createLogger({ write: io.err, levels: { all: 'error' } });
  const own = config.http.tls.certificate;
  try {
    // To look must not make a directory.
    await access(own ?? join(root, 'berth', 'tls', 'ca.crt'));
    await using identity = await openIdentity({
      ...identityOptions(() => config, root, log),
      mayIssue: false,
    });
    return identity.show();
  } catch (error) {
    // Nothing was made yet, or it is not for this user to read; the doctor says which.
    if (isAppError(error, 'CERTIFICATE_INVALID') || isAppError(error, 'DATA_UNUSABLE')) return undefined;
    if (['ENOENT', 'EACCES'].includes(systemCode(error) ?? '')) return undefined;
    throw error;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return systemCode(error) === 'EPERM';
  }
}
