import { isAppError } from '../../../registry/spec/errors.ts';
import type { Host } from '../host.ts';
import { readLogin, saveLogin } from './logins.ts';
import { type LoginPlan, runEngineLogin } from './plan-login.ts';

/** A login that was planned, to be carried out once it is agreed to. */
export interface PlannedLogin {
  readonly address: string;
  readonly user: string;
  readonly plan: LoginPlan;
}

/** How tokens of the registry are made and ended: by its files, or by its control plane. */
export interface Tokens {
  /** A token that can do what its owner can, and lives until it is ended. */
  make(owner: string): Promise<{ readonly id: string; readonly text: string }>;
  /** @throws AppError TOKEN_UNKNOWN */
  end(id: string): Promise<void>;
}

/**
 * Keeps a login as planned, with a new token unless a password is given, and ends the token of the former login. The plan's
 * changes are made already. Throws LOGIN_FAILED; no token is left then.
 */
export async function keepLogin(
  host: Host,
  tokens: Tokens,
  { address, user, plan }: PlannedLogin,
  password?: string,
): Promise<void> {
  const former = await readLogin(host, address);
  const made = password === undefined ? await tokens.make(user) : undefined;
  const secret = password ?? made?.text ?? '';
  try {
    if (plan.store === 'helper') await saveLogin(host, address, { user, secret, tokenId: made?.id });
    else await runEngineLogin(host, { engine: plan.client, address, user, secret });
  } catch (error) {
    if (made !== undefined) await tokens.end(made.id);
    throw error;
  }
  await endToken(tokens, former?.tokenId);
}

/** Ends a token, if there was one; somebody may have ended it before. */
export async function endToken(tokens: Tokens, id: string | undefined): Promise<void> {
  if (id === undefined) return;
  try {
    await tokens.end(id);
  } catch (error) {
    // While login is off no token is good for anything.
    if (!isAppError(error, 'TOKEN_UNKNOWN') && !isAppError(error, 'LOGIN_OFF')) throw error;
  }
}
