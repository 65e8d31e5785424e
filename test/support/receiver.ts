/** A receiver of webhooks, as somebody would write one. */
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

/** An event as it came, and what it came with. */
export interface Received {
  readonly event: ReceivedEvent;
  readonly body: string;
  readonly headers: IncomingHttpHeaders;
}

export interface ReceivedEvent {
  readonly id: string;
  readonly timestamp: string;
  readonly action: string;
  readonly target: Readonly<Record<string, unknown>>;
  readonly request: Readonly<Record<string, unknown>>;
  readonly actor: Readonly<Record<string, unknown>>;
  readonly source: Readonly<Record<string, unknown>>;
}

export interface Receiver extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  /** Those that were taken, in the order of arrival. */
  readonly received: readonly Received[];
  /** Requests, the refused ones included. */
  requests(): number;
  /** Answers once so many were taken that the test says yes. */
  until(isEnough: (received: readonly Received[]) => boolean): Promise<void>;
  /** Answers after the next request, taken or not. */
  nextRequest(): Promise<void>;
}

export interface ReceiverOptions {
  /** 0 for a free one. */
  readonly port?: number;
  /** Answers instead of taking the event, where it answers true. */
  readonly instead?: (res: ServerResponse, req: IncomingMessage, count: number) => boolean;
}

/** Starts a receiver on 127.0.0.1. Disposing ends it with all connections. */
export async function startReceiver({ port = 0, instead }: ReceiverOptions = {}): Promise<Receiver> {
  const received: Received[] = [];
  let requests = 0;
  let changed = Promise.withResolvers<void>();
  const server = createServer((req, res) => void answer(req, res));
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');

  async function answer(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const body = await text(req).catch(() => undefined);
    requests += 1;
    if (body !== undefined && instead?.(res, req, requests) !== true) {
      const { events } = JSON.parse(body) as { readonly events: readonly ReceivedEvent[] };
      for (const event of events) received.push({ event, body, headers: req.headers });
      res.end();
    }
    changed.resolve();
    changed = Promise.withResolvers();
  }

  const { port: bound } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${bound}/hook`,
    port: bound,
    received,
    requests: () => requests,
    async until(isEnough) {
      while (!isEnough(received)) await changed.promise;
    },
    nextRequest: () => changed.promise,
    async [Symbol.asyncDispose]() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}
