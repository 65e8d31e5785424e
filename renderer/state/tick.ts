import { useEffect, useState } from 'react';

/** The time in milliseconds since the epoch, anew each second while it is wanted; for what counts seconds. */
export function useSeconds(isWanted: boolean): number {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    if (!isWanted) return undefined;
    const look = (): void => setNow(Date.now());
    look();
    const timer = setInterval(look, 1000);
    return () => clearInterval(timer);
  }, [isWanted]);
  return now;
}
