/** What the requests of the distribution API tell a session: who moves what, and when it is over. */
import type { Sessions, TransferEnd, TransferStart } from '../feed/sessions.ts';
import { AppError, errorEntry } from '../spec/errors.ts';
import { parseTag, type RepoName } from '../spec/names.ts';
import { errorBody } from './errors.ts';
import { type Exchange, hasBody } from './exchange.ts';

export interface Transfers {
  /** Begins where content is moved or looked for; anything else is left alone. */
  begin(exchange: Exchange, repository: RepoName): void;
  /** The answer has ended, in one way or another. */
  end(exchange: Exchange): void;
  /** Tells the clients that are sending a chunk of an upload to come again; what has arrived of it is kept. */
  interruptChunks(): void;
}

/** How long a client that is told to stop may go on sending, until it has read that. */
const lingerMs = 2_000;

export function createTransfers(sessions: Pick<Sessions, 'begin'>): Transfers {
  const chunks = new Set<Exchange>();
  return {
    begin(exchange, repository) {
      const does = actOf(exchange);
      if (does === undefined) return;
      if (exchange.req.method === 'PATCH') chunks.add(exchange);
      const { caller, address, req, res } = exchange;
      const transfer = sessions.begin({
        ...does,
        user: caller.name,
        userAgent: req.headers['user-agent'] ?? '',
        address,
        repository,
        cancel: (error) => cancel(exchange, error),
      });
      exchange.transfer = transfer;
      if (does.kind !== 'pull' || !does.isBlob) return;
      // The socket counts anyway, so that a block that is sent costs nothing more.
      const { socket } = req;
      const before = socket.bytesWritten;
      transfer.sent = () => {
        if (!res.headersSent || res.statusCode >= 300) return 0;
        const length = Number(res.getHeader('Content-Length') ?? 0);
        return res.writableFinished ? length : Math.max(0, Math.min(length, socket.bytesWritten - before));
      };
    },
    end(exchange) {
      chunks.delete(exchange);
      exchange.transfer?.end(resultOf(exchange));
    },
    interruptChunks() {
      const error = new AppError('UNAVAILABLE', {
        message:
          'The registry is stopping. What arrived of the chunk is kept: resume the upload from the offset it reports.',
      });
      for (const exchange of chunks) if (!exchange.req.complete) cancel(exchange, error);
    },
  };
}

type Act = Pick<TransferStart, 'kind' | 'isBlob'>;

function actOf({ route, req, query }: Exchange): Act | undefined {
  switch (`${req.method ?? ''} ${route?.endpoint ?? ''}`) {
    case 'HEAD blob':
    case 'HEAD manifest':
      return { kind: undefined, isBlob: false };
    case 'GET manifest':
      return { kind: 'pull', isBlob: false };
    case 'GET blob':
      return { kind: 'pull', isBlob: true };
    case 'PUT manifest':
      return { kind: 'push', isBlob: false };
    case 'POST uploads':
      return { kind: 'push', isBlob: query.has('digest') && hasBody(req) };
    case 'PATCH upload':
    case 'PUT upload':
      return { kind: 'push', isBlob: hasBody(req) };
    default:
      return undefined;
  }
}

function resultOf(exchange: Exchange): TransferEnd {
  const { route, req, res, query, vars, error, manifest } = exchange;
  const isRead = req.method === 'GET' || req.method === 'HEAD';
  const errorOf = route?.endpoint === 'blob' ? String(vars['vars.digest']) : undefined;
  if (error !== undefined) {
    // Clients ask for what they are about to push.
    return isRead && errorEntry(error.code).status === 404 ? {} : { error: error.message, errorOf };
  }
  if (!isWhole(exchange))
    return { error: 'The client closed the connection before all was transferred.', errorOf };
  const digest = res.getHeader('Docker-Content-Digest');
  if (typeof digest !== 'string' || res.statusCode === 304) return {};
  if (route?.endpoint !== 'manifest') {
    return { blob: { digest, isReused: req.method === 'HEAD' || query.has('mount') } };
  }
  const tag = parseTag(String(vars['vars.reference'])) ?? query.getAll('tag').at(-1);
  if (req.method === 'HEAD') return tag === undefined ? {} : { looked: { digest, tag } };
  return { manifest: { digest, tag, content: manifest } };
}

/** docker closes the connection as soon as it has all bytes of a blob, before the socket tells that they have left. */
function isWhole({ res, transfer }: Exchange): boolean {
  const length = Number(res.getHeader('Content-Length') ?? 0);
  return res.writableFinished || (length > 0 && (transfer?.sent() ?? 0) >= length);
}

/**
 * Cuts what is sent. A client that sends is told why first, and then has a moment to read it: one that meets a closed
 * connection while it writes would try again instead.
 */
function cancel(exchange: Exchange, error: AppError): void {
  const { req, res } = exchange;
  if (res.headersSent || req.complete) {
    exchange.abort(error);
    return;
  }
  exchange.error = error;
  const text = errorBody(error);
  res.writeHead(errorEntry(error.code).status ?? 500, {
    'Content-Type': 'application/json',
    'Content-Length': Buffer.byteLength(text),
    Connection: 'close',
  });
  res.write(text);
  const timer = setTimeout(() => exchange.abort(error), lingerMs);
  res.once('close', () => clearTimeout(timer));
}
