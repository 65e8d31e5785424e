/**
 * Rows of a listing as sorted texts, the most compact form that the language has, and the last listings that were asked
 * for. They are kept in memory and not on disk: a look changes nothing, also of a registry that is read-only, and what is
 * dropped costs one more reading.
 */
import { setImmediate as turn } from 'node:timers/promises';
import type { Digest } from '../spec/digest.ts';
import { AppError } from '../spec/errors.ts';
import { createLocks } from '../store/locks.ts';

export interface RowLimits {
  readonly rows: number;
  /** Characters of all rows together. */
  readonly characters: number;
}

/** Lets others run where this has kept the thread for some milliseconds; throws what the signal aborts with. */
export type Pause = () => Promise<void>;

const sliceMs = 4;

export function createPause(signal: AbortSignal): Pause {
  let since = performance.now();
  return async () => {
    if (performance.now() - since < sliceMs) return;
    await turn();
    signal.throwIfAborted();
    since = performance.now();
  };
}

/** How many cheap steps go between two looks at the clock. */
export const stepsPerPause = 256;

export interface RowSorter {
  /** Throws CONTENT_TOO_LARGE above the limits. */
  add(row: string): void;
  /** All rows by their UTF-16 units. */
  sorted(pause: Pause): Promise<readonly string[]>;
}

const runLength = 512;

/** Sorts in runs as the rows come and merges them in the end, since to sort them at once would hold up everybody. */
export function createRowSorter({ rows, characters }: RowLimits): RowSorter {
  const runs: string[][] = [];
  let run: string[] = [];
  let rowsLeft = rows;
  let charactersLeft = characters;

  function finishRun(): void {
    runs.push(run.toSorted(byUnits));
    run = [];
  }

  return {
    add(row) {
      rowsLeft -= 1;
      charactersLeft -= row.length;
      if (rowsLeft < 0) throw tooLarge(`it has more than ${rows} entries`);
      if (charactersLeft < 0) throw tooLarge(`its names have more than ${characters} characters`);
      run.push(row);
      if (run.length === runLength) finishRun();
    },
    async sorted(pause) {
      finishRun();
      let level = runs;
      while (level.length > 1) {
        const next: string[][] = [];
        for (let at = 0; at < level.length; at += 2)
          next.push(await merge(level[at] ?? [], level[at + 1] ?? [], pause));
        level = next;
      }
      return level[0] ?? [];
    },
  };
}

async function merge(a: readonly string[], b: readonly string[], pause: Pause): Promise<string[]> {
  const merged: string[] = [];
  for (let atA = 0, atB = 0; atA < a.length || atB < b.length;) {
    const [one, other] = [a[atA], b[atB]];
    if (other === undefined || (one !== undefined && one <= other)) {
      if (one !== undefined) merged.push(one);
      atA += 1;
    } else {
      merged.push(other);
      atB += 1;
    }
    if (merged.length % stepsPerPause === 0) await pause();
  }
  return merged;
}

function byUnits(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** The place of the first row that is not before the text. */
export function lowerBound(rows: readonly string[], text: string): number {
  let low = 0;
  let high = rows.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((rows[middle] ?? '') < text) low = middle + 1;
    else high = middle;
  }
  return low;
}

export interface Kept<Listing> {
  /** Answers what is kept, else makes it; calls for one digest take turns, and so do two of all makings. */
  get(digest: Digest, make: () => Promise<Listing>): Promise<Listing>;
}

/** Keeps the listings that were used last, up to a number and a sum of characters. */
export function createKept<Listing extends { readonly rows: readonly string[] }>({
  listings,
  characters,
}: {
  readonly listings: number;
  readonly characters: number;
}): Kept<Listing> {
  const kept = new Map<Digest, { readonly listing: Listing; readonly weight: number }>();
  const locks = createLocks();
  let weights = 0;
  let lane = 0;

  function find(digest: Digest): Listing | undefined {
    const found = kept.get(digest);
    if (found === undefined) return undefined;
    kept.delete(digest);
    kept.set(digest, found);
    return found.listing;
  }

  function keep(digest: Digest, listing: Listing): void {
    const weight = listing.rows.reduce((sum, row) => sum + row.length, 0);
    kept.set(digest, { listing, weight });
    weights += weight;
    for (const [oldest, entry] of kept) {
      if (kept.size <= listings && weights <= characters) break;
      kept.delete(oldest);
      weights -= entry.weight;
    }
  }

  return {
    get: (digest, make) =>
      locks.exclusive(digest, async () => {
        const known = find(digest);
        if (known !== undefined) return known;
        lane = 1 - lane;
        const listing = await locks.exclusive(`lane ${lane}`, make);
        keep(digest, listing);
        return listing;
      }),
  };
}

/** A listing, or a document, that is larger than what is read for a look. */
export function tooLarge(what: string): AppError {
  return new AppError('CONTENT_TOO_LARGE', { message: `The content is too large to be shown: ${what}.` });
}
