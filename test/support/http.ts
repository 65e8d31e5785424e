import {
  type Agent,
  request as plainRequest,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
} from 'node:http';
import { request as tlsRequest } from 'node:https';
import { connect, type Socket } from 'node:net';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { connect as connectTls } from 'node:tls';

export interface RequestOptions {
  readonly method?: string;
  /** Sent as it is, so that tests can send what URL parsers mend; `/` when absent. */
  readonly path?: string;
  readonly headers?: OutgoingHttpHeaders;
  /** Bytes go with Content-Length, a stream goes chunked. */
  readonly body?: string | Uint8Array | Readable;
  /** The CA to trust, as PEM. */
  readonly ca?: string | undefined;
  /** `name:password`, sent as Basic. */
  readonly user?: string;
  /** The address to ask from, such as 127.0.0.2 on Linux: another client for whoever counts by address. */
  readonly from?: string;
  readonly signal?: AbortSignal;
  /** Keeps connections; without it each request has one of its own. */
  readonly agent?: Agent;
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  /** The body parsed as JSON. */
  json(): unknown;
}

/** Sends one request and answers the whole response. Follows no redirect. */
export async function request(base: string, options: RequestOptions = {}): Promise<Answer> {
  const { method = 'GET', path = '/', headers = {}, body = '', ca, user, from, signal, agent } = options;
  const url = new URL(base);
  const send = url.protocol === 'https:' ? tlsRequest : plainRequest;
  const outgoing = send({
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: url.port,
    method,
    path,
    headers: {
      ...(user === undefined ? {} : { authorization: `Basic ${Buffer.from(user).toString('base64')}` }),
      ...(body instanceof Readable || body.length === 0 ? {} : { 'content-length': Buffer.byteLength(body) }),
      ...headers,
    },
    agent: agent ?? false,
    ...(ca === undefined ? {} : { ca }),
    ...(from === undefined ? {} : { localAddress: from }),
    ...(signal === undefined ? {} : { signal }),
  });
  const answered = new Promise<Answer>((resolve, reject) => {
    outgoing.once('error', reject);
    outgoing.once('response', (response) => {
      const { statusCode: status = 0, headers: received } = response;
      buffer(response).then(
        (bytes) =>
          resolve({
            status,
            headers: received,
            body: bytes,
            json: () => JSON.parse(String(bytes)) as unknown,
          }),
        reject,
      );
    });
  });
  // A server may answer and close before it has read the body: the answer counts then, not the write error.
  const sent = body instanceof Readable ? pipeline(body, outgoing) : Promise.resolve(void outgoing.end(body));
  const [answer] = await Promise.all([answered, sent.catch(() => undefined)]);
  return answer;
}

export interface RawConnection extends AsyncDisposable {
  send(bytes: string | Uint8Array): void;
  /** Closes our side only. */
  end(): void;
  /** Answers everything up to the end of the first match, as latin1, and keeps the rest for later. */
  receive(until: RegExp): Promise<string>;
  /** Answers everything up to the moment when the server closes. */
  receiveAll(): Promise<string>;
}

export interface RawOptions {
  /** Speak TLS and trust this CA; plain TCP when absent. */
  readonly ca?: string | undefined;
  /** How long `receive` waits; 30,000 when absent. */
  readonly timeoutMs?: number;
}

/** Opens a connection that sends exactly the bytes it is given. */
export async function openRaw(host: string, port: number, options: RawOptions = {}): Promise<RawConnection> {
  const { ca, timeoutMs = 30_000 } = options;
  const socket = ca === undefined ? connect({ host, port }) : connectTls({ host, port, ca });
  await new Promise((resolve, reject) => {
    socket.once(ca === undefined ? 'connect' : 'secureConnect', resolve).once('error', reject);
  });
  return rawConnection(socket.setNoDelay(true), timeoutMs);
}

function doNothing(): void {}

function rawConnection(socket: Socket, timeoutMs: number): RawConnection {
  let received = '';
  let isClosed = false;
  let wake: () => void = doNothing;
  socket.setEncoding('latin1').on('data', (part: string) => {
    received += part;
    wake();
  });
  socket.on('error', doNothing); // a reset shows as the end
  socket.on('close', () => {
    isClosed = true;
    wake();
  });

  const take = async (length: () => number | undefined): Promise<string> => {
    const deadline = Date.now() + timeoutMs;
    for (let found = length(); ; found = length()) {
      if (found !== undefined) {
        const taken = received.slice(0, found);
        received = received.slice(found);
        return taken;
      }
      if (isClosed) throw new Error(`the server closed after: ${JSON.stringify(received)}`);
      const left = deadline - Date.now();
      if (left <= 0)
        throw new Error(`nothing more within ${timeoutMs} ms after: ${JSON.stringify(received)}`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left);
        wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  };
  return {
    send: (bytes) => void socket.write(bytes, typeof bytes === 'string' ? 'latin1' : undefined),
    end: () => void socket.end(),
    receive: (until) =>
      take(() => {
        const match = until.exec(received);
        return match === null ? undefined : match.index + match[0].length;
      }),
    receiveAll: () => take(() => (isClosed ? received.length : undefined)),
    [Symbol.asyncDispose]: async () => void socket.destroy(),
  };
}
