import type { Bounds } from './preference-values.ts';

/** So much of the title bar has to be on a screen that a person can take hold of it. */
const grip = { width: 100, height: 30 };

/** The bounds that the window had, if one of the screens there are now still shows its upper edge. */
export function boundsOnScreen(
  bounds: Bounds | undefined,
  screens: readonly Readonly<Bounds>[],
): Bounds | undefined {
  if (bounds === undefined) return undefined;
  const isReachable = screens.some(
    ({ x, y, width, height }) =>
      Math.min(bounds.x + bounds.width, x + width) - Math.max(bounds.x, x) >= grip.width &&
      bounds.y >= y &&
      bounds.y + grip.height <= y + height,
  );
  return isReachable ? bounds : undefined;
}
