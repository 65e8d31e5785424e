import { useSyncExternalStore } from 'react';

/** A value that several parts of the window show and anything may change. */
export interface Shared<Value> {
  readonly get: () => Value;
  readonly set: (next: Value) => void;
  /** The value; the part that asks is shown anew with each other one. */
  readonly use: () => Value;
}

export function createShared<Value>(first: Value): Shared<Value> {
  let value = first;
  const listeners = new Set<() => void>();
  const get = (): Value => value;
  const subscribe = (listener: () => void) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  };
  return {
    get,
    set(next) {
      value = next;
      for (const listener of listeners) listener();
    },
    use: () => useSyncExternalStore(subscribe, get),
  };
}
