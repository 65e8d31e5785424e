import { on } from 'node:events';
import { z } from 'zod';
import type { Auth } from '../../auth/auth.ts';
import { basicAuthorization } from '../../auth/basic.ts';
import type { Proof } from '../../auth/caller.ts';
import { isUserName } from '../../auth/users.ts';
import { AppError, isAppError } from '../../spec/errors.ts';
import type { Log } from '../../spec/log-record.ts';
import { type Exchange, requestBody } from '../exchange.ts';

const maxBytes = 4 * 1024;
const bodyMs = 10_000;
const schema = z.strictObject({ user: z.string(), password: z.string() });

export interface LoginOptions {
  readonly auth: Auth;
  readonly log: Log;
}

/**
 * Reads user and password from the body, and answers who that is if it is an administrator; says in the log how it went.
 * @throws AppError PARAMETER_INVALID, BODY_TOO_SLOW, CANCELLED; UNAUTHORIZED, TOO_MANY_LOGINS; DENIED for a right
 *   password of somebody who is no administrator, and for tokens, which never are
 */
export async function logIn(
  exchange: Exchange,
  { auth, log }: LoginOptions,
): Promise<{ readonly user: string; readonly proof: Proof }> {
  const { user, password } = parse(await readBody(exchange));
  const { address, signal, id } = exchange;
  if (isUserName(user)) exchange.loginName = user;
  // What can be no name is not written down.
  const fields = {
    ...(isUserName(user) ? { 'auth.user.name': user } : {}),
    'http.request.id': id,
    'http.request.remoteaddr': address,
  };
  const refuse = <E>(error: E, reason: string): E => {
    log.warn('loginFailed', 'a login of a browser was refused', { ...fields, reason });
    return error;
  };
  // A colon would end the name where the scheme Basic looks for it.
  const authorization = isUserName(user) ? basicAuthorization(user, password) : 'Basic -';
  const client = exchange.req.headers['user-agent'];
  const identity = await auth
    .identify({ authorization, address, client }, { signal })
    .catch((error: unknown) => {
      throw refuse(error, isAppError(error, 'TOO_MANY_LOGINS') ? 'too many wrong passwords' : 'not judged');
    });
  if (identity.kind !== 'caller') {
    const message = 'The user name or password is wrong.';
    throw refuse(new AppError('UNAUTHORIZED', { message }), 'wrong user or password');
  }
  const { caller, proof } = identity;
  exchange.caller = caller;
  if (!caller.isAdmin) {
    const message =
      caller.limitedBy === 'token'
        ? 'A token does not open the control plane. Log in with the password of an administrator.'
        : `The user ${caller.name} is no administrator, and only administrators may use the control plane.`;
    throw refuse(new AppError('DENIED', { message }), 'not an administrator');
  }
  log.info('loginSucceeded', 'an administrator logged in by a browser', fields);
  return { user: caller.name, proof };
}

function parse(text: string): z.output<typeof schema> {
  try {
    return schema.parse(JSON.parse(text));
  } catch {
    throw new AppError('PARAMETER_INVALID', { message: 'The body is not {"user","password"} as JSON.' });
  }
}

/** The text of a body that is small and comes in time: a login has nothing to wait for. */
async function readBody(exchange: Exchange): Promise<string> {
  const timeout = AbortSignal.timeout(bodyMs);
  const signal = AbortSignal.any([timeout, exchange.signal()]);
  const parts: Buffer[] = [];
  let size = 0;
  try {
    for await (const [part] of on(requestBody(exchange), 'data', { signal, close: ['end'] })) {
      parts.push(part as Buffer);
      size += (part as Buffer).length;
      if (size > maxBytes) break;
    }
  } catch {
    throw new AppError(timeout.aborted ? 'BODY_TOO_SLOW' : 'CANCELLED');
  }
  if (size > maxBytes)
    throw new AppError('PARAMETER_INVALID', { message: `The body is larger than ${maxBytes} bytes.` });
  return Buffer.concat(parts).toString();
}
