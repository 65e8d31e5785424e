/** The control plane of the process: its methods and topics, for every channel that is let in. */
import { randomUUID } from 'node:crypto';
import type { Feed } from '../feed/feed.ts';
import type { Sessions } from '../feed/sessions.ts';
import { recordFilter } from '../log/filter.ts';
import type { Ring } from '../log/ring.ts';
import {
  type AdminArguments,
  adminArguments,
  type AdminMethod,
  type AdminResults,
} from '../spec/admin-api.ts';
import type { Log } from '../spec/log-record.ts';
import { isAppError } from '../spec/errors.ts';
import type { Actor } from '../spec/events.ts';
import type { FirstAnswers } from '../spec/first-questions.ts';
import { createQueue } from '../spec/queue.ts';
import { shed } from '../spec/rpc.ts';
import type { Channel, TopicItems } from '../spec/rpc.ts';
import { serve } from '../spec/rpc-server.ts';
import type { CallContext, Methods, Topics } from '../spec/rpc-server.ts';

/** One function for each method; see `spec/admin-api.ts`. */
export type AdminMethods = Methods<AbortSignal>;

/** The functions of one subject, by the table of its arguments. */
export type MethodsOf<Arguments> = Pick<AdminMethods, keyof Arguments & AdminMethod>;

export interface AdminServerOptions {
  readonly methods: AdminMethods;
  readonly feed: Feed;
  readonly ring: Ring;
  readonly sessions: Pick<Sessions, 'subscribe'>;
  readonly log: Log;
}

export interface AdminServer {
  /** Serves a channel until it closes. Whoever opened the channel has checked who is there. */
  readonly connect: (channel: Channel, actor: Actor) => void;
  /**
   * Answers calls without a channel, in their order; `null` for what throws, does not fit, or takes longer than 500 ms. What
   * happens from then on is in the feed after `seq`.
   */
  readonly answer: (
    asked: readonly (readonly [method: AdminMethod, args: unknown])[],
    actor: Actor,
  ) => Promise<FirstAnswers>;
}

const everyMs = 100;
/** Who asks without a channel waits for all answers at once. */
const answerMs = 500;

/** Makes the server of all channels. */
export function createAdminServer({ methods, feed, ring, sessions, log }: AdminServerOptions): AdminServer {
  const topics: Topics<AbortSignal> = {
    feed: ({ since }, { signal }) => feed.subscribe({ since, signal }),
    sessions: (_, { signal }) => sessions.subscribe({ signal }),
    logs(filter, { signal }) {
      const isWanted = recordFilter(filter);
      return createQueue<TopicItems['logs']>({
        shed: shed.logs,
        backlog: ring.snapshot({ level: filter.level }).filter(isWanted),
        everyMs,
        signal,
        open(queue) {
          const subscription = ring.subscribe((record) => {
            if (isWanted(record)) queue.push(record);
          });
          return () => subscription[Symbol.dispose]();
        },
      });
    },
  };
  return {
    connect(channel, actor) {
      serve(channel, { methods, topics, actor, newController: () => new AbortController(), onFault });
    },
    async answer(asked, actor) {
      const { last: seq } = feed;
      const signal = AbortSignal.timeout(answerMs);
      const late = new Promise<null>((resolve) => {
        signal.addEventListener('abort', () => resolve(null), { once: true });
      });
      const values = asked.map(([method, args]) =>
        Promise.race([late, answerOne(method, args, { actor, signal })]),
      );
      return { seq, values: await Promise.all(values) };
    },
  };

  async function answerOne<M extends AdminMethod>(
    method: M,
    args: unknown,
    context: CallContext<AbortSignal>,
  ): Promise<AdminResults[M] | null> {
    const { data } = adminArguments[method].safeParse(args);
    if (data === undefined) return null;
    try {
      return await methods[method](data as AdminArguments<M>, context);
    } catch (error) {
      if (!isAppError(error) && !context.signal.aborted) onFault(error, method);
      return null;
    }
  }

  function onFault(error: unknown, name: string): string {
    const requestId = randomUUID();
    const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
    log.error('callFailed', `a call failed: ${name}`, { 'http.request.id': requestId, 'err.detail': stack });
    return requestId;
  }
}
