/**
 * The log as the window keeps it: the last records, and which of them are shown. Records have numbers that grow by one,
 * and keep them; what falls out at the old end takes its number along. Outside of React: a screen asks for the few
 * lines that are in view.
 *
 * Whether a record is shown is judged once, in `work`, which stops when its time is over. Another filter is judged
 * beside the present one, which stays until the new one has caught up:
 *
 *     records   first ......................... end
 *     present   judged .................. to
 *     coming    judged .... to                        takes the place of `present` at `end`
 */
import { formatRecord } from '../../registry/spec/log-line.ts';
import { type Level, levels, type LogRecord, type Subsystem } from '../../registry/spec/log-record.ts';
import type { Pattern } from '../pattern.ts';

/** Stands where lines are missing. */
export interface Gap {
  readonly at: number;
  /** Which, and why. */
  readonly gap: string;
}

export type LogEntry = LogRecord | Gap;

export interface LogFilter {
  /** This level and the more serious ones. */
  readonly level: Level;
  readonly sys?: Subsystem;
  /** Milliseconds since the epoch. */
  readonly from?: number;
  readonly to?: number;
  readonly requestId?: string;
  readonly pattern?: Pattern;
  /** Lines without the pattern are shown as well. */
  readonly isHighlight: boolean;
  readonly showsChallenges: boolean;
}

export interface LogLine {
  readonly number: number;
  readonly entry: LogEntry;
  /** It has the pattern of the filter. */
  readonly isMatch: boolean;
}

export interface LogList {
  readonly append: (entries: readonly LogEntry[]) => void;
  /** Puts older ones before the first, as far as there is room; answers how many. */
  readonly prepend: (entries: readonly LogEntry[]) => number;
  readonly clear: () => void;
  readonly setFilter: (filter: LogFilter) => void;
  /** Judges for so many milliseconds; answers whether all is judged. */
  readonly work: (budgetMs: number) => boolean;
  /** All that are kept, and all that are shown. */
  readonly size: () => number;
  readonly shownSize: () => number;
  /** The line at a place among those that are shown. */
  readonly lineAt: (place: number) => LogLine | undefined;
  readonly numberAt: (place: number) => number | undefined;
  /** The place of the first shown line with this number or a greater one. */
  readonly placeOf: (number: number) => number;
  /** How many match the filter, by level; the levels it hides are counted, too. */
  readonly counts: () => Readonly<Record<Level, number>>;
  readonly matchSize: () => number;
  /** The number of the next line that has the pattern, after or before a line; round the end. */
  readonly nextMatch: (number: number, isForward: boolean) => number | undefined;
  /** How far another filter is, from 0 to 1; `undefined` while there is none. */
  readonly progress: () => number | undefined;
  /** The first and the last record, gaps aside. */
  readonly first: () => LogRecord | undefined;
  readonly last: () => LogRecord | undefined;
  /** Records from the end on, the newest first, while the function answers true. */
  readonly eachFromEnd: (take: (record: LogRecord) => boolean) => void;
}

export function isGap(entry: LogEntry): entry is Gap {
  return 'gap' in entry;
}

/** The first request of a client has no login: its 401 asks for one, and is no event for a person. */
export function isChallenge({ event }: LogRecord): boolean {
  return event === 'challenge';
}

export function requestIdOf({ fields }: LogRecord): string | undefined {
  const id = fields['http.request.id'];
  return typeof id === 'string' ? id : undefined;
}

/** A record as a line of the log file, without its end. */
export function lineOf(entry: LogEntry, format: 'text' | 'json' = 'text'): string {
  return isGap(entry) ? '' : formatRecord(entry, format).slice(0, -1);
}

/** Numbers in growing order that leave at the old end. */
interface Numbers {
  readonly push: (number: number) => void;
  readonly drop: (below: number) => void;
  readonly size: () => number;
  readonly at: (place: number) => number | undefined;
  readonly placeOf: (number: number) => number;
}

function createNumbers(capacity: number): Numbers {
  const slots = new Int32Array(capacity);
  let head = 0;
  let size = 0;
  const at = (place: number): number => slots[(head + place) % capacity] ?? 0;
  return {
    push(number) {
      slots[(head + size) % capacity] = number;
      size += 1;
    },
    drop(below) {
      while (size > 0 && at(0) < below) {
        head = (head + 1) % capacity;
        size -= 1;
      }
    },
    size: () => size,
    at: (place) => (place >= 0 && place < size ? at(place) : undefined),
    placeOf(number) {
      let low = 0;
      let high = size;
      while (low < high) {
        const middle = (low + high) >>> 1;
        if (at(middle) < number) low = middle + 1;
        else high = middle;
      }
      return low;
    },
  };
}

const none = 255;
const matches = 128;

/** What one filter makes of the records. */
interface View {
  readonly filter: LogFilter;
  /** The number of the first record that is not judged. */
  judgedTo: number;
  readonly shown: Numbers;
  readonly matching: Numbers;
  readonly counts: number[];
  /** By slot: the index of the level of a record that is counted, or `none`. */
  readonly counted: Uint8Array;
}

const judgedBetweenLooks = 64;

