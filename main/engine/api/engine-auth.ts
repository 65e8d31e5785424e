/** A login that the engine itself carries out: its trust in the registry's certificate counts, not ours. */
import type { Endpoint } from '../engine.ts';
import { engineMessage, engineRefusal, requestEngine, type WaitOptions } from './request.ts';

/** Who logs in at a registry. */
export interface Credentials {
  readonly user: string;
  readonly password: string;
}

/**
 * Lets the engine log in at HOST:PORT. Nothing is stored. Throws ENGINE_FAILED with the sentence of the engine, such as
 * `x509: certificate signed by unknown authority`, and `detail.status`: 401 when the registry refuses the password.
 */
export async function checkEngineLogin(
  endpoint: Endpoint,
  { address, user, password }: Credentials & { readonly address: string },
  { signal }: WaitOptions = {},
): Promise<void> {
  const answer = await requestEngine(endpoint, {
    method: 'POST',
    path: '/auth',
    body: { username: user, password, serveraddress: address },
    // It tries https, then http for addresses without verification, and waits for each.
    timeoutMs: 60_000,
    signal,
  });
  if (answer.status < 400) return;
  const sentence = engineMessage(answer).replaceAll(password === '' ? '\0' : password, '***');
  throw engineRefusal(endpoint, `cannot log in at ${address}`, sentence, { status: answer.status });
}
