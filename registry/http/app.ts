/**
 * The outer chain of every request: framing, host, then /api where it is switched on; OPTIONS, foreign origins; then
 * /v2, the window for browsers, or the small pages beside them (health, token), which express serves.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Caller } from '../auth/caller.ts';
import { AppError } from '../spec/errors.ts';
import type { Log } from '../spec/log-record.ts';
import type { Door } from './api/door.ts';
import { isApiPath } from './api/endpoints.ts';
import { harden } from './api/judge.ts';
import { sendError } from './errors.ts';
import { type Exchange, type IdleLimits, openExchange, sendEmpty } from './exchange.ts';
import { framingProblem } from './front.ts';
import { checkHost, type HostRules } from './hosts.ts';
import { type Origin, originOf } from './origin.ts';
import { pageMethods, type Pages } from './small-pages.ts';
import { type Reach, reachOf } from './proxies.ts';
import type { RequestLog } from './request-log.ts';
import type { Ui } from './ui.ts';
import { allowedMethods, handleV2, type V2Context } from './v2.ts';

type ExtraHeaders = Readonly<Record<string, readonly string[]>>;

export interface AppOptions {
  readonly v2: V2Context;
  readonly pages: Pages;
  /** The control plane for browsers; `undefined` while it is switched off. */
  readonly door: () => Door | undefined;
  readonly ui: Ui;
  readonly hosts: HostRules;
  readonly isProxy: (address: string) => boolean;
  /** `http.prefix`, without a slash at its end; empty for none. */
  readonly prefix: string;
  /** `http.headers`: sent with every answer. */
  readonly headers: () => ExtraHeaders;
  readonly idle: () => IdleLimits;
  readonly anonymous: () => Caller;
  readonly log: Log;
  readonly requestLog: RequestLog;
}

const noParameters = new URLSearchParams();

/** Makes the handler that the front calls for each request. */
export function createApp(
  options: AppOptions,
): (req: IncomingMessage, res: ServerResponse, head?: Buffer) => void {
  return (req, res, head) => {
    const reach = reachOf(req, 'encrypted' in req.socket, options.isProxy);
    const origin = originOf(reach);
    const exchange = open({ req, res, head }, { reach, origin }, options);
    options.requestLog.started(exchange);
    res.on('close', () => {
      options.v2.transfers.end(exchange);
      options.requestLog.done(exchange);
    });
    handle(exchange, origin, options).catch((error: unknown) => sendError(exchange, error));
  };
}

function open(
  { req, res, head }: Pick<Exchange, 'req' | 'res' | 'head'>,
  { reach, origin }: { readonly reach: Reach; readonly origin: Origin },
  options: AppOptions,
): Exchange {
  const { path, query } = splitTarget(req.url ?? '/');
  const exchange = openExchange(req, res, {
    path: withoutPrefix(path, options.prefix),
    query: query === '' ? noParameters : new URLSearchParams(query),
    address: reach.address,
    origin: origin.url,
    host: origin.host,
    prefix: `${reach.prefix}${options.prefix}`,
    log: options.log,
    idle: options.idle(),
    anonymous: options.anonymous(),
    head,
  });
  for (const [name, values] of Object.entries(options.headers())) res.setHeader(name, values);
  return exchange;
}

/** Path and query of a request target; the origin of an absolute-form target (RFC 9112 3.2.2) was judged before. */
function splitTarget(target: string): { readonly path: string; readonly query: string } {
  const relative = target.startsWith('/') ? target : target.replace(/^https?:\/\/[^/?]*/i, '');
  const mark = relative.indexOf('?');
  return mark === -1
    ? { path: relative === '' ? '/' : relative, query: '' }
    : { path: relative.slice(0, mark), query: relative.slice(mark + 1) };
}

function withoutPrefix(path: string, prefix: string): string {
  return prefix !== '' && (path === prefix || path.startsWith(`${prefix}/`))
    ? path.slice(prefix.length)
    : path;
}

async function handle(exchange: Exchange, { name: host }: Origin, options: AppOptions): Promise<void> {
  const { req, res, path } = exchange;
  const door = isApiPath(path) ? options.door() : undefined;
  if (door !== undefined) harden(exchange);
  const framing = framingProblem(req);
  if (framing !== undefined) throw closing(res, framing);
  try {
    checkHost(host, path, options.hosts);
  } catch (error) {
    throw closing(res, error);
  }
  if (door !== undefined) {
    await door.answer(exchange);
    return;
  }
  if (req.method === 'OPTIONS') {
    const { route } = exchange;
    const methods = route === undefined ? pageMethods(path) : allowedMethods(route.endpoint);
    sendEmpty(exchange, 200, { Allow: [...methods, 'OPTIONS'].join(', ') });
    return;
  }
  checkOrigin(exchange, options.headers());
  if (path === '/v2' || path.startsWith('/v2/')) await handleV2(exchange, options.v2);
  else if (options.ui.takes(exchange)) await options.ui.answer(exchange);
  else await options.pages(exchange);
}

function closing(res: ServerResponse, error: unknown): unknown {
  res.setHeader('Connection', 'close');
  return error;
}

/** Browsers send Origin with every write of a page; only pages that the configuration names may write. */
function checkOrigin({ req, origin: own }: Exchange, headers: ExtraHeaders): void {
  const { origin } = req.headers;
  if (origin === undefined || req.method === 'GET' || req.method === 'HEAD') return;
  const allowed =
    Object.entries(headers).find(([name]) => name.toLowerCase() === 'access-control-allow-origin')?.[1] ?? [];
  if (allowed.includes('*') || allowed.includes(origin) || origin === own) return;
  throw new AppError('ORIGIN_DENIED');
}
