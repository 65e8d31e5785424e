import type { ServerResponse } from 'node:http';
import { AppError, errorEntry, isAppError } from '../spec/errors.ts';
import { awaitsContinue, type Exchange, hasBody } from './exchange.ts';

/** How much of a refused body is read: for clients that look for the answer only when they have sent all of it. */
const drainBytes = 20 * 1024 * 1024;
/** What is dropped is memory until the next collection of garbage: so much is read at a time, which leaves that its time. */
const drainStepBytes = 4 * 1024 * 1024;
const drainRestMs = 100;
/** How long the connection stays after the answer, for who still sends. */
const drainMs = 5000;

/** The body of an error answer (OCI distribution-spec, "Error Codes"). */
export function errorBody(error: AppError): string {
  const { oci } = errorEntry(error.code);
  const entries = [{ message: error.message, detail: error.detail }, ...error.also];
  return JSON.stringify({
    errors: entries.map(({ message, detail }) => ({
      code: oci,
      message,
      ...(detail === undefined ? {} : { detail }),
    })),
  });
}

/**
 * Turns whatever a handler threw into an answer. An unknown throw is our bug: the client learns the request id only.
 * When the answer has begun already the socket is destroyed, which tells the client that the body is not whole.
 */
export function sendError(exchange: Exchange, thrown: unknown): void {
  const { req, res, id } = exchange;
  if (exchange.error !== undefined) {
    // Whoever cut the request has answered it.
    req.socket.destroy();
    return;
  }
  const error = wireError(thrown, id);
  exchange.error = error;
  if (!isAppError(thrown)) {
    exchange.log().error('requestFailed', 'unexpected error', { 'err.detail': stackOf(thrown) });
  } else if (error.cause !== undefined && errorEntry(error.code).status === 503) {
    exchange.log().error('requestFailed', error.message, { 'err.detail': stackOf(error.cause) });
  }
  if (res.destroyed) return;
  if (res.headersSent) {
    req.socket.destroy();
    return;
  }
  res.statusCode = errorEntry(error.code).status ?? 500;
  if (error.retryAfterSeconds !== undefined) res.setHeader('Retry-After', Math.ceil(error.retryAfterSeconds));
  // RFC 9110 15.5.6: what is refused by a setting or by the content leaves reading possible.
  if (res.statusCode === 405 && !res.hasHeader('Allow')) res.setHeader('Allow', 'GET, HEAD');
  const text = Buffer.from(errorBody(error));
  for (const name of ['Content-Range', 'ETag', 'Cache-Control', 'Accept-Ranges']) {
    const isOfError = name === 'Content-Range' ? res.statusCode === 416 : res.getHeader(name) === 'no-store';
    if (!isOfError) res.removeHeader(name);
  }
  res.setHeader('Content-Type', 'application/json');
  res.setHeader('Content-Length', text.length);
  refuseBody(exchange, text);
}

function wireError(thrown: unknown, id: string): AppError {
  if (thrown instanceof AppError && errorEntry(thrown.code).status !== undefined) return thrown;
  return new AppError('UNKNOWN', {
    message: `An error inside the registry. Its log has more under the request id ${id}.`,
    cause: thrown,
  });
}

function stackOf(thrown: unknown): string {
  return thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown);
}

/**
 * Sends an answer to a request whose body was not read. The answer goes first; then up to 20 MiB of the body are read
 * and dropped, and what comes behind them waits unread. The connection is closed after 5 s, or by the client: Go clients
 * that meet a reset while they write lose the message.
 */
function refuseBody({ req, res, isContinued }: Exchange, text: Buffer): void {
  if (req.complete || !hasBody(req)) {
    end(res, text);
    return;
  }
  res.setHeader('Connection', 'close');
  if (awaitsContinue(req) && !isContinued) {
    // The client waits for leave to send and now knows that it has none.
    end(res, text);
    return;
  }
  let read = 0;
  let stepEnd = drainStepBytes;
  let resting: ReturnType<typeof setTimeout> | undefined;
  const stop = (): void => {
    clearTimeout(timer);
    clearTimeout(resting);
    end(res, undefined);
  };
  const timer = setTimeout(stop, drainMs);
  req.on('data', (bytes: Buffer) => {
    read += bytes.length;
    if (read <= stepEnd) return;
    req.pause();
    stepEnd += drainStepBytes;
    if (read <= drainBytes) resting = setTimeout(() => req.resume(), drainRestMs);
  });
  req.once('end', stop);
  req.once('close', stop);
  res.write(text);
  req.resume();
}

function end(res: ServerResponse, text: Buffer | undefined): void {
  if (!res.writableEnded) res.end(text);
}
