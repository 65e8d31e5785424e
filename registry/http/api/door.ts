/**
 * The control plane for browsers, below /api. Judged in this order, and nothing is done before:
 *
 *   Host (app) > TLS 426 > page 403 > path 404 > method 405 > session 401 > CSRF token 403
 *
 * A login has no session yet: it needs a JSON body instead, which other pages can send only after asking, and they are
 * never answered what they ask (CORS).
 */
import type { IncomingMessage } from 'node:http';
import type { Auth } from '../../auth/auth.ts';
import { createSessions, type Session } from '../../auth/sessions.ts';
import type { Tickets } from '../../feed/tickets.ts';
import { AppError, assertNever } from '../../spec/errors.ts';
import type { Log } from '../../spec/log-record.ts';
import { actorOf, type Exchange, sendEmpty, sendJson } from '../exchange.ts';
import { cookieOf, noCookie, readCookie } from './cookie.ts';
import { sendDownload } from './download.ts';
import { apiMethods, findApiEndpoint } from './endpoints.ts';
import { type AnswerFirst, parseFirst } from './first.ts';
import { checkCsrf, checkJson, checkPage } from './judge.ts';
import { logIn } from './login.ts';
import { type Connect, createRpcSockets } from './rpc.ts';
import { type Receive, receiveUpload } from './upload.ts';

/** Disposing it ends all sessions and closes their sockets with 1001. */
export interface Door extends Disposable {
  /** Answers a request below /api that has its headers (`harden`), or takes its connection over. Throws AppError for the caller to answer. */
  answer(exchange: Exchange): Promise<void>;
}

export interface DoorOptions {
  readonly auth: Auth;
  readonly tickets: Tickets;
  readonly connect: Connect;
  readonly answerFirst: AnswerFirst;
  /** Who has asked the registry to stop; `undefined` where nobody has. */
  readonly stoppedBy: () => string | undefined;
  /** @throws AppError STORAGE_FULL, STORAGE_READ_ONLY, CANCELLED */
  readonly receive: Receive;
  /** `berth.web.session`. */
  readonly idleMs: () => number;
  readonly log: Log;
}

export function createDoor(options: DoorOptions): Door {
  const { auth, tickets, connect, answerFirst, stoppedBy, receive, idleMs, log } = options;
  const sessions = createSessions({ auth, idleMs, log });
  const sockets = createRpcSockets(connect, stoppedBy);

  async function enter(exchange: Exchange): Promise<Session> {
    const found = await sessions.find(readCookie(exchange.req.headers.cookie));
    if (found === undefined)
      throw new AppError('UNAUTHORIZED', { message: 'There is no session, or it is over: log in.' });
    exchange.caller = found.caller;
    return found.session;
  }

  async function describeWithFirst(exchange: Exchange, session: Session) {
    const asked = exchange.query.get('first');
    if (asked === null) return describe(session);
    return { ...describe(session), first: await answerFirst(parseFirst(asked), actorOf(exchange)) };
  }

  return {
    async answer(exchange) {
      const { req, res, path } = exchange;
      checkPage(exchange);
      const endpoint = findApiEndpoint(path);
      if (endpoint === undefined) throw new AppError('ROUTE_UNKNOWN');
      const methods = apiMethods(endpoint);
      if (!methods.includes(req.method ?? '')) {
        res.setHeader('Allow', methods.join(', '));
        throw new AppError('METHOD_UNSUPPORTED');
      }
      const id = readCookie(req.headers.cookie);
      switch (endpoint) {
        case 'login': {
          checkJson(exchange);
          const opened = sessions.open(await logIn(exchange, { auth, log }), id);
          res.setHeader('Set-Cookie', cookieOf(opened.id));
          return sendJson(exchange, 200, describe(opened.session));
        }
        case 'logout':
          checkCsrf(req.headers['x-berth-csrf']?.toString(), await enter(exchange));
          sessions.close(id ?? '');
          return sendEmpty(exchange, 204, { 'Set-Cookie': noCookie });
        case 'session':
          return sendJson(exchange, 200, await describeWithFirst(exchange, await enter(exchange)));
        case 'rpc':
          return sockets.open(exchange, await enter(exchange));
        case 'upload': {
          const session = await enter(exchange);
          checkCsrf(req.headers['x-berth-csrf']?.toString(), session);
          return await receiveUpload(exchange, receive, session);
        }
        case 'download':
          return await sendDownload(exchange, tickets, await enter(exchange));
        default:
          return assertNever(endpoint);
      }
    },
    [Symbol.dispose]() {
      sockets[Symbol.dispose]();
      sessions[Symbol.dispose]();
    },
  };
}

function describe({ user, csrf }: Session) {
  return { user, csrf };
}

/** True for a request whose connection the door may take over. */
export function isRpcRequest({ method, url = '', headers }: IncomingMessage): boolean {
  return method === 'GET' && headers.upgrade?.toLowerCase() === 'websocket' && /\/api\/rpc(?:\?|$)/.test(url);
}
