import { type RefObject, useLayoutEffect, useRef } from 'react';

/** Keeps the height of an element in a custom property, for those that leave room to it. */
export function useHeight(property: `--${string}`): RefObject<HTMLDivElement | null> {
  const measured = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    const element = measured.current;
    if (element === null) return undefined;
    const { style } = document.documentElement;
    const observer = new ResizeObserver(() => style.setProperty(property, `${element.offsetHeight}px`));
    observer.observe(element);
    return () => {
      observer.disconnect();
      style.removeProperty(property);
    };
  }, [property]);
  return measured;
}
