/** How much clients have moved, hour by hour. In memory: a restart begins anew. */
import type { TrafficHour } from '../spec/admin/activity.ts';

export interface Volume {
  /** Counts bytes of blobs in the present hour. */
  add(moved: { readonly bytesIn: number; readonly bytesOut: number }): void;
  /** The last 24 hours, the oldest first; the last of them is the present one, which is not over. */
  hours(): readonly TrafficHour[];
}

const hourMs = 60 * 60 * 1000;
const keptHours = 24;

/** `now` is the wall clock, in milliseconds since the epoch. */
export function createVolume(now: () => number = Date.now): Volume {
  /** By the number of the hour since the epoch. */
  const sums = new Map<number, { bytesIn: number; bytesOut: number }>();
  const present = (): number => Math.floor(now() / hourMs);

  return {
    add({ bytesIn, bytesOut }) {
      if (bytesIn + bytesOut === 0) return;
      const hour = present();
      for (const each of sums.keys()) if (each <= hour - keptHours) sums.delete(each);
      const sum = sums.get(hour) ?? { bytesIn: 0, bytesOut: 0 };
      sum.bytesIn += bytesIn;
      sum.bytesOut += bytesOut;
      sums.set(hour, sum);
    },
    hours() {
      const last = present();
      return Array.from({ length: keptHours }, (_, index) => {
        const hour = last - keptHours + 1 + index;
        return { at: new Date(hour * hourMs).toISOString(), bytesIn: 0, bytesOut: 0, ...sums.get(hour) };
      });
    },
  };
}
