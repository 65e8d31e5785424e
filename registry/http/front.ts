/**
 * The listening socket: TLS and plain HTTP on one port, told apart by the first byte.
 *
 *   connection   over the cap: closed
 *   first byte   0x16: TLS; an ASCII letter: HTTP; another, or none in time: closed without an answer
 *   plain HTTP   allowed between these two ends: served; else 426, the request is never parsed
 *   handshake    in time, TLS 1.2 or newer, ALPN http/1.1
 *   request      broken in a way that Node sees: 400, 408, 414, 431 from here, connection closed
 *                broken in a way that Node accepts: `framingProblem`; handed on, nothing behind it is looked at
 *
 * An offer to upgrade that `mayUpgrade` does not take is ignored, as RFC 9110 7.8 allows, and the connection closed
 * behind it. CONNECT is refused.
 */
import { randomUUID } from 'node:crypto';
import { STATUS_CODES, ServerResponse, createServer as createHttpServer } from 'node:http';
import type { IncomingMessage, Server as HttpServer } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo, Server, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { SecureVersion, TLSSocket } from 'node:tls';
import { AppError, errorEntry } from '../spec/errors.ts';
import type { Log } from '../spec/log-record.ts';
import { errorBody } from './errors.ts';
import { hasBody } from './exchange.ts';
import { openListeners } from './listen.ts';
import type { ListenTarget } from './listen.ts';
import { plainAddress } from './proxies.ts';

/** Who may speak plain HTTP: nobody, both ends on loopback, trusted proxies as well, or anyone. */
export type PlainRule = 'off' | 'loopback' | 'proxies' | 'any';

/** The certificate and key to serve, and word of each change. */
export interface TlsSource {
  material(): TlsMaterial;
  onChange(listener: (material: TlsMaterial) => void): () => void;
}

export interface TlsMaterial {
  readonly cert: string;
  readonly key: string;
}

export interface FrontLimits {
  readonly connections: number;
  /** For the first byte of a connection, in milliseconds. */
  readonly firstByteMs: number;
  readonly handshakeMs: number;
  /** For a whole header block, in milliseconds. */
  readonly headersMs: number;
  /** Between two requests of a connection, in milliseconds. */
  readonly keepAliveMs: number;
  readonly headerBytes: number;
  /** How long after a refusal what still arrives is read and dropped, so that the client can read the answer. */
  readonly lingerMs: number;
}

export interface FrontOptions {
  /**
   * Answers a request. `100 Continue` is sent only if it calls `res.writeContinue()`. With `head`, the bytes that
   * came behind the request, the connection may be taken over instead, for as long as the answer is not ended.
   */
  readonly onRequest: (req: IncomingMessage, res: ServerResponse, head?: Buffer) => void | Promise<void>;
  /** Whether the connection of a request that offers an upgrade may be taken over; never, if absent. */
  readonly mayUpgrade?: (req: IncomingMessage) => boolean;
  readonly identity: TlsSource;
  readonly plain: () => PlainRule;
  readonly isProxy: (address: string) => boolean;
  readonly limits?: Partial<FrontLimits>;
  /** Default TLSv1.2; older ones are not offered. */
  readonly minVersion?: 'TLSv1.2' | 'TLSv1.3';
  /** OpenSSL names joined by `:`; default, and if empty, the list of Node. */
  readonly ciphers?: string;
  readonly log: Log;
  /** Told of each answer that was given here without `onRequest`. */
  readonly onRawError?: (answer: RawAnswer) => void;
  /** Told of each client that breaks off a handshake because it does not trust the certificate, with what to do. */
  readonly onUntrusted?: (client: { readonly address: string; readonly hint: string }) => void;
}

export interface RawAnswer {
  readonly status: number;
  readonly error: AppError;
  readonly requestId: string;
  /** Empty if the peer is gone already. */
  readonly address: string;
  /** Of the body. */
  readonly bytes: number;
}

