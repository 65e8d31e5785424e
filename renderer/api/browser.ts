import { AppError, type ErrorCode, errors } from '../../registry/spec/errors.ts';
import type { FirstAnswers, FirstQuestion } from '../../registry/spec/first-questions.ts';
import { goingAway, type Reply, type Request } from '../../registry/spec/rpc.ts';
import type { Ending, First, Transport, TransportChannel, UploadOptions } from './transport.ts';

interface Session {
  readonly user: string;
  readonly csrf: string;
}

/**
 * The control plane as pages below /ui/ reach it: see `berth.web.enabled`. Addresses are relative to the page. The questions
 * are asked together with who is logged in, the first time.
 */
export function createBrowserTransport(questions: readonly FirstQuestion[]): Transport {
  let session: Session | undefined;
  let asked = questions;
  let first: First | undefined;

  return {
    async findUser() {
      const path =
        asked.length === 0 ? 'session' : `session?first=${encodeURIComponent(JSON.stringify(asked))}`;
      asked = [];
      first = undefined;
      const response = await ask(path);
      if (!response.ok) {
        session = undefined;
        return undefined;
      }
      const found = (await response.json()) as Session & { readonly first?: FirstAnswers };
      session = found;
      if (found.first !== undefined) {
        const { seq, values } = found.first;
        first = { seq, answers: questions.map((question, index) => [question, values[index]]) };
      }
      return found.user;
    },
    first: () => first,
    async logIn(user, password) {
      const response = await ask('login', {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ user, password }),
      });
      if (!response.ok) throw await errorOf(response);
      session = (await response.json()) as Session;
    },
    async logOut() {
      await ask('logout', { method: 'POST', headers: { 'x-berth-csrf': session?.csrf ?? '' } });
      session = undefined;
    },
    downloadUrl: (ticket) => new URL(`download/${encodeURIComponent(ticket)}`, base()).href,
    upload: (file, options) => send(file, session?.csrf ?? '', options),
    open: () => openSocket(session?.csrf ?? ''),
  };
}

/** Answers what is fine, and 401; throws an AppError for everything else. */
async function ask(path: string, init: RequestInit = {}): Promise<Response> {
  const response = await fetch(new URL(path, base()), { ...init, cache: 'no-store' });
  if (response.ok || response.status === 401) return response;
  throw await errorOf(response);
}

function base(): URL {
  return new URL('../api/', document.baseURI);
}

/** `fetch` does not tell how much of a body is sent. */
async function send(file: File, csrf: string, { signal, progress }: UploadOptions): Promise<string> {
  signal.throwIfAborted();
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const request = new XMLHttpRequest();
  request.open('POST', new URL('upload', base()));
  request.setRequestHeader('content-type', 'application/octet-stream');
  request.setRequestHeader('x-berth-csrf', csrf);
  request.upload.addEventListener('progress', ({ loaded }) => progress(loaded));
  request.addEventListener('load', () => resolve());
  request.addEventListener('error', () => reject(new AppError('NOT_RUNNING')));
  request.addEventListener('abort', () => reject(new AppError('CANCELLED')));
  signal.addEventListener('abort', () => request.abort(), { once: true });
  request.send(file);
  await promise;
  const body = parse(request.responseText);
  if (request.status !== 201) throw errorFrom(request.status, body);
  return (body as { readonly upload: string }).upload;
}

async function errorOf(response: Response): Promise<AppError> {
  return errorFrom(response.status, await response.json().catch(() => undefined));
}

function errorFrom(status: number, answer: unknown): AppError {
  const body = answer as
    | {
        readonly errors?: readonly {
          readonly code?: string;
          readonly message?: string;
          readonly detail?: unknown;
        }[];
      }
    | undefined;
  const first = body?.errors?.[0];
  const code = (Object.keys(errors) as ErrorCode[]).find((each) => each === first?.code) ?? codeOf(status);
  return new AppError(code, { message: first?.message, detail: first?.detail });
}

/** The wire has the codes of the distribution-spec only. */
function codeOf(status: number): ErrorCode {
  if (status === 401) return 'UNAUTHORIZED';
  if (status === 403) return 'DENIED';
  return status === 429 ? 'TOO_MANY_LOGINS' : 'UNKNOWN';
}

async function openSocket(csrf: string): Promise<TransportChannel> {
  const url = new URL('rpc', base());
  url.protocol = url.protocol === 'http:' ? 'ws:' : 'wss:';
  const socket = new WebSocket(url, ['berth.1', `csrf.${csrf}`]);
  await new Promise<void>((resolve, reject) => {
    socket.addEventListener('open', () => resolve());
    socket.addEventListener('error', () => reject(new AppError('NOT_RUNNING')));
  });
  return channelOf(socket);
}

function channelOf(socket: WebSocket): TransportChannel {
  let listener: ((message: unknown) => void) | undefined;
  let ending: Ending | undefined;
  let isDemoted = false;
  const early: unknown[] = [];
  // The first that listens: whoever else hears of the end finds it known.
  socket.addEventListener('close', ({ code, reason }) => {
    isDemoted = reason === 'demoted';
    if (code !== goingAway.code || !reason.startsWith(goingAway.reason)) return;
    const by = reason.slice(`${goingAway.reason}: `.length);
    ending = by === '' ? {} : { by };
  });
  socket.addEventListener('message', ({ data }) => {
    const message = parse(data);
    if (listener === undefined) early.push(message);
    else listener(message);
  });
  return {
    send(message: Request | Reply) {
      if (socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify(message));
    },
    onMessage(given) {
      listener = given;
      for (const message of early.splice(0)) given(message);
    },
    onClose(given) {
      if (socket.readyState >= WebSocket.CLOSING) given();
      else socket.addEventListener('close', () => given(), { once: true });
    },
    close: () => socket.close(),
    ending: () => ending,
    isDemoted: () => isDemoted,
  };
}

function parse(data: unknown): unknown {
  try {
    return JSON.parse(String(data));
  } catch {
    return undefined;
  }
}
