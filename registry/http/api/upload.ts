import { addAbortSignal } from 'node:stream';
import type { Session } from '../../auth/sessions.ts';
import { AppError } from '../../spec/errors.ts';
import { type Exchange, requestBody, sendJson } from '../exchange.ts';

/** Takes in a file that an administrator sends, and answers the name that the control plane knows it by. */
export type Receive = (
  source: AsyncIterable<Uint8Array>,
  options: { readonly user: string; readonly signal: AbortSignal },
) => Promise<{ readonly upload: string; readonly bytes: number }>;

/** Takes a body in, as long as the session lasts. Throws as `receive` does, and PARAMETER_INVALID for a form. */
export async function receiveUpload(exchange: Exchange, receive: Receive, session: Session): Promise<void> {
  const { req, res } = exchange;
  if (req.headers['content-type'] !== 'application/octet-stream') {
    throw new AppError('PARAMETER_INVALID', { message: 'The Content-Type is not application/octet-stream.' });
  }
  const over = new AbortController();
  const forget = session.onEnd(() => over.abort(new AppError('CANCELLED')));
  res.once('close', forget);
  const signal = AbortSignal.any([exchange.signal(), over.signal]);
  const source = addAbortSignal(signal, requestBody(exchange)) as AsyncIterable<Uint8Array>;
  sendJson(exchange, 201, await receive(source, { user: session.user, signal }));
}
