/**
 * Shared and exclusive sections per key, in the order of arrival. Pushes of a repository share it, deletes have it
 * alone, so that a manifest can rely on the content it refers to while it is written.
 */
export interface Locks {
  /** Runs `act` beside other shared sections of the key. */
  shared<T>(key: string, act: () => Promise<T>): Promise<T>;
  /** Runs `act` with no other section of the key. */
  exclusive<T>(key: string, act: () => Promise<T>): Promise<T>;
}

interface Queue {
  /** Resolves when the last exclusive section has ended. */
  exclusive: Promise<void>;
  /** Resolves when every section so far has ended. */
  all: Promise<void>;
  waiting: number;
}

export function createLocks(): Locks {
  const queues = new Map<string, Queue>();

  async function enter<T>(key: string, isExclusive: boolean, act: () => Promise<T>): Promise<T> {
    const queue = queues.get(key) ?? { exclusive: Promise.resolve(), all: Promise.resolve(), waiting: 0 };
    queues.set(key, queue);
    queue.waiting++;
    const before = isExclusive ? queue.all : queue.exclusive;
    const result = before.then(act);
    const ended = result.then(ignore, ignore);
    if (isExclusive) queue.exclusive = queue.all = ended;
    // A key that is never idle keeps its queue, so the queue must not keep what its sections answered.
    else queue.all = Promise.all([queue.all, ended]).then(ignore);
    try {
      return await result;
    } finally {
      queue.waiting--;
      if (queue.waiting === 0) queues.delete(key);
    }
  }

  return {
    shared: (key, act) => enter(key, false, act),
    exclusive: (key, act) => enter(key, true, act),
  };
}

function ignore(): void {}
