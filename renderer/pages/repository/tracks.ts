/**
 * Lines that join the tags of one digest. Each digest that several rows have is a track; it runs from its first row to its
 * last in a lane that no other track has meanwhile. Where no lane is free a track has a number alone.
 */

export const laneCount = 4;
/** Tracks take turns with so many colours. */
const toneCount = 6;

/** What a lane shows in one row. */
export interface Segment {
  readonly tone: number;
  /** The line comes from above, goes on below. */
  readonly isUp: boolean;
  readonly isDown: boolean;
  /** The row is of this track. */
  readonly isNode: boolean;
}

export interface TrackCell {
  /** By lane; absent where it is empty. */
  readonly lanes: readonly (Segment | undefined)[];
  /** The track of the row itself; tracks are numbered from 1, from the top down. */
  readonly number?: number;
  readonly tone?: number;
}

interface Track {
  readonly number: number;
  readonly tone: number;
  readonly lane: number | undefined;
  readonly last: number;
}

const noLanes: TrackCell['lanes'] = [];

/** The cells of rows with these digests, in their order. */
export function tracksOf(digests: readonly string[]): readonly TrackCell[] {
  const last = new Map<string, number>();
  const counts = new Map<string, number>();
  for (const [index, digest] of digests.entries()) {
    last.set(digest, index);
    counts.set(digest, (counts.get(digest) ?? 0) + 1);
  }
  const tracks = new Map<string, Track>();
  const lanes: (Track | undefined)[] = Array.from({ length: laneCount });
  return digests.map((digest, index) => {
    const isShared = (counts.get(digest) ?? 0) > 1;
    const known = tracks.get(digest);
    const own = isShared ? (known ?? start(digest, index)) : undefined;
    const cell: TrackCell = {
      lanes: lanes.every((each) => each === undefined)
        ? noLanes
        : lanes.map((track) => {
            if (track === undefined) return undefined;
            const isNode = track === own;
            return {
              tone: track.tone,
              isNode,
              isUp: !(isNode && known === undefined),
              isDown: track.last > index,
            };
          }),
      ...(own === undefined ? {} : { number: own.number, tone: own.tone }),
    };
    if (own?.lane !== undefined && own.last === index) lanes[own.lane] = undefined;
    return cell;
  });

  function start(digest: string, index: number): Track {
    const free = lanes.findIndex((each) => each === undefined);
    const number = tracks.size + 1;
    const track: Track = {
      number,
      tone: (number - 1) % toneCount,
      lane: free === -1 ? undefined : free,
      last: last.get(digest) ?? index,
    };
    tracks.set(digest, track);
    if (track.lane !== undefined) lanes[track.lane] = track;
    return track;
  }
}

/** What a row below that one shows: the lines that go on. */
export function passBelow({ lanes }: TrackCell): TrackCell {
  return {
    lanes: lanes.map((segment) =>
      segment?.isDown === true ? { ...segment, isUp: true, isNode: false } : undefined,
    ),
  };
}