export interface BoundAddress {
  readonly host: string;
  readonly port: number;
}

export interface Front extends AsyncDisposable {
  /** Starts to listen; may be called for several targets. Throws PORT_BUSY, CONFIG_INVALID. */
  listen(target: ListenTarget): Promise<readonly BoundAddress[]>;
  addresses(): readonly BoundAddress[];
  /** Open connections. */
  connections(): number;
  /** Refuses what is new, lets running requests finish for `drainMs`, then cuts what is left. */
  close(options: { readonly drainMs: number }): Promise<void>;
}

const defaultLimits: FrontLimits = {
  connections: 10_000,
  firstByteMs: 10_000,
  handshakeMs: 10_000,
  headersMs: 10_000,
  keepAliveMs: 120_000,
  headerBytes: 32 * 1024,
  lingerMs: 5_000,
};

const maxFields = 100;
const maxTargetBytes = 16 * 1024;
const tlsHandshakeByte = 0x16;
const logEveryMs = 60_000;

/** Makes the front. It listens nowhere until `listen`. */
export function createFront(options: FrontOptions): Front {
  const { log, onRequest } = options;
  const limits = { ...defaultLimits, ...options.limits };
  const sockets = new Set<Socket>();
  /** Answers under way, by the socket that the request came on (a TLSSocket under TLS). */
  const underWay = new Map<Duplex, Set<ServerResponse>>();
  /** Sockets that were answered for the last time. */
  const refused = new WeakSet<Duplex>();
  const secured = new WeakSet<Duplex>();
  const listeners: Server[] = [];
  const logSeldom = createSeldomLog();
  let closing: Promise<void> | undefined;

  const httpOptions = {
    requestTimeout: 0,
    headersTimeout: limits.headersMs,
    connectionsCheckingInterval: Math.max(20, Math.min(5_000, limits.headersMs / 2)),
    keepAliveTimeout: limits.keepAliveMs,
    maxHeaderSize: limits.headerBytes,
    requireHostHeader: false,
    insecureHTTPParser: false,
    shouldUpgradeCallback: options.mayUpgrade ?? (() => false),
  };
  const plainServer = createHttpServer(httpOptions);
  const secureServer = createHttpsServer({
    ...httpOptions,
    ...secureOptions(options.identity.material()),
    ALPNProtocols: ['http/1.1'],
    handshakeTimeout: limits.handshakeMs,
  });
  const stopFollowing = options.identity.onChange((material) => {
    try {
      secureServer.setSecureContext(secureOptions(material));
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      log
        .for('tls')
        .error('certificateKept', 'TLS refused the new certificate; the old one stays', { reason });
    }
  });
  secureServer.on('secureConnection', (socket) => secured.add(socket));
  secureServer.on('tlsClientError', logHandshakeFailure);
  for (const server of [plainServer, secureServer]) prepare(server);

  function prepare(server: HttpServer): void {
    server.maxHeadersCount = maxFields;
    server.on('request', dispatch);
    server.on('checkContinue', dispatch);
    // RFC 9110 10.1.1: other expectations may be ignored.
    server.on('checkExpectation', dispatch);
    server.on('upgrade', dispatchUpgrade);
    server.on('connect', (_: IncomingMessage, socket: Duplex) => {
      refuse(socket, new AppError('METHOD_UNSUPPORTED', { message: 'This is a registry, not a proxy.' }));
      socket.resume();
    });
    server.on('clientError', onClientError);
    // Node starts the watch over slow headers on this event, and these servers never listen themselves.
    server.emit('listening');
  }

  function secureOptions(material: TlsMaterial) {
    const minVersion: SecureVersion = options.minVersion ?? 'TLSv1.2';
    const { ciphers = '' } = options;
    // An empty list would leave nothing for TLS 1.2.
    return { ...material, minVersion, honorCipherOrder: true, ...(ciphers === '' ? {} : { ciphers }) };
  }

  function onConnection(socket: Socket): void {
    if (closing !== undefined || sockets.size >= limits.connections) {
      socket.destroy();
      if (closing === undefined) logSeldom('cap', () => logCap(log, limits.connections));
      return;
    }
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    // Resets are everyday; what they cut is noticed by whoever reads or writes.
    socket.on('error', () => undefined);
    const timer = setTimeout(() => socket.destroy(), limits.firstByteMs);
    socket.once('close', () => clearTimeout(timer));
    socket.once('readable', () => {
      clearTimeout(timer);
      const bytes: Buffer | null = socket.read();
      if (bytes === null) socket.destroy();
      else direct(socket, bytes);
    });
  }

  function direct(socket: Socket, bytes: Buffer): void {
    const [first = 0] = bytes;
    const isTls = first === tlsHandshakeByte;
    if (!isTls && !isLetter(first)) socket.destroy();
    else if (!isTls && !mayBePlain(socket, options)) refusePlain(socket, bytes);
    else {
      socket.unshift(bytes);
      (isTls ? secureServer : plainServer).emit('connection', socket);
    }
  }

  function refusePlain(socket: Socket, bytes: Buffer): void {
    const message = `This registry speaks HTTPS. Use https://${authorityOf(socket, bytes)}.`;
    refuse(socket, new AppError('HTTPS_NEEDED', { message }), { Upgrade: 'TLS/1.2, HTTP/1.1' });
    socket.resume();
  }

  /** Node gives no answer to such a request: it gets one that leaves the socket as those of Node do. */
  function dispatchUpgrade(req: IncomingMessage, socket: Duplex, head: Buffer): void {
    socket.on('error', () => undefined);
    // Pipelined behind a request that is being answered: no client waits so little.
    if (underWay.has(socket) || closing !== undefined) {
      socket.destroy();
      return;
    }
    const res = new ServerResponse(req);
    res.assignSocket(socket as Socket);
    res.once('finish', () => {
      res.detachSocket(socket as Socket);
      res.emit('close');
    });
    dispatch(req, res, head);
  }

  function dispatch(req: IncomingMessage, res: ServerResponse, head?: Buffer): void {
    const { socket } = req;
    // Pipelined behind a refused request: what it says depends on how the refused one was to be read. While closing
    // only connections with a running request are left, and what comes behind that is not begun.
    if (refused.has(socket) || closing !== undefined) return;
    follow(socket, res);
    // Node loses what is pipelined behind an offer to upgrade, so that is the last request, too.
    if (framingProblem(req) !== undefined || req.headers.upgrade !== undefined) {
      refused.add(socket);
      res.shouldKeepAlive = false;
    }
    run(req, res, head).catch((error: unknown) => fail(req, res, error));
  }

  async function run(req: IncomingMessage, res: ServerResponse, head?: Buffer): Promise<void> {
    await onRequest(req, res, head);
  }

  function fail(req: IncomingMessage, res: ServerResponse, error: unknown): void {
    const reason = error instanceof Error ? (error.stack ?? error.message) : String(error);
    log.error('requestFailed', 'unexpected error', { 'err.detail': reason });
    if (res.headersSent) {
      req.socket.destroy();
      return;
    }
    res.writeHead(500, { 'Content-Type': 'application/json', Connection: 'close' });
    res.end(errorBody(new AppError('UNKNOWN')));
  }

  function follow(socket: Duplex, res: ServerResponse): void {
    const answers = underWay.get(socket) ?? new Set();
    underWay.set(socket, answers.add(res));
    res.once('close', () => {
      answers.delete(res);
      if (answers.size > 0) return;
      underWay.delete(socket);
      if (closing !== undefined || refused.has(socket)) (socket as Socket).destroySoon();
    });
  }

  /** Node calls this for broken requests and for broken sockets, at times more than once for one of them. */
  function onClientError(error: NodeJS.ErrnoException & { rawPacket?: Buffer }, socket: Duplex): void {
    if (refused.has(socket)) return;
    // Failed handshakes arrive here as well; `tlsClientError` has them.
    const isHandshake = 'encrypted' in socket && !secured.has(socket);
    const problem = isHandshake ? undefined : parserProblem(error);
    if (problem === undefined) socket.destroy();
    else refuse(socket, problem);
  }

  /**
   * Answers for the last time on this socket. Answers to earlier requests that are under way come first, and this
   * one is left out: bytes in the midst of them would be taken for theirs.
   */
  function refuse(socket: Duplex, error: AppError, headers: Readonly<Record<string, string>> = {}): void {
    if (refused.has(socket)) return;
    refused.add(socket);
    const answers = [...(underWay.get(socket) ?? [])];
    const broken = answers.find((res) => !res.req.complete);
    if (answers.length === 0 || (answers.length === 1 && broken?.headersSent === false)) {
      answerRaw(socket, error, headers);
    } else if (broken !== undefined) socket.destroy();
  }

  function answerRaw(socket: Duplex, error: AppError, headers: Readonly<Record<string, string>>): void {
    if (!socket.writable) {
      socket.destroy();
      return;
    }
    const requestId = randomUUID();
    const status = errorEntry(error.code).status ?? 500;
    const body = errorBody(error);
    socket.end(renderAnswer(status, body, { ...headers, 'X-Request-Id': requestId }));
    // Closing at once would reset the connection while the client still writes, and it would lose the answer.
    const timer = setTimeout(() => socket.destroy(), limits.lingerMs);
    socket.once('close', () => clearTimeout(timer));
    const address = plainAddress((socket as Socket).remoteAddress ?? '');
    log.debug('requestRefused', error.message, {
      'http.request.id': requestId,
      'http.request.remoteaddr': address,
      'http.response.status': status,
    });
    options.onRawError?.({ status, error, requestId, address, bytes: Buffer.byteLength(body) });
  }

  function logHandshakeFailure(error: NodeJS.ErrnoException, socket: TLSSocket): void {
    const address = plainAddress(socket.remoteAddress ?? '');
    const code = error.code ?? '';
    const hint = handshakeHint(code);
    if (hint === untrusted) options.onUntrusted?.({ address, hint });
    logSeldom(`handshake ${address} ${hint ?? ''}`, () => {
      const fields = { 'http.request.remoteaddr': address, code, ...(hint === undefined ? {} : { hint }) };
      if (hint === undefined) log.for('tls').debug('handshakeFailed', error.message, fields);
      else log.for('tls').warn('handshakeFailed', 'a client broke off the TLS handshake', fields);
    });
  }

  async function drain(drainMs: number): Promise<void> {
    stopFollowing();
    for (const server of [...listeners, plainServer, secureServer]) server.close();
    const busy = new Set([...underWay.keys()].map((socket) => endsOf(socket as Socket)));
    for (const socket of sockets) if (!busy.has(endsOf(socket))) socket.destroy();
    for (const res of [...underWay.values()].flatMap((answers) => [...answers])) {
      if (!res.headersSent) res.shouldKeepAlive = false;
    }
    const timer = setTimeout(() => {
      if (sockets.size > 0)
        log.warn('connectionsCut', 'requests that did not end in time were cut', { count: sockets.size });
      for (const socket of sockets) socket.destroy();
    }, drainMs);
    const ends = [...sockets].map((socket) => new Promise((resolve) => socket.once('close', resolve)));
    await Promise.all(ends);
    clearTimeout(timer);
  }

  function close({ drainMs }: { readonly drainMs: number }): Promise<void> {
    closing ??= drain(drainMs);
    return closing;
  }

  return {
    async listen(target) {
      const opened = await openListeners(target, socketOptions, onConnection);
      for (const server of opened) {
        server.on('error', (error) => log.error('listenerFailed', error.message));
        listeners.push(server);
      }
      return opened.map(addressOf);
    },
    addresses: () => listeners.filter((server) => server.listening).map(addressOf),
    connections: () => sockets.size,
    close,
    [Symbol.asyncDispose]: () => close({ drainMs: 0 }),
  };
}

