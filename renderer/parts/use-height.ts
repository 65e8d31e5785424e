import { type RefObject, useLayoutEffect, useRef } from 'react';
import { createShared } from '../state/shared.ts';

/** What lies over the screen at the bottom of the window. */
type Bar = 'messages' | 'foot';

/**
 * How high each of them is, in pixels. Not a custom property of the root: with each change of one Chromium computes the
 * styles of the whole document again, once more before the first paint.
 */
const heights = createShared<Readonly<Record<Bar, number>>>({ messages: 0, foot: 0 });

/** For those that leave room to them. */
export const useHeights = heights.use;

/** Measures the element of one of them. */
export function useHeight(bar: Bar): RefObject<HTMLDivElement | null> {
  const measured = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    const element = measured.current;
    if (element === null) return undefined;
    const keep = (height: number): void => {
      const former = heights.get();
      if (former[bar] !== height) heights.set({ ...former, [bar]: height });
    };
    const observer = new ResizeObserver(() => keep(element.offsetHeight));
    observer.observe(element);
    return () => {
      observer.disconnect();
      keep(0);
    };
  }, [bar]);
  return measured;
}
