/**
 * What keys were last read as, up to a bound. Sound because one process holds a data directory: whoever changes a key
 * says so before and after, and what was read while a change of it was under way is not kept.
 */
export interface Remembered<T> {
  /** Answers what is kept, else reads it; `undefined` is not kept. */
  get(key: string, read: () => Promise<T | undefined>): Promise<T | undefined>;
  /** Runs a change of the key; afterwards it is read anew. */
  change<R>(key: string, act: () => Promise<R>): Promise<R>;
}

/** Remembers up to `limit` keys, the oldest going first. */
export function createRemembered<T>(limit: number): Remembered<T> {
  const kept = new Map<string, T>();
  /** How many changes of a key are under way. */
  const changing = new Map<string, number>();
  let changes = 0;

  function forget(key: string, more: 1 | -1): void {
    changes++;
    kept.delete(key);
    const underWay = (changing.get(key) ?? 0) + more;
    if (underWay > 0) changing.set(key, underWay);
    else changing.delete(key);
  }

  return {
    async get(key, read) {
      const known = kept.get(key);
      if (known !== undefined) return known;
      const before = changes;
      const found = await read();
      if (found === undefined || changes !== before || changing.has(key)) return found;
      if (kept.size >= limit) kept.delete(kept.keys().next().value ?? '');
      kept.set(key, found);
      return found;
    },
    async change(key, act) {
      forget(key, 1);
      try {
        return await act();
      } finally {
        forget(key, -1);
      }
    },
  };
}
