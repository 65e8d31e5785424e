import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Caller } from '../auth/caller.ts';
import type { Transfer } from '../feed/sessions.ts';
import { AppError } from '../spec/errors.ts';
import type { Actor } from '../spec/events.ts';
import type { FieldValue, Log } from '../spec/log-record.ts';
import type { Manifest } from '../spec/manifest.ts';
import { matchRoute, type Route } from './route.ts';

/** How long a peer may be silent, in milliseconds. */
export interface IdleLimits {
  /** Without a byte of a request body. */
  readonly uploadMs: number;
  /** Without taking a byte of an answer. */
  readonly downloadMs: number;
}

/** One request and its answer: what every handler works with. */
export interface Exchange {
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
  /** The request id: in the answer, in every log line, in error reports. */
  readonly id: string;
  /** The request target as it came. */
  readonly target: string;
  /** Path without query, percent-encoding untouched, the configured prefix taken off. */
  readonly path: string;
  /** The endpoint of the distribution API that the path names. */
  readonly route: Route | undefined;
  readonly query: URLSearchParams;
  /** The peer, or the address a trusted proxy names. */
  readonly address: string;
  /** Scheme and authority as the client sees them. */
  readonly origin: string;
  /** The authority without a port that the scheme implies. */
  readonly host: string;
  /** What the client's paths start with before /v2; empty for nothing. */
  readonly prefix: string;
  /**
   * Aborts when the socket closes, the peer is silent too long, or the registry stops hard. Made for who asks for it: most
   * requests are answered before anybody does.
   */
  readonly signal: () => AbortSignal;
  /** Makes the log whose lines carry the request id; few requests write a line before their end. */
  readonly log: () => Log;
  readonly startedAt: number;
  /** Present where the connection may be taken over: the bytes behind the request. */
  readonly head: Buffer | undefined;
  /** Who asks; anonymous until the credentials were judged. */
  caller: Caller;
  /** Fields for the lines about this request: repository, reference, digest. */
  vars: Record<string, FieldValue>;
  /** What went wrong, for the log line at the end. */
  error: AppError | undefined;
  /** `100 Continue` was sent: the client sends its body. */
  isContinued: boolean;
  /** The bytes of an answer that was begun without a Content-Length. */
  streamedBytes: number;
  /** Who wants to log in by a body; absent where no user can have that name. */
  loginName: string | undefined;
  /** Its part in a session, where content is moved. */
  transfer: Transfer | undefined;
  /** What the manifest says that was sent or stored. */
  manifest: Manifest | undefined;
  /** Aborts the request. */
  readonly abort: (error: AppError) => void;
}

/** Starts an exchange: common headers, abort signal, silence watch. */
export function openExchange(
  req: IncomingMessage,
  res: ServerResponse,
  options: {
    readonly path: string;
    readonly query: URLSearchParams;
    readonly address: string;
    readonly origin: string;
    readonly host: string;
    readonly prefix: string;
    readonly log: Log;
    readonly idle: IdleLimits;
    readonly anonymous: Caller;
    readonly head: Buffer | undefined;
  },
): Exchange {
  const id = randomUUID();
  res.setHeader('Docker-Distribution-Api-Version', 'registry/2.0');
  res.setHeader('X-Request-Id', id);
  res.setHeader('X-Content-Type-Options', 'nosniff');
  res.setHeader('Content-Security-Policy', "default-src 'none'; sandbox");
  const { path, query, address, origin, host, prefix, head } = options;
  const abort = watch(req, res, options.idle);
  return {
    req,
    res,
    id,
    target: req.url ?? '',
    path,
    route: matchRoute(path),
    query,
    address,
    origin,
    host,
    prefix,
    signal: abort.signal,
    log: () => options.log.with({ 'http.request.id': id }),
    startedAt: performance.now(),
    head,
    caller: options.anonymous,
    vars: {},
    error: undefined,
    isContinued: false,
    streamedBytes: 0,
    loginName: undefined,
    transfer: undefined,
    manifest: undefined,
    abort: abort.now,
  };
}

/**
 * What aborts a request. Node's own request timeout is off, since it cuts long uploads; silence is what counts:
 * the socket's timer is restarted by every byte in either direction.
 */