/** TCP keep-alive finds peers that vanished; half-open, so that a client may end its side before the answer. */
const socketOptions = { noDelay: true, allowHalfOpen: true, keepAlive: true, keepAliveInitialDelay: 60_000 };

/**
 * Says what is wrong with a request that Node accepts and a registry must not, because proxies read it in another
 * way: HTTP_INVALID, URI_TOO_LONG or HEADERS_TOO_LARGE, or `undefined`. RFC 9112 sections 3.2 and 6.1.
 */
export function framingProblem(req: IncomingMessage): AppError | undefined {
  const { httpVersion, method, rawHeaders, url = '' } = req;
  // Node counts the request line into the header block: above 32 KiB it refuses before this is reached.
  if (url.length > maxTargetBytes) return new AppError('URI_TOO_LONG');
  if (rawHeaders.length > 2 * maxFields) return new AppError('HEADERS_TOO_LARGE');
  if (httpVersion !== '1.1' && httpVersion !== '1.0')
    return invalid('Its version is not HTTP/1.1 or HTTP/1.0.');
  const hosts = valuesOf(rawHeaders, 'host');
  if (hosts.length > 1) return invalid('It has more than one Host line.');
  const [host = ''] = hosts;
  if (host === '' && httpVersion === '1.1') return invalid('It has no Host line.');
  const codings = valuesOf(rawHeaders, 'transfer-encoding');
  if (codings.length > 0 && httpVersion === '1.0') return invalid('HTTP/1.0 knows no Transfer-Encoding.');
  if (codings.some((coding) => coding.toLowerCase() !== 'chunked') || codings.length > 1) {
    return invalid('The only Transfer-Encoding is chunked, once.');
  }
  // Node takes the end of such a body for seen only when more bytes follow.
  if (req.headers.upgrade !== undefined && hasBody(req))
    return invalid('It offers an upgrade and has a body.');
  if (url.includes('#')) return invalid('Its target has a fragment.');
  if (url.startsWith('/') || (url === '*' && method === 'OPTIONS')) return undefined;
  const authority = /^https?:\/\/([^/?]+)/i.exec(url)?.[1];
  if (authority === undefined) return invalid('Its target is not a path.');
  return authority.toLowerCase() === host.toLowerCase()
    ? undefined
    : invalid('Its target names another host than its Host line.');
}

