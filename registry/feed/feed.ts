/**
 * The change feed: what happened, in order, for windows and commands that keep a view up to date.
 *
 * Sequence numbers start at the time of the start in microseconds and grow by one. So a number of another process, of
 * before or, after a clock was set back, of later, is outside of what this one has given out, and a reader who resumes
 * with it is told to read everything anew. (It would take a million events a second to catch up with the clock.)
 */
import type { FeedItem } from '../spec/admin-api.ts';
import { createQueue } from '../spec/queue.ts';
import type { Queue } from '../spec/queue.ts';
import { shed } from '../spec/rpc.ts';

/** What happened; number and time are given by the feed. */
export type FeedEvent = Omit<FeedItem, 'seq' | 'at'>;

export interface Feed {
  /** Whether somebody is subscribed. */
  readonly isRead: boolean;
  /** The number of the last event; of the start where there was none. */
  readonly last: number;
  /** Never waits and never throws, however slow the subscribers are. */
  publish(event: FeedEvent): void;
  /**
   * Answers what comes, in batches; with `since`, first what came after that number. Where some of that is no longer
   * kept, or the number is not of this process, and where the reader falls 1,000 items behind, a `reset` stands for
   * what is missing. Subscribed when it returns; ends with the signal.
   */
  subscribe(options: {
    readonly since?: number | undefined;
    readonly signal: AbortSignal;
  }): AsyncIterable<readonly FeedItem[]>;
}

export interface FeedOptions {
  /** How many items are kept for those who resume. */
  readonly ring?: number;
  /** Milliseconds since the epoch. */
  readonly now?: () => number;
}

const everyMs = 100;

/** Makes the feed of the process. */
export function createFeed({ ring = 1000, now = Date.now }: FeedOptions = {}): Feed {
  const kept: FeedItem[] = [];
  const queues = new Set<Queue<FeedItem>>();
  let last = now() * 1000;

  function stamp(event: FeedEvent, seq: number): FeedItem {
    return { ...event, seq, at: new Date(now()).toISOString() };
  }

  function missed(since: number | undefined): readonly FeedItem[] {
    if (since === undefined) return [];
    const oldest = last - kept.length;
    return since < oldest || since > last
      ? [stamp({ kind: 'reset' }, last)]
      : kept.slice(kept.length - (last - since));
  }

  return {
    get isRead() {
      return queues.size > 0;
    },
    get last() {
      return last;
    },
    publish(event) {
      const item = stamp(event, ++last);
      kept.push(item);
      if (kept.length > ring) kept.shift();
      for (const queue of queues) queue.push(item);
    },
    subscribe({ since, signal }) {
      return createQueue<FeedItem>({
        shed: shed.feed,
        backlog: missed(since),
        everyMs,
        signal,
        open(queue) {
          queues.add(queue);
          return () => queues.delete(queue);
        },
      });
    },
  };
}
