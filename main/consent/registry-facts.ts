/** What the engines have to know of the registry, and the tokens that checks and logins take, by its control plane. */
import { hostname } from 'node:os';
import { join } from 'node:path';
import { type Verb, verbs } from '../../registry/spec/admin/access.ts';
import { AppError } from '../../registry/spec/errors.ts';
import { checkRepository } from '../../registry/spec/names.ts';
import type { Client } from '../../registry/spec/rpc.ts';
import type { Credentials } from '../engine/api/engine-auth.ts';
import type { RegistryTarget } from '../engine/engine.ts';
import type { Tokens } from '../engine/login/keep-login.ts';

/** The registry as engines shall reach it. `root` is its data directory. */
export async function findTarget(client: Client, root: string): Promise<RegistryTarget> {
  const [{ urls }, { leaf, ca }] = await Promise.all([
    client.call('status.get', {}),
    client.call('certificate.get', {}),
  ]);
  const bound = urls.map((url) => new URL(url));
  return {
    port: Number(bound[0]?.port ?? 0),
    listensOn: bound.map((url) => url.hostname.replaceAll(/[[\]]/g, '')),
    names: [...leaf.names, ...leaf.addresses],
    authority: ca,
    authorityFile: join(root, 'berth', 'tls', 'ca.crt'),
  };
}

/** Who logins are kept for where nobody is named. Throws USER_UNKNOWN. */
export async function firstAdmin(client: Client): Promise<string> {
  const { rows } = await client.call('users.list', { limit: 1000 });
  const admin = rows.find(({ role, state }) => role === 'admin' && state === 'active');
  if (admin !== undefined) return admin.name;
  throw new AppError('USER_UNKNOWN', {
    message: 'There is no administrator who can log in.',
    hint: 'Add one on the screen Access.',
  });
}

/** Tokens of logins: they show on the screen Access. */
export function tokensOf(client: Client): Tokens {
  return {
    async make(owner) {
      const label = `berth login on ${hostname()}`;
      return await client.call('tokens.create', { owner, label, verbs: [...verbs], expiryDays: 'never' });
    },
    async end(id) {
      await client.call('tokens.revoke', { id });
    },
  };
}

/** Credentials of the first administrator: a token that ends with this value, or within a day. Throws USER_UNKNOWN. */
export async function openAccess(
  client: Client,
  { label, repositories, verbs: allowed }: AccessRequest,
): Promise<AsyncDisposable & { readonly credentials: Credentials }> {
  const owner = await firstAdmin(client);
  const { id, text } = await client.call('tokens.create', {
    owner,
    label,
    verbs: [...allowed],
    repositories: [...repositories],
    expiryDays: 1,
  });
  return {
    credentials: { user: owner, password: text },
    async [Symbol.asyncDispose]() {
      await client.call('tokens.revoke', { id });
    },
  };
}

export interface AccessRequest {
  /** For the screen Access. */
  readonly label: string;
  readonly repositories: readonly string[];
  readonly verbs: readonly Verb[];
}

/** Credentials for a proof, good for the doctor's repository alone. */
export async function openCheckAccess(client: Client): ReturnType<typeof openAccess> {
  return await openAccess(client, { label: 'check of an engine', verbs, repositories: [checkRepository] });
}
