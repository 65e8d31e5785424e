/** Answers a function that runs the tasks of a key one after the other, and those that share no key at once. */
export function createKeyLock(): <T>(keys: readonly string[], task: () => Promise<T>) => Promise<T> {
  const last = new Map<string, Promise<unknown>>();
  return async (keys, task) => {
    // All keys at once: two tasks that share several can not wait for each other.
    const turn = Promise.allSettled(keys.flatMap((key) => last.get(key) ?? [])).then(task);
    for (const key of keys) last.set(key, turn);
    try {
      return await turn;
    } finally {
      for (const key of keys) if (last.get(key) === turn) last.delete(key);
    }
  };
}
