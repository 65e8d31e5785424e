/** The log of the registry as it is written, for the screen that shows it. Nothing is read while the page is hidden. */
import { useEffect, useMemo, useState, useSyncExternalStore } from 'react';
import type { LogRecord } from '../../registry/spec/log-record.ts';
import type { Client, Dropped } from '../../registry/spec/rpc.ts';
import { formatDuration, formatPlural } from '../format.ts';
import { useLinkState } from './link.ts';
import { useVisible } from './visible.ts';
import { createLogList, type LogEntry, type LogFilter, type LogList } from './log-list.ts';

export interface LogStore {
  readonly list: LogList;
  readonly setFilter: (filter: LogFilter) => void;
  readonly clear: () => void;
  /** Puts older records before the first; see `LogList`. */
  readonly prepend: (entries: readonly LogEntry[]) => number;
  readonly subscribe: (listener: () => void) => () => void;
  /** Another number whenever something else is to be shown, at most once a frame. */
  readonly revision: () => number;
  /** Why the log is not read; `undefined` while it is. */
  readonly failure: () => unknown;
  readonly read: (client: Client) => () => void;
}

/** A log that is read while it is shown. */
export interface Logs extends LogStore {
  /** Reads it again, after a failure. */
  readonly retry: () => void;
}

const mostRecords = 50_000;
const mostAFrame = 2000;
/** What waits for a frame beyond this is left out, the oldest first. */
const mostWaiting = 10_000;
const workMs = 5;

function createLogStore(): LogStore {
  const list = createLogList(mostRecords);
  const listeners = new Set<() => void>();
  let revision = 0;
  let failure: unknown;
  let waiting: LogEntry[] = [];
  let leftOut = 0;
  let frame: number | undefined;

  function changed(): void {
    revision += 1;
    for (const listener of listeners) listener();
  }

  function onFrame(): void {
    frame = undefined;
    if (leftOut > 0) {
      const at = waiting[0]?.at ?? Date.now();
      waiting.unshift({ at, gap: `${formatPlural(leftOut, 'line')} left out: more came than can be shown` });
      leftOut = 0;
    }
    list.append(waiting.splice(0, mostAFrame));
    const isDone = list.work(workMs);
    if (!isDone || waiting.length > 0) plan();
    changed();
  }

  function plan(): void {
    frame ??= requestAnimationFrame(onFrame);
  }

  function take(entries: readonly LogEntry[]): void {
    for (const entry of entries) waiting.push(entry);
    const over = waiting.length - mostWaiting;
    if (over > 0) {
      leftOut += over;
      waiting.splice(0, over);
    }
    plan();
  }

  /** Reads from the last record on; answers how to stop. */
  function read(client: Client): () => void {
    const ending = new AbortController();
    const startedAt = Date.now();
    if (failure !== undefined) {
      failure = undefined;
      changed();
    }
    void (async () => {
      const last = lastKnown();
      // Records have no names. Those of the last moment come in the same order again.
      let known = last === undefined ? 0 : countAt(last.at);
      let isFirst = last !== undefined;
      try {
        const args = {
          level: 'trace',
          ...(last === undefined ? {} : { since: new Date(last.at).toISOString() }),
        } as const;
        for await (const items of client.subscribe('logs', args, { signal: ending.signal })) {
          failure = undefined;
          const entries: LogEntry[] = [];
          for (const item of items) {
            if (!isRecord(item)) {
              const gap = `${formatPlural(item.dropped, 'line')} lost: the registry wrote faster than this window read`;
              entries.push({ at: entries.at(-1)?.at ?? Date.now(), gap });
              continue;
            }
            if (known > 0 && item.at === last?.at) {
              known -= 1;
              isFirst = false;
              continue;
            }
            if (isFirst && last !== undefined) {
              const awayMs = Math.max(0, startedAt - last.at);
              entries.push({
                at: item.at,
                gap: `Lines may be missing: nothing was read for ${formatDuration(awayMs)}`,
              });
            }
            isFirst = false;
            entries.push(item);
          }
          take(entries);
        }
      } catch (error) {
        if (ending.signal.aborted) return;
        failure = error;
        changed();
      }
    })();
    return () => ending.abort();
  }

  function lastKnown(): LogRecord | undefined {
    const last = waiting.findLast((entry) => isRecord(entry));
    return last ?? list.last();
  }

  function countAt(at: number): number {
    let count = waiting.filter((entry) => isRecord(entry) && entry.at === at).length;
    list.eachFromEnd((record) => {
      if (record.at === at) count += 1;
      return record.at === at;
    });
    return count;
  }

  return {
    list,
    setFilter(filter) {
      list.setFilter(filter);
      plan();
    },
    clear() {
      waiting = [];
      list.clear();
      changed();
    },
    prepend(entries) {
      const count = list.prepend(entries);
      plan();
      return count;
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    revision: () => revision,
    failure: () => failure,
    read,
  };
}

function isRecord(item: LogEntry | Dropped): item is LogRecord {
  return 'event' in item;
}

/** The log, read while the caller is shown. What it shows of it renders by `useRevision`, many times a second. */
export function useLogs(): Logs {
  const [store] = useState(createLogStore);
  const [attempt, setAttempt] = useState(0);
  const state = useLinkState();
  const isVisible = useVisible();
  const client = state.kind === 'open' ? state.client : undefined;
  useEffect(
    () => (client === undefined || !isVisible ? undefined : store.read(client)),
    // oxlint-disable-next-line react/exhaustive-deps -- another attempt reads anew
    [client, isVisible, store, attempt],
  );
  return useMemo(() => ({ ...store, retry: () => setAttempt((former) => former + 1) }), [store]);
}

/** Renders the caller anew whenever the log is another. */
export function useRevision(store: LogStore): void {
  useSyncExternalStore(store.subscribe, store.revision);
}
