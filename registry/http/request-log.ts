/** What is written when a request has been answered: the access line, the line of the service log, the metrics. */
import { parseAuthorization } from '../auth/basic.ts';
import type { Refusal } from '../feed/cards.ts';
import type { Metrics } from '../feed/metrics.ts';
import type { Traffic } from '../feed/traffic.ts';
import type { AccessEntry } from '../log/access.ts';
import { formatDuration } from '../spec/duration.ts';
import { errorEntry } from '../spec/errors.ts';
import type { Log } from '../spec/log-record.ts';
import { parseTag } from '../spec/names.ts';
import type { Exchange } from './exchange.ts';
import type { RawAnswer } from './front.ts';

export interface RequestLogOptions {
  readonly metrics: Metrics;
  readonly traffic: Pick<Traffic, 'started' | 'ended'>;
  /** The service log. */
  readonly log: Log;
  /** Takes what the access log tells of a request. */
  readonly write: (entry: AccessEntry) => void;
  /** Told of each request that was refused, the challenge that begins every login aside. */
  readonly onRefused: (refusal: Refusal) => void;
}

export interface RequestLog {
  started(exchange: Exchange): void;
  done(exchange: Exchange): void;
  /** For answers that the front gave to what was no request. */
  refused(answer: RawAnswer): void;
}

export function createRequestLog({ metrics, traffic, log, onRefused, write }: RequestLogOptions): RequestLog {
  return {
    started(exchange) {
      metrics.requestStarted(handlerOf(exchange));
      if (isTraffic(exchange)) traffic.started();
    },
    done(exchange) {
      const handler = handlerOf(exchange);
      const { req, res, id, target, address, caller, startedAt, streamedBytes } = exchange;
      const durationMs = performance.now() - startedAt;
      const bytesSent = req.method === 'HEAD' ? 0 : Number(res.getHeader('Content-Length') ?? streamedBytes);
      metrics.requestEnded(handler);
      if (isTraffic(exchange)) traffic.ended();
      if (res.statusCode === 401 && !isChallenge(exchange)) metrics.loginFailed();
      // How long somebody looks by a WebSocket says nothing about how fast the registry is.
      const seconds = res.statusCode === 101 ? 0 : durationMs / 1000;
      if (res.statusCode >= 400 && !isChallenge(exchange)) tellRefusal(exchange, onRefused);
      metrics.observeRequest({
        handler,
        method: req.method ?? '',
        status: res.statusCode,
        seconds,
        bytesIn: Number(req.headers['content-length'] ?? 0),
        bytesOut: bytesSent,
      });
      write({
        at: Date.now() - durationMs,
        requestId: id,
        remoteAddress: address,
        user: caller.name,
        method: req.method ?? '',
        uri: target,
        httpVersion: req.httpVersion,
        host: req.headers.host,
        referer: req.headers.referer,
        userAgent: req.headers['user-agent'],
        status: res.statusCode,
        bytesSent,
        contentType: header(exchange, 'Content-Type'),
        durationMs,
      });
      writeServiceLine(log, exchange, { durationMs, bytesSent });
    },
    refused({ status, error, requestId, address, bytes }) {
      onRefused({ code: error.code, message: error.message, address, requestId });
      metrics.observeRequest({
        handler: 'front',
        method: '',
        status,
        seconds: 0,
        bytesIn: 0,
        bytesOut: bytes,
      });
      const at = Date.now();
      const request = { method: '-', uri: '-', httpVersion: '1.1', status, bytesSent: bytes, durationMs: 0 };
      write({ at, requestId, remoteAddress: address, ...request });
    },
  };
}

/** Who only asks whether the registry is there wants nothing of it. */
function isTraffic({ route }: Exchange): boolean {
  return route !== undefined && route.endpoint !== 'base';
}

function tellRefusal(exchange: Exchange, onRefused: RequestLogOptions['onRefused']): void {
  const { req, res, id, address, caller, error, vars, loginName = '' } = exchange;
  const code = error?.code ?? (res.statusCode === 401 ? 'UNAUTHORIZED' : undefined);
  const login = parseAuthorization(req.headers.authorization);
  // A Bearer token ends after some minutes, and its client asks for another one.
  if (code === undefined || (code === 'UNAUTHORIZED' && login.kind === 'bearer')) return;
  const { 'vars.name': repository, 'vars.reference': tag } = vars;
  onRefused({
    code,
    message: error?.message ?? 'The user name or password is wrong.',
    address,
    userAgent: req.headers['user-agent'],
    user: caller.name || (login.kind === 'basic' ? login.user : loginName),
    repository: typeof repository === 'string' ? repository : undefined,
    tag: typeof tag === 'string' ? parseTag(tag) : undefined,
    requestId: id,
    isWrite: req.method !== 'GET' && req.method !== 'HEAD',
  });
}

function writeServiceLine(
  log: Log,
  exchange: Exchange,
  { durationMs, bytesSent }: { readonly durationMs: number; readonly bytesSent: number },
): void {
  const { req, res, id, target, error, caller, address } = exchange;
  const level = levelOf(exchange);
  if (!log.enabled(level)) return;
  const fields = {
    ...exchange.vars,
    'auth.user.name': caller.name === '' ? undefined : caller.name,
    'http.request.id': id,
    'http.request.host': req.headers.host,
    'http.request.method': req.method,
    'http.request.remoteaddr': address,
    'http.request.uri': target,
    'http.request.useragent': req.headers['user-agent'],
    'http.request.contenttype': req.headers['content-type'],
    'http.request.referer': req.headers.referer,
    'http.response.status': res.statusCode,
    'http.response.written': bytesSent,
    'http.response.contenttype': header(exchange, 'Content-Type'),
    'http.response.duration': formatDuration(durationMs),
  };
  if (error === undefined) {
    // A WebSocket has no answer that could be complete: it lasts until somebody closes it.
    if (res.writableFinished || res.statusCode === 101)
      log[level]('requestAnswered', 'response completed', fields);
    else log.warn('requestCut', 'the client closed the connection before the answer was complete', fields);
    return;
  }
  log[level](isChallenge(exchange) ? 'challenge' : 'requestRefused', 'response completed with error', {
    ...fields,
    'err.code': (errorEntry(error.code).oci ?? error.code).toLowerCase(),
    'err.message': error.message,
    'err.detail': error.detail === undefined ? undefined : JSON.stringify(error.detail),
    hint: error.hint,
  });
}

/**
 * The first request of every docker command carries no credentials: its 401 is no event for a person. Nor is a file of the
 * window, of which who looks at the log has just loaded some dozens.
 */
function levelOf(exchange: Exchange): 'error' | 'warn' | 'info' | 'debug' {
  if (exchange.error === undefined) return exchange.path.startsWith('/ui/') ? 'debug' : 'info';
  if (exchange.res.statusCode >= 500) return 'error';
  return isChallenge(exchange) || exchange.res.statusCode === 404 ? 'debug' : 'warn';
}

function isChallenge({ req, res, path }: Exchange): boolean {
  return res.statusCode === 401 && req.headers.authorization === undefined && path !== '/api/login';
}

function handlerOf({ route }: Exchange): string {
  const endpoint = route?.endpoint;
  if (endpoint === undefined) return 'page';
  return endpoint === 'upload' || endpoint === 'uploads' ? 'blob_upload' : endpoint;
}

function header({ res }: Exchange, name: string): string | undefined {
  const value = res.getHeader(name);
  return typeof value === 'string' ? value : undefined;
}