/** Keeps the newest `capacity` entries. */
export function createLogList(capacity: number): LogList {
  // Numbers of older records are smaller, and those of slots must not be negative.
  const origin = capacity * 4;
  let entries: LogEntry[] = [];
  let first = origin;
  let end = origin;
  let present = viewOf({ level: 'trace', isHighlight: false, showsChallenges: false });
  let coming: View | undefined;

  const entryOf = (number: number): LogEntry | undefined => entries[number % capacity];

  function viewOf(filter: LogFilter): View {
    return {
      filter,
      judgedTo: first,
      shown: createNumbers(capacity),
      matching: createNumbers(capacity),
      counts: levels.map(() => 0),
      counted: new Uint8Array(capacity).fill(none),
    };
  }

  function judge(view: View): void {
    const number = view.judgedTo;
    view.judgedTo += 1;
    const entry = entryOf(number);
    if (entry === undefined) return;
    const slot = number % capacity;
    view.counted[slot] = none;
    if (isGap(entry)) return view.shown.push(number);
    const { filter } = view;
    if (!isAdmitted(entry, filter)) return;
    const isMatch = filter.pattern?.test(lineOf(entry)) ?? false;
    if (filter.pattern !== undefined && !filter.isHighlight && !isMatch) return;
    const rank = levels.indexOf(entry.level);
    view.counted[slot] = rank;
    view.counts[rank] = (view.counts[rank] ?? 0) + 1;
    if (rank > levels.indexOf(filter.level)) return;
    view.shown.push(number);
    if (!isMatch) return;
    view.matching.push(number);
    view.counted[slot] = rank | matches;
  }

  function forget(number: number): void {
    for (const view of [present, coming]) {
      if (view === undefined) continue;
      if (number >= view.judgedTo) {
        view.judgedTo = number + 1;
        continue;
      }
      const rank = view.counted[number % capacity] ?? none;
      if (rank !== none) view.counts[rank & ~matches] = (view.counts[rank & ~matches] ?? 1) - 1;
      view.shown.drop(number + 1);
      view.matching.drop(number + 1);
    }
  }

  return {
    append(added) {
      for (const entry of added) {
        if (end - first === capacity) {
          forget(first);
          first += 1;
        }
        entries[end % capacity] = entry;
        end += 1;
      }
    },
    prepend(added) {
      const taken = added.slice(-Math.min(capacity - (end - first), first));
      if (taken.length === 0 || end - first === capacity) return 0;
      first -= taken.length;
      for (const [index, entry] of taken.entries()) entries[(first + index) % capacity] = entry;
      // What was judged begins later: the same filter has to begin anew.
      coming = viewOf((coming ?? present).filter);
      return taken.length;
    },
    clear() {
      const { filter } = coming ?? present;
      entries = [];
      first = end;
      coming = undefined;
      present = viewOf(filter);
    },
    setFilter(filter) {
      coming = viewOf(filter);
    },
    work(budgetMs) {
      const until = performance.now() + budgetMs;
      for (;;) {
        const view = coming ?? present;
        for (let count = 0; count < judgedBetweenLooks && view.judgedTo < end; count += 1) judge(view);
        if (view.judgedTo === end) {
          present = view;
          coming = undefined;
          return true;
        }
        if (performance.now() >= until) return false;
      }
    },
    size: () => end - first,
    shownSize: () => present.shown.size(),
    lineAt(place) {
      const number = present.shown.at(place);
      const entry = number === undefined ? undefined : entryOf(number);
      if (number === undefined || entry === undefined) return undefined;
      const rank = present.counted[number % capacity] ?? none;
      return { number, entry, isMatch: rank !== none && (rank & matches) !== 0 };
    },
    numberAt: (place) => present.shown.at(place),
    placeOf: (number) => present.shown.placeOf(number),
    counts: () =>
      Object.fromEntries(levels.map((level, rank) => [level, present.counts[rank] ?? 0])) as Record<
        Level,
        number
      >,
    matchSize: () => present.matching.size(),
    nextMatch(number, isForward) {
      const { matching } = present;
      const size = matching.size();
      if (size === 0) return undefined;
      const place = isForward ? matching.placeOf(number + 1) : matching.placeOf(number) - 1;
      return matching.at((place + size) % size);
    },
    progress: () => (coming === undefined ? undefined : (coming.judgedTo - first) / Math.max(1, end - first)),
    first() {
      for (let number = first; number < end; number += 1) {
        const entry = entryOf(number);
        if (entry !== undefined && !isGap(entry)) return entry;
      }
      return undefined;
    },
    last() {
      for (let number = end - 1; number >= first; number -= 1) {
        const entry = entryOf(number);
        if (entry !== undefined && !isGap(entry)) return entry;
      }
      return undefined;
    },
    eachFromEnd(take) {
      for (let number = end - 1; number >= first; number -= 1) {
        const entry = entryOf(number);
        if (entry !== undefined && !isGap(entry) && !take(entry)) return;
      }
    },
  };
}

/** All but the level, which is counted before it hides, and the pattern, which costs most. */
function isAdmitted(record: LogRecord, filter: LogFilter): boolean {
  const { sys, from = 0, to = Number.POSITIVE_INFINITY, requestId, showsChallenges } = filter;
  return (
    record.at >= from &&
    record.at <= to &&
    (sys === undefined || record.sys === sys) &&
    (requestId === undefined || requestIdOf(record) === requestId) &&
    (showsChallenges || requestId !== undefined || !isChallenge(record))
  );
}
