/** Proofs that a change works, from the side of the engine that it is for. */
import { mkdtempDisposable, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { AppError, assertNever, isAppError } from '../../../registry/spec/errors.ts';
import { checkEngineLogin, type Credentials } from '../api/engine-auth.ts';
import { readEngineInfo } from '../api/engine-info.ts';
import type { Proof } from '../change.ts';
import type { Host } from '../host.ts';

export interface ProofOptions {
  readonly host: Host;
  /** Credentials that the registry admits; without any, an answer that refuses them still proves the handshake. */
  readonly credentials: Credentials | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Throws CHANGE_FAILED with what the engine said if the change does not work. */
export async function prove(proof: Proof, options: ProofOptions): Promise<void> {
  switch (proof.kind) {
    case 'none':
      return;
    case 'engine-login':
      return await proveEngineLogin(proof, options);
    case 'engine-info':
      if (await infoHas(proof, options)) return;
      throw failed(`The engine's info does not list ${proof.entry} under ${proof.list}.`);
    case 'client-login':
      return await proveClientLogin(proof, options);
    case 'handshake':
      return await proveHandshake(proof.address, await readFile(proof.bundle), options);
    default:
      assertNever(proof);
  }
}

/** Throws CHANGE_FAILED if an engine still lives by what was undone. Proofs by handshake are left alone. */
export async function proveGone(proof: Proof, options: ProofOptions): Promise<void> {
  if (proof.kind !== 'engine-info' || !(await infoHas(proof, options))) return;
  throw failed(`The engine's info still lists ${proof.entry} under ${proof.list}.`);
}

async function infoHas(
  proof: Extract<Proof, { kind: 'engine-info' }>,
  { signal }: ProofOptions,
): Promise<boolean> {
  const info = await readEngineInfo(proof.endpoint, { signal });
  return proof.list === 'insecure-registries'
    ? info.insecureRegistries.includes(proof.entry)
    : // dockerd ends each mirror with a slash.
      info.mirrors.some((mirror) => mirror.replace(/\/$/, '') === proof.entry.replace(/\/$/, ''));
}

async function proveEngineLogin(
  { endpoint, address }: Extract<Proof, { kind: 'engine-login' }>,
  { credentials, signal }: ProofOptions,
): Promise<void> {
  try {
    await checkEngineLogin(endpoint, { address, ...(credentials ?? nobody) }, { signal });
  } catch (error) {
    if (!isAppError(error)) throw error;
    if (credentials === undefined && isRefusal(error.message)) return;
    throw failed(error.message, error);
  }
}

async function proveClientLogin(
  { program, address }: Extract<Proof, { kind: 'client-login' }>,
  { host, credentials, signal }: ProofOptions,
): Promise<void> {
  await using folder = await mkdtempDisposable(join(tmpdir(), 'berth-login-'));
  const { user, password } = credentials ?? nobody;
  const authFile = join(folder.path, 'auth.json');
  const result = await host.run(
    program,
    ['login', '--authfile', authFile, '--username', user, '--password-stdin', address],
    { input: password, ...(signal === undefined ? {} : { signal }) },
  );
  if (result === undefined) throw failed(`${program} is not there.`);
  const { code, stderr } = result;
  if (code === 0 || (credentials === undefined && isRefusal(stderr))) return;
  throw failed(stderr.trim() || `${program} login ended with ${code ?? 'a signal'}.`);
}

/** Shakes hands with the registry, trusting `ca` alone. Throws CHANGE_FAILED. */
async function proveHandshake(
  address: string,
  ca: string | Uint8Array,
  { signal }: { readonly signal?: AbortSignal | undefined } = {},
): Promise<void> {
  const { hostname, port } = new URL(`https://${address}`);
  const host = hostname.replaceAll(/[[\]]/g, '');
  const socket = connect({ host, port: Number(port || 443), ca: Buffer.from(ca), timeout: 10_000 });
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once('secureConnect', resolve).once('error', reject);
      socket.once('timeout', () => reject(new Error('no answer within 10 s')));
      signal?.addEventListener('abort', () => reject(signal.reason), { once: true });
    });
  } catch (error) {
    throw failed(
      `The handshake with ${address} failed: ${error instanceof Error ? error.message : String(error)}.`,
      error,
    );
  } finally {
    socket.destroy();
  }
}

/** Nobody has this name: the grammar of user names refuses it. */
const nobody: Credentials = { user: 'berth-check', password: 'none' };

/** The registry judged the credentials, so the handshake before was fine. */
export function isRefusal(text: string): boolean {
  return /\b401\b|unauthorized|invalid username\/password|toomanyrequests/i.test(text);
}

function failed(message: string, cause?: unknown): AppError {
  return new AppError('CHANGE_FAILED', { message, cause });
}
