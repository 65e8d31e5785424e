/**
 * A lean HTTP/1.1 client on bare sockets. node:http costs several times more a request than the servers that are to be
 * measured; this one leaves the cores to them.
 */
import { once } from 'node:events';
import { connect as connectPlain, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';

/** Where a registry is and how to speak to it. */
export interface Target {
  readonly port: number;
  /** PEM of the authority; plain HTTP if absent. */
  readonly ca: string | undefined;
  /** The value of Authorization. */
  readonly authorization: string | undefined;
}

export interface Answer {
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
  /** Bytes of the body, which is dropped. */
  readonly length: number;
}

export interface Request {
  readonly method: string;
  readonly path: string;
  readonly body?: Uint8Array;
  readonly type?: string;
}

/** docker-registry answers 404 for an OCI manifest to whoever does not name its type. */
const accept = 'application/vnd.oci.image.manifest.v1+json, */*';

/** One keep-alive connection; requests go one after the other. */
export interface Connection extends Disposable {
  send(request: Request): Promise<Answer>;
}

export async function connect({ port, ca, authorization }: Target): Promise<Connection> {
  const socket: Socket =
    ca === undefined
      ? connectPlain({ host: '127.0.0.1', port, noDelay: true })
      : connectTls({ host: '127.0.0.1', port, ca, servername: 'localhost' });
  await once(socket, ca === undefined ? 'connect' : 'secureConnect');
  const login = authorization === undefined ? '' : `Authorization: ${authorization}\r\n`;
  const reader = readAnswers(socket);

  return {
    async send({ method, path, body, type }) {
      const length =
        body === undefined && (method === 'GET' || method === 'HEAD')
          ? ''
          : `Content-Length: ${body?.length ?? 0}\r\n`;
      const kind = type === undefined ? '' : `Content-Type: ${type}\r\n`;
      const head = `${method} ${path} HTTP/1.1\r\nHost: localhost:${port}\r\nAccept: ${accept}\r\n${login}${kind}${length}\r\n`;
      const answer = reader.next(method === 'HEAD');
      socket.cork();
      socket.write(head);
      if (body !== undefined) await Promise.race([answer, writePieces(socket, body)]);
      socket.uncork();
      return await answer;
    },
    [Symbol.dispose]() {
      socket.destroy();
    },
  };
}

/** Node encrypts all that it is given before it sends the first byte of it, so a body goes in pieces. */
const pieceBytes = 256 * 1024;

async function writePieces(socket: Socket, body: Uint8Array): Promise<void> {
  for (let at = 0; at < body.length; at += pieceBytes) {
    const isTaken = socket.write(body.subarray(at, at + pieceBytes));
    socket.uncork();
    if (!isTaken && at + pieceBytes < body.length) await once(socket, 'drain');
  }
}

const lastChunk = '\r\n0\r\n\r\n';

function readAnswers(socket: Socket): { next(isHead: boolean): Promise<Answer> } {
  let waiting: (PromiseWithResolvers<Answer> & { readonly isHead: boolean }) | undefined;
  let head: Buffer = Buffer.alloc(0);
  let current: { readonly status: number; readonly headers: Map<string, string> } | undefined;
  let left = 0;
  /** The end of a body in chunks (RFC 9112 7.1): what came last of it; `undefined` where the length is known. */
  let tail: string | undefined;

  socket.on('data', (chunk: Buffer) => {
    let bytes = chunk;
    if (current === undefined) {
      head = head.length === 0 ? bytes : Buffer.concat([head, bytes]);
      const end = head.indexOf('\r\n\r\n');
      if (end === -1) return;
      current = parseHead(head.toString('latin1', 0, end));
      const hasBody = waiting?.isHead !== true;
      left = hasBody ? Number(current.headers.get('content-length') ?? 0) : 0;
      tail = hasBody && current.headers.get('transfer-encoding') === 'chunked' ? '\r\n' : undefined;
      bytes = head.subarray(end + 4);
      head = Buffer.alloc(0);
    }
    left -= bytes.length;
    if (tail !== undefined)
      tail = (tail + bytes.toString('latin1', Math.max(0, bytes.length - lastChunk.length))).slice(
        -lastChunk.length,
      );
    if (tail === undefined ? left > 0 : tail !== lastChunk) return;
    const done = current;
    current = undefined;
    waiting?.resolve({ ...done, length: Number(done.headers.get('content-length') ?? 0) });
  });
  const fail = (): void => waiting?.reject(new Error('the server closed the connection'));
  socket.on('error', fail).on('close', fail);

  return {
    next(isHead) {
      waiting = { ...Promise.withResolvers<Answer>(), isHead };
      return waiting.promise;
    },
  };
}

function parseHead(text: string): { readonly status: number; readonly headers: Map<string, string> } {
  const [first = '', ...lines] = text.split('\r\n');
  const headers = lines.map((line) => {
    const colon = line.indexOf(':');
    return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()] as const;
  });
  return { status: Number(first.split(' ')[1]), headers: new Map(headers) };
}

/** Sends a request and insists on its status. */
export async function expect(connection: Connection, request: Request, status: number): Promise<Answer> {
  const answer = await connection.send(request);
  if (answer.status === status) return answer;
  throw new Error(`${request.method} ${request.path}: ${answer.status}, expected ${status}`);
}