function invalid(reason: string): AppError {
  return new AppError('HTTP_INVALID', { message: `The request is not valid HTTP. ${reason}` });
}

function valuesOf(rawHeaders: readonly string[], name: string): readonly string[] {
  const values: string[] = [];
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const field = rawHeaders[at] ?? '';
    if (field.length === name.length && field.toLowerCase() === name) values.push(rawHeaders[at + 1] ?? '');
  }
  return values;
}

/** What to answer to an error of Node's parser; `undefined` for errors of the socket. */
function parserProblem(error: NodeJS.ErrnoException & { readonly rawPacket?: Buffer }): AppError | undefined {
  const { code = '', rawPacket } = error;
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return new AppError('HEADERS_TOO_SLOW');
  if (code === 'HPE_HEADER_OVERFLOW') {
    // Node does not say what was too long. Bytes without a line end beyond the limit can only be the request line
    // if they begin with a method, which is certain when the packet is the first of the request.
    const lineEnd = rawPacket?.indexOf('\n') ?? -1;
    const line = lineEnd < 0 ? (rawPacket?.length ?? 0) : lineEnd;
    const isRequestLine = rawPacket !== undefined && /^[A-Z]+ /.test(rawPacket.toString('latin1', 0, 20));
    return new AppError(isRequestLine && line > maxTargetBytes ? 'URI_TOO_LONG' : 'HEADERS_TOO_LARGE');
  }
  return code.startsWith('HPE_') ? new AppError('HTTP_INVALID') : undefined;
}

