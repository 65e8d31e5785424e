/**
 * Where rows of a virtual list lie when most have one height and some another: those that wrap or are opened, whose
 * heights are known once they were shown. Of the latter the last few thousand are remembered; a row that was
 * forgotten, or was never shown, counts as one of the usual height.
 */
export interface Heights {
  /**
   * Notes the heights of rows, `undefined` for the usual one; answers whether one was another before, and calls who
   * listens then.
   */
  readonly note: (found: Iterable<readonly [number: number, height: number | undefined]>) => boolean;
  readonly subscribe: (listener: () => void) => () => void;
  readonly revision: () => number;
  readonly isEmpty: () => boolean;
  /** The places of all rows, for one state of the list. In another `look` rows have other heights. */
  readonly layOut: (rows: Rows, rowHeight: number, look: string) => Layout;
}

interface Rows {
  readonly size: number;
  readonly placeOf: (number: number) => number;
  readonly numberAt: (place: number) => number | undefined;
}

export interface Layout {
  readonly height: number;
  readonly topOf: (place: number) => number;
  readonly placeAt: (top: number) => number;
}

const mostKnown = 2000;

export function createHeights(): Heights {
  const known = new Map<number, number>();
  const listeners = new Set<() => void>();
  let revision = 0;
  let present = '';

  function set(number: number, height: number | undefined): boolean {
    if (known.get(number) === height) return false;
    known.delete(number);
    if (height === undefined) return true;
    known.set(number, height);
    if (known.size > mostKnown) {
      for (const [oldest] of known) {
        known.delete(oldest);
        if (known.size <= mostKnown / 2) break;
      }
    }
    return true;
  }

  return {
    note(found) {
      let isOther = false;
      for (const [number, height] of found) isOther = set(number, height) || isOther;
      if (!isOther) return false;
      revision += 1;
      for (const listener of listeners) listener();
      return true;
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    revision: () => revision,
    isEmpty: () => known.size === 0,
    layOut({ size, placeOf, numberAt }, rowHeight, look) {
      if (look !== present) known.clear();
      present = look;
      const places: number[] = [];
      const extras: number[] = [0];
      let extra = 0;
      for (const number of [...known.keys()].toSorted((one, other) => one - other)) {
        const place = placeOf(number);
        if (numberAt(place) !== number) continue;
        places.push(place);
        extra += (known.get(number) ?? rowHeight) - rowHeight;
        extras.push(extra);
      }
      const topOf = (place: number): number => place * rowHeight + (extras[firstAtLeast(places, place)] ?? 0);
      return {
        height: size * rowHeight + extra,
        topOf,
        placeAt(top) {
          let low = 0;
          let high = Math.max(0, size - 1);
          while (low < high) {
            const middle = Math.ceil((low + high) / 2);
            if (topOf(middle) <= top) low = middle;
            else high = middle - 1;
          }
          return low;
        },
      };
    },
  };
}

/** How many of the sorted values are smaller. */
function firstAtLeast(values: readonly number[], wanted: number): number {
  let low = 0;
  let high = values.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((values[middle] ?? 0) < wanted) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** What keeps its place on the screen: the row at the top of the view, and how far it is scrolled out of it. */
interface Anchor {
  readonly number: number;
  readonly offset: number;
  /** The last row that was there when the end was in view. */
  readonly seenTo: number;
  /** A row that was opened and is to be brought into view whole. */
  readonly opened: number | undefined;
}

/** A place that changes while nothing else has to be rendered. */
export function createAnchor(): {
  readonly get: () => Anchor;
  readonly set: (change: Partial<Anchor>) => void;
} {
  let anchor: Anchor = { number: 0, offset: 0, seenTo: -1, opened: undefined };
  return {
    get: () => anchor,
    set(change) {
      anchor = { ...anchor, ...change };
    },
  };
}
