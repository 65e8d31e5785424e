/**
 * How the control plane is spoken over any channel: the wire and its client. The server is in rpc-server.ts.
 *
 *   client -> server   call {id, method, args} | cancel {id} | subscribe {id, topic, args} | unsubscribe {id}
 *   server -> client   ok {id, value} | error {id, error} | event {id, items} | end {id}
 *
 * Each message is one JSON value with its name as `kind`. The client counts the ids up from 1; calls and subscriptions
 * share them. A call is answered by one `ok` or `error`; a subscription by events, until `end` or `error`, which it
 * gets after `unsubscribe` too. An `error` with the id 0 is about the connection, which is closed after it.
 */
import type { z } from 'zod';
import type { SessionRow } from './admin/activity.ts';
import type { AdminInput, AdminMethod, AdminResults, FeedItem, Topic, topicArguments } from './admin-api.ts';
import { AppError, errors } from './errors.ts';
import type { ErrorCode } from './errors.ts';
import type { LogRecord } from './log-record.ts';
import { createQueue } from './queue.ts';
import type { Signal } from './queue.ts';

export type Request =
  | { readonly kind: 'call'; readonly id: number; readonly method: string; readonly args?: unknown }
  | { readonly kind: 'cancel'; readonly id: number }
  | { readonly kind: 'subscribe'; readonly id: number; readonly topic: string; readonly args?: unknown }
  | { readonly kind: 'unsubscribe'; readonly id: number };

export type Reply =
  | { readonly kind: 'ok'; readonly id: number; readonly value: unknown }
  | { readonly kind: 'error'; readonly id: number; readonly error: WireError }
  | { readonly kind: 'event'; readonly id: number; readonly items: readonly unknown[] }
  | { readonly kind: 'end'; readonly id: number };

/** An AppError without its stack and its cause. */
export interface WireError {
  readonly code: string;
  readonly message: string;
  readonly hint: string;
  readonly detail?: unknown;
}

/** A message has at most so many bytes where it is written as text. */
export const maxMessageBytes = 1024 * 1024;

/**
 * How a registry that ends closes WebSockets (RFC 6455 7.4.1, "going away"): with this code, and with a reason that begins
 * like this and then names who asked for it, where somebody did.
 */
export const goingAway = { code: 1001, reason: 'the registry stops' } as const;

/** One end of a connection that carries JSON values in order: a MessagePort, a socket, a WebSocket. */
export interface Channel {
  /** Sends, or does nothing once closed. Throws USAGE if the message is larger than `maxMessageBytes`. */
  send(message: Request | Reply): void;
  /**
   * Messages go to the last function given here; none arrives before the first. What cannot be read arrives as
   * `undefined`, on which the function closes the channel.
   */
  onMessage(listener: (message: unknown) => void): void;
  /** Calls once, when either side has closed; at once if that is past. */
  onClose(listener: () => void): void;
  /** What was sent before still leaves. */
  close(): void;
  /** Resolves when what was sent has left or the channel is closed. Absent where the transport cannot tell. */
  ready?(): Promise<void>;
}

export type TopicArguments<T extends Topic> = z.output<(typeof topicArguments)[T]>;
export type TopicInput<T extends Topic> = z.input<(typeof topicArguments)[T]>;

/** Stands where a slow reader lost so many records. */
export interface Dropped {
  readonly dropped: number;
}

/** The items of each topic. */
export interface TopicItems {
  readonly feed: FeedItem;
  readonly logs: LogRecord | Dropped;
  readonly sessions: SessionRow;
}

/** How the queue of each topic makes room for a slow reader: see `createQueue`. */
export const shed: { readonly [T in Topic]: (items: TopicItems[T][]) => void } = {
  feed(items) {
    const last = items.at(-1);
    if (last !== undefined) items.splice(0, items.length, { seq: last.seq, at: last.at, kind: 'reset' });
  },
  logs(items) {
    const gone = items.slice(0, 2).map((item) => ('dropped' in item ? item.dropped : 1));
    items.splice(0, 2, { dropped: gone.reduce((sum, count) => sum + count, 0) });
  },
  /** Of each session the newest row counts: what it was before is in it. */
  sessions(items) {
    items.splice(0, items.length, ...new Map(items.map((item) => [item.id, item])).values());
  },
};

interface CallOptions {
  readonly signal?: Signal | undefined;
}

