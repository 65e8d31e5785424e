/**
 * What lies between somebody who publishes and somebody who reads in batches: bounded, so that a slow reader costs
 * items and never the publisher's time or memory.
 */

/** What the code here needs of an AbortSignal, which Node and browsers describe in libraries of their own. */
export interface Signal {
  readonly aborted: boolean;
  readonly reason: unknown;
  throwIfAborted(): void;
  addEventListener(type: 'abort', listener: () => void): void;
  removeEventListener(type: 'abort', listener: () => void): void;
}

// Node and browsers have these alike.
declare function setTimeout(run: () => void, ms: number): unknown;
declare function clearTimeout(timer: unknown): void;

const longestQueue = 1000;
const longestBatch = 200;

export interface QueueOptions<Item> {
  /** Makes room in a queue that has one item too many, and leaves word of what went. */
  readonly shed: (items: Item[]) => void;
  /** What is read before anything that is pushed; not bounded. */
  readonly backlog?: readonly Item[];
  /** Between two batches that are not full lie at least so many milliseconds; 0 if absent. */
  readonly everyMs?: number;
  /** Ends the queue and drops what is in it. */
  readonly signal?: Signal | undefined;
  /** Connects what publishes, and answers how to disconnect it at the end. Not called if the signal aborted before. */
  readonly open?: (queue: Queue<Item>) => () => void;
}

/** Read it with `for await`; leaving the loop ends it. */
export interface Queue<Item> extends AsyncIterable<readonly Item[]> {
  push(item: Item): void;
  /** What is in the queue is still read; then the reader is done, or gets the error. */
  end(error?: Error): void;
}

/** Makes a queue of at most 1,000 items that is read in batches of at most 200. */
export function createQueue<Item>(options: QueueOptions<Item>): Queue<Item> {
  const { shed, backlog = [], everyMs = 0, signal, open } = options;
  const items: Item[] = [];
  const state = { isOver: false, isDropped: false, isEarly: false };
  let failure: Error | undefined;
  let timer: unknown;
  let wake: () => void = () => undefined;
  let disconnect: () => void = () => undefined;

  function end(error?: Error): void {
    if (state.isOver) return;
    state.isOver = true;
    failure = error;
    clearTimeout(timer);
    signal?.removeEventListener('abort', drop);
    wake();
    disconnect();
  }

  function drop(): void {
    state.isDropped = true;
    end();
  }

  async function* read(): AsyncGenerator<readonly Item[], void> {
    for (let at = 0; at < backlog.length && !state.isDropped; at += longestBatch) {
      yield backlog.slice(at, at + longestBatch);
    }
    for (;;) {
      while (!state.isOver && items.length < (state.isEarly ? longestBatch : 1)) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      if (state.isDropped) return;
      if (items.length === 0) break;
      yield items.splice(0, longestBatch);
      waitForMore();
    }
    if (failure !== undefined) throw failure;
  }

  function waitForMore(): void {
    if (everyMs === 0 || state.isOver) return;
    state.isEarly = true;
    clearTimeout(timer);
    timer = setTimeout(() => {
      state.isEarly = false;
      wake();
    }, everyMs);
  }

  const reader = read();
  const queue: Queue<Item> = {
    push(item) {
      if (state.isOver) return;
      items.push(item);
      if (items.length > longestQueue) shed(items);
      wake();
    },
    end,
    [Symbol.asyncIterator]: () => ({
      next: () => reader.next(),
      return: () => {
        drop();
        return Promise.resolve({ done: true, value: undefined });
      },
    }),
  };
  if (signal?.aborted === true) {
    drop();
    return queue;
  }
  if (open !== undefined) disconnect = open(queue);
  if (!state.isOver) signal?.addEventListener('abort', drop);
  return queue;
}
