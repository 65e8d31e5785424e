/**
 * How far the heap of JavaScript may grow before all of it is collected: by 24 MiB, or by half where it is large.
 *
 * V8 multiplies what is in use by a factor of its own. After a rest that leaves 16 to 24 MiB, and since the buffers of sockets
 * count as growth of the heap, an upload of 1.5 GiB started up to 103 collections of all of it; the small ones, which free
 * these buffers as well, come every 32 MiB. A factor that suits a heap of 16 MiB lets one of 33 grow to 130.
 */
import {
  constants,
  type NodeGCPerformanceDetail,
  type PerformanceEntry,
  PerformanceObserver,
} from 'node:perf_hooks';
import { getHeapStatistics, setFlagsFromString } from 'node:v8';

const roomBytes = 24 * 1024 * 1024;
/** What is in use after the start. */
const startBytes = 20 * 1024 * 1024;

/** Gives the heap its room, until it is disposed. Both are of the process: V8 has one factor for all of its heaps. */
export function holdHeapRoom(): Disposable {
  setGrowth(growthPercent(startBytes));
  // The next limit is computed by the factor that is set by then, at the end of a collection.
  const observer = new PerformanceObserver((list) => {
    if (list.getEntries().some(isOfAll)) setGrowth(growthPercent(getHeapStatistics().used_heap_size));
  });
  observer.observe({ entryTypes: ['gc'] });
  return { [Symbol.dispose]: () => observer.disconnect() };
}

/** The growth that gives a heap its room, in percent of what is in use; 300 is the most that V8 chooses. */
export function growthPercent(usedBytes: number): number {
  return Math.min(300, Math.max(50, Math.round((100 * roomBytes) / usedBytes)));
}

function setGrowth(percent: number): void {
  setFlagsFromString(`--heap-growing-percent=${percent}`);
}

function isOfAll(entry: PerformanceEntry): boolean {
  // The types of Node have the detail with some kinds of entries only.
  const { detail } = entry as { readonly detail?: NodeGCPerformanceDetail };
  return detail?.kind === constants.NODE_PERFORMANCE_GC_MAJOR;
}
