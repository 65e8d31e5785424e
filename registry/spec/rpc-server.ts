/** The server of rpc.ts: checks what arrives, runs it, and gives every call and subscription an end. */
import { z } from 'zod';
import { adminArguments, topicArguments } from './admin-api.ts';
import type { AdminArguments, AdminMethod, AdminResults, Topic } from './admin-api.ts';
import { AppError, errorEntry, isAppError } from './errors.ts';
import type { Channel, TopicArguments, TopicItems, WireError } from './rpc.ts';
import type { Actor } from './events.ts';
import type { Signal } from './queue.ts';

/** What a method or topic may know besides its arguments. An abort means that nobody waits for the answer. */
export interface CallContext<S extends Signal> {
  readonly signal: S;
  readonly actor: Actor;
}

/** What runs each method. */
export type Methods<S extends Signal> = {
  readonly [M in AdminMethod]: (args: AdminArguments<M>, context: CallContext<S>) => Promise<AdminResults[M]>;
};

/** What answers the batches of each topic. They must end when the signal aborts. */
export type Topics<S extends Signal> = {
  readonly [T in Topic]: (
    args: TopicArguments<T>,
    context: CallContext<S>,
  ) => AsyncIterable<readonly TopicItems[T][]>;
};

export interface ServeOptions<S extends Signal> {
  readonly methods: Methods<S>;
  readonly topics: Topics<S>;
  /** Who is at the other end. */
  readonly actor: Actor;
  /** `() => new AbortController()`. */
  readonly newController: () => { readonly signal: S; abort(): void };
  /** Logs what was thrown and is no AppError, and answers the request id to show instead. */
  readonly onFault: (error: unknown, name: string) => string;
}

/** More than this at once is a client that has lost count. */
const mostOpen = 100;

const id = z.int().positive();
const requestSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('call'), id, method: z.string(), args: z.unknown().optional() }),
  z.strictObject({ kind: z.literal('cancel'), id }),
  z.strictObject({ kind: z.literal('subscribe'), id, topic: z.string(), args: z.unknown().optional() }),
  z.strictObject({ kind: z.literal('unsubscribe'), id }),
]);

/**
 * Answers what arrives on a channel until it closes; then everything that runs is aborted. Errors on the wire: USAGE
 * for names and arguments that do not fit, CANCELLED, UNAVAILABLE beyond 100 open calls and subscriptions, UNKNOWN
 * for a fault, and what methods throw. Noise closes the channel.
 */
export function serve<S extends Signal>(channel: Channel, options: ServeOptions<S>): void {
  const { methods, topics, actor, newController, onFault } = options;
  const open = new Map<number, { readonly signal: S; abort(): void }>();

  channel.onMessage((message) => {
    const { success, data: request } = requestSchema.safeParse(message);
    if (!success) return refuse();
    switch (request.kind) {
      case 'call':
        return start(request.id, request.method, (signal) => call(request, signal));
      case 'subscribe':
        return start(request.id, request.topic, (signal) => subscribe(request, signal));
      case 'cancel':
      case 'unsubscribe':
        // Unknown where the answer and this crossed on the way.
        open.get(request.id)?.abort();
    }
  });
  channel.onClose(() => {
    for (const controller of open.values()) controller.abort();
  });

  function refuse(): void {
    const error = new AppError('USAGE', {
      message: 'The connection is closed: a message was not of this protocol or larger than 1 MiB.',
      hint: 'Use a client of the same version as the registry.',
    });
    channel.send({ kind: 'error', id: 0, error: toWire(error) });
    channel.close();
  }

  function start(request: number, name: string, run: (signal: S) => Promise<void>): void {
    if (open.has(request)) return refuse();
    if (open.size >= mostOpen) {
      const error = new AppError('UNAVAILABLE', { message: `More than ${mostOpen} calls at once.` });
      return channel.send({ kind: 'error', id: request, error: toWire(error) });
    }
    const controller = newController();
    open.set(request, controller);
    run(controller.signal)
      .catch((error: unknown) => {
        channel.send({ kind: 'error', id: request, error: describe(error, name, controller.signal) });
      })
      .catch((error: unknown) => {
        // Not even the error could be sent.
        onFault(error, name);
        channel.close();
      })
      .finally(() => open.delete(request));
  }

  async function call(request: { id: number; method: string; args?: unknown }, signal: S): Promise<void> {
    const method = parseName(adminArguments, request.method, 'method');
    const value = await callMethod(method, request.args, signal);
    channel.send({ kind: 'ok', id: request.id, value });
  }

  function callMethod<M extends AdminMethod>(method: M, args: unknown, signal: S): Promise<AdminResults[M]> {
    const parsed = parseArguments(adminArguments[method], args, method) as AdminArguments<M>;
    return methods[method](parsed, { signal, actor });
  }

  async function subscribe(request: { id: number; topic: string; args?: unknown }, signal: S): Promise<void> {
    const topic = parseName(topicArguments, request.topic, 'topic');
    for await (const items of openTopic(topic, request.args, signal)) {
      if (signal.aborted) break;
      sendItems(request.id, items);
      await channel.ready?.();
    }
    channel.send({ kind: 'end', id: request.id });
  }

  function openTopic<T extends Topic>(
    topic: T,
    args: unknown,
    signal: S,
  ): AsyncIterable<readonly TopicItems[T][]> {
    const parsed = parseArguments(topicArguments[topic], args, topic) as TopicArguments<T>;
    return topics[topic](parsed, { signal, actor });
  }

  /** Long log records can make a batch larger than a message may be. */
  function sendItems(request: number, items: readonly unknown[]): void {
    try {
      channel.send({ kind: 'event', id: request, items });
    } catch (error) {
      if (!isAppError(error) || items.length < 2) throw error;
      const half = Math.ceil(items.length / 2);
      sendItems(request, items.slice(0, half));
      sendItems(request, items.slice(half));
    }
  }

  function describe(error: unknown, name: string, signal: Signal): WireError {
    if (isAppError(error)) return toWire(error);
    if (signal.aborted && error instanceof Error && error.name === 'AbortError') {
      return toWire(new AppError('CANCELLED'));
    }
    const requestId = onFault(error, name);
    const message = `An error inside the registry, in the request ${requestId}.`;
    return toWire(new AppError('UNKNOWN', { message, detail: { requestId } }));
  }
}

function toWire({ code, message, hint, detail }: AppError): WireError {
  return { code, message, hint, ...(detail === undefined ? {} : { detail }) };
}

function parseName<Name extends string>(
  table: Readonly<Record<Name, unknown>>,
  name: string,
  what: 'method' | 'topic',
): Name {
  if (Object.hasOwn(table, name)) return name as Name;
  // Any other text does not come from a client of some version, and is not for the terminal or the log.
  const shown = /^[a-zA-Z.]{1,64}$/.test(name) ? ` "${name}"` : ' of that name';
  throw new AppError('USAGE', {
    message: `The registry has no ${what}${shown}.`,
    hint: 'The registry may be of another version than the command: restart it.',
  });
}

/** zod quotes names of fields and what it expected, and no values unless asked to. */
function parseArguments(schema: z.ZodType, args: unknown, name: string): unknown {
  const { success, data, error } = schema.safeParse(args);
  if (success) return data;
  const issues = error.issues.slice(0, 5).map(({ path, message }) => {
    return path.length === 0 ? message : `${path.join('.')}: ${message}`;
  });
  throw new AppError('USAGE', {
    message: `The arguments of ${name} do not fit: ${issues.join('; ').slice(0, 500)}.`,
    hint: errorEntry('USAGE').action,
  });
}
