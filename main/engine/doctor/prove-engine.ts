/** What a push of an engine needs, tried from its side: does it reach the registry, trust it, and have a login there? */
import { isAppError } from '../../../registry/spec/errors.ts';
import type { Credentials } from '../api/engine-auth.ts';
import { isRefusal, prove } from '../changes/prove.ts';
import type { Engine, RegistryTarget } from '../engine.ts';
import type { Host } from '../host.ts';
import { describeLogin } from '../login/describe-login.ts';
import { readLogin } from '../login/logins.ts';
import { proofOf } from '../trust/plan-trust.ts';
import { canPushItself, pushByEngine, type PushRequest } from './engine-push.ts';
import { explain } from './explain.ts';

/** `said`: why not, or how it is known. */
export interface Proved {
  readonly state: 'yes' | 'no' | 'unknown';
  readonly said?: string;
  readonly fix?: string;
}

export interface ProvedEngine {
  readonly resolved: Proved;
  readonly reached: Proved;
  readonly trusted: Proved;
  readonly loggedIn: Proved;
  /** Absent where no push was asked for. */
  readonly pulled?: Proved;
}

export interface ProveRequest {
  readonly host: Host;
  readonly engine: Engine;
  readonly target: RegistryTarget;
  /** Admitted by the registry, for an engine whose own login cannot be read. */
  readonly credentials: Credentials;
  /** Pushes a tiny image and pulls it again. */
  readonly pulls?: boolean;
}

const yes: Proved = { state: 'yes' };
const unknown: Proved = { state: 'unknown' };

/**
 * The login that Berth keeps for the engine is the one that is tried. It changes nothing: what `pulls` has pushed is
 * deleted again.
 */
export async function proveEngine({
  host,
  engine,
  target,
  credentials,
  pulls = false,
}: ProveRequest): Promise<ProvedEngine> {
  const where = await describeLogin(host, engine);
  const loggedIn: Proved =
    where === undefined
      ? { state: 'no', said: `It has no login for ${engine.address}.`, fix: 'Log it in.' }
      : { state: 'yes', said: where };
  const proof = proofOf({ host, engine, target, way: 'certificate' });
  if (proof.kind === 'none') {
    const asked: Proved = { state: 'unknown', said: 'It cannot be asked from here.' };
    return { resolved: asked, reached: asked, trusted: asked, loggedIn, ...(pulls && { pulled: asked }) };
  }
  const kept = where === undefined ? undefined : await readLogin(host, engine.address);
  try {
    await prove(proof, {
      host,
      credentials: kept === undefined ? credentials : { user: kept.user, password: kept.secret },
    });
  } catch (error) {
    if (!isAppError(error, 'CHANGE_FAILED')) throw error;
    return { ...judge(error.message, loggedIn), ...(pulls && { pulled: unknown }) };
  }
  const proved = { resolved: yes, reached: yes, trusted: yes, loggedIn };
  return pulls
    ? { ...proved, pulled: await provePull({ host, engine, registry: target, credentials }) }
    : proved;
}

async function provePull(request: PushRequest): Promise<Proved> {
  if (!canPushItself(request.engine)) return unknown;
  try {
    await pushByEngine(request);
    return yes;
  } catch (error) {
    if (!isAppError(error, 'ENGINE_FAILED')) throw error;
    return refused(error.message);
  }
}

function refused(said: string): Proved {
  const { cause = said, fix } = explain(said) ?? {};
  return { state: 'no', said: cause, ...(fix === undefined ? {} : { fix: fix.sentence }) };
}

/** What the sentence of an engine says of how far it came. */
export function judge(said: string, loggedIn: Proved): ProvedEngine {
  const no = refused(said);
  if (isRefusal(said)) return { resolved: yes, reached: yes, trusted: yes, loggedIn: no };
  const login = loggedIn.state === 'no' ? loggedIn : unknown;
  if (/x509|certificate|tls:/i.test(said))
    return { resolved: yes, reached: yes, trusted: no, loggedIn: login };
  const isNameless = /no such host|\blookup\b|name resolution|server misbehaving/i.test(said);
  return isNameless
    ? { resolved: no, reached: unknown, trusted: unknown, loggedIn: login }
    : { resolved: yes, reached: no, trusted: unknown, loggedIn: login };
}