export interface Client {
  /**
   * Answers what the method answers, or throws the AppError that it threw. NOT_RUNNING: the connection is gone. An
   * abort cancels the call on the other side and throws the reason of the signal, an AbortError unless chosen.
   */
  call<M extends AdminMethod>(
    method: M,
    args: AdminInput<M>,
    options?: CallOptions,
  ): Promise<AdminResults[M]>;
  /**
   * Subscribes at once and answers the items in batches, until the server ends it, the signal aborts or the loop is
   * left. A reader that is 1,000 items behind loses some and is told so by an item. Throws like `call`.
   */
  subscribe<T extends Topic>(
    topic: T,
    args: TopicInput<T>,
    options?: CallOptions,
  ): AsyncIterable<readonly TopicItems[T][]>;
  close(): void;
}

/** What awaits the replies to one id. */
interface Waiting {
  ok(value: unknown): void;
  event(items: readonly unknown[]): void;
  end(error?: Error): void;
}

/** Makes the client of a channel. */
export function createClient(channel: Channel): Client {
  const waiting = new Map<number, Waiting>();
  let lastId = 0;
  let closed: AppError | undefined;

  function stop(reason: AppError): void {
    if (closed !== undefined) return;
    closed = reason;
    for (const each of waiting.values()) each.end(reason);
    waiting.clear();
    channel.close();
  }

  channel.onMessage((message) => {
    const reply = parseReply(message);
    if (reply === undefined) return stop(lost('The registry sent what this version does not understand.'));
    if (reply.kind === 'error' && reply.id === 0) return stop(toAppError(reply.error));
    // What was cancelled may still be answered.
    const found = waiting.get(reply.id);
    if (found === undefined) return;
    if (reply.kind === 'event') return found.event(reply.items);
    waiting.delete(reply.id);
    if (reply.kind === 'ok') found.ok(reply.value);
    else found.end(reply.kind === 'error' ? toAppError(reply.error) : undefined);
  });
  channel.onClose(() => {
    stop(lost('The registry closed the connection.'));
  });

  return {
    async call<M extends AdminMethod>(method: M, args: AdminInput<M>, { signal }: CallOptions = {}) {
      signal?.throwIfAborted();
      if (closed !== undefined) throw closed;
      const id = ++lastId;
      const { promise, resolve, reject } = Promise.withResolvers<unknown>();
      const abort = (): void => {
        waiting.delete(id);
        channel.send({ kind: 'cancel', id });
        reject(signal?.reason);
      };
      waiting.set(id, { ok: resolve, event: () => undefined, end: reject });
      signal?.addEventListener('abort', abort);
      try {
        channel.send({ kind: 'call', id, method, args });
        return (await promise) as AdminResults[M];
      } finally {
        waiting.delete(id);
        signal?.removeEventListener('abort', abort);
      }
    },
    subscribe<T extends Topic>(topic: T, args: TopicInput<T>, { signal }: CallOptions = {}) {
      return createQueue<TopicItems[T]>({
        shed: shed[topic],
        signal,
        open(queue) {
          if (closed !== undefined) {
            queue.end(closed);
            return () => undefined;
          }
          const id = ++lastId;
          channel.send({ kind: 'subscribe', id, topic, args });
          waiting.set(id, {
            ok: () => undefined,
            event(items) {
              for (const item of items) queue.push(item as TopicItems[T]);
            },
            end: (error) => queue.end(error),
          });
          return () => {
            if (waiting.delete(id)) channel.send({ kind: 'unsubscribe', id });
          };
        },
      });
    },
    close() {
      channel.close();
    },
  };
}

function lost(message: string): AppError {
  return new AppError('NOT_RUNNING', { message });
}

/** A code that only a newer registry knows keeps its words. */
function toAppError({ code, message, hint, detail }: WireError): AppError {
  const known = Object.hasOwn(errors, code) ? (code as ErrorCode) : 'UNKNOWN';
  return new AppError(known, { message, hint, detail });
}

/** The server is trusted to keep the contract; this tells its replies from noise. */
function parseReply(value: unknown): Reply | undefined {
  const fields = toRecord(value);
  if (fields === undefined || typeof fields['id'] !== 'number') return undefined;
  switch (fields['kind']) {
    case 'ok':
    case 'end':
      return value as Reply;
    case 'event':
      return Array.isArray(fields['items']) ? (value as Reply) : undefined;
    case 'error': {
      const error = toRecord(fields['error']) ?? {};
      const isWhole = ['code', 'message', 'hint'].every((name) => typeof error[name] === 'string');
      return isWhole ? (value as Reply) : undefined;
    }
    default:
      return undefined;
  }
}

function toRecord(value: unknown): Readonly<Record<string, unknown>> | undefined {
  return typeof value === 'object' && value !== null
    ? (value as Readonly<Record<string, unknown>>)
    : undefined;
}