function renderAnswer(status: number, body: string, headers: Readonly<Record<string, string>>): string {
  const lines = Object.entries({
    Date: new Date().toUTCString(),
    'Content-Type': 'application/json',
    'Content-Length': String(Buffer.byteLength(body)),
    Connection: 'close',
    'Docker-Distribution-Api-Version': 'registry/2.0',
    'X-Content-Type-Options': 'nosniff',
    'Content-Security-Policy': "default-src 'none'; sandbox",
    ...headers,
  }).map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 ${String(status)} ${STATUS_CODES[status] ?? ''}\r\n${lines.join('')}\r\n${body}`;
}

function mayBePlain(socket: Socket, { plain, isProxy }: Pick<FrontOptions, 'plain' | 'isProxy'>): boolean {
  const rule = plain();
  if (rule === 'off') return false;
  const peer = plainAddress(socket.remoteAddress ?? '');
  const isLocal = isLoopback(peer) && isLoopback(plainAddress(socket.localAddress ?? ''));
  return rule === 'any' || isLocal || (rule === 'proxies' && isProxy(peer));
}

export function isLoopback(address: string): boolean {
  return address === '::1' || address.startsWith('127.');
}

/** The host and port as the client wrote them, if they are in sight and harmless; else those of this end. */
function authorityOf(socket: Socket, bytes: Buffer): string {
  const head = bytes.toString('latin1', 0, maxTargetBytes);
  const asked = /\r\nhost:[ \t]*((?:[a-z0-9.-]+|\[[0-9a-f:.]+\])(?::\d{1,5})?)[ \t]*\r\n/i.exec(head)?.[1];
  if (asked !== undefined) return asked;
  const address = plainAddress(socket.localAddress ?? '');
  return `${address.includes(':') ? `[${address}]` : address}:${String(socket.localPort ?? '')}`;
}

function isLetter(byte: number): boolean {
  return (byte >= 0x41 && byte <= 0x5a) || (byte >= 0x61 && byte <= 0x7a);
}

const untrusted = 'The client does not trust the certificate authority of this registry: install it there.';

/** What a person can do about a broken handshake; `undefined` for scans, resets and slow clients. */
function handshakeHint(code: string): string | undefined {
  if (/UNKNOWN_CA|BAD_CERTIFICATE|CERTIFICATE_UNKNOWN/.test(code)) return untrusted;
  if (/CERTIFICATE_EXPIRED/.test(code))
    return 'The client thinks that the certificate has ended: compare the clocks.';
  if (/UNSUPPORTED_PROTOCOL|VERSION/.test(code)) return 'The client speaks no TLS 1.2 or newer.';
  return undefined;
}

function logCap(log: Log, connections: number): void {
  log.warn('connectionRefused', 'as many connections are open as are admitted', { connections });
}

/** Calls back at most once a minute for each key. */
function createSeldomLog(): (key: string, write: () => void) => void {
  const lastAt = new Map<string, number>();
  return (key, write) => {
    const now = performance.now();
    if (now - (lastAt.get(key) ?? Number.NEGATIVE_INFINITY) < logEveryMs) return;
    // Forgetting all of them costs a few lines more; keeping them would let strangers fill the memory.
    if (lastAt.size >= 1_000) lastAt.clear();
    lastAt.set(key, now);
    write();
  };
}

/** Equal for a TLSSocket and the socket below it. */
function endsOf({ localAddress, localPort, remoteAddress, remotePort }: Socket): string {
  return [localAddress, localPort, remoteAddress, remotePort].join(' ');
}

function addressOf(server: Server): BoundAddress {
  const { address, port } = server.address() as AddressInfo;
  return { host: address, port };
}
