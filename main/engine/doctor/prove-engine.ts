/** What a push of an engine needs, tried from its side: does it reach the registry, trust it, and have a login there? */
import { isAppError } from '../../../registry/spec/errors.ts';
import type { Credentials } from '../api/engine-auth.ts';
import { isRefusal, prove } from '../changes/prove.ts';
import type { Engine, RegistryTarget } from '../engine.ts';
import type { Host } from '../host.ts';
import { describeLogin } from '../login/describe-login.ts';
import { readLogin } from '../login/logins.ts';
import { proofOf } from '../trust/plan-trust.ts';
import { explain } from './explain.ts';

/** `said`: why not, or how it is known. */
export interface Proved {
  readonly state: 'yes' | 'no' | 'unknown';
  readonly said?: string;
  readonly fix?: string;
}

export interface ProvedEngine {
  readonly reached: Proved;
  readonly trusted: Proved;
  readonly loggedIn: Proved;
}

export interface ProveRequest {
  readonly host: Host;
  readonly engine: Engine;
  readonly target: RegistryTarget;
  /** Admitted by the registry, for an engine whose own login cannot be read. */
  readonly credentials: Credentials;
}

const yes: Proved = { state: 'yes' };
const unknown: Proved = { state: 'unknown' };

/** Changes nothing. The login that Berth keeps for the engine is the one that is tried. */
export async function proveEngine({
  host,
  engine,
  target,
  credentials,
}: ProveRequest): Promise<ProvedEngine> {
  const where = await describeLogin(host, engine);
  const loggedIn: Proved =
    where === undefined
      ? { state: 'no', said: `It has no login for ${engine.address}.`, fix: 'Log it in.' }
      : { state: 'yes', said: where };
  const proof = proofOf({ host, engine, target, way: 'certificate' });
  if (proof.kind === 'none') {
    const asked: Proved = { state: 'unknown', said: 'It cannot be asked from here.' };
    return { reached: asked, trusted: asked, loggedIn };
  }
  const kept = where === undefined ? undefined : await readLogin(host, engine.address);
  try {
    await prove(proof, {
      host,
      credentials: kept === undefined ? credentials : { user: kept.user, password: kept.secret },
    });
    return { reached: yes, trusted: yes, loggedIn };
  } catch (error) {
    if (!isAppError(error, 'CHANGE_FAILED')) throw error;
    return judge(error.message, loggedIn);
  }
}

/** What the sentence of an engine says of the three. */
export function judge(said: string, loggedIn: Proved): ProvedEngine {
  const { cause = said, fix } = explain(said) ?? {};
  const no: Proved = { state: 'no', said: cause, ...(fix === undefined ? {} : { fix: fix.sentence }) };
  if (isRefusal(said)) return { reached: yes, trusted: yes, loggedIn: no };
  if (/x509|certificate|tls:/i.test(said)) {
    return { reached: yes, trusted: no, loggedIn: loggedIn.state === 'no' ? loggedIn : unknown };
  }
  return { reached: no, trusted: unknown, loggedIn: loggedIn.state === 'no' ? loggedIn : unknown };
}
