/**
 * Shared and exclusive sections per key, in the order of arrival. Pushes of a repository share it, deletes have it
 * alone, so that a manifest can rely on the content it refers to while it is written.
 */
export interface Locks {
  /** Runs `act` beside other shared sections of the key. */
  shared<T>(key: string, act: () => Promise<T>): Promise<T>;
  /** Runs `act` with no other section of the key. */
  exclusive<T>(key: string, act: () => Promise<T>): Promise<T>;
  /** Counts the sections of the key that begin, until disposed. */
  watch(key: string): Watch;
}

export interface Watch extends Disposable {
  readonly begun: number;
}

interface Queue {
  /** Resolves when the last exclusive section has ended. */
  exclusive: Promise<void>;
  /** Resolves when every section so far has ended. */
  all: Promise<void>;
  /** Sections that are not over, and watches. */
  waiting: number;
  begun: number;
}

export function createLocks(): Locks {
  const queues = new Map<string, Queue>();

  async function enter<T>(key: string, isExclusive: boolean, act: () => Promise<T>): Promise<T> {
    const queue = enqueue(key);
    const before = isExclusive ? queue.all : queue.exclusive;
    const result = before.then(() => {
      queue.begun++;
      return act();
    });
    const ended = result.then(ignore, ignore);
    if (isExclusive) queue.exclusive = queue.all = ended;
    // A key that is never idle keeps its queue, so the queue must not keep what its sections answered.
    else queue.all = Promise.all([queue.all, ended]).then(ignore);
    try {
      return await result;
    } finally {
      leave(key, queue);
    }
  }

  function enqueue(key: string): Queue {
    const fresh = { exclusive: Promise.resolve(), all: Promise.resolve(), waiting: 0, begun: 0 };
    const queue = queues.get(key) ?? fresh;
    queues.set(key, queue);
    queue.waiting++;
    return queue;
  }

  function leave(key: string, queue: Queue): void {
    queue.waiting--;
    if (queue.waiting === 0) queues.delete(key);
  }

  function watch(key: string): Watch {
    const queue = enqueue(key);
    return {
      get begun() {
        return queue.begun;
      },
      [Symbol.dispose]: () => leave(key, queue),
    };
  }

  return {
    shared: (key, act) => enter(key, false, act),
    exclusive: (key, act) => enter(key, true, act),
    watch,
  };
}

function ignore(): void {}
