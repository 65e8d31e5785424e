import type { IncomingMessage } from 'node:http';
import express from 'express';
import type { Auth } from '../auth/auth.ts';
import { answerTokenRequest } from '../auth/token-endpoint.ts';
import { AppError } from '../spec/errors.ts';
import { type Exchange, requestBody } from './exchange.ts';

/** Serves everything beside /v2: `/`, health, token. Rejects with AppError for the caller to answer. */
export type Pages = (exchange: Exchange) => Promise<void>;

const maxFormBytes = 16 * 1024;

export interface PagesOptions {
  readonly auth: Auth;
  /** `auth.htpasswd.realm`. */
  readonly realm: () => string;
  /** The names of the parts that are not ready; empty when all are. */
  readonly notReady: () => readonly string[];
}

export function createPages({ auth, realm, notReady }: PagesOptions): Pages {
  const exchanges = new WeakMap<IncomingMessage, Exchange>();
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.enable('strict routing');
  app.enable('case sensitive routing');
  app.get('/', (_req, res) => {
    res.set('Cache-Control', 'no-cache').set('Content-Length', '0').status(200).end();
  });
  app.get('/livez', (_req, res) => {
    res.json({ status: 'alive' });
  });
  app.get('/readyz', (_req, res) => {
    const failed = notReady();
    res.status(failed.length === 0 ? 200 : 503);
    res.json(failed.length === 0 ? { status: 'ready' } : { status: 'not ready', failed });
  });
  app.all('/token', async (req, res) => {
    const exchange = exchanges.get(req);
    if (exchange === undefined) throw new Error('no exchange for a request');
    const { status, headers, body } = await answerToken(exchange, { auth, realm });
    // Not by express, which would add a charset to the media type.
    res.writeHead(status, { ...headers, 'Content-Length': Buffer.byteLength(body) });
    res.end(body);
  });

  return async (exchange) => {
    const { req, res, path } = exchange;
    if (!['/', '/livez', '/readyz', '/token'].includes(path)) throw new AppError('ROUTE_UNKNOWN');
    const methods = pageMethods(path);
    if (!methods.includes(req.method ?? '')) {
      res.setHeader('Allow', methods.join(', '));
      throw new AppError('METHOD_UNSUPPORTED');
    }
    exchanges.set(req, exchange);
    // Express decides by req.url; the prefix was taken off already.
    const query = exchange.query.toString();
    req.url = query === '' ? path : `${path}?${query}`;
    await new Promise<void>((resolve, reject) => {
      res.once('finish', resolve);
      res.once('close', resolve);
      app(req as express.Request, res as express.Response, (error?: unknown) =>
        reject(error instanceof Error ? error : new AppError('ROUTE_UNKNOWN')),
      );
    });
  };
}

/** The methods of a page, for Allow. */
export function pageMethods(path: string): readonly string[] {
  return path === '/token' ? ['GET', 'HEAD', 'POST'] : ['GET', 'HEAD'];
}

async function answerToken(exchange: Exchange, { auth, realm }: Omit<PagesOptions, 'notReady'>) {
  const { req, query, address, signal, origin } = exchange;
  const method = req.method === 'POST' ? 'POST' : 'GET';
  const parameters = method === 'POST' ? new URLSearchParams(await readForm(exchange)) : query;
  const { authorization, 'user-agent': client } = req.headers;
  const request = { method, parameters, authorization, address, client } as const;
  const service = new URL(origin).host;
  return await answerTokenRequest(request, { auth, realm: realm(), service }, { signal });
}

async function readForm(exchange: Exchange): Promise<string> {
  let text = '';
  const body = requestBody(exchange).iterator({ destroyOnReturn: false });
  for await (const chunk of body as AsyncIterable<Buffer>) {
    text += chunk.toString('latin1');
    if (text.length > maxFormBytes)
      throw new AppError('PARAMETER_INVALID', { message: 'The form is too large.' });
  }
  return text;
}
