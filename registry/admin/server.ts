/** The control plane of the process: its methods and topics, for every channel that is let in. */
import { randomUUID } from 'node:crypto';
import type { Feed } from '../feed/feed.ts';
import type { Sessions } from '../feed/sessions.ts';
import { recordFilter } from '../log/filter.ts';
import type { Ring } from '../log/ring.ts';
import type { AdminMethod } from '../spec/admin-api.ts';
import type { Log } from '../spec/log-record.ts';
import type { Actor } from '../spec/events.ts';
import { createQueue } from '../spec/queue.ts';
import { shed } from '../spec/rpc.ts';
import type { Channel, TopicItems } from '../spec/rpc.ts';
import { serve } from '../spec/rpc-server.ts';
import type { Methods, Topics } from '../spec/rpc-server.ts';

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
}

const everyMs = 100;

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
  };

  function onFault(error: unknown, name: string): string {
    const requestId = randomUUID();
    const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
    log.error('callFailed', `a call failed: ${name}`, { 'http.request.id': requestId, 'err.detail': stack });
    return requestId;
  }
}
