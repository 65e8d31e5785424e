/** The last records of the log, for whoever looks at it live. */

import { levels } from '../spec/log-record.ts';
import type { Level, LogRecord, Subsystem } from '../spec/log-record.ts';

/** Which records are wanted: of this level and the more serious ones, of this subsystem, at or after this time. */
interface RingFilter {
  readonly level?: Level;
  readonly sys?: Subsystem;
  /** Milliseconds since the epoch. */
  readonly since?: number;
  /** The newest so many. */
  readonly limit?: number;
}

export interface Ring {
  push(record: LogRecord): void;
  /** Answers the records that match, the oldest first. */
  snapshot(filter?: RingFilter): readonly LogRecord[];
  /** Calls for every record that is pushed from here on, until disposed. The function must be quick and not throw. */
  subscribe(listen: (record: LogRecord) => void): Disposable;
}

/** Makes a ring that keeps the last `size` records; `settle` is called for those that wait before one is looked at. */
export function createRing({
  size = 5000,
  settle,
}: { readonly size?: number; readonly settle?: () => void } = {}): Ring {
  const records: LogRecord[] = [];
  const listeners = new Set<(record: LogRecord) => void>();
  let next = 0;
  return {
    push(record) {
      records[next] = record;
      next = (next + 1) % size;
      for (const listen of listeners) listen(record);
    },
    snapshot({ level = 'trace', sys, since = 0, limit = size } = {}) {
      settle?.();
      const most = levels.indexOf(level);
      const inOrder = records.length < size ? records : [...records.slice(next), ...records.slice(0, next)];
      const matching = inOrder.filter(
        (record) =>
          levels.indexOf(record.level) <= most &&
          (sys === undefined || record.sys === sys) &&
          record.at >= since,
      );
      return limit > 0 ? matching.slice(-limit) : [];
    },
    subscribe(listen) {
      // One function may be subscribed twice.
      const own = (record: LogRecord): void => {
        listen(record);
      };
      listeners.add(own);
      return { [Symbol.dispose]: () => listeners.delete(own) };
    },
  };
}