function watch(
  req: IncomingMessage,
  res: ServerResponse,
  { uploadMs, downloadMs }: IdleLimits,
): { readonly signal: () => AbortSignal; readonly now: (reason: AppError) => void } {
  let controller: AbortController | undefined;
  const made = (): AbortController => (controller ??= new AbortController());
  const now = (reason: AppError): void => made().abort(reason);
  // Node says so of a request without a body only after its handler has begun.
  const isWhole = (): boolean => req.complete || !hasBody(req);
  res.setTimeout(isWhole() ? downloadMs : uploadMs, () => {
    // A body that has arrived whole may take long to be verified and stored: that is our silence, not the peer's.
    if (isWhole() && !res.headersSent) return;
    const seconds = (isWhole() ? downloadMs : uploadMs) / 1000;
    now(new AppError('CANCELLED', { message: `No byte for ${seconds} seconds. What arrived is kept.` }));
    req.socket.destroy();
  });
  if (!isWhole()) req.once('end', () => req.socket.setTimeout(downloadMs));
  res.on('close', () => {
    if (res.writableFinished) return;
    now(new AppError('CANCELLED', { message: 'The client closed the connection.' }));
  });
  return { signal: () => made().signal, now };
}

/** The body of a request. Tells a client that waits for `100 Continue` to go on. */
export function requestBody(exchange: Exchange): IncomingMessage {
  const { req, res } = exchange;
  if (awaitsContinue(req) && !res.headersSent) {
    res.writeContinue();
    exchange.isContinued = true;
  }
  return req;
}

/** True when the client sends its body only after `100 Continue` (RFC 9110 10.1.1). */
export function awaitsContinue(req: IncomingMessage): boolean {
  return req.headers.expect?.toLowerCase() === '100-continue';
}

/** True when the request announces a body, sized or chunked. */
export function hasBody(req: IncomingMessage): boolean {
  const length = req.headers['content-length'];
  return req.headers['transfer-encoding'] !== undefined || (length !== undefined && length !== '0');
}

export function actorOf({ caller, id, address, origin, prefix, req }: Exchange): Actor {
  const { 'user-agent': client, host } = req.headers;
  return {
    user: caller.name,
    requestId: id,
    address,
    client,
    method: req.method,
    host,
    origin: `${origin}${prefix}`,
  };
}

/** Answers with JSON. */
export function sendJson(
  { res }: Exchange,
  status: number,
  value: unknown,
  mediaType = 'application/json',
): void {
  const text = JSON.stringify(value);
  const bytes = Buffer.byteLength(text);
  res.statusCode = status;
  res.setHeader('Content-Type', mediaType);
  res.setHeader('Content-Length', bytes);
  // As many bytes as characters: ASCII, which is written faster as what is the same.
  res.end(text, bytes === text.length ? 'latin1' : 'utf8');
}

/** The largest body that goes with its head, in bytes. */
const smallBody = 16 * 1024;

/** Ends an answer with its body. Node sends head and body as one where both are text, which spares a small one some microseconds. */
export function endWith(res: ServerResponse, bytes: Uint8Array): void {
  if (bytes.length > smallBody) res.end(bytes);
  else res.end(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1'), 'latin1');
}

/** Answers without a body. */
export function sendEmpty(
  { res }: Exchange,
  status: number,
  headers: Readonly<Record<string, string>>,
): void {
  res.statusCode = status;
  for (const [name, value] of Object.entries(headers)) res.setHeader(name, value);
  if (status !== 204 && status !== 304) res.setHeader('Content-Length', 0);
  res.end();
}

const warningBytes = 4096;

/** Adds a Warning header (RFC 7234 5.5, code 299, as OCI distribution-spec "Warnings" asks), within 4096 bytes. */
export function addWarning({ res }: Exchange, text: string): void {
  const present = res.getHeader('Warning');
  const list = Array.isArray(present) ? present : [];
  const escaped = text.replaceAll(/["\\]/g, String.raw`\$&`).replaceAll(/[^\x20-\x7e]/g, '?');
  const warning = `299 - "${escaped}"`;
  const used = list.reduce((sum, each) => sum + each.length, 0);
  if (used + warning.length <= warningBytes) res.setHeader('Warning', [...list, warning]);
}
